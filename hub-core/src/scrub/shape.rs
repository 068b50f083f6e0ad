//! What quarantine shows of a message: types, lengths and labels, never values.

use super::engine::{Quarantine, Scratch};
use super::find::FindScratch;
use super::plan::Plan;
use super::token::{Token, read};
use crate::wire::Packer;

/// Most values of a shape; what is beyond them is not shown.
const MAX_VALUES: usize = 200;
/// Deepest nesting of a shape.
const MAX_DEPTH: usize = 16;
/// Longest key that a shape shows, in bytes.
const MAX_KEY: usize = 64;

impl Plan {
    /// The event for `$hub.quarantine.…`: `{topic, rule, reason, bytes, labels, payload, headers}`
    /// as MessagePack. `payload` and `headers` are shapes: each value is its type and length, such
    /// as `str(16)`; each key is itself only if a rule names it or if it is a plain name (letters
    /// and `_`) in which no detector finds anything.
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
        self.shape(payload, &mut out);
        Packer(&mut out).str("headers");
        match headers {
            Some(headers) => self.shape(headers, &mut out),
            None => {
                Packer(&mut out).nil();
            }
        }
        out
    }

    fn shown_topic(&self) -> &str {
        if self.topic_hit.is_some() { "*" } else { self.topic.as_str() }
    }

    /// Appends the shape of a value.
    pub(crate) fn shape(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut left = MAX_VALUES;
        let start = out.len();
        if self.shape_of(bytes, 0, 0, &mut left, out).is_none() {
            // Only bytes that no walker has seen end here.
            out.truncate(start);
            Packer(out).str("malformed");
        }
    }

    /// Appends the shape of the value at `at`; returns the offset behind it.
    fn shape_of(
        &self,
        bytes: &[u8],
        at: usize,
        depth: usize,
        left: &mut usize,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let (token, body) = read(bytes, at)?;
        *left = left.saturating_sub(1);
        let (count, map) = match token {
            Token::Array(count) => (count, false),
            Token::Map(count) => (count, true),
            scalar => {
                Packer(out).str(&name(&scalar));
                return Some(body);
            }
        };
        if depth == MAX_DEPTH || count > *left {
            Packer(out).str(&name(&token));
            return super::token::end(bytes, at);
        }
        let mut pos = body;
        if map {
            Packer(out).map(count as u32);
        } else {
            Packer(out).array(count as u32);
        }
        for _ in 0..count {
            if map {
                let (key, _) = read(bytes, pos)?;
                match key {
                    Token::Str(text) if self.may_show(text) => {
                        Packer(out).str(std::str::from_utf8(text).ok()?);
                    }
                    key => {
                        Packer(out).str(&name(&key));
                    }
                }
                pos = super::token::end(bytes, pos)?;
            }
            pos = self.shape_of(bytes, pos, depth + 1, left, out)?;
        }
        Some(pos)
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

pub(crate) fn name(token: &Token<'_>) -> String {
    match token {
        Token::Nil => "nil".to_owned(),
        Token::Bool(_) => "bool".to_owned(),
        Token::UInt(_) | Token::Int(_) => "int".to_owned(),
        Token::Float(_) => "float".to_owned(),
        Token::Str(body) => format!("str({})", body.len()),
        Token::Bin(body) => format!("bin({})", body.len()),
        Token::Ext(kind, body) => format!("ext({kind}, {})", body.len()),
        Token::Array(count) => format!("array({count})"),
        Token::Map(count) => format!("map({count})"),
    }
}
