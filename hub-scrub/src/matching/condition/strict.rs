//! This module makes comparisons strict: a comparison of two values of different types has no result.
//!
//! In the Common Expression Language, `1 == true` and `'true' == true` are false. Without this module, a rule
//! with the condition `payload.test == true` would not apply to a message whose publisher writes the flag as 1,
//! and what the rule hides would pass.

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::objects::KeyRef;
use cel::{Context, ExecutionError, IdedExpr, Value};
use regex_automata::meta::Regex;
use std::sync::Arc;

/// These names replace the operators. No condition can have them, because it may call only known functions.
const EQUALS: &str = "strictly_equals";
const NOT_EQUALS: &str = "strictly_differs";
const IN: &str = "strictly_in";
/// The functions for the patterns of `matches` have this name, followed by their number.
const MATCHES: &str = "matches_pattern_";

/// Returns the expression with strict comparisons and compiled patterns, and the context in which it runs.
pub(super) fn strict(
    expression: &IdedExpr,
) -> Result<(IdedExpr, Context<'static, 'static>), String> {
    let mut context = Context::default();
    let failed = |error: cel::DeclarationError| error.to_string();
    context.add_function(EQUALS, |a: Value, b: Value| equal(&a, &b)).map_err(failed)?;
    context
        .add_function(NOT_EQUALS, |a: Value, b: Value| equal(&a, &b).map(|equal| !equal))
        .map_err(failed)?;
    context.add_function(IN, |a: Value, b: Value| is_in(&a, &b)).map_err(failed)?;
    let mut expression = expression.clone();
    let mut patterns = Vec::new();
    rewrite(&mut expression, &mut patterns);
    for (number, pattern) in patterns.into_iter().enumerate() {
        // A pattern is compiled once, and not for each message and each turn of a loop.
        let regex = Regex::new(&pattern).map_err(|error| error.to_string())?;
        let matches = move |text: Arc<String>| regex.is_match(text.as_str());
        context.add_function(&format!("{MATCHES}{number}"), matches).map_err(failed)?;
    }
    Ok((expression, context))
}

/// Replaces the comparisons in an expression, and the calls of `matches`, whose patterns are added to the list.
fn rewrite(part: &mut IdedExpr, patterns: &mut Vec<String>) {
    for inner in super::parts(part) {
        rewrite(inner, patterns);
    }
    let Expr::Call(call) = &mut part.expr else { return };
    if let Some(pattern) = pattern_of(call) {
        let pattern = pattern.to_owned();
        call.args.pop();
        call.args.extend(call.target.take().map(|target| *target));
        call.func_name = format!("{MATCHES}{}", patterns.len());
        patterns.push(pattern);
        return;
    }
    let strict = match call.func_name.as_str() {
        operators::EQUALS => EQUALS,
        operators::NOT_EQUALS => NOT_EQUALS,
        operators::IN => IN,
        _ => return,
    };
    if !call.args.iter().any(|arg| is_null(arg) || is_type(arg)) {
        call.func_name = strict.to_owned();
    }
}

/// Returns the pattern of a call of `matches`, if it stands in the condition itself.
pub(super) fn pattern_of(call: &CallExpr) -> Option<&str> {
    let pattern = call.args.last().filter(|_| call.func_name == "matches")?;
    match &pattern.expr {
        Expr::Literal(LiteralValue::String(pattern)) => Some(pattern.inner()),
        _ => None,
    }
}

/// Returns whether a part is `null`. A comparison with it asks whether there is a value.
fn is_null(part: &IdedExpr) -> bool {
    matches!(&part.expr, Expr::Literal(LiteralValue::Null))
}

/// Returns whether a part is the type of a value. Types have only the comparison of the language itself.
fn is_type(part: &IdedExpr) -> bool {
    matches!(&part.expr, Expr::Call(call) if call.func_name == "type")
}

/// Returns whether two values are equal, or an error if their types differ.
fn equal(a: &Value, b: &Value) -> Result<bool, ExecutionError> {
    match a == b {
        true => Ok(true),
        false if are_comparable(a, b) => Ok(false),
        false => Err(in_doubt(a, "a value of another type")),
    }
}

/// Returns whether a value is in a list or is a key of a map, or an error if the list is not empty and has only
/// values of other types.
fn is_in(a: &Value, container: &Value) -> Result<bool, ExecutionError> {
    let keyed = |a| KeyRef::try_from(a).map_err(|_| in_doubt(a, "a key"));
    let (found, comparable) = match container {
        Value::List(items) => (
            items.iter().any(|item| item == a),
            items.is_empty() || items.iter().any(|item| are_comparable(item, a)),
        ),
        Value::Map(map) => (
            map.get(&keyed(a)?).is_some(),
            map.map.is_empty() || map.map.keys().any(|key| are_comparable(&key.into(), a)),
        ),
        _ => return Err(in_doubt(container, "a list or a map")),
    };
    match found || comparable {
        true => Ok(found),
        false => Err(in_doubt(a, "values of other types")),
    }
}

