//! The claim: a request gets its answer, or is told at once that nobody is there, and the exit
//! code says which.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::Hub;

#[test]
fn a_fixed_reply_an_echo_and_a_command_answer() {
    let hub = Hub::start();
    let fixed = hub.listen(["reply", "a", "--json", "{\"paid\":true}", "--count", "1"]);
    let echo = hub.listen(["reply", "b", "--echo", "--group", "g", "--count", "1"]);
    let exec = hub.listen(["reply", "c", "--exec", "sed s/1/2/", "--count", "1"]);
    for (topic, answer) in [("a", "{\"paid\":true}"), ("b", "{\"n\":1}"), ("c", "{\"n\":2}")] {
        let ended = hub.run(["request", topic, "{\"n\":1}"]).end();
        assert_eq!(ended.code(), Some(0), "{topic}: {}", ended.stderr);
        assert_eq!(ended.text(), format!("{answer}\n"));
    }
    for server in [fixed, echo, exec] {
        assert_eq!(server.end().code(), Some(0));
    }
}

#[test]
fn nobody_there_is_said_at_once() {
    let hub = Hub::start();
    let start = std::time::Instant::now();
    let ended = hub.run(["request", "no.such", "--timeout", "50"]).end();
    assert_eq!(ended.code(), Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("nobody"), "{}", ended.stderr);
    assert!(start.elapsed().as_secs() < 40);
}

#[test]
fn who_only_watches_answers_nothing() {
    let hub = Hub::start();
    let watching = hub.listen(["on", "**", "--json", "--count", "1"]);
    let ended = hub.run(["request", "no.such", "--timeout", "50"]).end();
    assert_eq!(ended.code(), Some(5), "{}", ended.stderr);
    assert_eq!(hub.run(["emit", "no.such", "7"]).end().code(), Some(0));
    let lines = watching.end().json_lines();
    assert_eq!(lines[0]["payload"], 7, "the refused request was not shown");
}

#[test]
fn no_answer_in_time_has_a_code_of_its_own() {
    let hub = Hub::start();
    let silent = hub.listen(["on", "slow", "--group", "workers"]);
    let ended = hub.run(["request", "slow", "--timeout", "0.2"]).end();
    assert_eq!(ended.code(), Some(6), "{}", ended.stderr);
    drop(silent);
}

#[test]
fn a_command_that_fails_fails_the_request_and_nothing_else() {
    let hub = Hub::start();
    let reply = hub.listen(["reply", "a", "--exec", "grep 1", "--count", "2"]);
    let failed = hub.run(["request", "a", "0"]).end();
    assert_eq!(failed.code(), Some(1), "{}", failed.stderr);
    assert!(failed.stderr.contains("the command ended with"), "{}", failed.stderr);
    assert_eq!(hub.run(["request", "a", "1"]).end().text(), "1\n");
    assert_eq!(reply.end().code(), Some(0));
}
