//! This module checks whether the types in a condition can fit, as far as they are known before there is a
//! message. Without it, a condition with a wrong type would fail on every message.
//!
//! The types that an operator or a function takes are not written down here. Each call is tried once with a
//! value of each type, so this check accepts exactly what the evaluator accepts.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::objects::{Key, Map};
use cel::{Context, IdedExpr, Program, Value};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// `Types` is the set of types that a part of a condition may have. A bit is an index in [`NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Types(u16);

/// The list has the types of the values of a message, as error messages name them.
const NAMES: [&str; 9] =
    ["null", "a bool", "an int", "a uint", "a double", "a string", "bytes", "a list", "a map"];

impl Types {
    const NONE: Types = Types(0);
    const BOOL: Types = Types(1 << 1);
    const STRING: Types = Types(1 << 5);
    const LIST: Types = Types(1 << 7);
    const MAP: Types = Types(1 << 8);
    /// A part of the message can have any of these types, because it is not known beforehand.
    const ANY: Types = Types((1 << NAMES.len()) - 1);
    /// No value of a message has this type. The result of the function `type` has it.
    const OTHER: Types = Types(1 << NAMES.len());

    fn of(value: &Value) -> Types {
        Types(match value {
            Value::Null => 1,
            Value::Bool(_) => 1 << 1,
            Value::Int(_) => 1 << 2,
            Value::UInt(_) => 1 << 3,
            Value::Float(_) => 1 << 4,
            Value::String(_) => 1 << 5,
            Value::Bytes(_) => 1 << 6,
            Value::List(_) => 1 << 7,
            Value::Map(_) => 1 << 8,
            _ => return Types::OTHER,
        })
    }

    fn or(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    fn may_be(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the types of the set, as indexes in [`NAMES`].
    fn each(self) -> impl Iterator<Item = usize> {
        (0..NAMES.len()).filter(move |n| self.0 & 1 << n != 0)
    }

    /// Returns the types of the set in words, for error messages.
    fn say(self) -> String {
        if self.may_be(Types::OTHER) {
            return "a type".into();
        }
        self.each().map(|n| NAMES[n]).collect::<Vec<_>>().join(" or ")
    }
}

/// Returns sample values of each type, in the order of [`NAMES`]. If a call works with any value of a type,
/// it works with one of the samples: lists have an item 1, maps have a field "1", and there are texts that
/// are a number and a bool.
fn samples() -> [Vec<Value>; 9] {
    let text = |text: &str| Value::String(Arc::new(text.into()));
    let keys = [Key::Int(1), Key::Uint(1), Key::Bool(true), Key::String(Arc::new("1".into()))];
    let map = keys.map(|key| (key, Value::Int(1))).into_iter().collect();
    [
        vec![Value::Null],
        vec![Value::Bool(true)],
        vec![Value::Int(1)],
        vec![Value::UInt(1)],
        vec![Value::Float(1.0)],
        vec![text("1"), text("true")],
        vec![Value::Bytes(Arc::new(b"1".to_vec()))],
        vec![Value::List(Arc::new(vec![Value::Int(1), Value::Int(1)]))],
        vec![Value::Map(Map { map: Arc::new(map) })],
    ]
}

/// A function of a condition takes at most this many arguments. The target of a method counts as one.
const MOST_ARGUMENTS: usize = 2;

/// A `Call` consists of its function, whether it is a method, and the type of each argument, with the target
/// first. A type is an index in [`NAMES`].
type Call = (String, bool, Vec<usize>);

/// Returns the types that a call may return. The set is empty if the call does not take these arguments.
fn try_out(call: &Call) -> Types {
    /// Results are kept, because conditions use few different calls and rule files are loaded often.
    static KNOWN: LazyLock<Mutex<HashMap<Call, Types>>> = LazyLock::new(Mutex::default);
    if let Some(known) = KNOWN.lock().get(call) {
        return *known;
    }
    let (function, method, types) = call;
    let ident = |n: usize| IdedExpr { id: 0, expr: Expr::Ident(format!("arg{n}")) };
    let mut args: Vec<_> = (0..types.len()).map(ident).collect();
    let target = method.then(|| Box::new(args.remove(0)));
    let call_expr = CallExpr { func_name: function.clone(), target, args };
    let expr = IdedExpr { id: 0, expr: Expr::Call(call_expr) };
    let samples = samples();
    let mut returned = Types::NONE;
    for which in 0..2 {
        let mut context = Context::default();
        for (n, kind) in types.iter().enumerate() {
            let values = &samples[*kind];
            let value = values.get(which).unwrap_or(&values[0]);
            context.add_variable_from_value(format!("arg{n}"), value.clone());
        }
        if let Ok(value) = Value::resolve(&expr, &context) {
            returned = returned.or(Types::of(&value));
        }
    }
    // An element of a list or a map may have any type.
    if function == operators::INDEX && returned != Types::NONE {
        returned = Types::ANY;
    }
    KNOWN.lock().insert(call.clone(), returned);
    returned
}

/// Checks that the parts of a condition can fit together, and that its result can be a bool. The
/// error names the part that does not fit.
pub(super) fn check(program: &Program) -> Result<(), String> {
    let mut check = Check { program, bound: Vec::new() };
    let root = program.expression();
    let types = check.types(root)?;
    if !types.may_be(Types::BOOL) {
        return Err(check.at(root, &format!("it is {}, and not true or false", types.say())));
    }
    Ok(())
}

/// A `Check` is the state of the check of one condition.
struct Check<'a> {
    program: &'a Program,
    /// The variables of the loops around the current part have these names and types.
    bound: Vec<(&'a str, Types)>,
}

impl<'a> Check<'a> {
    /// Returns an error text with the place of the part in the condition.
    fn at(&self, part: &IdedExpr, what: &str) -> String {
        match self.program.source_info().offset_for(part.id) {
            Some((start, _)) => format!("{what} (character {})", start + 1),
            None => what.to_owned(),
        }
    }

    /// Checks a part of the condition, and returns the types that it may have.
    fn types(&mut self, part: &'a IdedExpr) -> Result<Types, String> {
        Ok(match &part.expr {
            Expr::Unspecified | Expr::Struct(_) => Types::ANY,
            Expr::Literal(literal) => match Value::try_from(literal.to_val().as_ref()) {
                Ok(value) => Types::of(&value),
                Err(_) => Types::ANY,
            },
            Expr::Ident(name) => match self.bound.iter().rev().find(|(known, _)| known == name) {
                Some((_, types)) => *types,
                None if name == "topic" => Types::STRING,
                None if name == "headers" => Types::MAP,
                None => Types::ANY,
            },
            Expr::Select(select) => {
                let of = self.types(&select.operand)?;
                if !of.may_be(Types::MAP) {
                    let what = format!("{} has no field `{}`", of.say(), select.field);
                    return Err(self.at(part, &what));
                }
                if select.test { Types::BOOL } else { Types::ANY }
            }
            Expr::List(list) => {
                list.elements.iter().try_for_each(|item| self.types(item).map(drop))?;
                Types::LIST
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.types(&entry.key)?;
                        self.types(&entry.value)?;
                    }
                }
                Types::MAP
            }
            Expr::Call(call) => self.call(part, call)?,
            Expr::Comprehension(each) => self.comprehension(part, each)?,
        })
    }

