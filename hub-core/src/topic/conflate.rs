//! Implements conflation, for the overflow policy `latest`: of the waiting events with equal keys,
//! only the newest event is kept.
//!
//! Without conflation, a slow subscriber that needs only the newest value of each key would get old
//! values and miss new ones.

use super::delivery_stream::DeliveryStream;
use super::frames::frame_ends;
use super::item_queue::ItemQueue;
use super::ledger;
use super::pending_gap::PendingGap;
use super::queue_item::QueueItem;
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use super::run_keys::digest_of;
use crate::overflow::policy;
use hub_wire::GapReason;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

/// Describes neighbouring events of a run, which conflation either keeps or drops together.
struct RunPart {
    /// If this is true, the events are kept. Otherwise they are dropped.
    kept: bool,
    /// The events have these indexes within the run.
    events: Range<usize>,
    /// The events have this byte range within the EVENT frames of the run.
    bytes: Range<usize>,
}

/// Plans a run from which conflation drops events. The plan has the index of the run among the
/// entries, and the parts of the run in order.
type ConflationPlan = (usize, Vec<RunPart>);

/// Drops each event with the policy `latest` for which a newer event with the same key waits. Returns
/// the entries that are left and the number of dropped deliveries. The ledgers of the topics already
/// count the dropped deliveries.
///
/// The key of an event is its header `key`. All events without that header have one common key. A gap
/// takes the place of dropped events. A run stays whole if its parts and gaps would take more room
/// than the run.
pub(super) fn conflate(items: VecDeque<QueueItem>) -> (ItemQueue, u64) {
    let mut plans = plans(&items);
    let mut left = ItemQueue::default();
    let mut dropped = 0;
    for (index, item) in items.into_iter().enumerate() {
        let plan = plans.pop_if(|(at, _)| *at == index);
        match (item, plan) {
            (QueueItem::Run(run), Some((_, parts))) => {
                for RunPart { kept, events, bytes } in parts {
                    let first = run.first + events.start as u64;
                    let count = events.len() as u32;
                    if kept {
                        let frames = &run.events[bytes];
                        let part = run.part(first, count, frames);
                        left.push(QueueItem::Run(part));
                    } else {
                        let subscriptions = run.stream.subscriptions.as_slice().len().max(1);
                        let deliveries = u64::from(count) * subscriptions as u64;
                        dropped += deliveries;
                        ledger::count(&run.ledger.conflated, deliveries);
                        left.push_gap(PendingGap::within(&run, first, count, GapReason::Conflated));
                    }
                }
            }
            (QueueItem::Gap(gap), _) => drop(left.push_gap(gap)),
            (other, _) => left.push(other),
        }
    }
    (left, dropped)
}

/// Returns the plans for all runs from which events have to be dropped, the last run first.
fn plans(items: &VecDeque<QueueItem>) -> Vec<ConflationPlan> {
    let mut plans = Vec::new();
    let mut seen: HashMap<&DeliveryStream, HashSet<u128>> = HashMap::new();
    let mut frames = Vec::new();
    // The loop goes from the newest event to the oldest, so the first event of each key is the
    // event to keep.
    for (index, item) in items.iter().enumerate().rev() {
        let QueueItem::Run(run) = item else { continue };
        if !policy(run.overflow).conflates() {
            continue;
        }
        let events = &run.events;
        let mut start = 0;
        frames.clear();
        frames.extend(frame_ends(events).map(|end| std::mem::replace(&mut start, end)..end));
        let seen = seen.entry(&run.stream).or_default();
        let key = |event: usize, bytes: Range<usize>| {
            let known = run.keys.as_ref().and_then(|keys| keys.of_event(run.first + event as u64));
            known.unwrap_or_else(|| digest_of(&events[bytes]))
        };
        let parts = parts(&frames, |event, bytes| seen.insert(key(event, bytes)));
        if parts.iter().any(|part| !part.kept) && size(run, &parts) < run.size() {
            plans.push((index, parts));
        }
    }
    plans
}

/// Divides a run into parts. `keep` decides for each event whether it is kept, from the newest event to
/// the oldest.
fn parts(
    frames: &[Range<usize>],
    mut keep: impl FnMut(usize, Range<usize>) -> bool,
) -> Vec<RunPart> {
    let mut parts: Vec<RunPart> = Vec::new();
    for (event, bytes) in frames.iter().enumerate().rev() {
        let kept = keep(event, bytes.clone());
        match parts.last_mut() {
            Some(part) if part.kept == kept => {
                part.events.start = event;
                part.bytes.start = bytes.start;
            }
            _ => parts.push(RunPart { kept, events: event..event + 1, bytes: bytes.clone() }),
        }
    }
    parts.reverse();
    parts
}

/// Returns for how many bytes the parts of a run would count towards the bound of the queue.
fn size(run: &QueuedRun, parts: &[RunPart]) -> usize {
    let views = run.size() - ITEM_OVERHEAD - run.events.len();
    let gap = PendingGap::of(run, GapReason::Conflated).size();
    let size = |part: &RunPart| {
        if part.kept { ITEM_OVERHEAD + views + part.bytes.len() } else { gap }
    };
    parts.iter().map(size).sum()
}
