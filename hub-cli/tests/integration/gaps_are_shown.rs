//! The claim: where events are missing, `hub on` says so: with `--json` as a line of its own in
//! their place, otherwise on stderr, so that stdout holds events only.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Hub, Process, Random};

/// Stops reading for long enough that the hub must drop events, then reads again.
fn overwhelm(hub: &Hub, on: &Process) {
    on.signal("STOP");
    let mut random = Random(7);
    // Far more than the hub's queue and both sockets' buffers take, and nothing compresses it.
    let record: Vec<u8> =
        [0xc5, 0xff, 0xff].into_iter().chain((0..0xffff).map(|_| random.next() as u8)).collect();
    let mut emit = hub.run(["emit", "flood", "--format", "msgpack"]);
    emit.feed(&record.repeat(1_000));
    let emitted = emit.end();
    assert_eq!(emitted.code(), Some(0), "{}", emitted.stderr);
    on.signal("CONT");
}

#[test]
fn what_was_dropped_is_a_line_in_its_place() {
    let hub = Hub::start();
    let on = hub.listen(["on", "flood", "--json"]);
    overwhelm(&hub, &on);
    let last = hub.run(["emit", "flood", "\"end\""]).end();
    assert_eq!(last.code(), Some(0), "{}", last.stderr);
    // Everything until now is delivered before the end of the drain.
    std::thread::sleep(std::time::Duration::from_secs(2));
    on.signal("TERM");
    let ended = on.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    // Events and gaps together are the numbers 1 to 1001, each once, in order.
    let mut next = 1;
    let mut gaps = 0;
    for line in ended.json_lines() {
        if let Some(gap) = line.get("gap") {
            assert_eq!((&gap["topic"], &gap["reason"]), (&"flood".into(), &"overflow".into()));
            assert_eq!(gap["from"], next, "{gap}");
            next = gap["to"].as_u64().unwrap() + 1;
            gaps += 1;
        } else {
            assert_eq!(line["seq"], next);
            next += 1;
        }
    }
    assert_eq!(next, 1_002);
    assert!(gaps > 0);
}

#[test]
fn a_hub_that_began_anew_is_told_as_a_gap_on_stderr() {
    let hub = Hub::start();
    let on = hub.listen(["on", "a.b", "--raw", "--count", "2"]);
    assert_eq!(hub.run(["emit", "a.b", "1"]).end().code(), Some(0));
    let hub = hub.start_again();
    on.wait_for_stderr("connected again");
    assert_eq!(hub.run(["emit", "a.b", "2"]).end().code(), Some(0));
    let ended = on.end();
    assert_eq!(ended.stdout, [1, 2], "{}", ended.stderr);
    assert!(
        ended.stderr.contains("gap: a.b from #2 missing, unknown how many: new_epoch"),
        "{}",
        ended.stderr
    );
}
