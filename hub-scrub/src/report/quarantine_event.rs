//! The notice about a message in quarantine: types, lengths and labels, but never values.
//!
//! Without it, people would have to read the message itself to learn why it was withheld.

use crate::engine::{Quarantine, Scratch};
use crate::matching::{FindScratch, Step};
use crate::model::value_head::end;
use crate::model::{RuleBits, ValueHead, read};
use crate::plan::Plan;
use hub_wire::Packer;

/// How many values a shape shows.
const MAX_VALUES: usize = 200;
/// How deep the nesting of a shape is.
const MAX_DEPTH: usize = 16;
/// The longest key that a shape shows, in bytes.
const MAX_KEY: usize = 64;

impl Plan {
    /// The event for `$hub.quarantine.…` as MessagePack: `{topic, rule, reason, bytes, labels,
    /// payload, headers}`. `payload` and `headers` are shapes. A shape shows the type and the
    /// length of each value, such as `str(16)`. It shows a value that a rule found as a whole in
    /// the same way, even if it is a container. It shows a key only if a rule names it, or if it
    /// consists of letters and `_` and no detector finds anything in it.
    #[must_use]
    pub fn quarantine_event(
        &self,
        quarantine: &Quarantine,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &Scratch,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let labels: Vec<&str> = scratch
            .applied()
            .filter_map(|applied| self.rules.get(applied.rule))
            .map(|planned| &*planned.rule.label)
            .collect();
        let mut pack = Packer(&mut out);
        pack.map(7).str("topic").str(self.shown_topic());
        pack.str("rule").str_or_nil(quarantine.rule.as_deref());
        pack.str("reason").str(&quarantine.reason.to_string());
        pack.str("bytes").uint(payload.len() as u64);
        pack.str("labels").array(labels.len() as u32);
        for label in labels {
            pack.str(label);
        }
        pack.str("payload");
        self.shape(payload, false, &mut out);
        Packer(&mut out).str("headers");
        match headers {
            Some(headers) => self.shape(headers, true, &mut out),
            None => {
                Packer(&mut out).nil();
            }
        }
        out
    }

    fn shown_topic(&self) -> &str {
        if self.topic_hit.is_some() { "*" } else { self.topic.as_str() }
    }

    /// Appends the shape of a payload or of headers.
    pub(crate) fn shape(&self, bytes: &[u8], headers: bool, out: &mut Vec<u8>) {
        let start = out.len();
        let row = self.paths.start(headers).to_vec();
        let root = ShapeCursor { at: 0, depth: 0, row, keys: RuleBits::NONE };
        if (ShapeWriter { plan: self, bytes, left: MAX_VALUES, out }).value(root).is_none() {
            // Only bytes that the walker has not checked get here.
            out.truncate(start);
            Packer(out).str("malformed");
        }
    }

    fn may_show(&self, key: &[u8]) -> bool {
        let Ok(key) = std::str::from_utf8(key) else { return false };
        let plain = |c: char| c.is_ascii_alphabetic() || c == '_';
        self.names(key.as_bytes())
            || (key.len() <= MAX_KEY && key.chars().all(plain) && self.finds_nothing(key))
    }

    fn finds_nothing(&self, key: &str) -> bool {
        let mut scratch = FindScratch::default();
        self.finder.find("", key, u64::MAX, &mut scratch);
        scratch.hits.is_empty()
    }
}

/// Writes the shape of one message.
struct ShapeWriter<'a> {
    plan: &'a Plan,
    bytes: &'a [u8],
    /// How many more values may be shown.
    left: usize,
    out: &'a mut Vec<u8>,
}

/// Where a value is, with the states of the paths that lead to it, and the rules that name its key.
struct ShapeCursor {
    at: usize,
    depth: usize,
    row: Vec<u64>,
    keys: RuleBits,
}

impl ShapeWriter<'_> {
    /// Appends the shape of a value. Returns the offset of the next one.
    fn value(&mut self, cursor: ShapeCursor) -> Option<usize> {
        let (head, body) = read(self.bytes, cursor.at)?;
        self.left = self.left.saturating_sub(1);
        let (count, map) = match head {
            ValueHead::Array(count) => (count, false),
            ValueHead::Map(count) => (count, true),
            scalar => {
                Packer(self.out).str(&scalar.shape());
                return Some(body);
            }
        };
        // If a rule found a container as a whole, its keys belong to the find, and are not shown.
        let paths = self.plan.paths.ends(&cursor.row);
        let found = self.plan.located(head.kind(), paths, cursor.keys) & self.plan.sets.whole;
        if cursor.depth == MAX_DEPTH || count > self.left || !found.is_empty() {
            Packer(self.out).str(&head.shape());
            return end(self.bytes, cursor.at);
        }
        if map {
            Packer(self.out).map(count as u32);
        } else {
            Packer(self.out).array(count as u32);
        }
        let mut at = body;
        for index in 0..count {
            let (step, keys) = if map {
                let (key, _) = read(self.bytes, at)?;
                at = end(self.bytes, at)?;
                self.key(&key)
            } else {
                (Step::Number(index as u64), cursor.keys)
            };
            let mut row = vec![0; cursor.row.len()];
            self.plan.paths.step(&cursor.row, step, &mut row);
            at = self.value(ShapeCursor { at, depth: cursor.depth + 1, row, keys })?;
        }
        Some(at)
    }

    /// Appends a key or, if it may not be shown, its shape.
    fn key(&mut self, key: &ValueHead<'_>) -> (Step, RuleBits) {
        let known = match key {
            ValueHead::Str(text) => (self.plan.paths.atom(text), self.plan.key(text)),
            ValueHead::UInt(n) => (Step::Number(*n), RuleBits::NONE),
            _ => (Step::Other, RuleBits::NONE),
        };
        match key {
            ValueHead::Str(text) if self.plan.may_show(text) => {
                Packer(self.out).str(std::str::from_utf8(text).unwrap_or_default());
            }
            key => {
                Packer(self.out).str(&key.shape());
            }
        }
        known
    }
}
