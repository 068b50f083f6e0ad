//! An access file with a mistake is refused as a whole, and the error says where it is, without
//! showing what is written there.

use crate::access_support;

use access_support::{Memory, load, try_load};
use hub_server::access::{Access, Credentials, create_token, hash_password};

/// `error(text)` as `line: key: message`.
fn error(text: &str) -> (usize, String, String) {
    let error = try_load(text).expect_err(text);
    assert_eq!(error.file, "access.toml");
    let shown = error.to_string();
    assert!(
        shown.starts_with(&format!("access.toml:{}:{}: ", error.line, error.column)),
        "{shown}"
    );
    assert!(shown.contains(&error.key) && shown.ends_with(&error.message), "{shown}");
    assert!(!shown.contains('\n'), "{shown}");
    (error.line, error.key, error.message)
}

fn refused(text: &str, line: usize, key: &str, part: &str) {
    let (at, found, message) = error(text);
    assert_eq!((at, found.as_str()), (line, key), "{message}\n{text}");
    assert!(message.contains(part), "{message}\n{text}");
}

#[test]
fn each_mistake_is_named_with_its_line_and_key() {
    refused("[roles.a", 1, "", "is not TOML");
    refused("[roles.a]\n[roles.a]", 2, "", "is not TOML");
    refused("\n[rolls.a]", 2, "rolls", "allowed is `roles`, `identities`");
    refused("roles = 1", 1, "roles", "must be a table");
    refused("[roles.\"a b\"]", 1, "roles.a b", "must be a name");
    refused("[roles.a]\npublsh = 1", 2, "roles.a.publsh", "is unknown");
    refused("[roles.a]\npublish = \"**\"", 2, "roles.a.publish", "must be a table");
    refused("[roles.a.publish]\nalow = []", 2, "roles.a.publish.alow", "`allow`, `deny`");
    refused("[roles.a]\npublish.allow = 7", 2, "roles.a.publish.allow", "must be a text");
    refused("[roles.a]\npublish.allow = [\"a\",\n7]", 2, "roles.a.publish.allow", "must be a text");
    refused("[roles.a]\npublish.deny = [\"a\",\n\"a.>\"]", 3, "roles.a.publish.deny", "0x3e at 2");
    refused("[roles.a]\npublish.allow = \"\"", 2, "roles.a.publish.allow", "is empty");
    refused("[roles.a]\nadmin = \"yes\"", 2, "roles.a.admin", "must be true or false");
    refused("[roles.a]\nview = \"a.b\"", 2, "roles.a.view", "must be a name");
    refused("[identities.\"a b\"]", 1, "identities.a b", "is not a name");
    refused("[identities.\"a\\u0000\"]", 1, "identities.a\\0", "is not a name");
    refused("[identities.\"*\"]", 1, "identities.*", "is not a name");
    refused("[identities.anonymous]", 1, "identities.anonymous", "is not a name");
    refused("[identities.a]", 1, "identities.a.roles", "is missing");
    refused("[identities.a]\nroles = \"b\"", 2, "identities.a.roles", "is not a role");
    refused("[identities.a]\nroles = []\ntoken = \"\"", 3, "identities.a.token", "is unknown");
    refused(
        "[identities.a]\nroles = []\ntokens = \"\"",
        3,
        "identities.a.tokens",
        "must be a table",
    );
    refused(
        "[identities.a]\nroles = []\ntokens.A = \"\"",
        3,
        "identities.a.tokens",
        "hub token create",
    );
    refused(
        "[identities.a]\nroles = []\ncertificates = \"\"",
        3,
        "identities.a.certificates",
        "empty",
    );
    refused("[anonymous]\nfrom = \"loopback\"", 1, "anonymous.roles", "is missing");
    refused("[anonymous]\nroles = []\nfrom = \"all\"", 3, "anonymous.from", "`everywhere`");
    refused("[other_certificates]\nprefix = \"x:\"", 1, "other_certificates.roles", "is missing");
    refused(
        "[other_certificates]\nroles = []\nprefix = \"*\"",
        3,
        "other_certificates.prefix",
        "must be",
    );
    refused("[jwt]", 1, "jwt", "[[jwt]]");
}

#[test]
fn a_prefix_has_at_most_32_characters() {
    let text =
        |length| format!("[other_certificates]\nroles = []\nprefix = \"{}\"", "x".repeat(length));
    for fits in [0, 1, 32] {
        load(&text(fits));
    }
    refused(&text(33), 3, "other_certificates.prefix", "at most 32");
}

#[test]
fn an_issuer_without_a_name_or_a_claim_is_refused() {
    let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let error = |issuer: &str, claim: &str| {
        let text = format!(
            "[[jwt]]\nissuer = {issuer:?}\naudience = \"hub\"\nkeys = \"jwks.json\"\n\
             identity_claim = {claim:?}"
        );
        let files = Memory::with("jwks.json", jwks);
        Access::load(&text, "access.toml", &files).err().map(|error| (error.line, error.key))
    };
    assert_eq!(error("x", "sub"), None);
    assert_eq!(error("", "sub"), Some((2, "jwt.issuer".into())));
    assert_eq!(error("x", ""), Some((5, "jwt.identity_claim".into())));
}

