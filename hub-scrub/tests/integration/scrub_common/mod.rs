//! What the tests of the scrub share: keys, messages as JSON, and short ways to load and run.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use hub_scrub::{KeyOrigin, KeySource, RuleSet, Scratch, Verdict, ViewId};
use hub_wire::TopicName;
use serde_json::Value;

/// A secret for every name: the name, as often as it takes.
pub struct TestKeys;

impl KeySource for TestKeys {
    fn secret(&self, origin: KeyOrigin<'_>) -> Result<Vec<u8>, String> {
        match origin {
            KeyOrigin::Env("SHORT") => Ok(b"too short".to_vec()),
            KeyOrigin::Env("NONE") => Err("there is no such variable".to_owned()),
            KeyOrigin::Env(name) | KeyOrigin::File(name) => Ok(name.repeat(32).into_bytes()),
        }
    }
}

/// Keys and views that many tests use.
pub const KEYS: &str = "
[[keys.crm]]
version = 1
env = \"FIRST\"
[[keys.crm]]
version = 2
file = \"second\"
";

pub fn load(rules: &str) -> RuleSet {
    RuleSet::load(rules, "rules.toml", &TestKeys).unwrap_or_else(|errors| panic!("{errors}"))
}

pub fn errors(rules: &str) -> String {
    RuleSet::load(rules, "rules.toml", &TestKeys).map(|_| ()).unwrap_err().to_string()
}

pub fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

pub fn pack(json: &Value) -> Vec<u8> {
    rmp_serde::to_vec(json).unwrap()
}

/// Reads with another reader of MessagePack than the one under test.
pub fn unpack(bytes: &[u8]) -> rmpv::Value {
    let mut rest = bytes;
    let value = rmpv::decode::read_value(&mut rest).unwrap();
    assert!(rest.is_empty(), "bytes after the value");
    value
}

pub fn to_json(bytes: &[u8]) -> Value {
    rmp_serde::from_slice(bytes).unwrap()
}

/// Scrubs a payload that is JSON, on the topic `orders.placed`.
pub fn scrub(rules: &RuleSet, payload: &Value) -> (Verdict, Vec<u8>) {
    let bytes = pack(payload);
    let plan = rules.plan(&topic("orders.placed"));
    (plan.scrub(&bytes, None, &mut Scratch::default()), bytes)
}

/// What the default view gets of a payload.
pub fn scrubbed(rules: &RuleSet, payload: &Value) -> Value {
    seen_by(rules, ViewId::DEFAULT, payload)
}

/// What a view gets of a payload.
pub fn seen_by(rules: &RuleSet, view: ViewId, payload: &Value) -> Value {
    let (verdict, bytes) = scrub(rules, payload);
    match verdict.render(view, &bytes, None) {
        Some((seen, _)) => to_json(seen),
        None => panic!("{verdict:?}"),
    }
}

/// The rules and paths of refusals, for messages that are refused.
pub fn refused(rules: &RuleSet, payload: &Value) -> (String, String) {
    match scrub(rules, payload).0 {
        Verdict::Refuse(refusal) => (refusal.rule.to_string(), refusal.path),
        other => panic!("{other:?}"),
    }
}
