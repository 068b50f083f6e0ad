//! The walk of a pass over all keys and values of a message.
//!
//! The walk is a loop with a stack of open containers. With recursion, a deeply nested message could exhaust
//! the stack of the thread.

use super::finds::{FoundText, TextRange, ValueForm};
use super::interrupt::Interrupt;
use super::message_pass::{MessagePass, ValueContext};
use super::scratch::OpenContainer;
use super::verdict::QuarantineReason;
use crate::detect::{KeyKind, KeyKinds};
use crate::matching::Step;
use crate::model::{Action, Number, Outside, RuleBits, Unknown, ValueHead, read};
use hub_wire::Limits;

/// To see which rules name a key costs one step for this many of its bytes.
const KEY_BYTES: u64 = 16;
/// To compare the last words of a key with the names of a table costs this many steps.
const NAMING_STEPS: u64 = 24;

impl MessagePass<'_> {
    /// Walks over the whole payload, or over the headers. Afterwards the finds are in `found`.
    pub(super) fn run(&mut self) -> Result<(), Interrupt> {
        let plan = self.plan;
        let width = plan.paths.width();
        self.scratch.open.clear();
        self.scratch.rows.clear();
        self.scratch.rows.extend_from_slice(plan.paths.start(self.in_headers));
        let paths = plan.paths.ends(&self.scratch.rows);
        let root = ValueContext {
            at: 0,
            entry: 0,
            map: None,
            key_at: None,
            paths,
            keys: RuleBits::NONE,
            kinds: 0,
        };
        let mut pos = self.value(root)?;
        while let Some(open) = self.scratch.open.last_mut() {
            if open.left == 0 {
                self.scratch.open.pop();
                self.scratch.rows.truncate(width * (self.scratch.open.len() + 1));
                continue;
            }
            let (map, index) = (open.map.then_some(open.at), open.index);
            (open.left, open.index) = (open.left - 1, index + 1);
            let mut context = ValueContext { at: pos, entry: pos, map, ..root };
            if map.is_some() {
                context.key_at = Some(pos);
                (context.at, context.paths, context.keys, context.kinds) = self.key(pos)?;
            } else {
                (context.keys, context.kinds, context.key_at) =
                    (open.keys, open.kinds, open.key_at);
                context.paths = self.step_into(Step::Number(index as u64));
            }
            pos = self.value(context)?;
        }
        Ok(())
    }

    /// Computes the row of path states of the next value. Returns the rules whose path ends at that value.
    fn step_into(&mut self, step: Step) -> RuleBits {
        let plan = self.plan;
        if plan.paths.is_empty() {
            return RuleBits::NONE;
        }
        let width = plan.paths.width();
        // A value costs one step. Each word of path states beyond the first costs one more, and so do four
        // states that are followed.
        self.scratch.steps.add(width as u64 - 1);
        let depth = self.scratch.open.len();
        if self.scratch.rows.len() != width * (depth + 1) {
            self.scratch.rows.resize(width * (depth + 1), 0);
        }
        let (above, row) = self.scratch.rows.split_at_mut(width * depth);
        let above = &above[width * (depth - 1)..];
        if step == Step::Other && !plan.paths.open(above) {
            row.fill(0);
            return RuleBits::NONE;
        }
        self.scratch.steps.add(plan.paths.step(above, step, row) / 4);
        plan.paths.ends(row)
    }

    /// Searches the key at the offset `at`. Returns the offset of its value, the rules whose path ends at
    /// the value, the rules that name the key, and the kinds of content that the key names.
    fn key(&mut self, at: usize) -> Result<(usize, RuleBits, RuleBits, KeyKinds), Interrupt> {
        self.step(1)?;
        self.at = at;
        self.scratch.elements += 1;
        let (head, end) = read(self.bytes, at).ok_or(QuarantineReason::Malformed)?;
        let plan = self.plan;
        let (step, keys, kinds) = match head {
            ValueHead::Array(_) | ValueHead::Map(_) => {
                return Err(QuarantineReason::ContainerKey.into());
            }
            ValueHead::Str(key) => {
                self.scratch.steps.add(key.len() as u64 / KEY_BYTES + self.naming_steps(key));
                (plan.paths.atom(key), plan.key(key), self.kinds_of(key))
            }
            ValueHead::UInt(n) => (Step::Number(n), RuleBits::NONE, 0),
            _ => (Step::Other, RuleBits::NONE, 0),
        };
        let paths = self.step_into(step);
        let (map, allow) = match self.scratch.open.last_mut() {
            Some(open) => {
                (open.key_at, open.keys, open.kinds) = (Some(at), keys, kinds);
                (open.at, open.allow)
            }
            None => (0, RuleBits::NONE),
        };
        if !self.in_headers {
            self.key_structure(&head, at, map)?;
        }
        if !allow.is_empty() {
            for rule in allow.iter() {
                self.allow(rule, &head, at, map)?;
            }
        }
        let finding =
            plan.located_key(paths, keys) & plan.sets.in_keys & plan.sets.detecting & self.region;
        let context =
            ValueContext { at, entry: at, map: Some(map), key_at: None, paths, keys, kinds: 0 };
        if !finding.is_empty() && self.may_find(&context, &head, end)? {
            self.scan(context, &head, end, finding, RuleBits::NONE, RuleBits::NONE)?;
        }
        Ok((end, paths, keys, kinds))
    }

    /// Returns for how many steps the look for the kinds of a key counts. Most keys end unlike all names.
    fn naming_steps(&self, key: &[u8]) -> u64 {
        let is_inside = self.scratch.open.last().is_some_and(|open| open.inside != 0);
        let may_be_named = self.plan.looks_for_kinds() && KeyKind::may_be_named_by(key);
        NAMING_STEPS * (u64::from(is_inside) + u64::from(may_be_named))
    }

    /// Returns the kinds of content that a key names, by itself or because of the key of its map.
    fn kinds_of(&self, key: &[u8]) -> KeyKinds {
        let around = self.scratch.open.last();
        let around = around.map_or(0, |open| KeyKind::inside(open.inside, key, open.is_element));
        around | self.plan.kinds_of(key)
    }

    /// Applies a rule with the action `allow_keys` to one key. `at` is the offset of the key, and `map` is
    /// the offset of its map.
    fn allow(
        &mut self,
        rule: usize,
        key: &ValueHead<'_>,
        at: usize,
        map: usize,
    ) -> Result<(), Interrupt> {
        let Action::AllowKeys { keys, unknown } = &self.plan.rules[rule].rule.action else {
            return Ok(());
        };
        let known = match key {
            ValueHead::Str(key) => std::str::from_utf8(key).is_ok_and(|key| keys.contains(key)),
            _ => false,
        };
        if known || !self.hit(rule)? {
            return Ok(());
        }
        match unknown {
            Unknown::Reject => Err(self.refuse(rule)),
            Unknown::Drop => {
                self.push_bare(at, at, Some(map), ValueForm::Gone);
                Ok(())
            }
        }
    }

    /// Searches a value. Returns the offset of the next value, which is behind a scalar or inside a
    /// container.
    fn value(&mut self, context: ValueContext) -> Result<usize, Interrupt> {
        self.step(1)?;
        self.at = context.at;
        let (head, end) = read(self.bytes, context.at).ok_or(QuarantineReason::Malformed)?;
        let plan = self.plan;
        if !self.in_headers {
            self.scratch.elements += usize::from(!self.scratch.open.is_empty());
            self.value_structure(&head, &context)?;
        }
        let region = if self.in_headers && self.scratch.open.is_empty() {
            RuleBits::NONE
        } else {
            self.region
        };
        let keys = match context.kinds {
            0 => context.keys,
            kinds => context.keys | plan.of_kinds(kinds, &head),
        };
        let here = plan.located(head.kind(), context.paths, keys) & plan.sets.in_values & region;
        if let ValueHead::Array(count) | ValueHead::Map(count) = head {
            self.container(context, &head, count, here)?;
            return Ok(end);
        }
        if here.is_empty() {
            return Ok(end);
        }
        if (here & plan.sets.direct).is_empty() && !self.may_find(&context, &head, end)? {
            return Ok(end);
        }
        let ranging = here & plan.sets.ranging;
        if !ranging.is_empty() {
            self.range(context, &head, ranging)?;
        }
        let (whole, detecting) = (here & plan.sets.whole, here & plan.sets.detecting);
        self.scan(context, &head, end, detecting, whole, here & plan.sets.normalising)?;
        Ok(end)
    }

    /// Notes a map or an array for the rules that apply to it as a whole, and opens it.
    fn container(
        &mut self,
        context: ValueContext,
        head: &ValueHead<'_>,
        count: usize,
        here: RuleBits,
    ) -> Result<(), Interrupt> {
        let from = self.found.ranges.len();
        for rule in (here & self.plan.sets.whole).iter() {
            if self.hit(rule)? {
                self.found.ranges.push(TextRange { start: 0, end: 0, rule });
            }
        }
        self.push(context, ValueForm::Whole, FoundText::None, false, from);
        if self.scratch.open.len() >= usize::from(Limits::MAX_DEPTH) {
            return Err(QuarantineReason::Malformed.into());
        }
        let map = matches!(head, ValueHead::Map(_));
        let allow = if map { here & self.plan.sets.allowing } else { RuleBits::NONE };
        self.scratch.open.push(OpenContainer {
            at: context.at,
            map,
            left: count,
            index: 0,
            key_at: context.key_at,
            keys: context.keys,
            kinds: context.kinds,
            inside: context.kinds,
            is_element: context.map.is_none(),
            allow,
        });
        Ok(())
    }

    /// Applies the rules with the action `range` to a number.
    fn range(
        &mut self,
        context: ValueContext,
        head: &ValueHead<'_>,
        rules: RuleBits,
    ) -> Result<(), Interrupt> {
        let Some(number) = Number::of(head) else { return Ok(()) };
        for rule in rules.iter() {
            let Action::Range { min, max, outside } = &self.plan.rules[rule].rule.action else {
                continue;
            };
            let above =
                min.is_none_or(|min| number.compare(min).is_some_and(|order| order.is_ge()));
            let below =
                max.is_none_or(|max| number.compare(max).is_some_and(|order| order.is_le()));
            if (above && below) || !self.hit(rule)? {
                continue;
            }
            if *outside == Outside::Reject {
                return Err(self.refuse(rule));
            }
            let from = self.found.ranges.len();
            self.found.ranges.push(TextRange { start: 0, end: 0, rule });
            self.push(context, ValueForm::Whole, FoundText::None, false, from);
        }
        Ok(())
    }

    /// Returns whether detectors could find anything in a scalar that ends at the offset `end`.
    #[inline]
    fn may_find(
        &mut self,
        context: &ValueContext,
        head: &ValueHead<'_>,
        end: usize,
    ) -> Result<bool, Interrupt> {
        let may = match head {
            // The candidates are complete only for strings with the shortest heads.
            ValueHead::Str(body) if end - body.len() - context.at <= 2 => {
                self.find_candidates()?;
                self.scratch.candidates.any(end - body.len()..end)
            }
            ValueHead::UInt(n) => self.may_find_in_number(context, *n, false)?,
            ValueHead::Int(n) => self.may_find_in_number(context, n.unsigned_abs(), *n < 0)?,
            ValueHead::Nil | ValueHead::Bool(_) => false,
            _ => true,
        };
        Ok(may)
    }

    /// Finds the candidates of the message, and pays for that. The pass pays even if the fast path has found
    /// them, so that the fast path changes no verdict.
    fn find_candidates(&mut self) -> Result<(), Interrupt> {
        if !self.scratch.candidates_known {
            let limit = self.reads_left();
            self.plan.finder.candidates(self.bytes, limit, &mut self.scratch.candidates);
            self.scratch.candidates_known = true;
        }
        if !self.candidates_paid {
            self.candidates_paid = true;
            self.step_for(self.scratch.candidates.reads())?;
        }
        Ok(())
    }

    /// Returns whether detectors could find anything in the digits of an integer.
    fn may_find_in_number(
        &mut self,
        context: &ValueContext,
        magnitude: u64,
        negative: bool,
    ) -> Result<bool, Interrupt> {
        let finder = &self.plan.finder;
        let mut reads = 0;
        if !finder.may_find_in(None, magnitude, &mut reads) {
            return Ok(false);
        }
        if negative {
            return Ok(true);
        }
        let may = finder.may_find_in(Some(self.key_text(context)), magnitude, &mut reads);
        self.step_for(reads)?;
        Ok(may)
    }
}
