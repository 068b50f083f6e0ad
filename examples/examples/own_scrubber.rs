//! This example shows how to scrub events with code of your own. A rule file can name a scrubber
//! that is written in Rust. The scrubber runs before the other rules, and they check its output as they
//! check everything else.
//!
//! The program runs a hub in its own process, with two scrubbers for things that no rule can
//! express. `open-notes` decodes the base64 of an old shop system to text, in which the rules then
//! find an e-mail address. `adds-up` finds orders whose total is not the sum of their items.
//!
//! Run it with `cargo run -p hub-examples --example own_scrubber`.

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hub_client::{BoxError, Client, EmitError, Emitter, Event, Received, decode, encode};
use hub_scrub::{Scrubber, ScrubberEvent, ScrubberOutcome};
use hub_server::{Config, RunningHub};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The rule file with this path names the two scrubbers and a pack of rules for personal data.
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/own_scrubber.toml");
/// The subscriber waits this long for an event that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Decodes `note_b64`, puts its text into `note`, and removes `note_b64`. Without `note_b64`, the
/// scrubber changes nothing, so it changes an event only once.
struct OpenNotes;

impl Scrubber for OpenNotes {
    fn name(&self) -> &str {
        "open-notes"
    }

    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
        // A payload that is not a map has no note. `Pass` leaves the event to the other rules.
        let Ok(Value::Object(mut order)) = decode::<Value>(event.payload) else {
            return ScrubberOutcome::Pass;
        };
        let Some(note) = order.remove("note_b64") else { return ScrubberOutcome::Pass };
        let text = note.as_str().and_then(|note| STANDARD.decode(note).ok());
        // A note that cannot be decoded becomes an empty text, since no rule can check it.
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        order.insert("note".into(), text.into());
        match encode(&order) {
            Ok(payload) => ScrubberOutcome::Replace(payload.to_vec()),
            Err(_) => ScrubberOutcome::Hit,
        }
    }
}

/// Finds orders whose total is not the sum of their items.
struct AddsUp;

#[derive(Deserialize)]
struct Sum {
    cents: u64,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    cents: u64,
    quantity: u64,
}

impl Scrubber for AddsUp {
    fn name(&self) -> &str {
        "adds-up"
    }

    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
        let Ok(order) = decode::<Sum>(event.payload) else { return ScrubberOutcome::Hit };
        let each = order.items.iter().map(|item| item.cents.checked_mul(item.quantity));
        let sum = each.sum::<Option<u64>>();
        if sum == Some(order.cents) { ScrubberOutcome::Pass } else { ScrubberOutcome::Hit }
    }
}

/// Holds an order with any fields.
#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed")]
#[serde(transparent)]
struct Order(Value);

fn main() -> Result<(), BoxError> {
    let mut config = Config { rules: RULES.to_owned(), ..Config::default() };
    config.listen.set_port(0);
    config.http.set_port(0);
    // The program `hub` does not know the scrubbers of other programs, so this program runs a hub.
    let hub = RunningHub::start_with(config, vec![Arc::new(OpenNotes), Arc::new(AddsUp)])?;
    println!("a hub with two scrubbers of its own at {}", hub.url());
    let outcome = tokio::runtime::Runtime::new()?.block_on(shop(&hub.url()));
    hub.stop();
    outcome
}

async fn shop(url: &str) -> Result<(), BoxError> {
    let hub = Client::connect(url).await?;
    let (came, mut orders) = mpsc::unbounded_channel();
    let _listener = hub.on(move |order: Received<Order>| drop(came.send(order.0.clone()))).await?;

    let items = json!([{ "cents": 450, "quantity": 2 }]);
    let note = STANDARD.encode("please write to ann@mail.example");
    for (what, order, passes) in [
        ("an order", json!({ "cents": 900, "items": items }), true),
        ("with a note", json!({ "cents": 900, "items": items, "note_b64": note }), true),
        ("that does not add up", json!({ "cents": 90, "items": items }), false),
    ] {
        println!("\n{what}\n  sent  {order}");
        match hub.emit(&Order(order)).await {
            Ok(_) if passes => {
                let got = tokio::time::timeout(PATIENCE, orders.recv()).await?;
                let got = got.ok_or("the listener is gone")?;
                println!("  came  {got}");
                if got.to_string().contains("ann@") || got.get("note_b64").is_some() {
                    return Err("the address went through".into());
                }
            }
            Err(EmitError::Refused(refusal)) if !passes => {
                let rule = refusal.0.rule.as_deref().unwrap_or("no rule");
                println!("  refused by the rule `{rule}`: {}", refusal.0.code);
            }
            other => return Err(format!("{what}: {other:?}").into()),
        }
    }
    hub.drain().await?;
    Ok(())
}
