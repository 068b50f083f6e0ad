//! Claim: messages as services send them stay far below the budget of steps, from single orders up to batches of
//! 1 MiB, under the three packs.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

#[allow(dead_code, reason = "the benchmarks use all of it")]
#[path = "../../benches/messages/mod.rs"]
mod messages;

use crate::scrub_common::topic;
use hub_scrub::{Budget, Plan, RuleSet, Scratch, SystemKeys, Verdict};
use hub_wire::Packer;
use messages::{Message, Random, as_json, as_msgpack};
use std::sync::Arc;

fn packs() -> Arc<Plan> {
    let packs =
        "[[pack]]\nname = \"pci\"\n[[pack]]\nname = \"pii\"\n[[pack]]\nname = \"secrets\"\n";
    RuleSet::load(packs, "rules.toml", &SystemKeys).unwrap().plan(&topic("orders.placed"))
}

/// Fills an array with about `size` bytes of values.
fn batch(size: usize, mut value: impl FnMut(usize) -> Vec<u8>) -> Vec<u8> {
    let (mut values, mut count) = (Vec::new(), 0);
    while values.len() < size {
        values.extend(value(count));
        count += 1;
    }
    let mut out = Vec::new();
    Packer(&mut out).array(count as u32).raw(&values);
    out
}

fn text(of: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Packer(&mut out).str(of);
    out
}

/// Fills one text with about `size` bytes of lines.
fn lines(size: usize, mut line: impl FnMut(usize) -> String) -> Vec<u8> {
    let mut all = String::new();
    for n in 0.. {
        if all.len() >= size {
            break;
        }
        all += &line(n);
        all.push('\n');
    }
    text(&all)
}

fn record(n: usize, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    let (a, b) = (random.next(), random.next());
    pack.map(7).str("id").uint(a % 1_000_000).str("name").str("Grace Hopper");
    pack.str("email").str(&format!("grace.hopper{}@mail.example.org", a % 9999));
    pack.str("phone").str(&format!("+31 20 {:07}", b % 10_000_000));
    pack.str("address").str("Keizersgracht 121, 1015 CJ Amsterdam");
    pack.str("since").str(&format!("2026-0{}-1{}T12:00:00Z", 1 + a % 9, n % 10));
    pack.str("total").uint(b % 100_000);
    out
}

fn numbers(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    pack.map(5).str("at").uint(1_780_000_000_000 + random.next() % 100_000_000);
    pack.str("sensor").uint(random.next() % 5000).str("value").raw(&[0xcb]);
    pack.raw(&((random.next() % 100_000) as f64 / 100.0).to_be_bytes());
    pack.str("sequence").uint(random.next() % 10_000_000_000);
    pack.str("ok").bool(true);
    out
}

/// Returns ordinary messages of about this many bytes.
fn ordinary(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let orders = |every| messages::messages(1 + size / 500, every, 7);
    let (clean, one_in_ten) = (orders(0), orders(10));
    let of = |all: &[Message]| batch(size, |n| as_msgpack(&all[n % all.len()]));
    let random = || Random::new(11);
    let (mut a, mut b, mut c, mut d) = (random(), random(), random(), random());
    vec![
        ("orders", of(&clean)),
        ("orders, one in ten with finds", of(&one_in_ten)),
        ("orders as JSON in one text", lines(size, |n| as_json(&one_in_ten[n % one_in_ten.len()]))),
        ("customers, each with two finds", batch(size, |n| record(n, &mut a))),
        ("numbers", batch(size, |_| numbers(&mut b))),
        (
            "a log with addresses",
            lines(size, |n| {
                format!(
                    "2026-11-30T02:{:02}:{:02}.{:03}Z INFO gateway request={:016x} from 10.2.{}.{} \
                     GET /orders/{} 200 {} ms",
                    n / 60 % 60,
                    n % 60,
                    c.next() % 1000,
                    c.next(),
                    c.next() % 256,
                    c.next() % 256,
                    c.next() % 99_999,
                    c.next() % 900
                )
            }),
        ),
        (
            "a text in Russian",
            lines(size, |_| {
                format!(
                    "Заказ {} принят, доставка завтра утром, спасибо за покупку.",
                    d.next() % 9999
                )
            }),
        ),
    ]
}

#[test]
fn the_messages_of_the_benchmarks_take_a_small_part_of_the_budget() {
    let (plan, mut scratch) = (packs(), Scratch::default());
    for message in messages::messages(1000, 2, 7) {
        let bytes = as_msgpack(&message);
        let verdict = plan.scrub(&bytes, None, &mut scratch);
        assert!(!matches!(verdict, Verdict::Quarantine(_)), "{message:?}: {verdict:?}");
        let limit = Budget::default().steps_for(bytes.len());
        assert!(scratch.steps() * 200 < limit, "{} steps for {message:?}", scratch.steps());
    }
}

#[test]
fn batches_and_logs_stay_below_the_budget() {
    let (plan, mut scratch) = (packs(), Scratch::default());
    for (size, percent) in [(4 << 10, 4), (64 << 10, 60)] {
        for (name, message) in ordinary(size) {
            let verdict = plan.scrub(&message, None, &mut scratch);
            let (steps, limit) = (scratch.steps(), Budget::default().steps_for(message.len()));
            eprintln!("{name}, {} bytes: {steps} of {limit} steps", message.len());
            assert!(!matches!(verdict, Verdict::Quarantine(_)), "{name}: {verdict:?}");
            assert!(steps * 100 <= limit * percent, "{name}: {steps} of {limit} steps");
        }
    }
}
