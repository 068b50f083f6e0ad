//! The overflow policy `latest`: of the events that wait, keep the newest of each key.

use super::item::{Item, Lane, QueuedRun, Span, frame_ends};
use crate::scrub::check_headers;
use crate::wire::{EventFrame, GapReason, Limits, Overflow};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

/// Drops every event for which a newer one with the same key waits, of the runs whose policy
/// is `latest`, and returns what is left and how many were dropped.
///
/// The key is the header `key`; events without one share one. What is dropped becomes a gap
/// in its place.
pub(super) fn conflate(items: VecDeque<Item>) -> (VecDeque<Item>, u64) {
    let mut seen = HashSet::new();
    let mut dropped = 0;
    // From the newest to the oldest, so that the first of a key is the one to keep.
    let mut kept: Vec<Item> = Vec::new();
    for item in items.into_iter().rev() {
        match item {
            Item::Run(run) if run.overflow == Overflow::Latest => {
                conflate_run(&run, &mut seen, &mut kept, &mut dropped);
            }
            other => kept.push(other),
        }
    }
    (join_gaps(kept.into_iter().rev()), dropped)
}

fn conflate_run(
    run: &QueuedRun,
    seen: &mut HashSet<(Lane, Vec<u8>)>,
    kept: &mut Vec<Item>,
    dropped: &mut u64,
) {
    let events = run.events();
    let mut start = 0;
    let frames: Vec<Range<usize>> =
        frame_ends(&events).map(|end| std::mem::replace(&mut start, end)..end).collect();
    let mut parts = Vec::new();
    for (number, frame) in (run.first..=run.last()).rev().zip(frames.iter().rev()) {
        let newest = seen.insert((run.lane.clone(), key(&events[frame.clone()])));
        parts.push((number, frame.clone(), newest));
    }
    if parts.iter().all(|(_, _, newest)| *newest) {
        return kept.push(Item::Run(run.clone()));
    }
    for (number, frame, newest) in parts {
        kept.push(if newest {
            Item::Run(run.part(run.lane.subscription, number, 1, &events[frame]))
        } else {
            *dropped += 1;
            let reason = GapReason::Conflated;
            Item::Gap(run.lane.clone(), Span { from: number, to: Some(number), reason })
        });
    }
}

fn key(frame: &[u8]) -> Vec<u8> {
    let headers =
        EventFrame::parse(&frame[4..], &Limits::NONE).ok().and_then(|event| event.headers);
    headers
        .and_then(|headers| check_headers(headers, &Limits::NONE).ok())
        .and_then(|facts| facts.key)
        .map_or_else(Vec::new, |key| key.as_bytes().to_vec())
}

/// Makes one of neighbouring gaps of a lane.
fn join_gaps(items: impl Iterator<Item = Item>) -> VecDeque<Item> {
    let mut joined: VecDeque<Item> = VecDeque::new();
    // Where each lane's last item is, if that is a gap.
    let mut open: HashMap<Lane, usize> = HashMap::new();
    for item in items {
        match &item {
            Item::Gap(lane, span) => {
                let last = open.get(lane).and_then(|at| joined.get_mut(*at));
                if let Some(Item::Gap(_, gap)) = last
                    && gap.extend(span, false)
                {
                    continue;
                }
                open.insert(lane.clone(), joined.len());
            }
            Item::Run(run) => {
                open.remove(&run.lane);
            }
            Item::Control(_) => {}
        }
        joined.push_back(item);
    }
    joined
}
