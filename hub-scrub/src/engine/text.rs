//! This module searches one scalar: its text, its digits, or the base64 that it contains.
//!
//! Without it, a card number in a `bin`, or one that is an integer, would pass a rule for cards.

use super::finds::{BASE64, FoundText, TextRange, ValueForm};
use super::interrupt::Interrupt;
use super::message_pass::{MessagePass, ValueContext};
use crate::matching::{DetectorHit, key_as_text};
use crate::model::mark::{self, MarkKind};
use crate::model::{Action, RuleBits, ValueHead, is_whole, leaves, normalise, read};
use base64::Engine;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::Write;
use std::ops::Range;

/// To open what has the form of a mark, or to check its tag, costs this many steps.
const MARK: u64 = 100;
/// To write the digits of a number costs this many steps.
pub(super) const NUMBER: u64 = 4;
/// A `bin` of at least this many bytes is decoded as base64.
const MIN_BASE64: usize = 16;

impl<'p> MessagePass<'p> {
    /// Searches a scalar that ends at the offset `end`. The rules in `normalising` first normalise its text,
    /// the rules in `detecting` search the text, and the rules in `whole` apply to the value itself.
    pub(super) fn scan(
        &mut self,
        context: ValueContext,
        head: &ValueHead<'_>,
        end: usize,
        detecting: RuleBits,
        whole: RuleBits,
        normalising: RuleBits,
    ) -> Result<(), Interrupt> {
        if (detecting | whole | normalising).is_empty() {
            return Ok(());
        }
        match head {
            ValueHead::Str(body) => match std::str::from_utf8(body) {
                Ok(text) => {
                    let here = end - body.len()..end;
                    self.string(context, text, here, detecting, whole, normalising)
                }
                Err(_) => self.whole(context, whole),
            },
            ValueHead::Bin(body) => self.bin(context, body, end, None, detecting, whole),
            // The bytes of an ext type have a meaning of their own, whatever text they would be. Readers of the
            // type could not read them after a change, so only rules that name the type ext search in them.
            ValueHead::Ext(kind, body) => {
                let detecting = detecting & self.plan.sets.in_ext;
                self.bin(context, body, end, Some(*kind), detecting, whole)
            }
            ValueHead::UInt(n) => self.number(context, format_args!("{n}"), detecting, whole),
            ValueHead::Int(n) => self.number(context, format_args!("{n}"), detecting, whole),
            ValueHead::Float(n) if is_whole(*n) => {
                self.number(context, format_args!("{n:.0}"), detecting, whole)
            }
            ValueHead::Nil => Ok(()),
            _ => self.whole(context, whole),
        }
    }

    fn string(
        &mut self,
        context: ValueContext,
        text: &str,
        here: Range<usize>,
        detecting: RuleBits,
        whole: RuleBits,
        normalising: RuleBits,
    ) -> Result<(), Interrupt> {
        let mut normal = Cow::Borrowed(text);
        for rule in normalising.iter() {
            let plan = self.plan;
            let Action::Normalise(how) = &plan.rules[rule].rule.action else { continue };
            self.step(1 + text.len() as u64)?;
            let new = match normalise(*how, &normal, &plan.shared.keys) {
                Cow::Owned(new) if new != *normal => new,
                _ => continue,
            };
            if self.hit(rule)? {
                normal = Cow::Owned(new);
            }
        }
        let from = self.found.ranges.len();
        self.whole_ranges(whole, normal.len())?;
        self.find(context, &normal, detecting)?;
        match normal {
            Cow::Borrowed(_) => {
                self.push(context, ValueForm::Str, FoundText::Here(here), false, from)
            }
            Cow::Owned(text) => {
                let text = self.found.own(text);
                self.push(context, ValueForm::Str, text, true, from);
            }
        }
        Ok(())
    }

    fn number(
        &mut self,
        context: ValueContext,
        digits: std::fmt::Arguments<'_>,
        detecting: RuleBits,
        whole: RuleBits,
    ) -> Result<(), Interrupt> {
        self.step(NUMBER)?;
        let mut buffer = [0_u8; 24];
        let mut room = &mut buffer[..];
        // The buffer is large enough: the longest number has 20 digits.
        let written = room.write_fmt(digits).is_ok();
        let left = room.len();
        let len = buffer.len() - left;
        let Some(text) = std::str::from_utf8(&buffer[..len]).ok().filter(|_| written) else {
            return self.whole(context, whole);
        };
        let from = self.found.ranges.len();
        self.whole_ranges(whole, text.len())?;
        self.find(context, text, detecting)?;
        if self.found.ranges.len() > from {
            let text = self.found.own(text.to_owned());
            self.push(context, ValueForm::Number, text, false, from);
        }
        Ok(())
    }

    /// Searches a `bin` or an ext: as a whole, as text if its bytes are UTF-8, and decoded if they are
    /// base64.
    fn bin(
        &mut self,
        context: ValueContext,
        body: &[u8],
        end: usize,
        ext: Option<i8>,
        detecting: RuleBits,
        whole: RuleBits,
    ) -> Result<(), Interrupt> {
        self.step(body.len() as u64 / 64)?;
        let Ok(text) = std::str::from_utf8(body) else { return self.whole(context, whole) };
        let form = ext.map_or(ValueForm::Bin, ValueForm::Ext);
        let here = || FoundText::Here(end - body.len()..end);
        // If a value was found several times, the first find that changes it counts. So the order
        // is: the whole value, then the decoded base64, then the text itself.
        let from = self.found.ranges.len();
        self.whole_ranges(whole, text.len())?;
        self.push(context, form, here(), false, from);
        if detecting.is_empty() {
            return Ok(());
        }
        if let Some(decoded) = self.base64(text)? {
            let from = self.found.ranges.len();
            self.find(context, &decoded, detecting)?;
            if self.found.ranges.len() > from {
                let decoded = self.found.own(decoded);
                self.push(context, ValueForm::Base64(ext), decoded, false, from);
            }
        }
        let from = self.found.ranges.len();
        self.find(context, text, detecting)?;
        self.push(context, form, here(), false, from);
        Ok(())
    }

