//! This module checks and evaluates the conditions of rules, in the Common Expression Language.
//!
//! A condition is checked when it is loaded, and its cost is bounded. Without that, a condition could take
//! longer than the budget of a message, or fail on every message and so apply to all of them.

mod types;

use crate::model::{ValueHead, read};
use cel::common::ast::{EntryExpr, Expr};
use cel::objects::{Key, Map};
use cel::{Context, IdedExpr, Program, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A `Condition` is a checked condition over `payload`, `headers` and `topic`.
pub(crate) struct Condition {
    program: Program,
    /// The entry at `n` says how many parts of the expression are inside exactly `n` nested loops.
    nodes: Vec<u64>,
    /// The expression joins lists or texts by `+` this many times.
    joins: u64,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condition")
    }
}

/// Besides operators, a condition may call only these functions.
const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "contains",
    "double",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];
/// At most this many loops (`all`, `exists`, `map`, `filter`) may be nested.
const MAX_LOOPS: usize = 2;
/// A condition may have at most this many parts.
const MAX_NODES: u64 = 500;

impl Condition {
    /// Parses a condition. The names and functions that it uses must exist, and their types must
    /// fit as far as they are known. The error says what is wrong.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        if text.len() > 4096 {
            return Err("longer than 4096 bytes".into());
        }
        let program = Program::compile(text).map_err(|error| error.to_string())?;
        let mut scan =
            ExpressionCheck { nodes: vec![0; MAX_LOOPS + 1], joins: 0, bound: Vec::new() };
        scan.expr(program.expression(), 0)?;
        if scan.nodes.iter().sum::<u64>() > MAX_NODES {
            return Err(format!("more than {MAX_NODES} parts"));
        }
        types::check(&program)?;
        Ok(Condition { program, nodes: scan.nodes, joins: scan.joins })
    }

    /// Returns an upper bound of the steps that the condition takes. A loop runs over a list or map of the
    /// message, over a list in the condition, over the result of a loop, or over several of these joined by
    /// `+`. So it runs at most as often as the message has values, times one more than the number of `+`,
    /// plus the number of parts of the condition.
    pub(crate) fn cost(&self, event: &Inputs) -> u64 {
        let parts: u64 = self.nodes.iter().sum();
        let turns = event.values.saturating_mul(1 + self.joins).saturating_add(parts);
        let work = self.nodes.iter().enumerate().map(|(loops, nodes)| {
            // Each part may search through a text once.
            let once = nodes.saturating_mul(1 + event.longest / 16);
            once.saturating_mul(turns.saturating_pow(loops as u32))
        });
        work.fold(0, u64::saturating_add)
    }

    /// Returns whether the condition holds. A condition that cannot be evaluated counts as true, so that
    /// the rule applies in doubt.
    pub(crate) fn holds(&self, event: &Inputs) -> bool {
        let mut context = Context::default();
        context.add_variable_from_value("payload", event.payload.clone());
        context.add_variable_from_value("headers", event.headers.clone());
        context.add_variable_from_value("topic", event.topic.clone());
        !matches!(self.program.execute(&context), Ok(Value::Bool(false)))
    }
}

/// `Inputs` is what a condition reads of a message.
pub(crate) struct Inputs {
    payload: Value,
    headers: Value,
    topic: Value,
    /// The payload and the headers have this many values.
    values: u64,
    /// The longest scalar has this many bytes, with its head.
    longest: u64,
}

impl Inputs {
    /// Converts a message. Returns `None` if CEL has no value for a part of it. Then every condition counts
    /// as true.
    pub(crate) fn new(topic: &str, payload: &[u8], headers: Option<&[u8]>) -> Option<Self> {
        let mut size = InputBuilder::default();
        let headers = match headers {
            Some(map) => size.value(map, 0)?.0,
            None => Value::Map(Map { map: Arc::new(HashMap::new()) }),
        };
        let payload = size.value(payload, 0)?.0;
        let InputBuilder { values, longest } = size;
        Some(Inputs { payload, headers, topic: Value::from(topic), values, longest })
    }
}

fn text(body: &[u8]) -> Option<Arc<String>> {
    String::from_utf8(body.to_vec()).ok().map(Arc::new)
}

/// An `InputBuilder` converts a message to CEL values, and counts its values and the bytes of its longest
/// text.
#[derive(Default)]
struct InputBuilder {
    values: u64,
    longest: u64,
}

