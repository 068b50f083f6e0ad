//! Claim: of the keys that software and services use, those that name a secret are known, and those that only look
//! like one are left alone. The two lists have keys in the spelling of their owners.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use hub_scrub::detect::KeyKind;

/// The kinds of content that let somebody in.
fn names_a_secret(key: &str) -> bool {
    let kinds = ["secret", "secrets", "authorization", "session", "connection_string", "card_code"];
    kinds.iter().any(|kind| kind.parse::<KeyKind>().unwrap().is_named_by(key))
}

#[test]
fn the_usual_names_of_secrets_are_known() {
    let keys = include_str!("key_names/secrets.txt");
    let missed: Vec<&str> = keys.lines().filter(|key| !names_a_secret(key)).collect();
    assert!(keys.lines().count() > 300);
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn names_that_look_like_those_of_secrets_are_left_alone() {
    let keys = include_str!("key_names/decoys.txt");
    let taken: Vec<&str> = keys.lines().filter(|key| names_a_secret(key)).collect();
    assert!(keys.lines().count() > 300);
    assert!(taken.is_empty(), "{taken:#?}");
}
