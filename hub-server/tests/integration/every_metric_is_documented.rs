//! The claim of `docs/operations.md`: it has all metrics.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use std::collections::BTreeSet;
use support::*;

#[test]
fn every_metric_is_documented() {
    let hub = hub();
    // So that there is a topic, a refusal and a closed connection.
    let mut client = Client::open(hub.clients());
    client.subscribe(&subscription(1, "**"));
    client.send(&event("news", &[0xc3]));
    client.send(&event("$hub.mine", &[0xc3]));
    client.send(&goodbye());
    client.rest();
    let documented = include_str!("../../../docs/operations.md");
    let shown = metrics(&hub);
    let names: BTreeSet<_> = shown.keys().map(|name| name.split('{').next().unwrap()).collect();
    let ours: Vec<_> = names.iter().filter(|name| name.starts_with("hub_")).collect();
    assert!(ours.len() > 20, "{ours:?}");
    for name in ours {
        assert!(documented.contains(&format!("`{name}`")), "{name} is not in docs/operations.md");
    }
}
