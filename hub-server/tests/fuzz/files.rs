//! Claim: a configuration file or an access file of any text is read as a whole or refused with a
//! place in it; and a configuration that was read is the same after it was written down.
//!
//! `docs/testing.md` tells how to run this for long.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::access_support;

use access_support::{HERE, Memory, now};
use hub_server::access::{Access, Credentials};
use hub_server::config::{Config, changes};
use std::path::Path;

fn config(text: &str) {
    let file = |text: &str| Config::load(Some((Path::new("hub.toml"), text)), [], []);
    match file(text) {
        Ok(config) => {
            let written = changes(&config);
            let again = file(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert_eq!(changes(&again), written);
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.is_empty() && !shown.contains('\n'), "{shown:?}");
        }
    }
}

fn access(text: &str) {
    let keys = Memory::with("jwks.json", include_str!("../data/access/jwks.json"));
    match Access::load(text, "access.toml", &keys) {
        Ok(access) => {
            for credentials in [
                Credentials::None,
                Credentials::Token("hub_orders-1_AAAA".to_owned()),
                Credentials::Jwt("e30.e30.".to_owned()),
            ] {
                // A hash takes long, and is looked at elsewhere.
                if access.hash_bytes(&credentials).is_none()
                    && let Ok(identity) = access.authenticate(&credentials, &HERE, now())
                {
                    assert_eq!(credentials, Credentials::None, "nobody proved anything");
                    assert!(identity.is_anonymous());
                }
            }
        }
        Err(error) => {
            let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&error.line), "{error} of {lines}");
            assert!(error.column >= 1 && !error.to_string().contains('\n'), "{error}");
        }
    }
}

#[test]
fn config_any_text() {
    bolero::check!().for_each(|input: &[u8]| {
        config(&String::from_utf8_lossy(input));
    });
}

#[test]
fn access_any_text() {
    bolero::check!().for_each(|input: &[u8]| {
        access(&String::from_utf8_lossy(input));
    });
}

/// Puts parts together, one for each byte.
fn joined(parts: &[&str], input: &[u8]) -> String {
    let parts = input.iter().take(40).map(|byte| parts[usize::from(*byte) % parts.len()]);
    parts.collect()
}

#[test]
fn config_known_keys() {
    const VALUES: [&str; 20] = [
        "0",
        "1",
        "64",
        "65",
        "255",
        "1024",
        "4096",
        "65536",
        "1000000",
        "4294967296",
        "9223372036854775807",
        "-1",
        "1.5",
        "true",
        "\"info\"",
        "\"127.0.0.1:0\"",
        "\"[::1]:4820\"",
        "\"everywhere\"",
        "\"\"",
        "[1]",
    ];
    let keys: Vec<String> =
        hub_server::config::flags().iter().map(|flag| flag.key.to_owned()).collect();
    bolero::check!().for_each(|input: &[u8]| {
        let lines = input.chunks(2).take(30).map(|pair| {
            let key = &keys[usize::from(pair[0]) % keys.len()];
            let value = VALUES[usize::from(*pair.last().unwrap()) % VALUES.len()];
            format!("{key} = {value}\n")
        });
        config(&lines.collect::<String>());
    });
}

#[test]
fn access_known_parts() {
    const PARTS: [&str; 36] = [
        "[roles.a]\n",
        "[roles.b]\n",
        "[roles.\"x y\"]\n",
        "publish.allow = \"**\"\n",
        "publish.deny = [\"a.*\", \"*.b\"]\n",
        "publish.allow = \"$hub.x\"\n",
        "subscribe.allow = [\"**\", \"$hub.**\"]\n",
        "subscribe.deny = \"c.{identity}.**\"\n",
        "subscribe.allow = \"x{identity}\"\n",
        "subscribe = { allow = \"**\" }\n",
        "view = \"v\"\n",
        "admin = true\n",
        "quarantine = 1\n",
        "[identities.orders]\n",
        "[identities.\"ann@example.org\"]\n",
        "[identities.\"?x\"]\n",
        "roles = \"a\"\n",
        "roles = [\"a\", \"b\", \"a\"]\n",
        "roles = []\n",
        "certificates = [\"spiffe://x/y\"]\n",
        "tokens.orders-1 = \"$argon2id$v=19$m=1024,t=1,p=1$bJ9rjsBUgf2SLYQG2WJRYg$3T8fXlSbR6eke4tiA0gVdmEB/rGhWQ/esuKwNE1GVCE\"\n",
        "password = \"$argon2id$v=19$m=19456,t=2,p=1$jYUBrYz5PqNNYsnDKEU4HA$8qhio6DislFTJ2d5Cwu/7tg3Jm630jyYNs8SH8gECkM\"\n",
        "password = \"$argon2id$v=19$m=4294967295,t=2,p=1$jYUBrYz5PqNNYsnDKEU4HA$8qhi\"\n",
        "password = \"hunter2\"\n",
        "[anonymous]\n",
        "from = \"everywhere\"\n",
        "from = \"loopback\"\n",
        "[other_certificates]\n",
        "prefix = \"device:\"\n",
        "[[jwt]]\n",
        "issuer = \"https://id.example.org\"\naudience = \"hub\"\nkeys = \"jwks.json\"\n",
        "keys = \"none.json\"\n",
        "algorithms = [\"RS256\", \"HS256\"]\n",
        "leeway_s = 301\n",
        "identity_claim = \"sub\"\n",
        "role_claims = { groups = { x = \"a\" } }\n",
    ];
    bolero::check!().for_each(|input: &[u8]| {
        access(&joined(&PARTS, input));
    });
}
