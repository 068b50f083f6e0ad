//! The claim: JSON goes in as an argument or as lines, and comes out as the same JSON with
//! topic, number, publisher, time and headers; what is printed can be relied on by scripts.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::Hub;
use serde_json::json;

#[test]
fn json_lines_come_out_as_they_went_in() {
    let hub = Hub::start();
    let on = hub.listen(["on", "orders.*", "--json", "--count", "3"]);
    let mut emit = hub.run(["pub", "orders.placed", "--json", "--name", "till"]);
    emit.feed(b"{\"b\":[1,-2,0.5,null],\"a\":\"\xc3\xa9\"}\n\n\"two\"\r\n3");
    let emitted = emit.end();
    assert_eq!(emitted.code(), Some(0), "{emitted:?}");
    assert_eq!(emitted.text(), "{\"emitted\":3,\"refused\":0,\"unknown\":0,\"refusals\":[]}\n");
    let ended = on.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let payloads: Vec<_> =
        ended.json_lines().iter().map(|line| line["payload"].to_string()).collect();
    assert_eq!(payloads, [r#"{"b":[1,-2,0.5,null],"a":"é"}"#, r#""two""#, "3"]);
    for (seq, line) in (1..).zip(ended.json_lines()) {
        assert_eq!((&line["topic"], &line["seq"]), (&json!("orders.placed"), &json!(seq)));
        assert!(line["publisher"].as_str().unwrap().starts_with("till"), "{line}");
        assert!(line["time_ms"].as_u64().unwrap() > 1_600_000_000_000, "{line}");
        assert_eq!(line["headers"], json!({}));
    }
}

#[test]
fn an_argument_is_repeated_with_its_headers() {
    let hub = Hub::start();
    let on = hub.listen(["sub", "a.b", "--json", "--count", "3"]);
    let headers = ["--header", "key=k=1", "--header", "mine=yes", "--header", "ttl=500"];
    let emit = hub.run(["emit", "a.b", "7", "--count", "3", "--rate", "50"].iter().chain(&headers));
    assert_eq!(emit.end().code(), Some(0));
    for line in on.end().json_lines() {
        assert_eq!(line["payload"], 7);
        assert_eq!(line["headers"], json!({ "key": "k=1", "ttl": "500", "mine": "yes" }));
    }
}

#[test]
fn an_event_that_matches_two_filters_is_printed_once() {
    let hub = Hub::start();
    let on = hub.run(["on", "a.*", "**", "--json", "--count", "2"]);
    on.wait_for_stderr("subscribed to **");
    assert_eq!(hub.run(["emit", "a.b", "1"]).end().code(), Some(0));
    assert_eq!(hub.run(["emit", "c", "2"]).end().code(), Some(0));
    let mut payloads: Vec<_> =
        on.end().json_lines().iter().map(|line| line["payload"].as_u64().unwrap()).collect();
    payloads.sort_unstable();
    assert_eq!(payloads, [1, 2]);
}

#[test]
fn late_comers_may_ask_for_the_last_event() {
    let hub = Hub::start();
    // The topic's last event is kept while the topic lives; a listener keeps it alive.
    let early = hub.listen(["on", "state"]);
    assert_eq!(hub.run(["emit", "state", "\"on\""]).end().code(), Some(0));
    let late = hub.listen(["on", "state", "--last", "--json", "--count", "1"]).end();
    assert_eq!(late.json_lines()[0]["payload"], "on");
    early.signal("TERM");
    let early = early.end();
    assert_eq!(early.code(), Some(0), "{}", early.stderr);
    assert!(early.text().contains(" state #1 "), "{}", early.text());
}