    fn base64(&mut self, text: &str) -> Result<Option<String>, Interrupt> {
        let text = text.trim_ascii_end();
        let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        if text.len() < MIN_BASE64 || !text.bytes().all(alphabet) {
            return Ok(None);
        }
        self.step(text.len() as u64 / 8)?;
        Ok(BASE64.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Notes a value without text, for the rules that apply to the value itself.
    fn whole(&mut self, context: ValueContext, whole: RuleBits) -> Result<(), Interrupt> {
        let from = self.found.ranges.len();
        self.whole_ranges(whole, 0)?;
        self.push(context, ValueForm::Whole, FoundText::None, false, from);
        Ok(())
    }

    fn whole_ranges(&mut self, whole: RuleBits, len: usize) -> Result<(), Interrupt> {
        if whole.is_empty() {
            return Ok(());
        }
        for rule in whole.iter() {
            if self.hit(rule)? {
                self.found.ranges.push(TextRange { start: 0, end: len, rule });
            }
        }
        Ok(())
    }

    /// Runs the detectors over a text, and notes what they find.
    fn find(
        &mut self,
        context: ValueContext,
        text: &str,
        rules: RuleBits,
    ) -> Result<(), Interrupt> {
        let plan = self.plan;
        if rules.is_empty() || text.is_empty() {
            return Ok(());
        }
        let key = self.key_text(&context);
        let limit = self.reads_left();
        let reads = plan.finder.find(key, text, limit, &mut self.scratch.finding);
        self.step_for(reads)?;
        if self.scratch.finding.hits.is_empty() {
            return Ok(());
        }
        self.step(text.len() as u64 / 4)?;
        let mut hits = std::mem::take(&mut self.scratch.finding.hits);
        // A mark that the hub itself has written is not a find.
        let mut tried = 0;
        let marks = mark::find_and_count(text, &plan.shared.keys, &mut tried);
        self.step(MARK * tried)?;
        let wanted = |hit: &DetectorHit| plan.wanted[hit.detector] & rules;
        hits.retain(|hit| hit.start < hit.end && !wanted(hit).is_empty() && !in_mark(&marks, hit));
        hits.sort_by_key(|hit| (hit.start, Reverse(hit.end), hit.detector));
        // A rule acts on this find, and of all such finds so far it ends last.
        let mut outer: Option<DetectorHit> = None;
        let result = hits.iter().try_for_each(|hit| {
            let inner = outer.filter(|outer| hit.within(outer));
            for rule in wanted(hit).iter() {
                if let Some(outer) = inner {
                    let acting = wanted(&outer) & self.scratch.active;
                    self.inner_hit(text, hit, rule, &outer, acting)?;
                    continue;
                }
                self.evidence = Some(hit.evidence);
                let acts = self.hit(rule);
                self.evidence = None;
                if acts? {
                    self.found.ranges.push(TextRange { start: hit.start, end: hit.end, rule });
                }
            }
            let acts = !(wanted(hit) & self.scratch.active).is_empty();
            if acts && outer.is_none_or(|outer| hit.end > outer.end) {
                outer = Some(*hit);
            }
            Ok(())
        });
        self.scratch.finding.hits = hits;
        result
    }

    /// Returns the key of a value as text. The result is empty if there is none.
    pub(super) fn key_text(&self, context: &ValueContext) -> &'p str {
        match context.key_at.and_then(|at| read(self.bytes, at)) {
            Some((ValueHead::Str(key), _)) => key_as_text(key),
            _ => "",
        }
    }

    /// Handles a find inside another find, such as a phone number in a card number. The inner find is most
    /// likely a misreading, so it is not counted. It is kept for views that may see the outer find
    /// but not the inner one. If the action of the inner find decides about the whole message, it applies
    /// only if some view would show the inner find.
    fn inner_hit(
        &mut self,
        text: &str,
        hit: &DetectorHit,
        rule: usize,
        outer: &DetectorHit,
        acting: RuleBits,
    ) -> Result<(), Interrupt> {
        if !self.scratch.active.has(rule) {
            return self.spend_match();
        }
        if self.plan.rules[rule].rule.action.ends_message() {
            // Each view may apply its action to the outer text.
            let costs = self.plan.actions.iter().flat_map(|actions| {
                acting.iter().map(|rule| actions[rule].leaves_steps(outer.end - outer.start))
            });
            self.step(costs.sum())?;
            let shown = self.plan.actions.iter().any(|actions| {
                let strictest = acting.iter().map(|rule| &actions[rule]);
                let strictest = strictest.max_by_key(|action| action.strictness());
                let (whole, part) = (&text[outer.start..outer.end], &text[hit.start..hit.end]);
                strictest.is_none_or(|action| leaves(action, whole, part, &self.plan.shared.keys))
            });
            return if shown { self.hit(rule).map(drop) } else { self.spend_match() };
        }
        self.spend_match()?;
        self.found.ranges.push(TextRange { start: hit.start, end: hit.end, rule });
        Ok(())
    }
}

/// Returns whether a find lies inside one mark. The marks are in ascending order.
fn in_mark(marks: &[(Range<usize>, MarkKind)], hit: &DetectorHit) -> bool {
    let behind = marks.partition_point(|(range, _)| range.end < hit.end);
    marks.get(behind).is_some_and(|(range, _)| range.start <= hit.start && hit.end <= range.end)
}
