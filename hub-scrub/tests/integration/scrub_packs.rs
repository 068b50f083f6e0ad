//! Claim: the packs that come with Hub load, together too, and find what they say.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use scrub_common::*;
use serde_json::json;

fn packs(names: &[&str]) -> hub_scrub::RuleSet {
    let pack = |name: &&str| format!("[[pack]]\nname = \"{name}\"\n");
    load(&names.iter().map(pack).collect::<String>())
}

#[test]
fn each_pack_loads_alone_and_with_the_others() {
    for names in [
        &["pci"][..],
        &["pii"],
        &["secrets"],
        &["pci", "pii", "secrets"],
        &["secrets", "pii", "pci"],
    ] {
        assert!(packs(names).rules().count() > 2, "{names:?}");
    }
}

#[test]
fn an_order_loses_what_is_sensitive_and_nothing_else() {
    let rules = packs(&["pci", "pii", "secrets"]);
    let order = json!({
        "id": 41_111, "placed": "2024-03-01T10:20:30Z", "total": 99.95,
        "customer": { "name": "Ann", "email": "ann@mail.example", "phone": "2125550187", "ip": "192.0.2.77", "dob": "1990-01-02" },
        "card": { "number": "4111 1111 1111 1111", "cvc": "123", "holder": "Ann" },
        "items": [{ "sku": "A-1", "price": 9.5 }, { "sku": "B-22", "price": 0.45 }],
        "note": "call +49 30 901820, pay to DE89 3704 0044 0532 0130 00",
        "api_key": "AKIAQYLPMN5HHHFPZAM2"
    });
    assert_eq!(
        scrubbed(&rules, &order),
        json!({
            "id": 41_111, "placed": "2024-03-01T10:20:30Z", "total": 99.95,
            "customer": { "name": "Ann", "email": "****************", "phone": "**********", "ip": "192.0.2.0", "dob": "***" },
            "card": { "number": "*******************", "holder": "Ann" },
            "items": [{ "sku": "A-1", "price": 9.5 }, { "sku": "B-22", "price": 0.45 }],
            "note": "call *************, pay to **********************30 00",
            "api_key": "***"
        })
    );
}

#[test]
fn what_looks_like_something_and_is_nothing_stays() {
    let rules = packs(&["pci", "pii", "secrets"]);
    for text in [
        // No social security number has the area 000, and the header of a JWT is public.
        "000-12-3456",
        "ssn 000-12-3456",
        "eyJhbGciOiJIUzI1NiJ9",
        "secret eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 and no more",
    ] {
        assert_eq!(scrubbed(&rules, &json!(text)), json!(text));
    }
    for text in [
        "secret eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9q9Zx7Lm2Vb8Kt4Rw6Yp1Nc3Jd5Hf0Gs",
        "078-05-1120",
    ] {
        assert_ne!(scrubbed(&rules, &json!(text)), json!(text));
    }
}

#[test]
fn full_width_digits_and_hidden_characters_are_seen_through() {
    let rules = packs(&["pci"]);
    assert_eq!(scrubbed(&rules, &json!("４１１１ 1111 1111 1111 ok")), "******************* ok");
    assert_eq!(
        scrubbed(&rules, &json!("4111\u{200b}1111\u{200b}1111\u{200b}1111 ok")),
        "******************* ok"
    );
}

#[test]
fn single_rules_of_a_pack_can_be_changed() {
    let rules = load(
        r#"
        [[pack]]
        name = "pii"
        [pack.rules]
        phone = { off = true }
        email = { action = "drop" }
        address-of-a-machine = { mode = "shadow" }
        born = { topics = ["persons.**"] }
        "#,
    );
    let event = json!({
        "note": "+49 30 901820", "mail": "ann@mail.example", "from": "192.0.2.77", "dob": "1990-01-02"
    });
    assert_eq!(
        scrubbed(&rules, &event),
        json!({ "note": "+49 30 901820", "from": "192.0.2.77", "dob": "1990-01-02" })
    );
    assert!(rules.rules().all(|(name, _)| name != "pii/phone"));
}

#[test]
fn a_strict_pack_acts_on_what_is_only_possible() {
    let text = json!({ "note": "601 234 567", "id": "V1StGXR8_Z5jdHi6B-myT" });
    assert_eq!(scrubbed(&packs(&["pii", "secrets"]), &text), text);
    let strict = load(
        "[[pack]]\nname = \"pii\"\nstrict = true\n[[pack]]\nname = \"secrets\"\nstrict = true\n",
    );
    assert_eq!(scrubbed(&strict, &text), json!({ "note": "***********", "id": "[secret]" }));
    let but_one = load(
        "[[pack]]\nname = \"pii\"\nstrict = true\nrules.phone.confidence = \"likely\"\n\
         [[pack]]\nname = \"secrets\"\nstrict = true\n",
    );
    assert_eq!(scrubbed(&but_one, &text), json!({ "note": "601 234 567", "id": "[secret]" }));
}

#[test]
fn what_is_wrong_with_a_pack_is_said_once_and_with_what_to_write() {
    let pack = |more: &str| errors(&format!("[[pack]]\nname = \"pii\"\n{more}"));
    assert_eq!(
        pack("topics = [\"a..b\"]"),
        "rules.toml:3: `pack.pii.topics`: empty token at byte 2"
    );
    assert_eq!(
        pack("rules.phones.off = true"),
        "rules.toml:3: `pack.pii.rules`: there is no rule of this pack `phones`; did you mean `phone` or `phone-named`?"
    );
    assert_eq!(
        errors("[[pack]]\nname = \"secret\"\n"),
        "rules.toml:2: `pack.name`: there is no pack `secret`; did you mean `secrets`?"
    );
}
