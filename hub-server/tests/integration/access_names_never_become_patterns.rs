//! Whatever an identity is called, `{identity}` is one token that only it has, and names with
//! characters that could mean something are refused.

use crate::access_support;

use access_support::{certificate, filter, load, name, now};
use hub_server::access::{Access, Credentials, IdentityName, Reason, Subscribable};
use proptest::prelude::*;

/// Clients are called what their certificate says.
fn access() -> Access {
    load(
        r#"
        [roles.own]
        publish.allow = "from.{identity}.**"
        subscribe = { allow = ["to.{identity}", "to.{identity}.**"], deny = "to.*.secret" }
        [other_certificates]
        roles = "own"
        "#,
    )
}

#[test]
fn a_name_with_a_wildcard_a_control_character_or_a_reserved_one_does_not_get_in() {
    let access = access();
    let mut bad: Vec<String> =
        (0..=0x20_u8).map(|byte| format!("a{}b", char::from(byte))).collect();
    for text in [
        "",
        "*",
        "**",
        "a*",
        ">",
        "a>",
        "$",
        "$hub",
        "a$b",
        "#",
        "a#1",
        "{identity}",
        "{",
        "a b",
        "a\u{7f}",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{202e}a",
        "ä",
        "а",
        "\u{0}",
        "a\"b",
        "a'b",
        "a\\b",
        "a`b",
        "a\nHUB FORGED LOG LINE",
        "a\r\nx",
        "a&b",
        "a;b",
        "a<b",
        "a,b",
        "a!b",
        "a?b",
        "a(b",
    ] {
        bad.push(text.to_owned());
    }
    bad.push("x".repeat(IdentityName::MAX_BYTES + 1));
    for text in bad {
        let denied = access.authenticate(&Credentials::None, &certificate(&text), now());
        assert_eq!(denied.unwrap_err().reason(), Reason::BadName, "{text:?}");
        assert_eq!(IdentityName::parse(&text), None, "{text:?}");
    }
}

#[test]
fn dots_and_percent_signs_in_a_name_stay_within_its_token() {
    let access = access();
    let who =
        |text: &str| access.authenticate(&Credentials::None, &certificate(text), now()).unwrap();
    let dotted = who("a.b");
    assert_eq!(dotted.name(), "a.b");
    assert!(dotted.rights().may_publish(&name("from.a%2Eb.x")));
    for other in
        ["from.a.b", "from.a.b.x", "from.a.x", "from.b.x", "from.a%252Eb.x", "from.a%2eb.x"]
    {
        assert!(!dotted.rights().may_publish(&name(other)), "{other}");
    }
    // A client that is called like the escaped form of another is not that other.
    let imitator = who("a%2Eb");
    assert!(imitator.rights().may_publish(&name("from.a%252Eb.x")));
    assert!(!imitator.rights().may_publish(&name("from.a%2Eb.x")));
    assert!(who("auth0|7").rights().may_read(&name("to.auth0%7C7")));
}

#[test]
fn a_name_can_stand_first_and_is_still_never_the_hubs() {
    let access = load(
        r#"
        [roles.own]
        publish.allow = "{identity}.**"
        [other_certificates]
        roles = "own"
        "#,
    );
    let refused = access.authenticate(&Credentials::None, &certificate("$hub"), now());
    assert_eq!(refused.unwrap_err().reason(), Reason::BadName);
    let ann = access.authenticate(&Credentials::None, &certificate("ann"), now()).unwrap();
    assert!(ann.rights().may_publish(&name("ann.x")) && !ann.rights().may_publish(&name("bob.x")));
}

/// A filter that cannot be made might be a deny: so nobody gets in with it.
#[test]
fn a_name_that_makes_a_filter_too_long_does_not_get_in() {
    let long = "x".repeat(120);
    let access = load(&format!(
        "[roles.own]\nsubscribe = {{ allow = \"**\", deny = \"{long}.{{identity}}.secret\" }}\n\
         [other_certificates]\nroles = \"own\"\n"
    ));
    let enter = |name: &str| access.authenticate(&Credentials::None, &certificate(name), now());
    assert!(enter(&"y".repeat(100)).is_ok());
    assert_eq!(enter(&".".repeat(100)).unwrap_err().reason(), Reason::NameTooLong);
}

#[test]
fn nobody_takes_the_name_of_a_declared_identity_or_of_anonymous_clients() {
    let access = load(
        r#"
        [roles.own]
        publish.allow = "from.{identity}"
        [identities."ann.b"]
        roles = "own"
        certificates = "CN of Ann"
        [other_certificates]
        roles = "own"
        "#,
    );
    let enter = |name: &str| access.authenticate(&Credentials::None, &certificate(name), now());
    assert_eq!(enter("CN of Ann").unwrap().name(), "ann.b");
    for taken in ["ann.b", "anonymous"] {
        assert_eq!(enter(taken).unwrap_err().reason(), Reason::NameTaken);
    }
    assert_eq!(enter("bob").unwrap().name(), "bob");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Of any text: refused, or one token that is an allowed one in a topic's name, with no
    /// character that means anything, and back to the name by undoing the escapes.
    #[test]
    fn a_token_is_one_token_and_belongs_to_one_name(text in "\\PC{0,20}|[a-c.%|*$#2E57C]{1,8}") {
        if let Some(name) = IdentityName::parse(&text) {
            let token = name.token();
            let topic = hub_wire::TopicName::parse(&token).unwrap();
            prop_assert_eq!(topic.tokens().count(), 1);
            prop_assert!(!topic.is_reserved());
            let back = token.replace("%2E", ".").replace("%7C", "|").replace("%25", "%");
            prop_assert_eq!(back, text);
        }
    }

    /// Each reads its own topics, and nobody else's.
    #[test]
    fn two_identities_never_share_a_topic(
        a in "(a|\\.|\\||%|%2E|%25|%7C){1,2}",
        b in "(a|\\.|\\||%|%2E|%25|%7C){1,2}",
    ) {
        prop_assume!(a != b);
        let access = access();
        let who = |text: &str| access.authenticate(&Credentials::None, &certificate(text), now());
        let (first, second) = (who(&a).unwrap(), who(&b).unwrap());
        let own = IdentityName::parse(&a).unwrap().token();
        let topic = name(&format!("to.{own}.x"));
        prop_assert!(first.rights().may_read(&topic) && !second.rights().may_read(&topic));
        let secret = name(&format!("to.{own}.secret"));
        prop_assert!(!first.rights().may_read(&secret));
        let wanted = filter(&format!("to.{own}.**"));
        prop_assert_eq!(first.rights().may_subscribe(&wanted), Subscribable::Partly);
        prop_assert_eq!(second.rights().may_subscribe(&wanted), Subscribable::No);
        prop_assert_eq!(first.rights().may_subscribe(&filter("to.*.**")), Subscribable::No);
    }
}