impl InputBuilder {
    /// Converts the value at the offset `at`. Returns the offset behind it too. The function recurses, which
    /// is safe because the walker has limited the depth to 64.
    fn value(&mut self, bytes: &[u8], at: usize) -> Option<(Value, usize)> {
        self.values += 1;
        let (head, mut pos) = read(bytes, at)?;
        self.longest = self.longest.max((pos - at) as u64);
        let value = match head {
            ValueHead::Nil => Value::Null,
            ValueHead::Bool(b) => Value::Bool(b),
            // A number above 2^63 stays unsigned. All other integers are plain ones, as in JSON.
            ValueHead::UInt(n) => i64::try_from(n).map_or(Value::UInt(n), Value::Int),
            ValueHead::Int(n) => Value::Int(n),
            ValueHead::Float(n) => Value::Float(n),
            ValueHead::Str(body) => Value::String(text(body)?),
            ValueHead::Bin(body) => Value::Bytes(Arc::new(body.to_vec())),
            ValueHead::Ext(..) => return None,
            ValueHead::Array(count) => {
                let mut values = Vec::new();
                for _ in 0..count {
                    let (value, end) = self.value(bytes, pos)?;
                    values.push(value);
                    pos = end;
                }
                Value::List(Arc::new(values))
            }
            ValueHead::Map(count) => {
                let mut map = HashMap::new();
                for _ in 0..count {
                    let (key, end) = read(bytes, pos)?;
                    let key = match key {
                        ValueHead::Str(body) => Key::String(text(body)?),
                        ValueHead::UInt(n) => i64::try_from(n).map_or(Key::Uint(n), Key::Int),
                        ValueHead::Int(n) => Key::Int(n),
                        ValueHead::Bool(b) => Key::Bool(b),
                        _ => return None,
                    };
                    let (value, end) = self.value(bytes, end)?;
                    if map.insert(key, value).is_some() {
                        return None;
                    }
                    pos = end;
                }
                Value::Map(Map { map: Arc::new(map) })
            }
        };
        Some((value, pos))
    }
}

/// An `ExpressionCheck` checks an expression when it is loaded, and counts what the expression costs.
/// `nodes` and `joins` are those of [`Condition`].
struct ExpressionCheck {
    nodes: Vec<u64>,
    joins: u64,
    /// The variables of the loops around the current part have these names.
    bound: Vec<String>,
}

impl ExpressionCheck {
    /// Checks a part of the expression that is inside `loops` nested loops.
    fn expr(&mut self, expr: &IdedExpr, loops: usize) -> Result<(), String> {
        let Some(count) = self.nodes.get_mut(loops) else {
            return Err(format!("more than {MAX_LOOPS} loops inside one another"));
        };
        *count += 1;
        match &expr.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => {
                if ["payload", "headers", "topic"].contains(&name.as_str())
                    || self.bound.contains(name)
                {
                    return Ok(());
                }
                Err(format!("there is no `{name}`; there are `payload`, `headers` and `topic`"))
            }
            Expr::Select(select) => self.expr(&select.operand, loops),
            Expr::Struct(_) => Err("structs are not known here".into()),
            Expr::List(list) => list.elements.iter().try_for_each(|item| self.expr(item, loops)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.expr(&entry.key, loops)?;
                    self.expr(&entry.value, loops)
                }
                EntryExpr::StructField(_) => Err("structs are not known here".into()),
            }),
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                // Operators have names such as `_&&_`, `!_`, `@in`.
                self.joins += u64::from(name == "_+_");
                let operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
                if !operator && !FUNCTIONS.contains(&name) {
                    return Err(format!("there is no function `{name}`"));
                }
                call.target.iter().try_for_each(|target| self.expr(target, loops))?;
                call.args.iter().try_for_each(|arg| self.expr(arg, loops))
            }
            Expr::Comprehension(each) => {
                self.expr(&each.iter_range, loops)?;
                self.expr(&each.accu_init, loops)?;
                let names = [Some(&each.iter_var), each.iter_var2.as_ref(), Some(&each.accu_var)];
                let before = self.bound.len();
                self.bound.extend(names.into_iter().flatten().cloned());
                self.expr(&each.loop_cond, loops + 1)?;
                self.expr(&each.loop_step, loops + 1)?;
                self.expr(&each.result, loops)?;
                self.bound.truncate(before);
                Ok(())
            }
        }
    }
}
