//! The message as a view gets it, written from what was found.
//!
//! Finds that overlap become one, under the strictest action among them. Otherwise the order of
//! rules would decide what a view shows.

use super::finding::{BASE64, Form, Site, Sites, Span};
use crate::model::value_head::end;
use crate::model::{Action, Applied, Bits, Keys, Token, apply_text, apply_value, leaves, read};
use crate::plan::Plan;
use base64::Engine;
use hub_wire::Packer;
use std::cmp::Reverse;

/// Bytes of the message, and what takes their place.
struct Edit {
    start: usize,
    end: usize,
    new: Vec<u8>,
    /// The map that loses an entry by it.
    drops_from: Option<usize>,
}

/// What becomes of one value.
enum Outcome {
    Same,
    Drop,
    New(Vec<u8>),
}

/// Writes a message as a view gets it; `None` if it gets it as it is. Adds to `used` the rules
/// whose actions decided.
pub(super) fn render(
    plan: &Plan,
    view: usize,
    bytes: &[u8],
    found: &Sites,
    used: &mut Bits,
) -> Option<Vec<u8>> {
    *used |= found.spans.iter().map(|span| span.rule).collect();
    let mut order: Vec<usize> = (0..found.sites.len()).collect();
    // Stable: of several sites of one value, the first that changes it counts.
    order.sort_by_key(|at| found.sites[*at].at);
    let mut edits: Vec<Edit> = Vec::new();
    for site in order.into_iter().map(|at| &found.sites[at]) {
        if edits.last().is_some_and(|last| site.at < last.end) {
            continue;
        }
        let Some((token, head_end)) = read(bytes, site.at) else { continue };
        let edit = match outcome(plan, view, bytes, found, site, &token) {
            Outcome::Same => continue,
            Outcome::New(new) => {
                let end = end(bytes, site.at)?;
                Edit { start: site.at, end, new, drops_from: None }
            }
            Outcome::Drop => match site.map {
                Some(map) => {
                    let value = if site.key { head_end } else { site.at };
                    let end = end(bytes, value)?;
                    Edit { start: site.entry, end, new: Vec::new(), drops_from: Some(map) }
                }
                // An element of an array becomes nil, so that the others keep their index.
                None if token == Token::Nil => continue,
                None => {
                    let end = end(bytes, site.at)?;
                    Edit { start: site.at, end, new: vec![0xc0], drops_from: None }
                }
            },
        };
        // An entry that goes takes the changes of its key with it.
        while edits.pop_if(|last| last.start >= edit.start).is_some() {}
        edits.push(edit);
    }
    if edits.is_empty() {
        return None;
    }
    shrink_maps(bytes, &mut edits);
    let mut out =
        Vec::with_capacity(bytes.len() + edits.iter().map(|edit| edit.new.len()).sum::<usize>());
    let mut from = 0;
    for edit in &edits {
        out.extend_from_slice(&bytes[from..edit.start]);
        out.extend_from_slice(&edit.new);
        from = edit.end;
    }
    out.extend_from_slice(&bytes[from..]);
    (out != bytes).then_some(out)
}

/// Adds the edits of the heads of maps that lose entries.
fn shrink_maps(bytes: &[u8], edits: &mut Vec<Edit>) {
    let mut maps: Vec<usize> = edits.iter().filter_map(|edit| edit.drops_from).collect();
    maps.sort_unstable();
    let heads = maps.chunk_by(|a, b| a == b).filter_map(|same| {
        let start = same[0];
        let (Token::Map(count), end) = read(bytes, start)? else { return None };
        let mut new = Vec::new();
        Packer(&mut new).map(u32::try_from(count.saturating_sub(same.len())).ok()?);
        Some(Edit { start, end, new, drops_from: None })
    });
    let heads: Vec<Edit> = heads.collect();
    edits.extend(heads);
    edits.sort_by_key(|edit| edit.start);
}

