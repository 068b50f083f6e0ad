//! Claim: one event, one frame for each distinct view; who has no view of its own sees least.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{RuleSet, Scratch, Verdict, ViewId};
use scrub_common::*;
use serde_json::json;

const RULES: &str = r#"
[detectors.card]
pattern = '4[0-9]{15}'
[detectors.digits]
pattern = '[0-9]{6,}'

[[rule]]
name = "card numbers"
label = "card"
find = { detectors = ["card"] }
action = "mask"
tests = { hits = ["4111111111111111"], misses = ["4111"] }

[[rule]]
name = "mail"
find = { keys = ["email"] }
action = "drop"
tests = { hits = [{ e_mail = "x" }], misses = [{ name = "x" }] }

[views.billing]
roles = ["billing", "refunds"]
labels = { card = { do = "keep_last", n = 4 } }

[views.support]
roles = ["support"]
labels = { mail = "keep" }

[views.audit]
roles = ["audit"]
labels = { card = "keep", mail = "keep" }
"#;

fn rules() -> RuleSet {
    load(RULES)
}

#[test]
fn each_role_sees_its_view() {
    let rules = rules();
    let message = json!({ "card": "4111111111111234", "eMail": "a@b.example", "n": 1 });
    let seen = |role: &str| seen_by(&rules, rules.view_of_role(role), &message);
    assert_eq!(seen("analytics"), json!({ "card": "****************", "n": 1 }));
    assert_eq!(seen("billing"), json!({ "card": "************1234", "n": 1 }));
    assert_eq!(seen("refunds"), seen("billing"));
    assert_eq!(
        seen("support"),
        json!({ "card": "****************", "eMail": "a@b.example", "n": 1 })
    );
    assert_eq!(seen("audit"), message);
}

#[test]
fn who_has_no_view_sees_least() {
    let rules = rules();
    assert_eq!(rules.view_of_role("nobody"), ViewId::DEFAULT);
    assert_eq!(rules.view_of_role(""), ViewId::DEFAULT);
    assert_eq!(rules.view("default"), Some(ViewId::DEFAULT));
    assert_eq!(rules.view("nosuch"), None);
}

#[test]
fn views_that_get_the_same_share_one_frame() {
    let rules = rules();
    let frames = |message| match scrub(&rules, &message).0 {
        Verdict::Fixed(fixed) => fixed.renderings(),
        other => panic!("{other:?}"),
    };
    assert_eq!(frames(json!({ "x": "4111111111111234" })), 3, "all, last four, none");
    assert_eq!(frames(json!({ "email": "x" })), 2);
    let (verdict, _) = scrub(&rules, &json!({ "email": "x" }));
    let Verdict::Fixed(fixed) = verdict else { panic!() };
    let of = |name: &str| fixed.rendering_of(rules.view(name).unwrap());
    assert_eq!(of("default"), of("billing"));
    assert_eq!(of("support"), of("audit"));
    assert_ne!(of("default"), of("support"));
}

#[test]
fn what_one_view_may_see_does_not_hide_what_it_may_not() {
    let rules = load(&format!(
        "{RULES}[[rule]]\nname = \"numbers\"\nfind = {{ detectors = [\"digits\"] }}\naction = \"mask\"\n\
         tests = {{ hits = [\"123456\"], misses = [\"12345\"] }}\n"
    ));
    let audit = rules.view("audit").unwrap();
    // The view may see cards, but a card is a number too, and those it may not see.
    assert_eq!(seen_by(&rules, audit, &json!("4111111111111234")), "****************");
    assert_eq!(seen_by(&rules, audit, &json!("4111111111111234 99")), "**************** 99");
}

/// A card is refused; what looks like an address around it is masked, and shown to support.
const CARD_IN_MAIL: &str = r#"
[[rule]]
name = "card"
find = { detectors = ["card"] }
action = "ACTION"
tests = { hits = ["4111111111111111"], misses = ["x"] }
[[rule]]
name = "mail"
find = { detectors = ["email"] }
action = "mask"
tests = { hits = ["a@b.example"], misses = ["x"] }
"#;

#[test]
fn what_ends_a_message_is_seen_inside_of_what_a_view_may_see() {
    let message = json!({ "m": "4111111111111111@mail.example" });
    for action in ["reject", "quarantine", "disconnect"] {
        let file = CARD_IN_MAIL.replace("ACTION", action);
        let ends = |views: &str| {
            !matches!(scrub(&load(&format!("{file}{views}")), &message).0, Verdict::Fixed(_))
        };
        assert!(!ends(""), "nobody sees any of it");
        assert!(!ends("[views.v]\nlabels = { mail = { do = \"keep_last\", n = 12 } }\n"));
        assert!(ends("[views.v]\nlabels = { mail = \"keep\" }\n"), "{action}");
        assert!(
            ends("[views.v]\nlabels = { mail = { do = \"keep_first\", n = 20 } }\n"),
            "{action}"
        );
    }
}

#[test]
fn an_action_that_shows_a_part_does_not_show_what_another_rule_takes_out() {
    let rules = |n: usize| {
        load(&format!(
            "[detectors.id]\npattern = 'nr:[0-9* ]+'\n\
             [[rule]]\nname = \"id\"\nfind = {{ detectors = [\"id\"] }}\n\
             action = {{ do = \"keep_first\", n = {n} }}\n\
             tests = {{ hits = [\"nr:123456789012345678901234\"], misses = [\"x\"] }}\n\
             [[rule]]\nname = \"card\"\nfind = {{ detectors = [\"card\"] }}\naction = \"mask\"\n\
             tests = {{ hits = [\"4111111111111111\"], misses = [\"x\"] }}\n"
        ))
    };
    let seen = |n| scrubbed(&rules(n), &json!("nr:4111111111111111 12345"));
    assert_eq!(seen(17), "nr:411111111111111*******", "one digit is missing: a card no more");
    assert_eq!(seen(18), "*************************");
}

#[test]
fn a_view_of_another_rule_set_gets_the_least() {
    let rules = rules();
    let more = load(&format!("{RULES}[views.more]\nlabels = {{ card = \"keep\" }}\n"));
    let foreign = more.view("support").unwrap().max(more.view("more").unwrap());
    assert!(foreign.index() < 5);
    let small = load(&RULES[..RULES.find("[views.").unwrap()]);
    let bytes = pack(&json!("4111111111111234"));
    let verdict = small.plan(&topic("t")).scrub(&bytes, None, &mut Scratch::default());
    let (seen, _) = verdict.render(foreign, &bytes, None).unwrap();
    assert_eq!(to_json(seen), "****************");
    assert_eq!(rules.view_of_role("more"), ViewId::DEFAULT);
}
