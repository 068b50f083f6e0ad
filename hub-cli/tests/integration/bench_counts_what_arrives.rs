//! The claim: `hub bench` counts every message that was due, and says what the hub on this machine
//! used for it. The setup: the real binary on both sides.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::Hub;
use serde_json::Value;

/// Runs `hub bench …` to its end; its one JSON object.
fn bench(hub: &Hub, args: &[&str]) -> Value {
    let args = [&["bench"], args, &["--json"]].concat();
    let ended = hub.run(&args).end();
    assert_eq!(ended.code(), Some(0), "{args:?}: {}", ended.stderr);
    let lines = ended.json_lines();
    assert_eq!(lines.len(), 1, "{args:?}");
    lines.into_iter().next().unwrap()
}

fn number(figures: &Value, name: &str) -> f64 {
    figures[name].as_f64().unwrap_or_else(|| panic!("no {name} in {figures}"))
}

#[test]
fn a_fan_out_delivers_each_message_to_each_subscriber() {
    let hub = Hub::start();
    for payload in ["bin:16", "map:1024"] {
        let figures = bench(
            &hub,
            &[
                "fanout",
                "--publishers",
                "2",
                "--subscribers",
                "3",
                "--topics",
                "4",
                "--seconds",
                "1",
                "--payload",
                payload,
            ],
        );
        let (sent, delivered) = (number(&figures, "sent"), number(&figures, "delivered"));
        assert!(sent > 0.0, "{figures}");
        assert_eq!(delivered, 3.0 * sent, "{figures}");
        assert_eq!(number(&figures, "lost"), 0.0);
        assert!(number(&figures, "per_second") > 0.0);
    }
}

#[test]
fn a_publisher_waits_for_every_receipt() {
    let hub = Hub::start();
    let figures = bench(&hub, &["pub", "--seconds", "1", "--publishers", "2"]);
    assert!(number(&figures, "sent") > 0.0);
    assert_eq!(figures["acknowledged"], figures["sent"]);
}

#[test]
fn latency_has_percentiles_in_their_order() {
    let hub = Hub::start();
    let figures = bench(
        &hub,
        &[
            "latency",
            "--rate",
            "200",
            "--seconds",
            "1",
            "--subscribers",
            "2",
            "--payload",
            "map:128",
        ],
    );
    assert_eq!(number(&figures, "lost"), 0.0);
    // 200 a second for a second, and as long as a busy machine oversleeps its end.
    let sent = number(&figures, "sent");
    assert!((1.0..=400.0).contains(&sent), "{figures}");
    let order = ["p50_us", "p90_us", "p99_us", "p99_9_us", "p99_99_us", "max_us"];
    let values = order.map(|name| number(&figures, name));
    assert!(values[0] > 0.0 && values.is_sorted(), "{figures}");
}

#[test]
fn requests_are_answered_with_many_in_flight() {
    let hub = Hub::start();
    for in_flight in ["1", "64"] {
        let figures = bench(&hub, &["request", "--seconds", "1", "--in-flight", in_flight]);
        assert!(number(&figures, "answered") > 0.0);
        assert_eq!(figures["answered"], figures["sent"]);
        assert!(number(&figures, "p50_us") > 0.0);
    }
}

#[test]
fn connections_show_their_memory() {
    let hub = Hub::start();
    let figures = bench(&hub, &["connections", "--count", "200"]);
    assert_eq!(number(&figures, "connections"), 200.0);
    // A connection has at least a socket's bookkeeping at the hub, and no read buffer.
    let each = number(&figures, "bytes_each");
    assert!((100.0..100_000.0).contains(&each), "{figures}");
}

#[test]
fn what_a_hub_on_this_machine_uses_is_found_by_its_port() {
    let hub = Hub::start();
    let figures = bench(&hub, &["fanout", "--seconds", "1"]);
    assert!(number(&figures, "server_cpu_us_each") > 0.0, "{figures}");
    assert!(number(&figures, "server_peak_bytes") > f64::from(1 << 20), "{figures}");
}

#[test]
fn a_subscriber_counts_what_others_send() {
    let hub = Hub::start();
    let args = ["bench", "sub", "records.**", "--subscribers", "2", "--seconds", "4", "--json"];
    let listener = hub.listen(args);
    let mut publisher = hub.run(["emit", "records.new"]);
    publisher.feed("{\"n\": 1}\n{\"n\": \"another length\"}\n[]\n".as_bytes());
    let sent = publisher.end();
    assert_eq!(sent.code(), Some(0), "{}", sent.stderr);
    let ended = listener.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let figures = ended.json_lines().remove(0);
    assert_eq!(number(&figures, "delivered"), 6.0, "{figures}");
}
