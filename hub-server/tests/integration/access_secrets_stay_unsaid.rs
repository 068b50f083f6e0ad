//! Canaries: no secret, hash or claim appears in anything that is printed of access: errors of the
//! file, refusals, `Debug` and `Display` of every public type.

use crate::access_support;

use std::fmt::Debug;

use access_support::{HERE, Memory, certificate, enter, load, now, password, token, try_load};
use hub_server::access::{Access, Credentials, IdentityName, create_token, hash_password};
use proptest::prelude::*;

const CANARY: &str = "CANARY-7f3a";

fn silent(shown: &str, canaries: &[&str]) {
    for canary in canaries {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

fn debug(value: impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn credentials_never_print_themselves() {
    for credentials in [
        token(CANARY),
        password(CANARY, "x"),
        password("x", CANARY),
        Credentials::Jwt(CANARY.to_owned()),
    ] {
        silent(&debug(&credentials), &[CANARY]);
        let denied = enter(&Access::default_loopback(), &credentials).unwrap_err();
        silent(&(debug(denied) + &denied.to_string() + &denied.reason().to_string()), &[CANARY]);
    }
}

#[test]
fn nothing_of_access_prints_a_secret_or_a_hash() {
    let made = create_token("one").unwrap();
    let secret = &made.token["hub_one_".len()..];
    let hash = made.line.split('"').nth(1).unwrap();
    let tail = &hash[hash.len() - 20..];
    let password_hash = hash_password(CANARY).unwrap();
    let password_tail = &password_hash[password_hash.len() - 20..];
    let canaries = [secret, tail, password_tail, CANARY];
    silent(&debug(&made), &canaries);

    let text = format!(
        "[identities.ann]\nroles = []\n{}\npassword = {password_hash:?}\n[anonymous]\nroles = []",
        made.line
    );
    let access = load(&text);
    silent(&debug(&access), &canaries);
    for credentials in [token(&made.token), password("ann", CANARY)] {
        let identity = enter(&access, &credentials).unwrap();
        silent(&(debug(&identity) + &debug(identity.rights())), &canaries);
        let gone = load("").reauthorise(&identity, now()).unwrap_err();
        silent(&(debug(gone) + &gone.to_string()), &canaries);
    }
    let guest = access.authenticate(&Credentials::None, &HERE, now()).unwrap();
    silent(&debug(&guest), &canaries);
    let wrong = format!("hub_one_{}", "c0ffee00".repeat(8));
    for credentials in [token(&wrong), password("ann", "wrong CANARY-7f3a"), password(CANARY, "x")]
    {
        let denied = enter(&access, &credentials).unwrap_err();
        silent(&(debug(denied) + &denied.to_string()), &[CANARY, "c0ffee"]);
    }
    let denied = access.authenticate(&Credentials::None, &certificate(CANARY), now()).unwrap_err();
    silent(&(debug(denied) + &denied.to_string()), &[CANARY]);
    silent(&debug(IdentityName::parse(CANARY).map(|_| ())), &[CANARY]);
}

/// A secret pasted anywhere into a file that does not load.
#[test]
fn an_error_of_the_file_shows_no_value() {
    let made = create_token("ci").unwrap();
    // Its beginning: long keys are shortened, so the whole of it could not appear anyway.
    let secret = &made.token["hub_ci_".len()..][..16];
    let hash = made.line.split('"').nth(1).unwrap();
    let pasted = &made.token;
    let tail = &hash[hash.len() - 20..];
    for text in [
        format!("password = \"{CANARY}\""),
        format!("jwt = \"{CANARY}\""),
        format!("{pasted} = 1"),
        format!("[{pasted}]"),
        format!("roles.{pasted} = 1"),
        format!("identities.{pasted}.roles = 7"),
        format!("[identities.ann]\nroles = \"{CANARY}\""),
        format!("[identities.ann]\nroles = []\npassword = \"{CANARY}\""),
        format!("[identities.ann]\nroles = []\npassword = \"{CANARY}\"\npassword = \"{CANARY}\""),
        format!("[identities.ann]\nroles = []\npassword = \"{CANARY}"),
        format!("[identities.ann]\nroles = []\npassword = {CANARY}"),
        format!("[identities.ann]\nroles = []\npassword = '{CANARY}' \"{CANARY}\""),
        format!("[identities.ann]\nroles = []\npassword = \"\\{CANARY}\""),
        format!("[identities.ann]\nroles = []\ntokens = \"{pasted}\""),
        format!("[identities.ann]\nroles = []\ntokens = [\"{pasted}\"]"),
        format!("[identities.ann]\nroles = []\ntokens.ci = \"{pasted}\""),
        format!("[identities.ann]\nroles = []\ntokens.ci = [\"{pasted}\"]"),
        format!("[identities.ann]\nroles = []\ntokens.{pasted} = \"{hash}\""),
        format!("[identities.ann]\nroles = []\ntokens.{secret}_ = \"{hash}\""),
        format!("[identities.ann]\nroles = []\ntokens.ci = \"{}\"", &hash[1..]),
        format!("[identities.ann]\nroles = []\npassword = \"{hash}\""),
        format!("[anonymous]\nroles = []\nfrom = \"{CANARY}\""),
        format!("[other_certificates]\nroles = []\nprefix = \"{CANARY} x\""),
        format!("[roles.a]\npublish.allow = \"{CANARY}..\""),
        format!("[roles.a]\nadmin = \"{CANARY}\""),
        format!("[[jwt]]\nkeys = \"{CANARY}\""),
        "[[jwt]]\nissuer = \"x\"\naudience = \"x\"\nkeys = \"key\"\n".to_owned(),
        format!("[[jwt]]\njwks_url = \"{CANARY}\""),
        format!("[[jwt]]\njwks_url = \"https://{CANARY}:x@id.example.org/\""),
        format!("[[jwt]]\njwks_url = \"https://x/\"\njwks_ca = \"{CANARY}\""),
        format!("[[jwt]]\nkeys = \"x\"\nalgorithms = \"{CANARY}\""),
        format!("[[jwt]]\nkeys = \"x\"\nleeway_s = \"{CANARY}\""),
        format!("\u{feff}{CANARY}"),
    ] {
        let files = Memory::with("key", &format!("-----BEGIN PRIVATE KEY-----\n{CANARY}"));
        let error = Access::load(&text, "access.toml", &files).expect_err(&text);
        silent(&(error.to_string() + &debug(&error)), &[CANARY, secret, tail]);
    }
}

proptest! {
    /// Any text as a file: it loads or gives an error, and never panics.
    #[test]
    fn any_text_gives_an_answer(text in "\\PC{0,40}|([a-z\\[\\]{}=.\"$* \n]|roles|identities|jwt|anonymous|allow){0,30}") {
        let _ = try_load(&text);
    }

    /// And any credentials.
    #[test]
    fn any_credentials_give_an_answer(text in "\\PC{0,40}|hub_[a-z0-9_-]{0,80}|[a-zA-Z0-9_.-]{0,60}") {
        let access = load("[identities.ann]\nroles = []\n");
        prop_assert!(enter(&access, &token(&text)).is_err());
        prop_assert!(enter(&access, &password(&text, &text)).is_err());
        prop_assert!(enter(&access, &Credentials::Jwt(text.clone())).is_err());
        let by_certificate = access.authenticate(&Credentials::None, &certificate(&text), now());
        prop_assert!(by_certificate.is_err());
    }
}
