//! These tests show the errors for conditions of wrong types, and that each accepted condition has a value.

use super::*;
use crate::matching::condition::{Condition, Inputs};
use hub_wire::Packer;
use proptest::prelude::*;

#[test]
fn what_cannot_fit_is_named_with_its_place() {
    let refused = [
        ("topic + 1", "`+` does not take a string and an int (character 7)"),
        ("1 + 1.5 > 2", "`+` does not take an int and a double (character 3)"),
        ("topic", "it is a string, and not true or false (character 1)"),
        ("size(payload)", "it is an int, and not true or false (character 5)"),
        ("topic.region == 'eu'", "a string has no field `region` (character 6)"),
        ("!topic", "`!` does not take a string (character 1)"),
        ("payload.a && topic", "a string is not true or false (character 14)"),
        ("topic ? true : false", "a string is not true or false (character 1)"),
        ("topic < 5", "`<` does not take a string and an int (character 7)"),
        ("5 in topic", "`in` does not take an int and a string (character 3)"),
        ("topic.startsWith(5)", "`startsWith` does not take a string and an int (character 17)"),
        ("size(5) > 1", "`size` does not take an int (character 5)"),
        ("size(topic, 5) == 1", "`size` does not take a string and an int (character 5)"),
        ("topic.exists(t, t == 'a')", "a loop does not run over a string (character 13)"),
        ("payload.all(x, x + 1)", "an int is not true or false (character 18)"),
        ("payload.filter(x, x > 1)", "it is a list, and not true or false (character 15)"),
        ("bool(1, 2, 3)", "`bool` does not take that many arguments (character 5)"),
    ];
    for (condition, expected) in refused {
        assert_eq!(Condition::compile(condition).unwrap_err(), expected, "{condition}");
    }
    let pattern = Condition::compile("topic.matches('(a')").unwrap_err();
    assert!(pattern.contains("`matches` is wrong"), "{pattern}");
}

#[test]
fn what_may_fit_is_accepted() {
    for condition in [
        "payload.a + payload.b > payload.c",
        "has(payload.a) && payload.a == 'v'",
        "size(payload) > 1 || headers.x == topic",
        "payload.list.exists(x, x.matches('^[a-z]+$'))",
        "payload.exists_one(k, payload[k] == 1)",
        "payload.items.map(i, i.price).filter(p, p > 10).size() > 2",
        "payload.n in [1, 2, 3] && !('x' in headers)",
        "(payload.a ? 'x' : 1) == 'x'",
        "int(payload.n) + size(topic) > 5",
        "type(payload.a) == type(payload.b)",
        "payload.a == null || payload.a != 1.5",
        "payload",
    ] {
        assert!(Condition::compile(condition).is_ok(), "{condition}");
    }
}

/// Expressions in which every part is evaluated.
fn expression() -> impl Strategy<Value = String> {
    let leaves = [
        "1",
        "2u",
        "1.5",
        "'a'",
        "b'a'",
        "true",
        "null",
        "[1]",
        "{'a': 1}",
        "topic",
        "headers",
        "payload",
        "payload.a",
        "payload.b",
    ];
    let leaf = prop::sample::select(leaves.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 2, |inner| {
        let operators = ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "in"];
        let (a, b) = (inner.clone(), inner.clone());
        let methods = ["contains", "startsWith", "endsWith"];
        let functions = ["size", "int", "uint", "double", "string", "bool", "bytes", "!", "-"];
        prop_oneof![
            (a.clone(), prop::sample::select(operators.to_vec()), b.clone())
                .prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
            (a.clone(), prop::sample::select(methods.to_vec()), b.clone())
                .prop_map(|(a, method, b)| format!("({a}).{method}({b})")),
            (prop::sample::select(functions.to_vec()), a.clone())
                .prop_map(|(function, a)| format!("{function}({a})")),
            (a, b).prop_map(|(a, b)| format!("({a})[{b}]")),
        ]
    })
}

fn field(kind: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    match kind {
        0 => pack.nil(),
        1 => pack.bool(true),
        2 => pack.uint(7),
        3 => pack.uint(u64::MAX),
        4 => pack.str("a"),
        5 => pack.array(1).uint(1),
        _ => pack.map(1).str("a").uint(1),
    };
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A condition that is refused could never have been true or false.
    #[test]
    fn nothing_is_refused_that_could_hold(text in expression(), a in 0..7_u8, b in 0..7_u8) {
        let program = Program::compile(&text).unwrap();
        prop_assume!(check(&program).is_err());
        let mut payload = Vec::new();
        Packer(&mut payload).map(2).str("a").raw(&field(a)).str("b").raw(&field(b));
        let event = Inputs::new("orders", &payload, None, u64::MAX).0.unwrap();
        let mut context = Context::default();
        context.add_variable_from_value("payload", event.payload.clone());
        context.add_variable_from_value("headers", event.headers.clone());
        context.add_variable_from_value("topic", event.topic.clone());
        let value = program.execute(&context);
        prop_assert!(!matches!(value, Ok(Value::Bool(_))), "{text} is {value:?}");
    }
}