/// Returns whether two values have one type, with everything inside of them. All numbers have one type.
fn are_comparable(a: &Value, b: &Value) -> bool {
    let is_number = |value| matches!(value, &(Value::Int(_) | Value::UInt(_) | Value::Float(_)));
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            a.len() != b.len() || a.iter().zip(&**b).all(|(a, b)| are_comparable(a, b))
        }
        (Value::Map(a), Value::Map(b)) => a
            .map
            .iter()
            .all(|(key, value)| b.map.get(key).is_none_or(|other| are_comparable(value, other))),
        (a, b) if is_number(a) && is_number(b) => true,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Returns the error by which a condition is in doubt. It has no value of the message.
fn in_doubt(value: &Value, want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType { got: value.type_of().to_string(), want: want.to_owned() }
}

#[cfg(test)]
mod tests {
    use crate::matching::condition::{Condition, Inputs};
    use hub_wire::Packer;
    use proptest::prelude::*;

    /// What a field of a message can be. Values with one number have one type.
    fn field(kind: usize, pack: &mut Packer<'_>) {
        match kind {
            0 => pack.nil(),
            1 => pack.bool(true),
            2 => pack.uint(1),
            3 => pack.str("true"),
            4 => pack.bin(b"true"),
            5 => pack.array(1).bool(true),
            _ => pack.map(1).str("a").bool(true),
        };
    }

    /// A literal of each of the types, which equals the field of its number.
    const LITERALS: [&str; 7] = ["null", "true", "1", "'true'", "b'true'", "[true]", "{'a': true}"];

    fn holds(condition: &str, kind: usize) -> bool {
        let mut payload = Vec::new();
        field(kind, Packer(&mut payload).map(1).str("test"));
        let condition = Condition::compile(condition).expect("a condition");
        let (inputs, _) = Inputs::new("t", &payload, None, u64::MAX);
        condition.holds(&inputs.expect("inputs"))
    }

    #[test]
    fn a_comparison_with_another_type_counts_as_true_whatever_it_is_part_of() {
        for (kind, literal) in LITERALS.iter().enumerate().skip(1) {
            for other in (0..LITERALS.len()).filter(|other| *other != kind) {
                for condition in [
                    format!("payload.test == {literal}"),
                    format!("payload.test != {literal}"),
                    format!("!(payload.test == {literal})"),
                    format!("{literal} == payload.test"),
                    format!("payload.test in [{literal}]"),
                    format!("!(payload.test in [{literal}, {literal}])"),
                    format!("[payload.test] == [{literal}]"),
                    format!("{{'k': payload.test}} == {{'k': {literal}}}"),
                    format!("has(payload.test) && payload.test == {literal}"),
                    format!("[1].exists(x, payload.test == {literal})"),
                    format!("[payload.test].all(x, x == {literal})"),
                    format!("payload.test == {literal} ? false : false"),
                ] {
                    assert!(holds(&condition, other), "{condition} with {}", LITERALS[other]);
                }
            }
            assert!(holds(&format!("payload.test == {literal}"), kind), "{literal}");
            assert!(!holds(&format!("payload.test != {literal}"), kind), "{literal}");
        }
    }

    #[test]
    fn what_has_one_type_or_asks_for_presence_is_decided() {
        for (condition, kind) in [
            ("payload.test == false", 1),
            ("payload.test == 2", 2),
            ("payload.test == 1.5", 2),
            ("payload.test in [2, 'true']", 2),
            ("payload.test in []", 2),
            ("payload.test == 'false'", 3),
            ("'b' in payload.test", 6),
            ("payload.test == null", 1),
            ("payload.test != null", 0),
            ("payload.test == [true, true]", 5),
            ("payload.test == {'a': false}", 6),
            ("payload.test.matches('^f')", 3),
            ("type(payload.test) == type(1)", 3),
        ] {
            assert!(!holds(condition, kind), "{condition} with {}", LITERALS[kind]);
        }
        assert!(holds("payload.test.matches('^t')", 2), "a number has no text");
        assert!(holds("matches(payload.test, '^t')", 3));
    }

    proptest! {
        /// A value that a publisher writes in another type never makes a rule stop to apply.
        #[test]
        fn no_other_type_makes_a_condition_false(
            kind in 1..LITERALS.len(),
            other in 0..LITERALS.len(),
            negated in any::<bool>(),
            listed in any::<bool>(),
        ) {
            let literal = LITERALS[kind];
            let compared = if listed { format!("in [{literal}]") } else { format!("== {literal}") };
            let condition = format!("payload.test {compared}");
            let condition = if negated { format!("!({condition})") } else { condition };
            prop_assert_eq!(holds(&condition, other), other != kind || !negated);
        }
    }
}
