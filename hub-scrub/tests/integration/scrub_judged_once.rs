//! Claim: what a message as a whole has to be, and which rules act on it, is decided once, of what
//! the publisher sent; not of what views get of it.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{Scratch, Verdict, ViewId};
use scrub_common::*;
use serde_json::json;

/// Takes `cvv` away and makes digits longer; one view makes them longer still.
const CHANGES: &str = r#"
[detectors.digits]
pattern = '[0-9]{8}'
[[rule]]
name = "cvv"
find = { keys = ["cvv"] }
action = "drop"
tests = { hits = [{ cvv = 1 }], misses = [1] }
[[rule]]
name = "digits"
find = { detectors = ["digits"], in = ["values", "keys"] }
action = { do = "replace", with = "eight digits" }
tests = { hits = ["12345678"], misses = [1] }
[views.long]
labels = { digits = { do = "replace", with = "eight digits stood here" } }
"#;

#[test]
fn a_view_that_takes_a_field_away_breaks_no_schema_limit_or_condition() {
    for (judge, hit, miss) in [
        ("schema = { required = [\"cvv\"] }", "{ a = 1 }", "{ cvv = 1 }"),
        ("structure = { max_string_bytes = 8 }", "\"123456789\"", "\"12345678\""),
        (
            "structure = { duplicate_keys = \"reject\" }",
            "{ msgpack = \"8201010102\" }",
            "{ a = 1 }",
        ),
        ("condition = 'size(payload.note) > 8'", "{ note = \"123456789\" }", "{ note = \"\" }"),
        ("condition = '!has(payload.cvv)'", "{ a = 1 }", "{ cvv = 1 }"),
    ] {
        let rules = load(&format!(
            "{}[[rule]]\nname = \"judge\"\n{judge}\naction = \"reject\"\n\
             tests = {{ hits = [{hit}], misses = [{miss}] }}\n{}",
            &CHANGES[..CHANGES.find("[views").unwrap()],
            &CHANGES[CHANGES.find("[views").unwrap()..]
        ));
        let message = json!({ "cvv": 1, "note": "12345678", "11111111": 1, "22222222": 2 });
        let (verdict, bytes) = scrub(&rules, &message);
        for (view, note) in [
            (ViewId::DEFAULT, "eight digits"),
            (rules.view("long").unwrap(), "eight digits stood here"),
        ] {
            let (seen, _) = verdict.render(view, &bytes, None).expect(judge);
            let seen = to_json(seen);
            assert_eq!((&seen["note"], seen.get("cvv")), (&json!(note), None), "{judge}");
        }
    }
}

#[test]
fn a_percentage_is_drawn_once_for_all_views() {
    let rule = |name: &str, detector: &str, mode: &str, action: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\nmode = \"{mode}\"\nfind = {{ detectors = [\"{detector}\"] }}\n\
             action = {action}\ntests = {{ hits = [\"1234 abcd\"], misses = [\"x\"] }}\n"
        )
    };
    let views = (1..6).map(|n| {
        format!(
            "[views.v{n}]\nlabels = {{ digits = {{ do = \"replace\", with = \"view {n}\" }} }}\n"
        )
    });
    let rules = load(&format!(
        "[detectors.digits]\npattern = '[0-9]{{4}}'\n[detectors.word]\npattern = 'abcd'\n{}{}{}{}",
        rule("digits", "digits", "enforce", "\"mask\""),
        rule("word", "word", "30%", "\"mask\""),
        rule("refused", "word", "10%", "\"reject\""),
        views.collect::<String>()
    ));
    let plan = rules.plan(&topic("t"));
    let (mut refused, mut masked, mut scratch) = (0, 0, Scratch::default());
    for n in 0..2000 {
        let message = pack(&json!(format!("{n:04} abcd")));
        let verdict = plan.scrub(&message, None, &mut scratch);
        let counted = |name: &str| {
            let mut applied = scratch.applied();
            applied.find(|count| plan.rule_name(count.rule) == name).unwrap_or_default()
        };
        refused += u32::from(matches!(verdict, Verdict::Refuse(_)));
        if matches!(verdict, Verdict::Refuse(_)) {
            assert_eq!(counted("refused").hits, 1);
            continue;
        }
        let mut shown = (0..6).map(|view| {
            let (seen, _) = verdict.render(ViewId::from_index(view), &message, None).unwrap();
            to_json(seen).as_str().unwrap().contains("abcd")
        });
        let first = shown.next().unwrap();
        assert!(shown.all(|other| other == first), "one view shows what another does not: {n}");
        assert_eq!(counted("word").hits == 0, first, "what is counted is what is done: {n}");
        masked += u32::from(!first);
    }
    assert!((150..250).contains(&refused), "{refused} of 2000 refused");
    assert!((350..700).contains(&masked), "{masked} of 2000 masked");
}
