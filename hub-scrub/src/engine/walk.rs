//! The walk of a pass over all keys and values of a message.
//!
//! It goes over the values in a loop, with a stack of open containers. A recursion would let a deeply
//! nested message exhaust the thread's stack.

use super::finding::{Form, Span, Text};
use super::interrupt::Stop;
use super::message_pass::{Pass, Place};
use super::state::Open;
use super::verdict::QuarantineReason;
use crate::detect::Digits;
use crate::matching::Step;
use crate::model::{Action, Bits, Number, Outside, Token, Unknown, read};
use hub_wire::Limits;

impl Pass<'_> {
    /// Goes over all bytes. What rules find is in `found` afterwards.
    pub(super) fn run(&mut self) -> Result<(), Stop> {
        let plan = self.plan;
        let width = plan.paths.width();
        self.work.open.clear();
        self.work.rows.clear();
        self.work.rows.extend_from_slice(plan.paths.start(self.in_headers));
        let paths = plan.paths.ends(&self.work.rows);
        let root = Place { at: 0, entry: 0, map: None, key_at: None, paths, keys: Bits::NONE };
        let mut pos = self.value(root)?;
        while let Some(open) = self.work.open.last_mut() {
            if open.left == 0 {
                self.work.open.pop();
                self.work.rows.truncate(width * (self.work.open.len() + 1));
                continue;
            }
            let (map, index) = (open.map.then_some(open.at), open.index);
            (open.left, open.index) = (open.left - 1, index + 1);
            let mut place = Place { at: pos, entry: pos, map, ..root };
            if map.is_some() {
                place.key_at = Some(pos);
                (place.at, place.paths, place.keys) = self.key(pos)?;
            } else {
                (place.keys, place.key_at) = (open.keys, open.key_at);
                place.paths = self.step_into(Step::Number(index as u64));
            }
            pos = self.value(place)?;
        }
        Ok(())
    }

    /// Computes the row of path states of the next value, and the rules whose path ends there.
    fn step_into(&mut self, step: Step) -> Bits {
        let plan = self.plan;
        if plan.paths.is_empty() {
            return Bits::NONE;
        }
        let width = plan.paths.width();
        // A value is one step; those beyond the first word of path states are more.
        self.work.steps += width as u64 - 1;
        let depth = self.work.open.len();
        if self.work.rows.len() != width * (depth + 1) {
            self.work.rows.resize(width * (depth + 1), 0);
        }
        let (above, row) = self.work.rows.split_at_mut(width * depth);
        let above = &above[width * (depth - 1)..];
        if step == Step::Other && !plan.paths.open(above) {
            row.fill(0);
            return Bits::NONE;
        }
        plan.paths.step(above, step, row);
        plan.paths.ends(row)
    }

    /// Looks at a key; says where its value is, and which rules name its path and its name.
    fn key(&mut self, at: usize) -> Result<(usize, Bits, Bits), Stop> {
        self.step(1)?;
        self.at = at;
        self.work.elements += 1;
        let (token, end) = read(self.bytes, at).ok_or(QuarantineReason::Malformed)?;
        let plan = self.plan;
        let (step, keys) = match token {
            Token::Array(_) | Token::Map(_) => return Err(QuarantineReason::ContainerKey.into()),
            Token::Str(key) => (plan.paths.atom(key), plan.key(key)),
            Token::UInt(n) => (Step::Number(n), Bits::NONE),
            _ => (Step::Other, Bits::NONE),
        };
        let paths = self.step_into(step);
        let (map, allow) = match self.work.open.last_mut() {
            Some(open) => {
                (open.key_at, open.keys) = (Some(at), keys);
                (open.at, open.allow)
            }
            None => (0, Bits::NONE),
        };
        if !self.in_headers {
            self.key_structure(&token, at, map)?;
        }
        if !allow.is_empty() {
            for rule in allow.iter() {
                self.allow(rule, &token, at, map)?;
            }
        }
        let finding =
            plan.located_key(paths, keys) & plan.sets.in_keys & plan.sets.detecting & self.region;
        if !finding.is_empty() && self.may_find(&token, at, end)? {
            let place = Place { at, entry: at, map: Some(map), key_at: None, paths, keys };
            self.scan(place, &token, end, finding, Bits::NONE, Bits::NONE)?;
        }
        Ok((end, paths, keys))
    }

    fn allow(&mut self, rule: usize, key: &Token<'_>, at: usize, map: usize) -> Result<(), Stop> {
        let Action::AllowKeys { keys, unknown } = &self.plan.rules[rule].rule.action else {
            return Ok(());
        };
        let known = match key {
            Token::Str(key) => std::str::from_utf8(key).is_ok_and(|key| keys.contains(key)),
            _ => false,
        };
        if known || !self.hit(rule)? {
            return Ok(());
        }
        match unknown {
            Unknown::Reject => Err(self.refuse(rule)),
            Unknown::Drop => {
                self.push_bare(at, at, Some(map), Form::Gone);
                Ok(())
            }
        }
    }

    /// Looks at a value and returns where the next one is: behind it, or inside.
    fn value(&mut self, place: Place) -> Result<usize, Stop> {
        self.step(1)?;
        self.at = place.at;
        let (token, end) = read(self.bytes, place.at).ok_or(QuarantineReason::Malformed)?;
        let plan = self.plan;
        if !self.in_headers {
            self.work.elements += usize::from(!self.work.open.is_empty());
            self.value_structure(&token, &place)?;
        }
        let region =
            if self.in_headers && self.work.open.is_empty() { Bits::NONE } else { self.region };
        let here =
            plan.located(token.kind(), place.paths, place.keys) & plan.sets.in_values & region;
        if let Token::Array(count) | Token::Map(count) = token {
            self.container(place, &token, count, here)?;
            return Ok(end);
        }
        if here.is_empty() {
            return Ok(end);
        }
        if (here & plan.sets.direct).is_empty() && !self.may_find(&token, place.at, end)? {
            return Ok(end);
        }
        let ranging = here & plan.sets.ranging;
        if !ranging.is_empty() {
            self.range(place, &token, ranging)?;
        }
        let (whole, detecting) = (here & plan.sets.whole, here & plan.sets.detecting);
        self.scan(place, &token, end, detecting, whole, here & plan.sets.normalising)?;
        Ok(end)
    }

    fn container(
        &mut self,
        place: Place,
        token: &Token<'_>,
        count: usize,
        here: Bits,
    ) -> Result<(), Stop> {
        let from = self.found.spans.len();
        for rule in (here & self.plan.sets.whole).iter() {
            if self.hit(rule)? {
                self.found.spans.push(Span { start: 0, end: 0, rule });
            }
        }
        self.push(place, Form::Whole, Text::None, false, from);
        if self.work.open.len() >= usize::from(Limits::MAX_DEPTH) {
            return Err(QuarantineReason::Malformed.into());
        }
        let map = matches!(token, Token::Map(_));
        let allow = if map { here & self.plan.sets.allowing } else { Bits::NONE };
        self.work.open.push(Open {
            at: place.at,
            map,
            left: count,
            index: 0,
            key_at: place.key_at,
            keys: place.keys,
            allow,
        });
        Ok(())
    }

    fn range(&mut self, place: Place, token: &Token<'_>, rules: Bits) -> Result<(), Stop> {
        let Some(number) = Number::of(token) else { return Ok(()) };
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
            let from = self.found.spans.len();
            self.found.spans.push(Span { start: 0, end: 0, rule });
            self.push(place, Form::Whole, Text::None, false, from);
        }
        Ok(())
    }

    /// Whether detectors could find anything in a scalar. What they need not look at costs as many
    /// steps.
    #[inline]
    fn may_find(&mut self, token: &Token<'_>, at: usize, end: usize) -> Result<bool, Stop> {
        let may = match token {
            // The candidates are sure of strings with the shortest heads alone.
            Token::Str(body) if end - body.len() - at <= 2 => {
                if !self.work.sifted {
                    self.plan.finder.candidates(self.bytes, &mut self.work.candidates);
                    self.work.sifted = true;
                }
                let may = self.work.candidates.any(end - body.len()..end);
                if !may {
                    self.step(body.len() as u64 / 16)?;
                }
                may
            }
            Token::UInt(n) => self.may_find_in_number(*n, false)?,
            Token::Int(n) => self.may_find_in_number(n.unsigned_abs(), *n < 0)?,
            Token::Nil | Token::Bool(_) => false,
            _ => true,
        };
        Ok(may)
    }

    fn may_find_in_number(&mut self, magnitude: u64, negative: bool) -> Result<bool, Stop> {
        let may = self.plan.finder.may_find_in(None, magnitude);
        if !may {
            self.step(Digits::new(magnitude, negative).as_str().len() as u64 / 16)?;
        }
        Ok(may)
    }
}
