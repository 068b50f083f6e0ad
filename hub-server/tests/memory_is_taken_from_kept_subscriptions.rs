//! Promise: what waits for subscriptions whose clients are away counts as held bytes. When memory is scarce,
//! the hub ends them, those first that are away for longest, and the ledger says so.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use hub_wire::{Hello, Subscribe, Window};
use support::*;

const MIB: u64 = 1024 * 1024;
const AWAY: u64 = 60;

fn client(hub: &hub_server::RunningHub, number: u64) -> Client {
    let mut id = [7; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Client::open_as(hub.clients(), &Hello { receipts: false, ..hello_of(id) })
}

#[test]
fn those_away_for_longest_lose_their_subscriptions_and_the_ledger_says_so() {
    let hub = hub_with(|config| {
        config.memory_bytes = 160 * MIB;
        config.memory_grace_ms = 10_000;
        config.overflow_grace_ms = 10;
        config.history_bytes = 0;
        config.history_topic_bytes = 0;
    });
    for number in 0..AWAY {
        let mut away = client(&hub, number);
        let window = Some(Window { events: 1, bytes: 1 << 30 });
        away.subscribe(&Subscribe { window, keep: true, ..subscription(1, &format!("t{number}")) });
    }
    wait_until("all are away", || metric(&hub, "hub_connections") == 0);
    assert_eq!(metric(&hub, "hub_subscriptions"), AWAY);
    // Each subscription may hold 4 MiB, and all together far more than the budget.
    let mut publisher = Client::open(hub.clients());
    for number in 0..AWAY {
        publisher.send(&event(&format!("t{number}"), &numbered(0, 256 * 1024)).repeat(24));
        publisher.barrier();
    }
    wait_until("subscriptions have ended", || metric(&hub, "hub_subscriptions") < AWAY);
    wait_until("there is enough again", || metric(&hub, "hub_memory_pressure") == 0);
    assert!(!client(&hub, 0).welcome().kept);
    let sums = Sums::of(&hub);
    assert!(sums.disconnected > 0, "{sums:?}");
    let settled = sums.delivered + sums.overflow + sums.conflated + sums.disconnected;
    assert_eq!(sums.due, settled + sums.pending, "{sums:?}");
    let audit: serde_json::Value = serde_json::from_str(&http_get(&hub, "/admin/audit")).unwrap();
    assert_eq!(audit["balanced"], true, "{audit}");
}
