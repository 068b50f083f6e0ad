//! Keys that sound like secrets and persons, and values that are neither. Words are whole words: `numeric` has no
//! `nie` and no `cpf` in it, and a `secretary` keeps no `secret`.

use super::identifiers::uuid;
use super::random::{BASE36, BASE62, BASE64_URL, Random};
use super::shape::Shape;
use super::times::iso;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Returns a token that says where the next page begins. It opens nothing.
fn page(random: &mut Random) -> String {
    match random.below(4) {
        0 => STANDARD.encode(format!("{{\"id\":{},\"dir\":\"next\"}}", random.below(99_999_999))),
        1 => URL_SAFE_NO_PAD.encode(format!(
            "offset:{}:{}",
            random.below(9_999),
            random.milliseconds()
        )),
        2 => random.text(BASE64_URL, 44),
        _ => format!("{}_{}", random.milliseconds(), random.hex(24)),
    }
}

fn idempotency(random: &mut Random) -> String {
    match random.below(3) {
        0 => uuid(random, 4),
        1 => random.text(BASE62, 24),
        _ => format!("order-{}-attempt-{}", random.digits(9), random.below(5)),
    }
}

fn cache(random: &mut Random) -> String {
    let (word, version) = (random.word(), random.below(9));
    match random.below(4) {
        0 => format!("{word}:v{version}:{}", random.hex(40)),
        1 => format!("{word}-linux-x86_64-{}", random.hex(64)),
        2 => format!("{word}#{}#{}", random.below(99_999_999), random.text(BASE62, 22)),
        _ => format!("tenant-{}/{word}/{}", random.below(9_999), random.milliseconds()),
    }
}

/// Returns a key by which programs look something up.
fn key(random: &mut Random) -> String {
    let (word, other) = (random.word(), random.word());
    match random.below(4) {
        0 => word.into(),
        1 => "eu".into(),
        2 => format!("{word}.{other}"),
        _ => format!("{word}/{other}/2026"),
    }
}

fn usage(random: &mut Random) -> Value {
    let (prompt, completion) = (random.below(200_000), random.below(9_000));
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": { "cached_tokens": prompt / 2, "audio_tokens": 0 }
    })
}

/// Returns a set of public keys. `n`, `e`, `x` and `y` are public parts.
fn public_keys(random: &mut Random) -> Value {
    let (kid, n, x, y) =
        (random.text(BASE64_URL, 27), random.bytes(256), random.bytes(32), random.bytes(32));
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match random.below(2) {
        0 => {
            json!([{ "kty": "RSA", "alg": "RS256", "kid": kid, "n": encode(&n), "e": "AQAB" }])
        }
        _ => {
            json!([{ "kty": "EC", "crv": "P-256", "kid": kid, "x": encode(&x), "y": encode(&y) }])
        }
    }
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::value(
        "flag about secrets",
        &["secret_rotation_enabled", "password_required", "token_refresh_enabled", "has_api_key"],
        |r| r.one_in(2).into(),
    ),
    Shape::text(
        "kind of token",
        &["token_type", "tokenType", "credential_type", "auth_method"],
        |r| r.pick(&["Bearer", "bearer", "access", "refresh", "basic", "oauth2"]).to_owned(),
    ),
    Shape::text(
        "time of a credential",
        &[
            "password_changed_at",
            "phone_verified_at",
            "email_verified_at",
            "token_expires_at",
            "secret_rotated_at",
        ],
        iso,
    ),
    Shape::value(
        "epoch of a credential",
        &["password_changed_at", "phone_verified_at", "token_expires_at", "last_call"],
        |r| (r.milliseconds() / r.pick(&[1, 1000])).into(),
    ),
    Shape::value(
        "count of what sounds private",
        &[
            "call_count",
            "token_count",
            "password_attempts",
            "max_tokens",
            "phone_count",
            "secret_count",
        ],
        |r| r.below(100_000_000).into(),
    ),
    Shape::text("key of a map", &["key", "sort_key", "key_name", "config_key"], key),
    Shape::text("object key of a store", &["key", "object_key", "s3_key"], |r| {
        format!("{}/2026/08/23/{}-{}.parquet", r.word(), r.digits(5), r.hex(32))
    }),
    Shape::text(
        "partition key",
        &["partition_key", "partitionKey", "shard_key", "routing_key"],
        |r| {
            if r.one_in(2) { format!("{}-{}", r.word(), r.digits(9)) } else { r.text(BASE62, 24) }
        },
    ),
    Shape::text("cache key", &["cache_key", "cacheKey", "cache-key"], cache),
    Shape::text(
        "idempotency key",
        &["idempotency_key", "Idempotency-Key", "idempotencyKey", "dedup_key"],
        idempotency,
    ),
    Shape::text(
        "token of a page",
        &["next_token", "page_token", "nextPageToken", "continuation_token"],
        page,
    ),
    Shape::text("cursor", &["cursor", "continuation", "after", "resume_from"], page),
    Shape::value("usage of a language model", &["usage", "token_usage", "llm_usage"], usage),
    Shape::value("public keys", &["keys", "jwks"], public_keys),
    Shape::text("author", &["author", "authority", "co_author"], |r| {
        r.pick(&["Ada Lovelace", "Grace Hopper", "build bot", "platform team"]).to_owned()
    }),
    Shape::value(
        "numeric id",
        &[
            "numeric_id",
            "numericId",
            "numeric_code",
            "automobile_id",
            "tinyint_id",
            "session_number",
        ],
        |r| {
            let number = r.between(100_000_000, 999_999_999);
            if r.one_in(2) { number.into() } else { number.to_string().into() }
        },
    ),
    Shape::value(
        "number of ten to twelve digits",
        &["numeric_id", "automobile_id", "recall_id", "hotel_id", "panel_id", "basin_id"],
        |r| {
            let len = r.between(10, 12) as usize;
            let number = format!("{}{}", r.between(1, 9), r.digits(len - 1));
            if r.one_in(2) { number.parse::<u64>().unwrap().into() } else { number.into() }
        },
    ),
    Shape::text(
        "document of a secretary",
        &["secretary_doc", "secretariat_ref", "tokenizer_file", "passwordless_flow"],
        |r| format!("{}-{}", r.word(), r.text(BASE62, 22)),
    ),
    Shape::text("name of a model's tokenizer", &["tokenizer", "tokenization", "stop_token"], |r| {
        r.pick(&["cl100k_base", "o200k_base", "</s>", "<|endoftext|>", "llama-3.1-8b"]).to_owned()
    }),
    Shape::text(
        "reference to a secret",
        &["secret_name", "secretName", "secret_ref", "password_policy"],
        |r| format!("{}-{}", r.word(), r.text(BASE36, 5)),
    ),
];
