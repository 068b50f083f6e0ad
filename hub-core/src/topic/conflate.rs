//! The overflow policy `latest`: of the events that wait, keep the newest of each key.

use super::item::{ITEM_OVERHEAD, Item, Lane, QueuedRun, frame_ends};
use super::ledger;
use super::row::Row;
use super::span::Span;
use hub_wire::{EventFrame, GapReason, Limits, Overflow, check_headers};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

/// Neighbouring events of a run that are all kept, or all dropped.
struct Part {
    kept: bool,
    /// Which events of the run.
    events: Range<usize>,
    /// Where they are in its EVENT frames.
    bytes: Range<usize>,
}

/// A run from which something is to be dropped: its place among the items, and its parts in order.
type Plan = (usize, Vec<Part>);

/// Drops events for which a newer one with the same key waits, of the runs whose policy is
/// `latest`, and returns what is left and how many were dropped, which are counted for their topics.
///
/// The key is the header `key`; events without one share one. What is dropped becomes a gap in
/// its place. A run stays whole where its parts and gaps would take more room than it does.
pub(super) fn conflate(items: VecDeque<Item>) -> (Row, u64) {
    let mut plans = plans(&items);
    let mut left = Row::default();
    let mut dropped = 0;
    for (place, item) in items.into_iter().enumerate() {
        let plan = plans.pop_if(|(at, _)| *at == place);
        match (item, plan) {
            (Item::Run(run), Some((_, parts))) => {
                for Part { kept, events, bytes } in parts {
                    let first = run.first + events.start as u64;
                    let count = events.len() as u32;
                    if kept {
                        let frames = &run.event_frames()[bytes];
                        let part = run.part(run.lane.subscription, first, count, frames);
                        left.push(Item::Run(part));
                    } else {
                        dropped += u64::from(count);
                        ledger::count(&run.ledger.conflated, count.into());
                        left.push_gap(Span::within(&run, first, count, GapReason::Conflated));
                    }
                }
            }
            (Item::Gap(span), _) => drop(left.push_gap(span)),
            (other, _) => left.push(other),
        }
    }
    (left, dropped)
}

/// How to take runs apart, the last one first.
fn plans(items: &VecDeque<Item>) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut seen: HashMap<&Lane, HashSet<&[u8]>> = HashMap::new();
    let mut frames = Vec::new();
    // From the newest to the oldest, so that the first of a key is the one to keep.
    for (place, item) in items.iter().enumerate().rev() {
        let Item::Run(run) = item else { continue };
        if run.overflow != Overflow::Latest {
            continue;
        }
        let events = run.event_frames();
        let mut start = 0;
        frames.clear();
        frames.extend(frame_ends(events).map(|end| std::mem::replace(&mut start, end)..end));
        let keys = seen.entry(&run.lane).or_default();
        let parts = parts(&frames, |bytes| keys.insert(key(&events[bytes])));
        if parts.iter().any(|part| !part.kept) && size(run, &parts) < run.size() {
            plans.push((place, parts));
        }
    }
    plans
}

/// Asks for each event, from the newest to the oldest, whether it is to be kept.
fn parts(frames: &[Range<usize>], mut keep: impl FnMut(Range<usize>) -> bool) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (event, bytes) in frames.iter().enumerate().rev() {
        let kept = keep(bytes.clone());
        match parts.last_mut() {
            Some(part) if part.kept == kept => {
                part.events.start = event;
                part.bytes.start = bytes.start;
            }
            _ => parts.push(Part { kept, events: event..event + 1, bytes: bytes.clone() }),
        }
    }
    parts.reverse();
    parts
}

/// What the parts of a run would count for in the queue's bound.
fn size(run: &QueuedRun, parts: &[Part]) -> usize {
    let head = run.size() - ITEM_OVERHEAD - run.event_frames().len();
    let gap = Span::of(run, GapReason::Conflated).size();
    let size = |part: &Part| {
        if part.kept { ITEM_OVERHEAD + head + part.bytes.len() } else { gap }
    };
    parts.iter().map(size).sum()
}

fn key(frame: &[u8]) -> &[u8] {
    let headers =
        EventFrame::parse(&frame[4..], &Limits::NONE).ok().and_then(|event| event.headers);
    headers
        .and_then(|headers| check_headers(headers, &Limits::NONE).ok())
        .and_then(|facts| facts.key)
        .map_or(&[], str::as_bytes)
}
