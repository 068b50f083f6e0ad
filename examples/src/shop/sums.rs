//! Compares the counts of the services at the end of the shop. Every event that was emitted must have
//! been received once.
//!
//! This comparison makes the shop a check of the hub. Without it, nobody would notice a lost event or a
//! mail that was sent twice.

use crate::events::{Charge, EmailSent, OrderDeclined, OrderPaid, OrderPlaced};
use crate::report::Summary;
use hub_client::Event;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Returns a table of how many events were emitted on each topic, and how many each service received.
pub(super) fn table(summaries: &[Summary]) -> String {
    let mut text = format!("{:<22}{:>9}", "topic", "emitted");
    let receivers: Vec<_> = summaries.iter().filter(|s| s.service != "orders").collect();
    for receiver in &receivers {
        let _ = write!(text, "{:>11}", receiver.service);
    }
    text.push('\n');
    for topic in topics(summaries) {
        let _ = write!(text, "{topic:<22}{:>9}", emitted(summaries, topic));
        for receiver in &receivers {
            let count = receiver.received.get(topic).map(u64::to_string);
            let _ = write!(text, "{:>11}", count.as_deref().unwrap_or("·"));
        }
        text.push('\n');
    }
    text
}

/// Returns everything that does not add up. The list is empty if all is well.
pub(super) fn wrong(summaries: &[Summary]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, left: u64, right: u64| {
        if left != right {
            wrong.push(format!("{what} should be equal: {left} and {right}"));
        }
    };
    let all = |topic| emitted(summaries, topic);
    let (placed, paid) = (all(OrderPlaced::TOPIC), all(OrderPaid::TOPIC));
    check(
        "placed orders, and orders that were paid or declined,",
        placed,
        paid + all(OrderDeclined::TOPIC),
    );
    check("paid orders, and sent mails,", paid, all(EmailSent::TOPIC));
    let charges = received(summaries, "payments", Charge::TOPIC);
    check(
        "requests for payments, and requests that payments received,",
        all(Charge::TOPIC),
        charges,
    );
    let mails = received(summaries, "email", OrderPaid::TOPIC);
    check("paid orders, and paid orders that the queue group email received,", paid, mails);
    for topic in topics(summaries) {
        for service in ["analytics", "audit"] {
            let what = format!("emitted events of {topic}, and those that {service} received,");
            check(&what, all(topic), received(summaries, service, topic));
        }
    }

    let finished = |service: &str| {
        let of = summaries.iter().filter(|summary| summary.service.starts_with(service));
        let mut orders: Vec<u64> = of.flat_map(|summary| summary.orders.iter().copied()).collect();
        orders.sort_unstable();
        orders
    };
    if finished("orders") != finished("email") {
        wrong.push("not every paid order got exactly one mail".to_owned());
    }
    for summary in summaries {
        if summary.gaps > 0 {
            wrong.push(format!("{} got {} gaps", summary.service, summary.gaps));
        }
        wrong.extend(summary.faults.iter().map(|fault| format!("{}: {fault}", summary.service)));
    }
    wrong
}

/// Returns all topics on which something was emitted or received.
fn topics(summaries: &[Summary]) -> BTreeSet<&str> {
    summaries
        .iter()
        .flat_map(|summary| summary.emitted.keys().chain(summary.received.keys()))
        .map(String::as_str)
        .collect()
}

/// Returns how many events all services emitted on a topic.
fn emitted(summaries: &[Summary], topic: &str) -> u64 {
    summaries.iter().filter_map(|summary| summary.emitted.get(topic)).sum()
}

/// Returns how many events of a topic all processes of one service received.
fn received(summaries: &[Summary], service: &str, topic: &str) -> u64 {
    let of = summaries.iter().filter(|summary| summary.service.starts_with(service));
    of.filter_map(|summary| summary.received.get(topic)).sum()
}