fn outcome(
    plan: &Plan,
    view: usize,
    bytes: &[u8],
    found: &Sites,
    site: &Site,
    token: &Token<'_>,
) -> Outcome {
    match site.form {
        Form::Gone => return Outcome::Drop,
        Form::Nil => return Outcome::New(vec![0xc0]),
        _ => {}
    }
    let actions = &plan.actions[view];
    let live: Vec<Span> = found.spans[site.spans.clone()]
        .iter()
        .filter(|span| actions[span.rule] != Action::Keep)
        .copied()
        .collect();
    let text = found.text(site, bytes);
    let keys = &plan.shared.keys;
    let clusters = clusters(live, plan.sets.detecting, actions, text, keys);
    if clusters.iter().any(|span| actions[span.rule] == Action::Drop) {
        return if *token == Token::Nil && site.map.is_none() {
            Outcome::Same
        } else {
            Outcome::Drop
        };
    }
    // An action on all of a value can make a value of another type of it; a key stays text.
    if let ([only], false) = (&clusters[..], site.key) {
        let all = only.start == 0 && only.end == text.len();
        let action = &actions[only.rule];
        let typed = match site.form {
            Form::Whole => true,
            Form::Number => all,
            _ => all && matches!(action, Action::Replace { .. }),
        };
        if typed {
            let Some(end) = end(bytes, site.at) else { return Outcome::Drop };
            return match apply_value(action, token, &bytes[site.at..end], keys) {
                Applied::Same => Outcome::Same,
                Applied::Encoded(new) => Outcome::New(new),
                Applied::Text(new) => Outcome::New(encode(&new, Form::Str)),
            };
        }
    }
    if clusters.is_empty() && !site.normalised {
        return Outcome::Same;
    }
    let mut new = String::with_capacity(text.len());
    let mut from = 0;
    for cluster in &clusters {
        new.push_str(&text[from..cluster.start]);
        new.push_str(&apply_text(&actions[cluster.rule], &text[cluster.start..cluster.end], keys));
        from = cluster.end;
    }
    new.push_str(&text[from..]);
    if new == text && !site.normalised {
        return Outcome::Same;
    }
    Outcome::New(encode(&new, site.form))
}

/// Joins spans that overlap; each has the rule of the strictest action, of equals the first. What
/// a detector found inside of what one found is left out, the whole counts and not its parts, but
/// where the action on the whole would leave that part as it is.
fn clusters(
    mut spans: Vec<Span>,
    detecting: Bits,
    actions: &[Action],
    text: &str,
    keys: &Keys,
) -> Vec<Span> {
    let strictness = |span: &Span| actions[span.rule].strictness();
    spans.sort_by_key(|span| (span.start, Reverse(span.end), Reverse(strictness(span)), span.rule));
    let of = |span: Span| text.get(span.start..span.end).unwrap_or_default();
    let mut joined: Vec<Span> = Vec::new();
    let mut outer: Option<Span> = None;
    for span in spans {
        if detecting.has(span.rule) {
            let part_of = |outer: Span| {
                span.end <= outer.end
                    && (span.start, span.end) != (outer.start, outer.end)
                    && !leaves(&actions[outer.rule], of(outer), of(span), keys)
            };
            if outer.is_some_and(part_of) {
                continue;
            }
            if outer.is_none_or(|outer| span.end > outer.end) {
                outer = Some(span);
            }
        }
        match joined.last_mut() {
            Some(last)
                if span.start < last.end || (span.start, span.end) == (last.start, last.end) =>
            {
                last.end = last.end.max(span.end);
                let (new, old) = (strictness(&span), strictness(last));
                if new > old || (new == old && span.rule < last.rule) {
                    last.rule = span.rule;
                }
            }
            _ => joined.push(span),
        }
    }
    joined
}

fn encode(text: &str, form: Form) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 5);
    match form {
        Form::Bin => {
            Packer(&mut out).bin(text.as_bytes());
        }
        Form::Ext(kind) => ext(kind, text.as_bytes(), &mut out),
        Form::Base64(None) => {
            Packer(&mut out).bin(BASE64.encode(text).as_bytes());
        }
        Form::Base64(Some(kind)) => ext(kind, BASE64.encode(text).as_bytes(), &mut out),
        Form::Str | Form::Number | Form::Whole | Form::Gone | Form::Nil => {
            Packer(&mut out).str(text);
        }
    }
    out
}

fn ext(kind: i8, body: &[u8], out: &mut Vec<u8>) {
    match body.len() {
        len @ 0..=0xff => out.extend_from_slice(&[0xc7, len as u8]),
        len @ 0x100..=0xffff => {
            out.push(0xc8);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0xc9);
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }
    out.push(kind as u8);
    out.extend_from_slice(body);
}
