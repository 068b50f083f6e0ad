//! The claim: JSON that a command cannot publish exactly as it is written is refused, with its place
//! and with what to write instead, wherever the command takes JSON. The numbers and keys are drawn
//! from a seed, which the test prints.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Hub, Random, tool};

/// Draws JSON that cannot be kept, with a part of the message that refuses it.
fn lossy(random: &mut Random) -> (String, String) {
    let digits: String =
        (0..20 + random.below(20)).map(|_| char::from(b'1' + random.below(9) as u8)).collect();
    let key = ["a", "id", "é", "\\u0061", ""][random.below(5)];
    let (value, said) = match random.below(5) {
        0 => (digits.clone(), "does not fit into 64 bits"),
        1 => (format!("-{digits}"), "does not fit into 64 bits"),
        2 => ("-0".to_owned(), "write 0, or -0.0"),
        3 => (format!("0.{digits}"), "a 64-bit floating-point number cannot keep"),
        _ => {
            return (
                format!("{{\"{key}\":1,\"b\":2,\"{key}\":3}}"),
                "comes twice in one object".into(),
            );
        }
    };
    match random.below(3) {
        0 => (value, said.into()),
        1 => (format!("[1, {value}]"), said.into()),
        _ => (format!("{{\"{key}\": {value}}}"), said.into()),
    }
}

#[test]
fn every_command_refuses_what_it_cannot_keep() {
    let seed = Random::seed("HUB_TEST_SEED");
    println!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    for _ in 0..6 {
        let (json, said) = lossy(&mut random);
        for args in
            [&["emit", "t", &json][..], &["request", "t", &json], &["reply", "t", "--json", &json]]
        {
            let ended = tool("hub://127.0.0.1:1", args).end();
            assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stderr);
            assert!(ended.stderr.contains(&said), "{args:?}: {}", ended.stderr);
            assert!(ended.stderr.contains(" at line 1 column "), "{args:?}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_line_that_cannot_be_kept_is_named_and_ends_the_input() {
    let seed = Random::seed("HUB_TEST_SEED");
    println!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = Hub::start();
    for _ in 0..4 {
        let (json, said) = lossy(&mut random);
        let good = random.below(4);
        let mut emit = hub.run(["emit", "t"]);
        emit.feed(format!("{}{json}\n2\n", "1\n".repeat(good)).as_bytes());
        let ended = emit.end();
        assert_eq!(ended.code(), Some(2), "{json}: {}", ended.stderr);
        assert!(ended.stderr.contains(&said), "{json}: {}", ended.stderr);
        let line = good + 1;
        assert!(ended.stderr.contains(&format!("line {line}: ")), "{json}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!(" at line {line} column ")),
            "{json}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains(&format!("emitted {good}\n")), "{json}: {}", ended.stderr);
    }
}

#[test]
fn text_without_quotes_and_values_over_several_lines_get_a_hint() {
    let hub = Hub::start();
    let ended = hub.run(["emit", "t", "hello"]).end();
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("'\"hello\"'"), "{}", ended.stderr);
    let mut emit = hub.run(["emit", "t"]);
    emit.feed(b"{\n  \"a\": 1\n}\n");
    let ended = emit.end();
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("line 1: not JSON"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("each line of the input is one value; `jq -c .`"),
        "{}",
        ended.stderr
    );
    // An argument may have several lines.
    assert_eq!(hub.run(["emit", "t", "{\n  \"a\": 1\n}\n"]).end().code(), Some(0));
}

#[test]
fn a_byte_order_mark_is_skipped_in_front_of_every_text() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "\u{feff}[[pack]]\nname = \"pci\"\n").unwrap();
    let hub = Hub::start_with(&["--rules", rules.to_str().unwrap()]);
    let on = hub.listen(["on", "t", "--json", "--count", "3"]);
    assert_eq!(hub.run(["emit", "t", "\u{feff}1"]).end().code(), Some(0));
    let mut emit = hub.run(["emit", "t"]);
    emit.feed("\u{feff}2\r\n3\n".as_bytes());
    let ended = emit.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let payloads: Vec<_> =
        on.end().json_lines().iter().map(|line| line["payload"].clone()).collect();
    assert_eq!(payloads, [1, 2, 3]);
    // Within the input, the mark would have to be kept, and JSON has no place for it.
    let mut emit = hub.run(["emit", "t"]);
    emit.feed("1\n\u{feff}2\n".as_bytes());
    let ended = emit.end();
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("line 2: not JSON"), "{}", ended.stderr);
    assert!(ended.stderr.contains("only at the beginning of the input"), "{}", ended.stderr);
}
