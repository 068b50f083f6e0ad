//! This module checks and evaluates the conditions of rules, in the Common Expression Language.
//!
//! A condition is checked when it is loaded, and its cost is bounded. Without that, a condition could take
//! longer than the budget of a message, or fail on every message and so apply to all of them.

mod strict;
mod types;

use crate::model::{ValueHead, read};
use cel::common::ast::{CallExpr, EntryExpr, Expr, operators};
use cel::objects::{Key, Map};
use cel::{Context, IdedExpr, Program, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A `Condition` is a checked condition over `payload`, `headers` and `topic`.
pub(crate) struct Condition {
    expression: IdedExpr,
    /// The context has the functions that the expression calls.
    context: Context<'static, 'static>,
    /// The entry at `n` says how many parts of the expression are inside exactly `n` nested loops.
    nodes: Vec<u64>,
    /// The entry at `n` says how many parts inside exactly `n` nested loops may go over a list, a map or a text
    /// that does not become smaller with the turns of the loop.
    whole: Vec<u64>,
    /// The expression joins lists or texts by `+` this many times.
    joins: u64,
}

/// To begin the evaluation of a condition costs this many steps.
const BEGIN: u64 = 100;
/// To evaluate a part of the expression once costs this many steps.
const PART: u64 = 4;
/// To make a value of a message readable to conditions costs this many steps.
const INPUT: u64 = 10;

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
        let mut scan = ExpressionCheck {
            nodes: vec![0; MAX_LOOPS + 1],
            whole: vec![0; MAX_LOOPS + 1],
            joins: 0,
            bound: Vec::new(),
        };
        scan.expr(program.expression(), 0)?;
        if scan.nodes.iter().sum::<u64>() > MAX_NODES {
            return Err(format!("more than {MAX_NODES} parts"));
        }
        types::check(&program)?;
        let (expression, context) = strict::strict(program.expression())?;
        let ExpressionCheck { nodes, whole, joins, .. } = scan;
        Ok(Condition { expression, context, nodes, whole, joins })
    }

    /// Returns an upper bound of the steps that the condition takes. A loop runs over a list or map of the
    /// message, over a list in the condition, over the result of a loop, or over several of these joined by
    /// `+`. So it runs at most as often as the message has values, times one more than the number of `+`,
    /// plus the number of parts of the condition.
    pub(crate) fn cost(&self, event: &Inputs) -> u64 {
        let parts: u64 = self.nodes.iter().sum();
        let turns = event.values.saturating_mul(1 + self.joins).saturating_add(parts);
        let work = self.nodes.iter().zip(&self.whole).enumerate().map(|(loops, (nodes, whole))| {
            // Each part may search through a text once.
            let once = nodes.saturating_mul(PART + event.longest / 16);
            let whole = whole.saturating_mul(event.values.saturating_add(event.longest / 16));
            once.saturating_add(whole).saturating_mul(turns.saturating_pow(loops as u32))
        });
        work.fold(BEGIN, u64::saturating_add)
    }

    /// Returns whether the condition holds. A condition that cannot be evaluated counts as true, so that
    /// the rule applies in doubt.
    pub(crate) fn holds(&self, event: &Inputs) -> bool {
        let mut context = self.context.new_inner_scope();
        context.add_variable_from_value("payload", event.payload.clone());
        context.add_variable_from_value("headers", event.headers.clone());
        context.add_variable_from_value("topic", event.topic.clone());
        !matches!(Value::resolve(&self.expression, &context), Ok(Value::Bool(false)))
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
    /// as true. The second result is how many steps the conversion took. It ends early if they are more than
    /// `limit`.
    pub(crate) fn new(
        topic: &str,
        payload: &[u8],
        headers: Option<&[u8]>,
        limit: u64,
    ) -> (Option<Self>, u64) {
        let mut size = InputBuilder { values: 0, longest: 0, steps: 0, limit };
        let inputs = size.inputs(topic, payload, headers);
        (inputs, size.steps)
    }
}

fn text(body: &[u8]) -> Option<Arc<String>> {
    String::from_utf8(body.to_vec()).ok().map(Arc::new)
}

