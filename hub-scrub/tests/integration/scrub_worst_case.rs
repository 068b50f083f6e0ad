//! Claim: whatever the patterns and the message are, the work of a scrub stays within its budget,
//! and a message that needs more ends in quarantine.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{QuarantineReason, RuleSet, Scratch, Verdict};
use hub_wire::Packer;
use scrub_common::*;
use serde_json::json;

fn run(rules: &RuleSet, message: &[u8]) -> Verdict {
    rules.plan(&topic("orders.placed")).scrub(message, None, &mut Scratch::default())
}

#[track_caller]
fn assert_quarantined(rules: &RuleSet, message: &[u8], reason: QuarantineReason) {
    match run(rules, message) {
        Verdict::Quarantine(quarantine) => assert_eq!(quarantine.reason, reason),
        other => panic!("{other:?}"),
    }
}

fn accepts(rules: &RuleSet, message: &[u8]) -> bool {
    matches!(run(rules, message), Verdict::Accept)
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    Packer(&mut bytes).str(text);
    bytes
}

fn pattern(pattern: &str, more: &str, hit: &str) -> RuleSet {
    load(&format!(
        "[budget]\nsteps = 35500\n[detectors.own]\npattern = '{pattern}'\n{more}\n[[rule]]\nname = \"own\"\n\
         find = {{ detectors = [\"own\"] }}\naction = \"mask\"\ntests = {{ hits = [\"{hit}\"], misses = [\"-\"] }}\n"
    ))
}

fn packs() -> RuleSet {
    load("[[pack]]\nname = \"pci\"\n[[pack]]\nname = \"pii\"\n[[pack]]\nname = \"secrets\"\n")
}

/// Patterns that take exponential time where the engine backtracks.
const EXPONENTIAL: [(&str, &str); 4] =
    [("(a+)+b", "aab"), ("(a|aa)+b", "aab"), ("(a|a?)+b", "aab"), ("(x+x+)+y", "xxy")];

#[test]
fn patterns_that_would_backtrack_take_linear_time() {
    for (hostile, hit) in EXPONENTIAL {
        let rules = pattern(hostile, "", hit);
        let text = hit[..1].repeat(100_000);
        assert!(accepts(&rules, &string(&text)), "{hostile}");
        assert_quarantined(&rules, &string(&text.repeat(4)), QuarantineReason::Steps);
    }
}

/// Each match is one letter, and is known only when the whole window was searched: 2 KiB a match.
#[test]
fn many_short_matches_with_long_searches_are_over_the_budget() {
    let text = "a".repeat(200_000);
    let rules = pattern("a.*b|a", "", "a");
    assert_quarantined(&rules, &string(&text), QuarantineReason::Steps);
    // The same where nothing passes the check, so that there is no find to count.
    let rules = pattern("1.*b|[0-9]{2}", "check = \"luhn\"", "18");
    assert_quarantined(&rules, &string(&"1".repeat(200_000)), QuarantineReason::Steps);
    // And spread over many texts.
    let rules = pattern("a.*b|a", "except = { literals = [\"a\"] }", "ab");
    let texts = json!(vec!["a".repeat(1000); 200]);
    assert_quarantined(&rules, &pack(&texts), QuarantineReason::Steps);
    assert!(accepts(&rules, &pack(&json!("a".repeat(800)))));
}

#[test]
fn thousands_of_near_matches_are_looked_at_and_pass() {
    let near = [
        "4111 1111 1111 1112",
        "DE89 3704 0044 0532 0130 01",
        "536-90-439",
        "300.1.2.3",
        "eyJhbGciOi.x.y",
        "AKIAQYLPMN5HHHFPZAM",
        "a@b",
    ];
    let rules = packs();
    for text in near {
        assert!(accepts(&rules, &string(text)), "{text}");
    }
    let texts: Vec<&str> = near.iter().copied().cycle().take(5_000).collect();
    assert!(accepts(&rules, &pack(&json!(texts))));
    assert!(accepts(&rules, &string(&texts.join(" | "))));
}

