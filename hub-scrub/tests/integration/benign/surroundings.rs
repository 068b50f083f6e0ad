//! Where a value stands: alone under a key, inside of an event, or inside of a line of text.
//!
//! A detector judges a value by what is near it. A value that passes alone may change behind a word, or between
//! other numbers.

use super::random::Random;
use super::scrub::Step;
use super::times::time;
use serde_json::{Map, Value, json};
use std::fmt;

/// A `Surrounding` is where a value stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surrounding {
    /// The value is the only one, under a usual key.
    Alone,
    /// The value is a field of an event, or of a part of an event.
    Event,
    /// The value is a part of a line of text, behind the name of its key.
    Line,
}

impl fmt::Display for Surrounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Surrounding::Alone => "alone",
            Surrounding::Event => "event",
            Surrounding::Line => "line",
        })
    }
}

impl Surrounding {
    pub const ALL: [Surrounding; 3] = [Surrounding::Alone, Surrounding::Event, Surrounding::Line];

    /// Returns a document with the value, and the path at which the value is.
    pub fn document(self, random: &mut Random, key: &str, value: &Value) -> (Value, Vec<Step>) {
        match self {
            Surrounding::Alone => {
                let mut map = Map::new();
                map.insert(key.to_owned(), value.clone());
                (map.into(), vec![Step::Key(key.to_owned())])
            }
            Surrounding::Event => event(random, key, value),
            Surrounding::Line => {
                (json!({ "message": line(random, key, value) }), vec![Step::Key("message".into())])
            }
        }
    }
}

/// Puts a value into an event, one time in three into the object that most events have inside.
fn event(random: &mut Random, key: &str, value: &Value) -> (Value, Vec<Step>) {
    let make = random.pick(EVENTS);
    let Value::Object(mut event) = make(random) else { unreachable!("events are objects") };
    let nested = event.iter_mut().find_map(|(name, field)| Some((name, field.as_object_mut()?)));
    let path = match nested {
        Some((name, inner)) if random.one_in(3) => {
            let path = vec![Step::Key(name.clone()), Step::Key(key.to_owned())];
            inner.insert(key.to_owned(), value.clone());
            path
        }
        _ => {
            event.insert(key.to_owned(), value.clone());
            vec![Step::Key(key.to_owned())]
        }
    };
    (event.into(), path)
}

/// Writes a line of a log with a value. A value that is no text is written as JSON, as most loggers do.
fn line(random: &mut Random, key: &str, value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (name, number) = (key.replace(['_', '-'], " "), random.below(900));
    match random.below(5) {
        0 => {
            let at = time(random, "%Y-%m-%dT%H:%M:%SZ");
            format!("{at} INFO worker-3 {key}={text} status=ok")
        }
        1 => format!("processed {name} {text} in {number} ms"),
        2 => format!("{name}: {text}, attempt {} of 5", number % 5),
        3 => format!("The {name} {text} was not found."),
        _ => format!("level=warn msg=\"retry\" {key}=\"{text}\" took={number}ms"),
    }
}

fn at(random: &mut Random) -> String {
    time(random, "%Y-%m-%dT%H:%M:%S.417Z")
}

const EVENTS: &[fn(&mut Random) -> Value] =
    &[order, payment, cluster, build, audit, metrics, reading, webhook, deployment];

fn order(r: &mut Random) -> Value {
    json!({
        "type": "order.placed", "number": r.below(9_999_999), "placed_at": at(r), "currency": "EUR",
        "total": r.below(90_000) as f64 / 100.0, "tax_rate": 0.19, "items": [
            { "title": "desk lamp", "quantity": r.between(1, 9), "price": 9.5 },
            { "title": "chair", "quantity": 1, "price": r.below(900) },
        ],
        "shipping": { "carrier": "DHL", "service": "standard", "weight_kg": 2.4 },
        "channel": "web", "gift": false, "note": "Leave it with the neighbour, please.",
    })
}

fn payment(r: &mut Random) -> Value {
    json!({
        "type": "payment.settled", "method": "bank_transfer", "amount": r.below(9_000_000), "currency": "USD",
        "settled_at": at(r), "fee": 0.25, "attempts": 1, "status": "succeeded", "livemode": true,
        "metadata": { "basket": r.below(99_999), "campaign": "spring" }, "refunded": false,
    })
}

fn cluster(r: &mut Random) -> Value {
    json!({
        "kind": "Event", "apiVersion": "v1", "reason": "BackOff", "type": "Warning", "count": r.below(400),
        "metadata": { "namespace": "shop", "name": format!("web-0.{}", r.hex(16)) },
        "lastTimestamp": at(r), "reportingComponent": "kubelet", "node": format!("node-{}", r.below(90)),
        "message": "Back-off restarting failed container",
    })
}

fn build(r: &mut Random) -> Value {
    json!({
        "pipeline": r.below(9_999_999), "job": "test", "branch": "main", "runner": format!("runner-{}", r.below(90)),
        "commit": r.hex(40), "started_at": at(r), "seconds": r.below(4000), "status": "passed",
        "artifacts": { "name": "report.xml", "bytes": r.below(9_999_999) }, "tests": r.below(9000), "failed": 0,
        "coverage": 81.25,
    })
}

fn audit(r: &mut Random) -> Value {
    json!({
        "action": "bucket.policy.update", "actor": "deploy-bot", "at": at(r), "outcome": "success",
        "region": "eu-west-1", "mfa": true, "changes": { "before": "private", "after": "internal" },
        "service": r.word(), "duration_ms": r.below(9000), "sequence": r.below(9_999_999),
    })
}

fn metrics(r: &mut Random) -> Value {
    json!({
        "name": "http_request_duration_seconds", "at": r.milliseconds(), "value": r.below(100_000) as f64 / 1e5,
        "labels": { "method": "GET", "status": "200", "service": r.word() }, "count": r.below(9_999_999),
        "sum": r.below(9_999_999) as f64 / 7.0, "p50": 0.012, "p99": 0.431, "window_s": 60,
    })
}

fn reading(r: &mut Random) -> Value {
    json!({
        "device": format!("sensor-{}", r.below(9999)), "ts": r.milliseconds(), "temperature": 21.5,
        "humidity": r.below(1000) as f64 / 10.0, "battery_mv": r.between(2800, 4200), "rssi": -71,
        "status": { "online": true, "errors": r.below(9) }, "counter": r.below(99_999_999), "unit": "C",
    })
}

fn webhook(r: &mut Random) -> Value {
    let id = r.below(99_999_999);
    json!({
        "action": "opened", "number": r.below(9999), "sender": "octo-bot", "ref": "refs/heads/main", "size": 3,
        "repository": {
            "full_name": "example/shop", "private": false, "stargazers_count": r.below(9999),
            "html_url": "https://github.com/example/shop",
        },
        "head": r.hex(40), "base": r.hex(40), "created_at": at(r), "installation": id, "draft": false,
    })
}

fn deployment(r: &mut Random) -> Value {
    json!({
        "service": r.word(), "environment": "production", "replicas": r.below(40), "strategy": "rolling",
        "revision": r.below(900), "image": format!("registry.example.com/{}:1.{}.0", r.word(), r.below(90)),
        "requested_at": at(r), "approved": true, "resources": { "cpu": "500m", "memory": "512Mi" },
        "duration_s": r.below(900), "result": "healthy",
    })
}
