//! Claim: with the packs on, what is neither personal nor secret stays as it is, and what is goes, in the forms
//! in which people and programs write it. Each line was once wrong, or is one of its kind.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use scrub_common::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

static PACKS: LazyLock<hub_scrub::RuleSet> = LazyLock::new(|| {
    load("[[pack]]\nname = \"pci\"\n[[pack]]\nname = \"pii\"\n[[pack]]\nname = \"secrets\"\n")
});

fn stays(all: &[Value]) {
    let changed = all.iter().filter(|one| scrubbed(&PACKS, one) != **one);
    let changed: Vec<_> = changed.map(|one| (one, scrubbed(&PACKS, one))).collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

fn becomes(all: &[(Value, Value)]) {
    for (one, wanted) in all {
        assert_eq!(&scrubbed(&PACKS, one), wanted, "{one}");
    }
}

#[test]
fn random_identifiers_are_no_secrets() {
    stays(&[
        json!({ "id": "V1StGXR8_Z5jdHi6B-myT" }),
        json!({ "payment": concat!("ch_", "3NtP8wLk2Jx7Vb4Q0mZ9yRcT") }),
        json!({ "account": "acct_1032D82eZvKYlo2C", "ksuid": "0ujtsYcgvSTl8PAuAdqWYSMnLOv" }),
        json!({ "integrity": "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC" }),
        json!({ "etag": "W/\"3f80f-1b6-3e1cb03b\"", "version_id": "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY" }),
        json!("SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"),
        json!("https://nvd.example.gov/vuln/detail/CVE-2022-25883"),
        json!({ "trace": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }),
    ]);
}

#[test]
fn digits_of_identifiers_times_and_goods_are_no_numbers_of_persons() {
    stays(&[
        json!("arn:aws:iam::012345678912:role/x"),
        json!({ "upc": "036000291452" }),
        json!("order 0104839201 shipped"),
        json!({ "zip": "02165-7978" }),
        json!({ "numeric_id": 482_910_375, "automobile_id": 482_910_375 }),
        json!("numeric code 482910375"),
        json!({ "build": "202608230005" }),
        json!("backup_202608230021.tar.gz"),
        json!("320 640 1280"),
        json!({ "last_call": 1_747_731_000, "phone_verified_at": 1_747_731_000 }),
        json!("bytes 506356-5190728/19782190"),
        json!({ "order_id": "4539148803436467", "order": 4_539_148_803_436_467_u64 }),
        json!("order 4539148803436467"),
        json!({ "version": "1.4.0.17" }),
        json!("this is version 1.4.0.17"),
        json!("DE89 3704 0044 0532 0130 01"),
    ]);
}

#[test]
fn names_and_paths_with_a_sign_are_no_addresses() {
    stays(&[
        json!("git@github.com:org/repo"),
        json!("user@1000.service"),
        json!("left-pad@1.3.0.tgz"),
        json!("logo@1.5x.png"),
        json!({ "message_id": "<20260823.1234@mail.example>" }),
        json!("e2e::add"),
    ]);
}

#[test]
fn a_key_with_a_word_of_a_secret_in_front_names_none() {
    stays(&[
        json!({ "secretary_doc": "a1b2c3d4e5f6a7b8c9d0" }),
        json!({ "partition_key": "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6", "cache_key": "user:17:Zx9Lm2Vb8Kt4Rw6Yp1Nc3" }),
        json!({ "idempotency_key": "Zx9Lm2Vb8Kt4Rw6Yp1Nc3Jd5", "key": "eu" }),
        json!({ "token_count": 512, "secret_name": "orders", "password_changed_at": "2026-01-02" }),
        json!({ "usage": { "total_tokens": 512, "max_tokens": 1024 }, "nextPageToken": "CAUQAA" }),
    ]);
}

#[test]
fn a_key_names_a_secret_by_its_last_words() {
    becomes(&[
        (json!({ "redis_password": "hunter2" }), json!({ "redis_password": "***" })),
        (json!({ "JWT_SECRET": "topsecret" }), json!({ "JWT_SECRET": "***" })),
        (json!({ "secrets": { "a": "b" } }), json!({ "secrets": { "a": "***" } })),
        (json!({ "tokens": ["a"] }), json!({ "tokens": ["***"] })),
        (
            json!({ "credentials": { "type": "iam", "value": "x", "expires_in": 60 } }),
            json!({ "credentials": { "type": "iam", "value": "***", "expires_in": 60 } }),
        ),
    ]);
}

#[test]
fn text_with_a_structure_is_read_by_it() {
    let text = |one: &str, wanted: &str| (json!(one), json!(wanted));
    becomes(&[
        text("Password=hunter2;", "Password=[secret];"),
        text("?password=hunter2", "?password=[secret]"),
        text("Authorization: Basic YW5uOmh1bnRlcjI=", "Authorization: Basic [secret]"),
        text(
            "Authorization: Bearer 3fea8b0f5d6c4e7a9b1d2c3e4f5a6b7c",
            "Authorization: Bearer [secret]",
        ),
        text("Cookie: a=1; session=2", "Cookie: [secret]"),
        text("Cookie: pref=\"x\"; sid=hunter2", "Cookie: [secret]"),
        text(
            "Authorization: Digest username=\"ann\", response=\"66\"",
            "Authorization: Digest [secret]",
        ),
        text("curl -H 'Cookie: a=1; b=2' x", "curl -H 'Cookie: [secret]' x"),
        text("curl -u ann:hunter2 x", "curl -u ann:[secret] x"),
        text("curl -X GET --user ann:hunter2 x", "curl -X GET --user ann:[secret] x"),
        text("user[password]=hunter2&a=1", "user[password]=[secret]&a=1"),
        text("пароль=hunter2", "пароль=[secret]"),
        text("κωδικός πρόσβασης=hunter2", "κωδικός πρόσβασης=[secret]"),
        text("токен: abc123, секрет=abc123", "токен: [secret], секрет=[secret]"),
        text("密码=hunter2", "密码=[secret]"),
        text("AKIAQYLPMN5HHHFPZAM2: 42 requests", "[secret]: 42 requests"),
        text("mysql --password=hunter2 db", "mysql --password=[secret] db"),
        text(r#"{"password":"hunter2"}"#, r#"{"password":"[secret]"}"#),
        text(r#"{\"api_key\": \"hunter2\"}"#, r#"{\"api_key\": \"[secret]\"}"#),
        text("jdbc:x://h/d?user=a&password=b", "jdbc:x://h/d?user=a&password=[secret]"),
        text("host=db user=app password='a b' x=1", "host=db user=app password='[secret]' x=1"),
    ]);
    stays(&[
        json!("token: expired"),
        json!("the next page token: CAUQAA"),
        json!("password = ${PASSWORD}"),
        json!("if token == other"),
        json!("auth::token::new"),
        json!("12:30:45 token refreshed"),
        json!("docker run -u 1000:1000 image"),
        json!("[secret]: 42 requests, [secret]=17"),
    ]);
}

#[test]
fn a_telephone_number_under_its_key_goes_in_whatever_form() {
    for number in ["9472 7916", "451 5986", "94727916", "030/901820", "07911123456", "13812345678"]
    {
        let gone = scrubbed(&PACKS, &json!({ "phone": number }));
        assert_eq!(gone["phone"].as_str().unwrap(), "*".repeat(number.len()), "{number}");
    }
    let gone = scrubbed(&PACKS, &json!({ "mobile": 94_727_916 }));
    assert_eq!(gone, json!({ "mobile": "********" }));
    stays(&[json!({ "phone": "yes" }), json!({ "phone": { "type": "home", "verified": true } })]);
}

#[test]
fn random_text_near_a_word_goes_whatever_its_letters() {
    for secret in [
        "q9zx7lm2vb8kt4rw6yp1nc3jd5hf0gs2",
        "Q9ZX7LM2VB8KT4RW6YP1NC3JD5HF0GS2",
        "q9Zx7Lm2Vb8Kt4Rw6Yp1Nc3Jd5Hf0Gsq9Zx7Lm2Vb8Kt4Rw6Yp1Nc3Jd5Hf0Gsa1",
    ] {
        let text = |secret: &str| json!(format!("the api key is {secret}"));
        assert_eq!(scrubbed(&PACKS, &text(secret)), text("[secret]"), "{secret}");
    }
}

#[test]
fn cards_and_addresses_go_in_the_forms_that_programs_write() {
    becomes(&[
        (json!("4539 5787-6362 1486"), json!("*******************")),
        (json!("card 41 11 11 11 11 11 11 11"), json!(format!("card {}", "*".repeat(23)))),
        (json!("2001:db8:9:77::5:49255"), json!("2001:db8:9:::49255")),
    ]);
}
