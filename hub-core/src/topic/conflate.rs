//! The overflow policy `latest`: of the events that wait, keep the newest of each key.

use super::item::{ITEM_OVERHEAD, Item, QueuedRun, frame_ends};
use super::row::Row;
use super::span::Span;
use crate::scrub::check_headers;
use crate::wire::{EventFrame, GapReason, Limits, Overflow};
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

/// Drops events for which a newer one with the same key waits, of the runs whose policy is
/// `latest`, and returns what is left and how many were dropped.
///
/// The key is the header `key`; events without one share one. What is dropped becomes a gap in
/// its place. A run stays whole where its parts and gaps would take more room than it does.
pub(super) fn conflate(items: VecDeque<Item>) -> (Row, u64) {
    let mut plans = plan(&items);
    let mut left = Row::default();
    let mut dropped = 0;
    for (at, item) in items.into_iter().enumerate() {
        match (item, plans.remove(&at)) {
            (Item::Run(run), Some(parts)) => {
                let frames = run.events();
                for Part { kept, events, bytes } in parts {
                    let first = run.first + events.start as u64;
                    let count = events.len() as u32;
                    if kept {
                        let subscription = run.lane.subscription;
                        let part = run.part(subscription, first, count, &frames[bytes]);
                        left.push(Item::Run(part));
                    } else {
                        dropped += u64::from(count);
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

/// How to take apart the runs, by their place, from which something is to be dropped.
fn plan(items: &VecDeque<Item>) -> HashMap<usize, Vec<Part>> {
    // The runs' frames, because the keys seen are slices of them.
    let runs: Vec<_> = items
        .iter()
        .enumerate()
        .filter_map(|(at, item)| match item {
            Item::Run(run) if run.overflow == Overflow::Latest => Some((at, run, run.events())),
            _ => None,
        })
        .collect();
    let mut plans = HashMap::new();
    let mut seen: HashMap<_, HashSet<&[u8]>> = HashMap::new();
    // From the newest to the oldest, so that the first of a key is the one to keep.
    for (at, run, frames) in runs.iter().rev() {
        let keys = seen.entry(&run.lane).or_default();
        let mut parts = parts(frames, |frame| keys.insert(key(frame)));
        parts.reverse();
        if parts.iter().any(|part| !part.kept) && size(run, &parts) < run.size() {
            plans.insert(*at, parts);
        }
    }
    plans
}

/// Asks for each event, from the newest to the oldest, whether it is to be kept.
fn parts<'a>(frames: &'a [u8], mut keep: impl FnMut(&'a [u8]) -> bool) -> Vec<Part> {
    let mut start = 0;
    let ranges: Vec<Range<usize>> =
        frame_ends(frames).map(|end| std::mem::replace(&mut start, end)..end).collect();
    let mut parts: Vec<Part> = Vec::new();
    for (event, bytes) in ranges.into_iter().enumerate().rev() {
        let kept = keep(&frames[bytes.clone()]);
        match parts.last_mut() {
            Some(part) if part.kept == kept => {
                part.events.start = event;
                part.bytes.start = bytes.start;
            }
            _ => parts.push(Part { kept, events: event..event + 1, bytes }),
        }
    }
    parts
}

/// What the parts of a run would count for in the queue's bound.
fn size(run: &QueuedRun, parts: &[Part]) -> usize {
    let head = run.size() - ITEM_OVERHEAD - run.events().len();
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
