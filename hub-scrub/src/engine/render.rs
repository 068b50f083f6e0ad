//! This module writes a message as one view gets it, from the finds of a pass.
//!
//! Finds that overlap become one find, under the strictest action among them. Otherwise the order of
//! rules would decide what a view shows.

use super::finds::{BASE64, Finds, FoundValue, TextRange, ValueForm};
use super::interrupt::Interrupt;
use super::steps::Steps;
use crate::model::value_head::end;
use crate::model::{
    Action, AppliedAction, RuleBits, ValueHead, apply_text, apply_value, leaves, read,
};
use crate::plan::Plan;
use base64::Engine;
use hub_wire::Packer;
use std::cmp::Reverse;

/// An `Edit` replaces the bytes `start..end` of the message by `new`.
struct Edit {
    start: usize,
    end: usize,
    new: Vec<u8>,
    /// The map at this offset loses an entry by this edit.
    drops_from: Option<usize>,
}

/// A `ValueEdit` states what happens to one value in one view.
enum ValueEdit {
    Keep,
    Drop,
    Replace(Vec<u8>),
}

/// Writes a payload or headers as a view gets them. Returns `None` if the view gets them unchanged. The rules
/// with finds are added to `used`, because their actions in this view decide the result. What the writing costs
/// is added to `steps`, and an event that has spent its budget is not written.
pub(super) fn render(
    plan: &Plan,
    view: usize,
    bytes: &[u8],
    found: &Finds,
    used: &mut RuleBits,
    steps: &mut Steps,
) -> Result<Option<Vec<u8>>, Interrupt> {
    if found.is_empty() {
        return Ok(None);
    }
    steps.spend(VALUE * found.values.len() as u64 + bytes.len() as u64 / 64)?;
    *used |= found.ranges.iter().map(|range| range.rule).collect();
    let mut order: Vec<usize> = (0..found.values.len()).collect();
    // The sort has to be stable: if a value was found several times, the first find that changes it counts.
    order.sort_by_key(|at| found.values[*at].at);
    let mut edits: Vec<Edit> = Vec::new();
    for found_value in order.into_iter().map(|at| &found.values[at]) {
        if edits.last().is_some_and(|last| found_value.at < last.end) {
            continue;
        }
        let Some((head, head_end)) = read(bytes, found_value.at) else { continue };
        let edit = match value_edit(plan, view, bytes, found, found_value, &head, steps)? {
            ValueEdit::Keep => continue,
            ValueEdit::Replace(new) => {
                let Some(end) = end(bytes, found_value.at) else { return Ok(None) };
                Edit { start: found_value.at, end, new, drops_from: None }
            }
            ValueEdit::Drop => match found_value.map {
                Some(map) => {
                    let value = if found_value.key { head_end } else { found_value.at };
                    let Some(end) = end(bytes, value) else { return Ok(None) };
                    Edit { start: found_value.entry, end, new: Vec::new(), drops_from: Some(map) }
                }
                // A removed element of an array becomes nil, so that the other elements keep their
                // index.
                None if head == ValueHead::Nil => continue,
                None => {
                    let Some(end) = end(bytes, found_value.at) else { return Ok(None) };
                    Edit { start: found_value.at, end, new: vec![0xc0], drops_from: None }
                }
            },
        };
        // A removed entry also removes the edits inside it, such as those of its key.
        while edits.pop_if(|last| last.start >= edit.start).is_some() {}
        edits.push(edit);
    }
    if edits.is_empty() {
        return Ok(None);
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
    Ok((out != bytes).then_some(out))
}

/// Adds the edits of the heads of the maps that lose entries.
fn shrink_maps(bytes: &[u8], edits: &mut Vec<Edit>) {
    let mut maps: Vec<usize> = edits.iter().filter_map(|edit| edit.drops_from).collect();
    maps.sort_unstable();
    let heads = maps.chunk_by(|a, b| a == b).filter_map(|same| {
        let start = same[0];
        let (ValueHead::Map(count), end) = read(bytes, start)? else { return None };
        let mut new = Vec::new();
        Packer(&mut new).map(u32::try_from(count.saturating_sub(same.len())).ok()?);
        Some(Edit { start, end, new, drops_from: None })
    });
    let heads: Vec<Edit> = heads.collect();
    edits.extend(heads);
    edits.sort_by_key(|edit| edit.start);
}

/// Decides the edit of one value for one view.
fn value_edit(
    plan: &Plan,
    view: usize,
    bytes: &[u8],
    found: &Finds,
    found_value: &FoundValue,
    head: &ValueHead<'_>,
    steps: &mut Steps,
) -> Result<ValueEdit, Interrupt> {
    match found_value.form {
        ValueForm::Gone => return Ok(ValueEdit::Drop),
        ValueForm::Nil => return Ok(ValueEdit::Replace(vec![0xc0])),
        _ => {}
    }
    let actions = &plan.actions[view];
    let live: Vec<TextRange> = found.ranges[found_value.ranges.clone()]
        .iter()
        .filter(|range| actions[range.rule] != Action::Keep)
        .copied()
        .collect();
    let text = found.text(found_value, bytes);
    let keys = &plan.shared.keys;
    let joined = join_ranges(plan, live, actions, text, steps)?;
    if joined.iter().any(|range| actions[range.rule] == Action::Drop) {
        let is_nil = *head == ValueHead::Nil && found_value.map.is_none();
        return Ok(if is_nil { ValueEdit::Keep } else { ValueEdit::Drop });
    }
    // An action on a whole value can change the type of the value. A key always stays text.
    if let ([only], false) = (&joined[..], found_value.key) {
        let all = only.start == 0 && only.end == text.len();
        let action = &actions[only.rule];
        let typed = match found_value.form {
            ValueForm::Whole => true,
            ValueForm::Number => all,
            _ => all && matches!(action, Action::Replace { .. }),
        };
        if typed {
            let Some(end) = end(bytes, found_value.at) else { return Ok(ValueEdit::Drop) };
            let encoded = &bytes[found_value.at..end];
            steps.spend(action.steps(encoded.len()))?;
            return Ok(match apply_value(action, head, encoded, keys) {
                AppliedAction::Same => ValueEdit::Keep,
                AppliedAction::Encoded(new) => ValueEdit::Replace(new),
                AppliedAction::Text(new) => ValueEdit::Replace(encode(&new, ValueForm::Str)),
            });
        }
    }
    if joined.is_empty() && !found_value.normalised {
        return Ok(ValueEdit::Keep);
    }
    steps.spend(text.len() as u64 / 16)?;
    let mut new = String::with_capacity(text.len());
    let mut from = 0;
    for range in &joined {
        steps.spend(actions[range.rule].steps(range.end - range.start))?;
        new.push_str(&text[from..range.start]);
        new.push_str(&apply_text(&actions[range.rule], &text[range.start..range.end], keys));
        from = range.end;
    }
    new.push_str(&text[from..]);
    if new == text && !found_value.normalised {
        return Ok(ValueEdit::Keep);
    }
    Ok(ValueEdit::Replace(encode(&new, found_value.form)))
}

/// Joins ranges that overlap. The joined range gets the rule with the strictest action. If several actions
/// are equally strict, the first rule counts. A find of a detector inside another detector's find is left
/// out, unless the action on the outer find would leave the inner text readable.
fn join_ranges(
    plan: &Plan,
    mut ranges: Vec<TextRange>,
    actions: &[Action],
    text: &str,
    steps: &mut Steps,
) -> Result<Vec<TextRange>, Interrupt> {
    let (detecting, keys) = (plan.sets.detecting, &plan.shared.keys);
    steps.spend(RANGE * ranges.len() as u64)?;
    let strictness = |range: &TextRange| actions[range.rule].strictness();
    ranges.sort_by_key(|range| {
        (range.start, Reverse(range.end), Reverse(strictness(range)), range.rule)
    });
    let of = |range: TextRange| text.get(range.start..range.end).unwrap_or_default();
    let mut joined: Vec<TextRange> = Vec::new();
    let mut outer: Option<TextRange> = None;
    for range in ranges {
        if detecting.has(range.rule) {
            if let Some(outer) = outer.filter(|outer| range.end <= outer.end) {
                // A find may have many others in it, and each of them is searched in its rendering.
                steps.spend(actions[outer.rule].leaves_steps(outer.end - outer.start))?;
            }
            let part_of = |outer: TextRange| {
                range.end <= outer.end
                    && (range.start, range.end) != (outer.start, outer.end)
                    && !leaves(&actions[outer.rule], of(outer), of(range), keys)
            };
            if outer.is_some_and(part_of) {
                continue;
            }
            if outer.is_none_or(|outer| range.end > outer.end) {
                outer = Some(range);
            }
        }
        match joined.last_mut() {
            Some(last)
                if range.start < last.end || (range.start, range.end) == (last.start, last.end) =>
            {
                last.end = last.end.max(range.end);
                let (new, old) = (strictness(&range), strictness(last));
                if new > old || (new == old && range.rule < last.rule) {
                    last.rule = range.rule;
                }
            }
            _ => joined.push(range),
        }
    }
    Ok(joined)
}

/// A value in which something was found costs this many steps in each view.
const VALUE: u64 = 24;
/// A find costs this many steps in each view, besides those of its action.
const RANGE: u64 = 8;

/// Encodes a changed text in the form of the value that it replaces.
fn encode(text: &str, form: ValueForm) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 5);
    match form {
        ValueForm::Bin => {
            Packer(&mut out).bin(text.as_bytes());
        }
        ValueForm::Ext(kind) => ext(kind, text.as_bytes(), &mut out),
        ValueForm::Base64(None) => {
            Packer(&mut out).bin(BASE64.encode(text).as_bytes());
        }
        ValueForm::Base64(Some(kind)) => ext(kind, BASE64.encode(text).as_bytes(), &mut out),
        ValueForm::Str
        | ValueForm::Number
        | ValueForm::Whole
        | ValueForm::Gone
        | ValueForm::Nil => {
            Packer(&mut out).str(text);
        }
    }
    out
}

/// Appends an ext value.
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
