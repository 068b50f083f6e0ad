//! Claim: `PROTOCOL.md` describes this code. A client that was written from the document alone can talk to
//! this hub.
//!
//! Setup: the test reads the document as text. Each example is a block of hex, followed by a block that
//! states the values. Both this crate and the crate `rmpv` read the bytes. `rmpv` knows MessagePack and no
//! frames; its values must be those of the document. The tables of codes, frame types, overflow policies and
//! limits are compared with the code in both directions.

use hub_wire::{
    CloseCode, Frame, FrameType, GapReason, Limits, MAX_HELLO, Overflow, RefusedCode, RefusedWhat,
    TopicFilter, TopicName, VERSION, split,
};
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = include_str!("../../../PROTOCOL.md");

/// Returns the types by their numbers.
fn types() -> BTreeMap<u8, FrameType> {
    (0..=u8::MAX).filter_map(|number| Some((number, FrameType::from_number(number)?))).collect()
}

fn name(kind: FrameType) -> String {
    format!("{kind:?}").to_uppercase()
}

// ---- The examples --------------------------------------------------------------------------

struct Example {
    /// The example stands under this heading.
    heading: String,
    bytes: Vec<u8>,
    /// The document states these values, here without white space.
    reading: String,
}

fn examples() -> Vec<Example> {
    let (mut found, mut heading) = (Vec::new(), "");
    let mut lines = DOCUMENT.lines();
    while let Some(line) = lines.next() {
        heading = line.strip_prefix("### ").unwrap_or(heading);
        if line == "```hex" {
            let hex: String = lines.by_ref().take_while(|line| *line != "```").collect();
            assert_eq!(lines.next(), Some("```text"), "no reading behind the hex in {heading}");
            let reading: String = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(Example {
                heading: heading.to_owned(),
                bytes: from_hex(&hex),
                reading: without_space(&reading),
            });
        }
    }
    found
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = without_space(hex);
    assert!(digits.is_ascii() && digits.len().is_multiple_of(2), "{hex}");
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two hex digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn without_space(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Returns the value in the notation of the document.
fn notation(value: &rmpv::Value) -> String {
    let list = |values: Vec<String>| values.join(",");
    match value {
        rmpv::Value::Nil => "nil".to_owned(),
        rmpv::Value::Binary(bytes) => {
            format!("h'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        rmpv::Value::String(text) => format!("{:?}", without_space(text.as_str().expect("UTF-8"))),
        rmpv::Value::Array(values) => {
            format!("[{}]", list(values.iter().map(notation).collect()))
        }
        rmpv::Value::Map(entries) => {
            let entry = |(key, value): &(_, _)| format!("{}:{}", notation(key), notation(value));
            format!("{{{}}}", list(entries.iter().map(entry).collect()))
        }
        other => other.to_string(), // numbers and booleans
    }
}

/// Returns the body of an example, and checks its length.
fn body(example: &Example) -> &[u8] {
    let body = split(&example.bytes, Limits::default().frame).expect("a length within the limit");
    let body = body.unwrap_or_else(|| panic!("{}: the length is too great", example.heading));
    assert_eq!(body.len() + 4, example.bytes.len(), "{}: the length", example.heading);
    body
}

#[test]
fn each_of_the_16_frames_has_exactly_one_example_under_its_own_heading() {
    let documented: Vec<_> = examples().into_iter().map(|example| example.heading).collect();
    let known: Vec<_> = types().into_values().map(name).collect();
    assert_eq!(known.len(), 16);
    assert_eq!(documented, known);
}

#[test]
fn each_example_is_the_frame_that_the_document_says() {
    for example in examples() {
        let body = body(&example);
        let kind = FrameType::of(body).expect("a known type");
        assert_eq!(name(kind), example.heading);
        let mut rest = body;
        let values = rmpv::decode::read_value(&mut rest).expect("MessagePack");
        assert!(rest.is_empty(), "{}: bytes behind the frame", example.heading);
        assert_eq!(format!("{}{}", example.heading, notation(&values)), example.reading);
    }
}

#[test]
fn each_example_is_read_by_the_hub_and_written_again_byte_for_byte() {
    for example in examples() {
        let frame = Frame::parse(body(&example), &Limits::default())
            .unwrap_or_else(|error| panic!("{}: {error}", example.heading));
        assert_eq!(frame.to_bytes(), example.bytes, "{}: {frame:?}", example.heading);
    }
}

// ---- The tables ----------------------------------------------------------------------------

/// Returns the cells of the one table under `heading` whose head is `columns`.
fn table(heading: &str, columns: &[&str]) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| -> Vec<&'static str> {
        line.trim_matches('|').split(" | ").map(str::trim).collect()
    };
    let mut lines = DOCUMENT.lines().skip_while(|line| line.trim_start_matches('#') != heading);
    assert!(lines.next().is_some(), "no heading {heading:?}");
    let mut section = lines.take_while(|line| !line.starts_with('#'));
    assert!(
        section.any(|line| line.starts_with('|') && cells(line) == columns),
        "no table of {columns:?} under {heading:?}"
    );
    section.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// Returns a documented name, which stands in backticks.
fn code(cell: &str) -> &str {
    cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap_or(cell)
}

/// Returns the number and the name of each row.
fn documented_codes(heading: &str, columns: &[&str]) -> Vec<(u16, String)> {
    let rows = table(heading, columns).into_iter();
    rows.map(|row| (row[0].parse().expect("a number"), code(row[1]).to_owned())).collect()
}

#[test]
fn the_table_of_close_codes_is_complete_and_says_rightly_whether_to_reconnect() {
    let columns = ["number", "name", "reconnect", "meaning, and what to do"];
    let known: Vec<_> =
        CloseCode::ALL.iter().map(|code| (code.number(), code.name().to_owned())).collect();
    assert_eq!(documented_codes(" Codes of CLOSE", &columns), known);
    for (row, code) in table(" Codes of CLOSE", &columns).iter().zip(CloseCode::ALL) {
        let reconnect = if code.should_reconnect() { "yes" } else { "no" };
        assert_eq!(row[2], reconnect, "{code}");
        assert!(!row[3].is_empty(), "{code}");
    }
}

#[test]
fn the_table_of_refusals_is_complete() {
    let known: Vec<_> =
        RefusedCode::ALL.iter().map(|code| (code.number(), code.name().to_owned())).collect();
    let columns = ["number", "name", "meaning, and what to do"];
    assert_eq!(documented_codes(" Codes of REFUSED", &columns), known);
}

#[test]
fn the_table_of_what_can_be_refused_is_complete() {
    use RefusedWhat::{Ack, Event, Frame, Subscribe, Unsubscribe};
    let rows = table(" Codes of REFUSED", &["`what`", "refused was", "`number` is"]);
    let documented: Vec<_> = rows.iter().map(|row| (row[0].to_owned(), row[1])).collect();
    let known = [
        (Event, "an EVENT"),
        (Subscribe, "a SUBSCRIBE or a RESUME"),
        (Unsubscribe, "an UNSUBSCRIBE"),
        (Frame, "another frame"),
        (Ack, "an ACK"),
    ];
    assert_eq!(documented, known.map(|(what, text)| ((what as u64).to_string(), text)));
}

#[test]
fn the_table_of_gap_reasons_is_complete() {
    let known: Vec<_> =
        GapReason::ALL.iter().map(|reason| (reason.number(), reason.name().to_owned())).collect();
    let columns = ["number", "name", "meaning, and what to do"];
    assert_eq!(documented_codes(" Codes of GAP", &columns), known);
}

#[test]
fn the_table_of_frames_is_complete() {
    let rows = table(" 16. The 16 frames", &["type", "frame", "from"]);
    let documented: Vec<_> =
        rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let known: Vec<_> = types()
        .into_iter()
        .map(|(number, kind)| {
            let name = name(kind);
            (number.to_string(), format!("[{name}](#{})", name.to_lowercase()))
        })
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn the_table_of_overflow_policies_is_complete_and_in_the_order_in_which_they_count() {
    let rows = table(" When too much waits: overflow", &["policy", "what the hub does"]);
    let documented: Vec<_> = rows.iter().map(|row| code(row[0])).collect();
    assert_eq!(documented, Overflow::ALL.map(Overflow::name));
}

/// Each rule of section 13 names a frame and a code, and that frame can carry that code.
#[test]
fn what_is_refused_or_ends_the_connection_is_told_with_codes_that_exist() {
    let close: BTreeSet<_> = CloseCode::ALL.iter().map(|code| code.name()).collect();
    let refused: BTreeSet<_> = RefusedCode::ALL.iter().map(|code| code.name()).collect();
    let heading = " 13. What is refused, and what ends the connection";
    for row in table(heading, &["what comes from the client", "what the hub does"]) {
        let known = match row[1].split(' ').next() {
            Some("CLOSE") => &close,
            Some("REFUSED") => &refused,
            _ => continue,
        };
        let named: Vec<_> = row[1].split('`').skip(1).step_by(2).collect();
        for word in named.iter().filter(|word| !["what", "instance"].contains(word)) {
            assert!(known.contains(word), "{word} in {row:?}");
        }
        assert!(named.iter().any(|word| known.contains(word)), "no code in {row:?}");
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let rows = table(" 2. Limits", &["what", "limit"]);
    let limits = Limits::default();
    // "1,048,576" is one number.
    let numbers = |cell: &str| -> Vec<u64> {
        let cell = cell.replace(',', "");
        let words = cell.split(|c: char| !c.is_ascii_digit());
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let documented: Vec<_> = rows.iter().map(|row| numbers(row[1])).collect();
    let known: [&[u64]; 5] = [
        &[MAX_HELLO as u64],
        &[limits.frame.into()],
        &[limits.depth.into(), Limits::MAX_DEPTH.into()],
        &[limits.elements.into()],
        &[TopicName::MAX_BYTES as u64, TopicName::MAX_TOKENS as u64],
    ];
    assert_eq!(documented, known);
    assert!(DOCUMENT.starts_with(&format!("# The Hub protocol, version {VERSION}\n")));
}

// ---- Topics and filters --------------------------------------------------------------------

#[test]
fn the_characters_of_a_token_are_those_of_the_code() {
    let mut lines = DOCUMENT.lines().skip_while(|line| !line.ends_with("and these signs:"));
    let signs = lines.find(|line| line.starts_with("    ")).expect("the list of signs");
    let documented: BTreeSet<u8> = without_space(signs).bytes().collect();
    let known: BTreeSet<u8> = (0..=u8::MAX)
        .filter(|byte| TopicName::is_allowed(*byte) && !byte.is_ascii_alphanumeric())
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn the_table_of_filters_is_right() {
    let rows = table(" 5. Topics and filters", &["filter", "matches", "does not match"]);
    assert!(rows.len() > 3);
    for row in rows {
        let filter = TopicFilter::parse(code(row[0])).expect("a filter");
        for (cell, expected) in [(row[1], true), (row[2], false)] {
            for name in cell.split(", ").map(code) {
                let topic = TopicName::parse(name).expect("a name");
                assert_eq!(filter.matches(&topic), expected, "{filter} and {name}");
                assert_eq!(by_the_document(filter.as_str(), name), expected, "{filter}, {name}");
            }
        }
    }
}

/// Matches a filter as the pseudo-code of section 5 does, line by line.
fn by_the_document(filter: &str, name: &str) -> bool {
    if name.starts_with('$') && !filter.starts_with('$') {
        return false;
    }
    let f: Vec<_> = filter.split('.').collect();
    let n: Vec<_> = name.split('.').collect();
    for i in 0..f.len() {
        if i >= n.len() {
            return false;
        }
        if f[i] == "**" {
            return true;
        }
        if f[i] != "*" && f[i] != n[i] {
            return false;
        }
    }
    f.len() == n.len()
}

proptest::proptest! {
    #[test]
    fn the_pseudo_code_for_matching_agrees_with_the_hub(
        filter in "(\\$|a|b|\\*){1}(\\.(a|b|\\*)){0,3}(\\.\\*\\*)?",
        name in "(\\$|a|b)(\\.(a|b|\\$)){0,4}",
    ) {
        let topic = TopicName::parse(&name).expect("a name");
        let matches = TopicFilter::parse(&filter).expect("a filter").matches(&topic);
        proptest::prop_assert_eq!(by_the_document(&filter, &name), matches);
    }
}
