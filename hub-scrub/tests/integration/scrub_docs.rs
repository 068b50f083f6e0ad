//! Claim: `docs/scrub.md` is right: its examples load, and it leaves out no key and no action. (What
//! it says to type in, a test of `hub-cli` types in.)

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{
    RuleSet, Scrubber, ScrubberEvent, ScrubberOutcome,
    detect::{BuiltIn, Check, KeyKind},
};
use scrub_common::*;
use serde_json::json;
use std::sync::Arc;

fn text() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scrub.md");
    std::fs::read_to_string(path).unwrap()
}

fn examples(text: &str) -> Vec<&str> {
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

/// Stands for the scrubber that an example names.
struct AddsUp;

impl Scrubber for AddsUp {
    fn name(&self) -> &str {
        "adds-up"
    }

    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
        // 900, as MessagePack has it.
        let adds_up = event.payload.windows(3).any(|bytes| bytes == [0xcd, 0x03, 0x84]);
        if adds_up { ScrubberOutcome::Pass } else { ScrubberOutcome::Hit }
    }
}

#[test]
fn every_example_loads() {
    let text = text();
    let examples = examples(&text);
    let others = ["```sh\n", "```text\n"].map(|start| text.matches(start).count());
    assert_eq!(examples.len() + others[0] + others[1], text.matches("```").count() / 2);
    for example in examples {
        let loaded = RuleSet::load_with(example, "docs/scrub.md", &TestKeys, &[Arc::new(AddsUp)]);
        assert!(loaded.is_ok(), "{loaded:?}");
    }
}

#[test]
fn the_first_example_does_what_it_says() {
    let text = text();
    let rules = load(examples(&text)[0]);
    let message = json!({ "card": "4111 1111 1111 1111" });
    let seen = |role: &str| seen_by(&rules, rules.view_of_role(role), &message)["card"].take();
    assert_eq!(seen("billing"), "***************1111");
    assert_eq!(seen("analytics"), "*******************");
}

/// The names that the code knows in a place, as it says when it meets one that it does not know.
fn names(file: &str) -> Vec<String> {
    let said = errors(file);
    let (_, list) = said.split_once("expected ").unwrap_or_else(|| panic!("{said}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn no_detector_and_no_check_is_left_out() {
    let text = text();
    let row = |key: &str| {
        let start = format!("| `{key}` |");
        text.lines().find(|line| line.starts_with(&start)).unwrap().to_owned()
    };
    let (built_in, check) = (row("built_in"), row("check"));
    for detector in BuiltIn::ALL {
        assert!(built_in.contains(&format!("`{}`", detector.name())), "{}", detector.name());
    }
    for (name, _) in Check::ALL {
        assert!(check.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn no_key_and_no_action_is_left_out() {
    let text = text();
    let mut all = Vec::new();
    for file in [
        "nosuch = 1",
        "[budget]\nnosuch = 1",
        "[[keys.x]]\nnosuch = 1",
        "[detectors.x]\nnosuch = 1",
        "[detectors.x]\nnear = { nosuch = 1 }",
        "[detectors.x]\nexcept = { nosuch = 1 }",
        "[[pack]]\nnosuch = 1",
        "[[rule]]\nnosuch = 1",
        "[[rule]]\nfind = { nosuch = 1 }",
        "[[rule]]\nfind = { in = [\"nosuch\"] }",
        "[[rule]]\nfind = { types = [\"nosuch\"] }",
        "[[rule]]\nstructure = { nosuch = 1 }",
        "[[rule]]\nstructure = { duplicate_keys = \"nosuch\" }",
        "[[rule]]\nstructure = { nonfinite = \"nosuch\" }",
        "[[rule]]\ntests = { nosuch = 1 }",
        "[[rule]]\naction = \"nosuch\"",
        "[views.x]\nnosuch = 1",
    ] {
        all.extend(names(file));
    }
    for action in names("[[rule]]\naction = \"nosuch\"") {
        assert!(
            text.contains(&format!("| `{action}`")) || text.contains(&format!("`, `{action}` |")),
            "no row for {action}"
        );
        let said = errors(&format!("[[rule]]\naction = {{ do = \"{action}\", nosuch = 1 }}"));
        assert!(said.contains("unknown field `nosuch`"), "{said}");
        all.extend(
            said.split("expected")
                .nth(1)
                .unwrap_or_default()
                .split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned),
        );
    }
    assert!(all.len() > 70, "{all:?}");
    for name in all {
        let mentioned = ["`NAME`", "[NAME]", "[[NAME]]", "[NAME.", "[[NAME.", "\"NAME\""]
            .iter()
            .any(|form| text.contains(&form.replace("NAME", &name)));
        assert!(mentioned, "`{name}` is not described");
    }
}

/// The table of the kinds of content that keys name is that of the code. The row of a kind that is missing is shown, so
/// that it can be copied.
#[test]
fn the_table_of_what_keys_name_is_that_of_the_code() {
    let text = text();
    let list =
        |keys: &[&str]| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    for kind in KeyKind::all() {
        let row = format!(
            "| `{}` | {} | {} | {} |",
            kind.name(),
            kind.about(),
            list(kind.examples()),
            list(kind.counter_examples())
        );
        assert!(text.lines().any(|line| line == row), "this row is missing:\n{row}");
    }
}