#[test]
fn more_finds_than_the_budget_has_are_in_no_text_let_through() {
    // There are enough steps, so that the finds run out first.
    let rules = load(
        "[budget]\nsteps = 2000000\n[[pack]]\nname = \"pci\"\n[[pack]]\nname = \"pii\"\n\
         [[pack]]\nname = \"secrets\"\n",
    );
    let cards = vec!["4111 1111 1111 1111"; 10_001];
    assert_quarantined(&rules, &pack(&json!(cards)), QuarantineReason::Matches);
    assert_quarantined(&rules, &string(&cards.join(", ")), QuarantineReason::Matches);
}

#[test]
fn a_million_keys_are_over_the_budget_of_every_rule_that_walks() {
    let mut message = Vec::new();
    let mut packer = Packer(&mut message);
    packer.map(1_000_000);
    for n in 0..1_000_000_u32 {
        packer.str(&n.to_string()).nil();
    }
    let path = "[[rule]]\nname = \"p\"\nfind = { paths = [\"**.a.**.b\"] }\naction = \"drop\"\n\
        tests = { hits = [{ a = { b = 1 } }], misses = [1] }\n";
    let shape = "[[rule]]\nname = \"s\"\nstructure = { duplicate_keys = \"reject\" }\n\
        tests = { hits = [{ msgpack = \"82 a161 01 a161 01\" }], misses = [1] }\n";
    for rules in [packs(), load(path), load(shape)] {
        assert_quarantined(&rules, &message, QuarantineReason::Steps);
    }
}

#[test]
fn paths_of_thousands_of_segments_cost_steps() {
    let paths: Vec<String> =
        (0..100).map(|n| format!("\"**.{}k{n}\"", "*.**.".repeat(20))).collect();
    let rules = load(&format!(
        "[[rule]]\nname = \"p\"\nfind = {{ paths = [{}] }}\naction = \"drop\"\n\
         tests = {{ hits = [{{ msgpack = \"{}81 a2 6b30 01\" }}], misses = [1] }}\n",
        paths.join(", "),
        "81 a161".repeat(20)
    ));
    let wide = json!(vec![1; 20_000]);
    assert_quarantined(&rules, &pack(&wide), QuarantineReason::Steps);
    assert!(accepts(&rules, &pack(&json!(vec![1; 1000]))));
}

#[test]
fn nesting_up_to_the_walkers_bound_is_looked_at_and_no_deeper() {
    let rules = packs();
    let nested = |depth: usize, value: &str| {
        let mut bytes = vec![0x91; depth];
        Packer(&mut bytes).str(value);
        bytes
    };
    assert!(accepts(&rules, &nested(64, "text")));
    assert!(matches!(run(&rules, &nested(64, "4111 1111 1111 1111")), Verdict::Fixed(_)));
    assert_quarantined(&rules, &nested(65, "text"), QuarantineReason::Malformed);
    assert_quarantined(&rules, &nested(100_000, "text"), QuarantineReason::Malformed);
}

#[test]
fn patterns_of_schemas_do_not_backtrack() {
    let rule = |pattern: &str| {
        format!(
            "[[rule]]\nname = \"s\"\nschema = {{ items = {{ pattern = '{pattern}' }} }}\n\
             tests = {{ hits = [[\"-\"]], misses = [[\"aab\", \"xxy\"]] }}\n"
        )
    };
    let rules = load(&rule("^((a+)+b|(x+x+)+y)$"));
    let message = json!(vec!["a".repeat(5000); 20]);
    assert!(matches!(run(&rules, &pack(&message)), Verdict::Refuse(_)));
    for backtracks in [r"^(a+)+\1$", "^(?=(a+)+b)"] {
        let said = errors(&rule(backtracks));
        assert!(said.contains("rule.s.schema"), "{said}");
    }
}
