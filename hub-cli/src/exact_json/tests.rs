//! Tests that JSON becomes MessagePack exactly, or is refused with its place and with what to write
//! instead. The kinds are drawn from a seed, which a failing test prints.

use super::Place::{Line, Whole};
use super::*;
use crate::json::from_msgpack;
use proptest::prelude::*;

fn said(text: &str) -> String {
    to_msgpack(text.as_bytes(), Whole).unwrap_err().to_string()
}

fn shown(text: &str) -> String {
    from_msgpack(&to_msgpack(text.as_bytes(), Whole).unwrap()).to_string()
}

#[test]
fn an_integer_beyond_64_bits_is_refused() {
    for (text, column) in [
        ("18446744073709551616", 1),
        ("{\"id\":18446744073709551616}", 7),
        ("[1, -9223372036854775809]", 5),
        ("[\"é\",  100000000000000000000000000000]", 8),
    ] {
        let said = said(text);
        let place = format!(
            " does not fit into 64 bits at line 1 column {column}; write it as text, in quotes: \""
        );
        assert!(said.contains(&place), "{text}: {said}");
    }
    assert_eq!(
        shown("[18446744073709551615,-9223372036854775808]"),
        "[18446744073709551615,-9223372036854775808]"
    );
}

#[test]
fn a_negative_zero_is_a_float_or_refused() {
    assert_eq!(
        said("{\"a\": -0}"),
        "an integer cannot be -0 at line 1 column 7; write 0, or -0.0 for the floating-point number"
    );
    assert_eq!(to_msgpack(b"-0.0", Whole).unwrap()[..], [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(shown("[-0.0,-0e0,0]"), "[-0.0,-0.0,0]");
}

#[test]
fn a_float_keeps_every_digit_or_is_refused() {
    for exact in [
        "0.1",
        "0.10000000000000001",
        "0.1000000000000000055511151231257827021181583404541015625",
        "123456789012345.6",
        "9007199254740992.0",
        "1e308",
        "5e-324",
        "2.2250738585072014e-308",
        "0.000e5",
        "1E+2",
    ] {
        assert_eq!(to_msgpack(exact.as_bytes(), Whole).map(|_| ()), Ok(()), "{exact}");
    }
    for lossy in [
        "9007199254740993.0",
        "0.12345678901234567890123",
        "3.141592653589793238462643383279",
        "12345678901234567890e1",
        "1e-400",
        "3e-324",
        "0.1000000000000000055511151231257828",
    ] {
        let said = said(lossy);
        assert!(
            said.contains("cannot keep") && said.contains(" at line 1 column 1; write "),
            "{said}"
        );
    }
    assert!(said("1e400").contains("out of range at line 1 column "), "{}", said("1e400"));
}

#[test]
fn a_key_comes_once_in_each_object() {
    for (text, line, column) in [
        ("{\"a\":1,\"a\":2}", 1, 8),
        ("{\"a\":1,\n \"a\":1}", 2, 2),
        ("[{\"a\":{\"b\":1,\"c\":[],\"b\":2}}]", 1, 21),
        ("{\"a\":1,\"\\u0061\":2}", 1, 8),
        ("{\"\\n\":{\"x\":\"{,}\"},\"b\":\"\\\"\",\"\\u000a\":0}", 1, 28),
        ("{\"\":1,\"\":2}", 1, 7),
    ] {
        let said = said(text);
        let place = format!(
            "comes twice in one object at line {line} column {column}; write each key once"
        );
        assert!(said.contains(&place), "{text}: {said}");
    }
    let text = "{\"a\":{\"a\":[{\"a\":\"a\"},{\"a\":\"a\"}]},\"b\":\"a\"}";
    assert_eq!(shown(text), text);
}

#[test]
fn what_is_not_json_says_what_to_write() {
    for (text, instead) in [
        ("hello", "single quotes for the shell: '\"hello\"'"),
        ("hello world", "'\"hello world\"'"),
        ("it's", "text needs double quotes: \"it's\""),
        ("'hello'", "'\"hello\"'"),
        ("“hello”", "'\"hello\"'"),
        ("true story", "'\"true story\"'"),
        ("nothing", "'\"nothing\"'"),
        ("tru", "'\"tru\"'"),
        ("NaN", "write null, or \"NaN\" as text"),
        ("[1,-Infinity]", "JSON has no -Infinity; write null"),
        ("{\"a\":None}", "JSON has no None; write null"),
        ("[True]", "write true"),
        (
            "{number: 7}",
            "keys need double quotes: \"number\"; put the whole value into single quotes",
        ),
        ("{name: ann}", "keys need double quotes: \"name\""),
        ("{\"name\": ann}", "text needs double quotes: \"ann\""),
        ("{'a': 1}", "only straight double quotes"),
        ("[1,]", "remove the comma"),
        ("{\"a\":1} // one", "JSON has no comments"),
        ("[1, /* two */ 2]", "JSON has no comments"),
        ("[1] # one", "JSON has no comments"),
        ("1 2", "several values on stdin"),
        ("{\"a\":1}{\"a\":2}", "several values on stdin"),
        ("\"a\" \"b\"", "several values on stdin"),
        ("01", "without leading zeros"),
        ("+1", "without +"),
        (".5", "digits on both sides"),
        ("[1.]", "digits on both sides"),
        ("[0x1f]", "a number is decimal"),
        ("2026-11-29", "in quotes: \"2026-11-29\""),
        ("{\"a\":1", "put it into single quotes"),
        ("", "write null"),
        ("\"a\nb\"", "such as \\n"),
        ("\"\\ud800\"", "in pairs"),
        ("\"\\ud800x\"", "in pairs"),
        ("\"\\udc00\"", "in pairs"),
        ("\"\\ud800\\u0041\"", "in pairs"),
        ("1e999", "as text, in quotes"),
        ("[1, \u{feff}2]", "only at the beginning"),
    ] {
        let said = said(text);
        assert!(said.starts_with("not JSON: ") && said.contains(" at line "), "{text}: {said}");
        assert!(said.contains(instead), "{text}: {said}");
    }
    let deep = "[".repeat(1000);
    assert!(said(&deep).contains("max_depth"), "{}", said(&deep));
    for bytes in [&b"\xff\xfe1\x00"[..], b"\"caf\xe9\""] {
        let said = to_msgpack(bytes, Whole).unwrap_err().to_string();
        assert!(said.contains("must be UTF-8"), "{said}");
    }
}

#[test]
fn a_line_says_how_to_write_values_on_lines() {
    let said = |text: &[u8]| to_msgpack(text, Line(7)).unwrap_err().to_string();
    assert!(
        said(b"{").contains("line 7 column 2; the value does not end on its line"),
        "{}",
        said(b"{")
    );
    assert!(said(b"  \"a\": 1,").contains("more than one value"), "{}", said(b"  \"a\": 1,"));
    assert!(
        said(b"{} {}").contains("line 7 column 4; the line has more than one value"),
        "{}",
        said(b"{} {}")
    );
    assert!(said(b"hello").contains("text needs double quotes: \"hello\""), "{}", said(b"hello"));
    assert!(said("\u{feff}1".as_bytes()).contains("only at the beginning of the input"));
}

#[test]
fn a_hint_cannot_command_a_terminal() {
    let said = said("\u{9b}31m");
    assert!(said.contains("\\u009b31m") && !said.contains('\u{9b}'), "{said}");
}

/// Draws a JSON value whose numbers and keys can be kept.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((".{0,4}", inner), 0..6)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_can_be_kept_comes_back(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let payload = to_msgpack(&text.unwrap(), Whole).unwrap();
        prop_assert_eq!(from_msgpack(&payload).to_string(), value.to_string());
    }

    #[test]
    fn a_large_integer_is_refused_wherever_it_stands(
        value in value(), digits in "[1-9][0-9]{20,40}", negative in any::<bool>()
    ) {
        let sign = if negative { "-" } else { "" };
        let text = format!("[{value},\n{{\"a\": {sign}{digits}}}]");
        let line = text.lines().count();
        let said = said(&text);
        prop_assert!(said.contains(&format!("64 bits at line {line} column 7")), "{}", said);
    }

    #[test]
    fn a_repeated_key_is_refused_wherever_it_stands(value in value(), key in ".{0,6}") {
        let key = Value::from(key);
        let text = format!("[{value},\n{{{key}: {value},\n{key}: 1}}]");
        let line = text.lines().count();
        let said = said(&text);
        prop_assert!(said.contains(&format!("one object at line {line} column 1;")), "{}", said);
    }

    #[test]
    fn a_decimal_number_keeps_its_digits_or_is_refused(text in "-?[1-9]\\.[0-9]{0,25}[1-9](e-?[1-9][0-9]?)?") {
        // The shortest text of the float is the number that was written, or the float has every digit
        // of it.
        let value: f64 = text.parse().unwrap();
        let digits = text.split('e').next().unwrap().replace(['-', '.'], "");
        let kept = format!("{:.*e}", digits.len() - 1, value.abs()).split('e').next().unwrap().replace('.', "");
        prop_assert_eq!(to_msgpack(text.as_bytes(), Whole).is_ok(), kept == digits, "{}", text);
    }
}
