//! The claim: in twenty runs against healthy hubs, the doctor complains about nothing, and every
//! layer has its figures.

use crate::support::{Hub, assert_healthy, examined, options};
use hub_doctor::{Right, Scrub, examine, text};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn twenty_times() {
    let hub = Hub::start::<&str>(&[]);
    // Four doctors at once, each five times: to each other they are other clients.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5).for_each(|_| assert_healthy(&examined(&hub.url))));
        }
    });
}

#[test]
fn every_layer_has_its_figures() {
    let hub = Hub::start::<&str>(&[]);
    let mut options = options(&hub.url.replace("127.0.0.1", "localhost"));
    options.topic = Some("orders.placed".into());
    let report = examine(&options).unwrap();
    assert_healthy(&report);
    let seen = &report.seen;
    assert!(!seen.name.as_ref().unwrap().addresses().is_empty());
    let path = seen.route.as_ref().unwrap().chosen().unwrap();
    assert_eq!(path.interface.as_deref(), Some("lo"));
    assert!(path.path_mtu.is_some() && path.link_mtu.is_some() && path.source.is_some());
    let tcp = seen.tcp.as_ref().unwrap();
    let figures = tcp.latest().unwrap();
    assert!(figures.sack && figures.timestamps && figures.send_window_scale.is_some());
    assert!(figures.rtt_us > 0 && figures.delivery_rate > 0 && figures.congestion_window > 0);
    assert_eq!(tcp.load.as_ref().unwrap().answered, 202);
    let rights = seen.access.as_ref().unwrap().topic.as_ref().unwrap();
    let nobody = Right::Allowed { reached_a_subscriber: false };
    assert_eq!((&rights.publish, &rights.subscribe), (&nobody, &nobody));
    let trip = seen.round_trip.as_ref().unwrap();
    assert!(trip.ping.is_some() && trip.tcp_rtt_us.is_some());
    assert!(trip.sizes.iter().all(|size| size.scrub == Scrub::Unchanged));
    let largest = trip.sizes.last().unwrap();
    assert!((1_048_400..=1_048_576).contains(&largest.payload_bytes), "{largest:?}");
    let clock = seen.clock.unwrap();
    assert!(clock.ahead_ms.abs() <= clock.uncertainty_ms + 1.0, "{clock:?}");
}

#[test]
fn the_report_fits_on_a_screen_and_in_a_line() {
    let hub = Hub::start::<&str>(&[]);
    let report = examined(&hub.url);
    let text = text(&report);
    assert!(text.lines().count() <= 24, "{text}");
    let json = report.json();
    let layers = json["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 8);
    assert_eq!(layers[3]["verdict"], "not_used");
    assert_eq!(json["at_fault"], serde_json::Value::Null);
    assert!(json["layers"][2]["seen"]["load"]["figures"]["rtt_us"].is_u64(), "{json}");
}

/// The metrics of a hub.
fn metrics(hub: &Hub) -> String {
    let mut text = String::new();
    let mut tcp = TcpStream::connect(&hub.http).unwrap();
    tcp.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    tcp.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn it_leaves_nothing_behind_in_the_hub() {
    let hub = Hub::start::<&str>(&[]);
    assert_healthy(&examined(&hub.url));
    let gone = |text: &str| {
        ["hub_connections 0", "hub_subscriptions 0"]
            .iter()
            .all(|line| text.lines().any(|found| found == *line))
    };
    // The hub may notice the end of a connection a moment later.
    let until = Instant::now() + Duration::from_secs(10);
    while !gone(&metrics(&hub)) {
        assert!(Instant::now() < until, "{}", metrics(&hub));
        std::thread::sleep(Duration::from_millis(20));
    }
    let closed = "hub_connections_closed_total{code=\"normal\"} 1";
    assert!(metrics(&hub).lines().any(|line| line == closed), "{}", metrics(&hub));
}