/// An `InputBuilder` converts a message to CEL values, and counts its values and the bytes of its longest
/// text.
struct InputBuilder {
    values: u64,
    longest: u64,
    steps: u64,
    limit: u64,
}

impl InputBuilder {
    fn inputs(&mut self, topic: &str, payload: &[u8], headers: Option<&[u8]>) -> Option<Inputs> {
        let headers = match headers {
            Some(map) => self.value(map, 0)?.0,
            None => Value::Map(Map { map: Arc::new(HashMap::new()) }),
        };
        let payload = self.value(payload, 0)?.0;
        let (values, longest) = (self.values, self.longest);
        Some(Inputs { payload, headers, topic: Value::from(topic), values, longest })
    }

    /// Counts the steps for a value of `len` bytes. Returns `None` if they are too many.
    fn step(&mut self, len: usize) -> Option<()> {
        self.steps += INPUT + len as u64 / 16;
        (self.steps <= self.limit).then_some(())
    }

    /// Converts the value at the offset `at`. Returns the offset behind it too. The function recurses, which
    /// is safe because the walker has limited the depth to 64.
    fn value(&mut self, bytes: &[u8], at: usize) -> Option<(Value, usize)> {
        self.values += 1;
        let (head, mut pos) = read(bytes, at)?;
        self.longest = self.longest.max((pos - at) as u64);
        self.step(pos - at)?;
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
                    self.step(end - pos)?;
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
/// `nodes`, `whole` and `joins` are those of [`Condition`].
struct ExpressionCheck {
    nodes: Vec<u64>,
    whole: Vec<u64>,
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
                self.goes_over_all(call, loops)?;
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

impl ExpressionCheck {
    /// Notes a call that may go over a whole list, map or text at each turn of the loops around it. If it goes
    /// over what belongs to a turn, all turns together go over the message once.
    fn goes_over_all(&mut self, call: &CallExpr, loops: usize) -> Result<(), String> {
        let whole = match (call.func_name.as_str(), &call.args[..]) {
            (operators::EQUALS | operators::NOT_EQUALS, [a, b]) => {
                [a, b].iter().all(|part| !is_small(part) && !self.depends_on_turn(part))
            }
            (operators::IN, [_, container]) => {
                !is_small(container) && !self.depends_on_turn(container)
            }
            // What a loop collects is not copied at each turn.
            (operators::ADD, [a, b]) => {
                let collected = matches!(&a.expr, Expr::Ident(name) if name.starts_with('@'));
                !collected && (!is_small(a) || !is_small(b))
            }
            ("matches", _) if strict::pattern_of(call).is_none() => {
                return Err("the pattern of `matches` has to stand in the condition".into());
            }
            _ => false,
        };
        self.whole[loops] += u64::from(whole);
        Ok(())
    }

    /// Returns whether a part of the expression reads a variable of a loop.
    fn depends_on_turn(&self, part: &IdedExpr) -> bool {
        match &part.expr {
            Expr::Ident(name) => self.bound.contains(name),
            _ => {
                let mut part = part.clone();
                parts(&mut part).into_iter().any(|part| self.depends_on_turn(part))
            }
        }
    }
}

/// Returns whether a part of the expression is as small as the expression itself, whatever the message is.
fn is_small(part: &IdedExpr) -> bool {
    match &part.expr {
        Expr::Literal(_) => true,
        Expr::List(list) => list.elements.iter().all(is_small),
        _ => false,
    }
}

/// Returns the parts of which a part of an expression consists.
fn parts(part: &mut IdedExpr) -> Vec<&mut IdedExpr> {
    match &mut part.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) | Expr::Struct(_) => Vec::new(),
        Expr::Select(select) => vec![&mut *select.operand],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Map(map) => {
            let entries = map.entries.iter_mut().filter_map(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => Some([&mut entry.key, &mut entry.value]),
                EntryExpr::StructField(_) => None,
            });
            entries.flatten().collect()
        }
        Expr::Call(call) => {
            call.target.iter_mut().map(|target| &mut **target).chain(&mut call.args).collect()
        }
        Expr::Comprehension(each) => vec![
            &mut each.iter_range,
            &mut each.accu_init,
            &mut each.loop_cond,
            &mut each.loop_step,
            &mut each.result,
        ],
    }
}
