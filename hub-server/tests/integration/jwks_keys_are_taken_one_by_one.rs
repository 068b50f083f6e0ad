//! Promise: each key of a key set stands for itself (RFC 7517, section 5). Keys may share a `kid` or have
//! none, and a key that the hub cannot use takes nothing away from the others.
//!
//! `HUB_TEST_SEED` repeats a run.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::access_support;
use crate::support;

use access_support::{ELSEWHERE, Memory, now};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use hub_server::access::{Access, Credentials, Reason};
use serde_json::{Value, json};
use std::sync::OnceLock;
use support::Random;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair of one of three kinds.
enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// Two of each kind.
fn pairs() -> &'static [Pair] {
    static PAIRS: OnceLock<Vec<Pair>> = OnceLock::new();
    PAIRS.get_or_init(|| {
        let mut pairs = Vec::new();
        for _ in 0..2 {
            pairs.push(Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
            let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            pairs.push(Pair::Ec(ec));
            pairs.push(Pair::Ed(Ed25519KeyPair::generate().unwrap()));
        }
        pairs
    })
}

impl Pair {
    fn jwk(&self, kid: Option<&str>) -> Value {
        let mut jwk = match self {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = b64(public.modulus().big_endian_without_leading_zero());
                let e = b64(public.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "n": n, "e": e})
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key())})
            }
        };
        if let Some(kid) = kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// A JWT of the issuer of [`FILE`], signed with this key.
    fn sign(&self, kid: Option<&str>) -> String {
        let alg = match self {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
        };
        let mut header = json!({ "alg": alg });
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let claims = json!({"iss": "x", "aud": "hub", "sub": "ann", "exp": 1_800_000_060});
        let body = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = match self {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, body.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => {
                pair.sign(&SystemRandom::new(), body.as_bytes()).unwrap().as_ref().to_vec()
            }
            Pair::Ed(pair) => pair.sign(body.as_bytes()).as_ref().to_vec(),
        };
        format!("{body}.{}", b64(signature))
    }
}

const FILE: &str = "[roles.r]\nsubscribe.allow = \"**\"\n[[jwt]]\nissuer = \"x\"\naudience = \"hub\"\n\
    keys = \"jwks.json\"\nroles = \"r\"\n";

fn load(keys: &[Value]) -> Result<Access, String> {
    let files = Memory::with("jwks.json", &json!({ "keys": keys }).to_string());
    Access::load(FILE, "access.toml", &files).map_err(|error| error.to_string())
}

fn enter(access: &Access, jwt: String) -> Result<(), Reason> {
    let entered = access.authenticate(&Credentials::Jwt(jwt), &ELSEWHERE, now());
    entered.map(drop).map_err(|denied| denied.reason())
}

/// Keys that a hub cannot use, as identity providers publish them.
fn unusable() -> Vec<Value> {
    let modulus = [0xc5_u8; 256];
    let padded = URL_SAFE.encode(modulus);
    assert!(padded.ends_with('='));
    let (x, y) = (b64([1; 66]), b64([2; 66]));
    vec![
        json!({"kty": "RSA", "kid": "a", "n": b64([0xc5; 128]), "e": "AQAB"}),
        json!({"kty": "RSA", "n": b64([0xc5; 128]), "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "a", "n": padded, "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "b", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": 7, "n": b64(modulus), "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-521", "kid": "a", "x": x, "y": y}),
        json!({"kty": "EC", "crv": "secp256k1", "kid": "b", "x": b64([1; 32]), "y": b64([2; 32])}),
        json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": "not base64!", "y": "AA"}),
        json!({"kty": "OKP", "crv": "Ed448", "kid": "a", "x": b64([1; 57])}),
        json!({"kty": "OKP", "crv": "X25519", "x": b64([1; 32])}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "b", "pub": "AA"}),
        json!({"kty": "QUANTUM"}),
        json!({"kid": "a"}),
        json!({}),
        json!("a"),
        json!(null),
        json!([1]),
        json!({"kty": "RSA", "use": "enc", "kid": "a", "n": b64(modulus), "e": "AQAB"}),
    ]
}

/// Draws key sets of usable and unusable keys with few ids, and compares what gets in with the rule: the
/// keys of the `kid`, or, without one, the keys without, or the only key.
#[test]
fn every_key_that_can_be_used_is_used() {
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let ids = [None, Some("a"), Some("b")];
    for _ in 0..60 {
        let mut set = Vec::new();
        let mut usable: Vec<(usize, Option<&str>)> = Vec::new();
        for _ in 0..1 + random.below(4) {
            let (pair, kid) = (random.below(pairs().len()), ids[random.below(3)]);
            usable.push((pair, kid));
            set.push(pairs()[pair].jwk(kid));
        }
        for _ in 0..random.below(4) {
            let all = unusable();
            set.insert(random.below(set.len() + 1), all[random.below(all.len())].clone());
        }
        let access = load(&set).unwrap_or_else(|error| panic!("{error}\n{}", json!(set)));
        for (number, pair) in pairs().iter().enumerate() {
            for kid in ids {
                let only = kid.is_none() && usable.len() == 1;
                let known = usable.iter().any(|(at, of)| *at == number && (*of == kid || only));
                let named = only || usable.iter().any(|(_, of)| *of == kid);
                let entered = enter(&access, pair.sign(kid));
                let shown = format!("{number} {kid:?} {usable:?} {entered:?}\n{}", json!(set));
                match entered {
                    Ok(()) => assert!(known, "{shown}"),
                    Err(Reason::UnknownKey) => assert!(!named, "{shown}"),
                    Err(Reason::Algorithm | Reason::Signature) => {
                        assert!(!known && named, "{shown}");
                    }
                    Err(_) => panic!("{shown}"),
                }
            }
        }
    }
}

#[test]
fn a_set_without_a_usable_key_says_why_of_each() {
    for key in unusable() {
        let error = load(std::slice::from_ref(&key)).expect_err(&key.to_string());
        assert!(error.contains("has no key for an allowed algorithm"), "{error}");
        assert!(key["use"] == "enc" || error.contains("key 1 is "), "{key}: {error}");
        assert!(!error.contains("same `kid`"), "{error}");
    }
    let error = load(&unusable()[..2]).expect_err("two keys of 1024 bits");
    let short = |number| format!("key {number} is an RSA key of fewer than 2048 bits");
    assert!(error.contains(&short(1)) && error.contains(&short(2)), "{error}");
}

/// Anybody can send a JWT, so it may not cost more than a few signatures.
#[test]
fn a_jwt_is_tried_with_a_few_keys_only() {
    let Pair::Ed(_) = &pairs()[2] else { panic!("a fixture") };
    let strangers: Vec<_> = (0..8).map(|_| Ed25519KeyPair::generate().unwrap()).collect();
    let jwk = |pair: &Ed25519KeyPair| json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key())});
    let mut set: Vec<Value> = strangers.iter().map(jwk).collect();
    set.insert(7, pairs()[2].jwk(None));
    assert_eq!(enter(&load(&set).unwrap(), pairs()[2].sign(None)), Ok(()));
    set.swap(7, 8);
    assert_eq!(enter(&load(&set).unwrap(), pairs()[2].sign(None)), Err(Reason::Signature));
}