#[test]
fn keys_of_a_url_are_named_in_full_or_not_at_all() {
    let keys = |lines: &str| format!("[[jwt]]\nissuer = \"x\"\n{lines}");
    let url = "jwks_url = \"https://id.example.org/jwks\"";
    refused(&keys(""), 1, "jwt.keys", "from there or from `jwks_url`");
    let both = format!("keys = \"jwks.json\"\n{url}");
    refused(&keys(&both), 4, "jwt.jwks_url", "beside `keys`");
    refused(&keys("jwks_url = 7"), 3, "jwt.jwks_url", "must be a text");
    for bad in [
        "",
        "id.example.org",
        "http://id.example.org/jwks",
        "https://ann:secret@id.example.org/",
        "file:///jwks.json",
        "https://id example",
    ] {
        let (line, key, message) = error(&keys(&format!("jwks_url = {bad:?}")));
        assert_eq!((line, key.as_str()), (3, "jwt.jwks_url"), "{bad}: {message}");
        for value in ["example", "secret", "jwks.json"] {
            assert!(!message.contains(value), "{bad}: {message}");
        }
    }
    for key in ["jwks_every_s = 60", "jwks_ca = \"ca.pem\""] {
        let name = format!("jwt.{}", key.split(' ').next().unwrap_or_default());
        refused(&keys(key), 3, &name, "needs `jwks_url`");
        let beside = format!("keys = \"jwks.json\"\n{key}");
        refused(&keys(&beside), 4, &name, "needs `jwks_url`");
    }
    for every in ["9", "86_401", "-1", "\"60\"", "1.5"] {
        let text = keys(&format!("{url}\njwks_every_s = {every}"));
        refused(&text, 4, "jwt.jwks_every_s", "from 10 to 86400");
    }
    let text = keys(&format!("{url}\njwks_ca = \"ca.pem\""));
    refused(&text, 4, "jwt.jwks_ca", "cannot be read");
    let head = "-----BEGIN CERTIFICATE-----\n";
    for (pem, part) in [
        (String::new(), "holds no certificate"),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".into(),
            "holds no certificate",
        ),
        (format!("{head}AAAA"), "is not PEM"),
        (
            format!("{head}AAAA\n-----END CERTIFICATE-----"),
            "holds a certificate that cannot be read",
        ),
    ] {
        let files = Memory::with("ca.pem", &pem);
        let error = Access::load(&text, "access.toml", &files).unwrap_err();
        assert_eq!((error.line, error.key.as_str()), (4, "jwt.jwks_ca"), "{error}");
        assert!(error.message.contains(part) && !error.message.contains("AAAA"), "{error}");
    }
}

#[test]
fn what_would_be_dangerous_is_not_loaded() {
    for own in ["$inbox.**", "$inbox.7", "$hubs.**", "$", "$x"] {
        let text = format!("[roles.a]\nsubscribe.allow = {own:?}");
        refused(&text, 2, "roles.a.subscribe.allow", "begins with `$`");
    }
    for own in ["$hub.**", "$inbox.7"] {
        let text = format!("[roles.a]\npublish.allow = {own:?}");
        refused(&text, 2, "roles.a.publish.allow", "nobody publishes");
    }
    for part in ["a{identity}", "{identity}b", "{identity", "{name}", "x.{identity}*.y"] {
        let text = format!("[roles.a]\npublish.allow = {part:?}");
        refused(&text, 2, "roles.a.publish.allow", "whole token");
    }
    refused(
        "[roles.a]\npublish.allow = \"x.{identity}\"\n[anonymous]\nroles = [\n\"a\"]",
        4,
        "anonymous.roles",
        "anonymous clients are nobody",
    );
    refused(
        "[roles.a]\nview = \"x\"\n[roles.b]\nview = \"y\"\n[identities.c]\nroles = [\"a\", \"b\"]",
        6,
        "identities.c.roles",
        "different views",
    );
    let long = format!(
        "[roles.a]\npublish.deny = \"{}.{{identity}}\"\n[identities.{}]\nroles = \"a\"",
        "x".repeat(200),
        "y".repeat(100)
    );
    let (line, _, message) = error(&long);
    assert!(line == 4 && message.contains("too long"), "{message}");
}

#[test]
fn two_identities_do_not_share_a_token_id_or_a_certificate() {
    let line = create_token("t").unwrap().line;
    let twice = format!("[identities.a]\nroles = []\n{line}\n[identities.b]\nroles = []\n{line}\n");
    refused(&twice, 6, "identities.b.tokens.t", "another token");
    let twice = "[identities.a]\nroles = []\ncertificates = \"X\"\n\
                 [identities.b]\nroles = []\ncertificates = [\"Y\", \"X\"]";
    refused(twice, 6, "identities.b.certificates", "twice");
}