    fn call(&mut self, part: &'a IdedExpr, call: &'a CallExpr) -> Result<Types, String> {
        let parts: Vec<_> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let mut types = Vec::new();
        for part in &parts {
            types.push(self.types(part)?);
        }
        let function = call.func_name.as_str();
        match (function, types.as_slice()) {
            // These operators do not evaluate all their arguments, so they cannot be tried out.
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.is_bool(parts[0], *condition)?;
                return Ok(yes.or(*no));
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [a, b]) => {
                self.is_bool(parts[0], *a)?;
                self.is_bool(parts[1], *b)?;
                return Ok(Types::BOOL);
            }
            // The compiler adds this operator inside of loops.
            (operators::NOT_STRICTLY_FALSE, _) => return Ok(Types::BOOL),
            _ => {}
        }
        if let ("matches", Some(Expr::Literal(LiteralValue::String(pattern)))) =
            (function, call.args.last().map(|pattern| &pattern.expr))
            && let Err(error) = regex_automata::meta::Regex::new(pattern.inner())
        {
            let why = error.syntax_error().map_or(error.to_string(), |e| format!("{e}"));
            return Err(self.at(part, &format!("the pattern of `matches` is wrong: {why}")));
        }
        if types.len() > MOST_ARGUMENTS {
            return Err(self.at(part, &format!("`{function}` does not take that many arguments")));
        }
        let mut returned = Types::NONE;
        for combination in combinations(&types) {
            let one = (function.to_owned(), call.target.is_some(), combination);
            returned = returned.or(try_out(&one));
        }
        if returned == Types::NONE && !types.iter().any(|types| types.may_be(Types::OTHER)) {
            let given: Vec<_> = types.iter().map(|types| types.say()).collect();
            let name = function.trim_matches(['_', '@']).replace("[_", "[");
            let what = format!("`{name}` does not take {}", given.join(" and "));
            return Err(self.at(part, &what));
        }
        Ok(if returned == Types::NONE { Types::ANY } else { returned })
    }

    fn comprehension(
        &mut self,
        part: &'a IdedExpr,
        each: &'a ComprehensionExpr,
    ) -> Result<Types, String> {
        let over = self.types(&each.iter_range)?;
        if !over.may_be(Types::LIST.or(Types::MAP)) {
            return Err(self.at(part, &format!("a loop does not run over {}", over.say())));
        }
        let start = self.types(&each.accu_init)?;
        let before = self.bound.len();
        for name in [Some(&each.iter_var), each.iter_var2.as_ref()].into_iter().flatten() {
            self.bound.push((name, Types::ANY));
        }
        self.bound.push((&each.accu_var, start));
        let step = self.types(&each.loop_step)?;
        self.bound.push((&each.accu_var, start.or(step)));
        self.types(&each.loop_cond)?;
        let result = self.types(&each.result)?;
        self.bound.truncate(before);
        Ok(result)
    }

    fn is_bool(&self, part: &IdedExpr, types: Types) -> Result<(), String> {
        if types.may_be(Types::BOOL) {
            return Ok(());
        }
        Err(self.at(part, &format!("{} is not true or false", types.say())))
    }
}

/// Returns all combinations that take one type for each argument.
fn combinations(types: &[Types]) -> Vec<Vec<usize>> {
    types.iter().fold(vec![Vec::new()], |so_far, types| {
        so_far
            .iter()
            .flat_map(|before| types.each().map(move |one| [before.as_slice(), &[one]].concat()))
            .collect()
    })
}

#[cfg(test)]
mod tests;
