//! Checks what a report says about one layer.

use serde_json::Value;

/// Where the hub of most tests listens.
pub(crate) const HUB: &str = "hub://10.77.0.2:4820";

/// The layers, with their exit codes.
pub(crate) const NAME: (&str, i32) = ("name", 11);
pub(crate) const ROUTE: (&str, i32) = ("route", 12);
pub(crate) const TCP: (&str, i32) = ("tcp", 13);

/// Returns what a report says about a layer.
pub(crate) fn layer<'a>(report: &'a Value, name: &str) -> &'a Value {
    let layers = report["layers"].as_array().unwrap();
    layers.iter().find(|found| found["layer"] == name).unwrap()
}

/// Checks the layer, the exit code and the finding; and that the finding says some words.
pub(crate) fn assert_found(
    (report, code): &(Value, i32),
    at: (&str, i32),
    finding: &str,
    words: &[&str],
) {
    assert_eq!(report["at_fault"], at.0, "{report:#}");
    assert_eq!(*code, at.1, "{report:#}");
    let findings = layer(report, at.0)["findings"].as_array().unwrap();
    let found = findings.iter().find(|found| found["code"] == finding);
    let found = found.unwrap_or_else(|| panic!("no {finding} in {findings:#?}"));
    let text = format!("{} {}", found["what"], found["remedy"]);
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

/// Checks that the doctor found nothing.
pub(crate) fn assert_healthy((report, code): &(Value, i32)) {
    assert_eq!((*code, &report["at_fault"]), (0, &Value::Null), "{report:#}");
}