/// The hash of a good one, changed a part at a time.
#[test]
fn a_malformed_weak_or_costly_hash_is_refused() {
    let token = |hash: &str| format!("[identities.a]\nroles = []\ntokens.t = {hash:?}");
    let line = create_token("t").unwrap().line;
    let good = line.trim_start_matches("tokens.t = ").trim_matches('"').to_owned();
    load(&token(&good));
    let (head, rest) = good.split_once("m=1024,t=1,p=1").unwrap();
    let with = |params: &str| format!("{head}{params}{rest}");
    for (bad, part) in [
        (String::new(), "is not an argon2id hash"),
        ("secret".to_owned(), "is not an argon2id hash"),
        (good.replace("argon2id", "argon2i"), "is not an argon2id hash"),
        (good.replace("argon2id", "argon2d"), "is not an argon2id hash"),
        (good.replace("argon2id", "scrypt"), "is not an argon2id hash"),
        ("$2b$12$abcdefghijklmnopqrstuv".to_owned(), "is not an argon2id hash"),
        (good.replace("v=19", "v=16"), "another version"),
        (good.replace("$v=19", ""), "another version"),
        (with("m=1023,t=1,p=1"), "too weak"),
        (with("m=8,t=1,p=1"), "too weak"),
        (with("m=65537,t=1,p=1"), "costs too much"),
        (with("m=4294967295,t=1,p=1"), "costs too much"),
        (with("m=1024,t=257,p=1"), "costs too much"),
        (with("m=1024,t=4294967295,p=1"), "costs too much"),
        (with("m=1024,t=1,p=5"), "costs too much"),
        (with("m=1024,t=0,p=1"), "is not an argon2id hash"),
        (with("m=1024,t=1,p=0"), "is not an argon2id hash"),
        (with("m=1024,t=99999999999,p=1"), "is not an argon2id hash"),
        (good[..good.rfind('$').unwrap()].to_owned(), "without a salt"),
        (good[..good.len() - 8].to_owned(), ""),
        (good.clone() + "AAAA", ""),
        (good.clone() + "$x", ""),
        (good.clone() + "\n", ""),
    ] {
        refused(&token(&bad), 3, "identities.a.tokens.t", part);
        let (_, _, message) = error(&token(&bad));
        assert!(bad.len() < 20 || !message.contains(&bad[bad.len() - 10..]), "{message}");
    }

    // The dearest that there may be.
    for params in ["m=65536,t=4,p=4", "m=1024,t=256,p=1"] {
        load(&token(&with(params)));
    }
    for params in ["m=65536,t=5,p=1", "m=65536,t=4,p=5"] {
        refused(&token(&with(params)), 3, "identities.a.tokens.t", "costs too much");
    }
    // What is enough for 256 random bits is not for a password.
    let password = |hash: &str| format!("[identities.a]\nroles = []\npassword = {hash:?}");
    refused(&password(&good), 3, "identities.a.password", "too weak");
    let made = hash_password("correct horse").unwrap();
    load(&password(&made));
    let with = |params: &str| password(&made.replace("m=19456,t=2,p=1", params));
    load(&with("m=7168,t=5,p=1"));
    for weak in ["m=7168,t=4,p=1", "m=7167,t=30,p=1", "m=19456,t=1,p=1"] {
        refused(&with(weak), 3, "identities.a.password", "too weak");
    }
}

#[test]
fn the_example_in_deploy_loads_and_its_comments_are_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/access.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let access = load(&text);
    let guest =
        access.authenticate(&Credentials::None, &access_support::HERE, access_support::now());
    assert!(guest.is_ok());
    let other =
        access.authenticate(&Credentials::None, &access_support::ELSEWHERE, access_support::now());
    assert!(other.is_err());
    assert!(text.lines().all(|line| line.len() <= 100 || line.contains("$argon2id$")));
    // Everything there is appears in it, if only in a comment.
    for key in [
        "publish",
        "subscribe",
        "allow",
        "deny",
        "view",
        "admin",
        "quarantine",
        "block",
        "groups",
        "observe",
        "inbox_overflow",
        "{identity}",
        "tokens",
        "password",
        "certificates",
        "from",
        "other_certificates",
        "prefix",
        "[[jwt]]",
        "issuer",
        "audience",
        "keys",
        "jwks_url",
        "jwks_ca",
        "jwks_every_s",
        "algorithms",
        "leeway_s",
        "identity_claim",
        "roles_claim",
        "claim_roles",
    ] {
        assert!(text.contains(key), "{key}");
    }
    // Also what is commented out loads, with a key set beside it. A comment that is an example has
    // no space after its `#`.
    let whole: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(example) if !example.starts_with(' ') => format!("{example}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(whole, text);
    let files = Memory::with("jwks.json", include_str!("../data/access/jwks.json"));
    let access = Access::load(&whole, "whole", &files).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(access.files().collect::<Vec<_>>(), ["jwks.json"]);
}

/// Each block of TOML in the reference is a whole access file.
#[test]
fn the_examples_in_the_reference_load() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/access.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<_> = text.split("```toml\n").skip(1).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    let files = Memory::with("jwks.json", include_str!("../data/access/jwks.json"));
    for block in blocks {
        let block = block.split("```").next().unwrap();
        Access::load(block, "docs/access.md", &files)
            .unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
}
