//! Bounds the histories of all topics together: the oldest past in the hub is forgotten first.
//!
//! Without one order over all topics, the histories of topics that nobody uses any more would use up
//! the budget, and a newer topic would keep only its last event.
//!
//! The budget knows each topic that can forget something, by the time of the oldest run in its
//! history. That time may be out of date, because a topic also forgets by itself. Then the topic is
//! listed again under its present time. So the order is by time, and it costs a topic nothing while
//! the budget is not used up. Each run is forgotten once, so forgetting costs a bounded amount for
//! each run that is published.

use super::held_bytes::change;
use super::queued_run::ITEM_OVERHEAD;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One call of [`HistoryBudget::make_room`] does this many steps more than the published bytes
/// allow. They are for topics whose listed time is out of date.
const SPARE_STEPS: usize = 64;

/// Bounds the history: how many bytes each topic may keep, and how many all topics of a hub may
/// keep together.
#[derive(Debug)]
pub struct HistoryBudget {
    per_topic: usize,
    in_all: usize,
    used: AtomicUsize,
    /// Replays that wait for room still need this many bytes, which the histories have dropped.
    kept: AtomicUsize,
    /// The topics that can forget something, the one with the oldest run first.
    ///
    /// A thread that holds this lock takes no other lock and drops no topic.
    oldest: Mutex<BTreeMap<Listed, Weak<dyn HasPast>>>,
}

/// Stands for a topic that can forget a part of its past.
pub(super) trait HasPast: Send + Sync + std::fmt::Debug {
    /// Forgets the oldest runs, up to the time `until` and at most `most` runs. `listed` is the place
    /// of the topic in the list. Returns how many runs were forgotten.
    fn forget_oldest(&self, listed: Listed, until: u64, most: usize) -> usize;
}

/// Says under which time a topic is listed. The second number tells topics with one time apart.
pub(super) type Listed = (u64, usize);

impl HistoryBudget {
    /// Returns a budget of `per_topic` bytes for each topic and of `in_all` bytes for all topics
    /// together. A topic keeps its last event even if that exceeds the budget.
    #[must_use]
    pub fn new(per_topic: usize, in_all: usize) -> Self {
        HistoryBudget {
            per_topic,
            in_all,
            used: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
            oldest: Mutex::default(),
        }
    }

    /// Returns how many bytes the histories of all topics use now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns how many bytes are kept beyond the histories, because replays that wait for room
    /// still need them.
    #[must_use]
    pub fn kept_for_replays(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// Returns whether the history of a topic has more than `bytes` bytes too many.
    pub(super) fn exceeds_topic(&self, bytes: usize) -> bool {
        bytes > self.per_topic
    }

    /// Returns whether the histories of all topics together use too much.
    pub(super) fn is_exceeded(&self) -> bool {
        self.used() > self.in_all
    }

    /// Returns whether replays keep too much, of a topic or of all topics together. `of_topic` is
    /// what they keep of the topic. A part of the bound counts if `divisor` is greater than 1.
    pub(super) fn keeps_too_much(&self, of_topic: usize, more: usize, divisor: usize) -> bool {
        of_topic + more > self.per_topic / divisor
            || self.kept_for_replays() + more > self.in_all / divisor
    }

    pub(super) fn change_used(&self, before: usize, now: usize) {
        change(&self.used, before, now);
    }

    pub(super) fn change_kept(&self, before: usize, now: usize) {
        change(&self.kept, before, now);
    }

    /// Lists a topic under the time of its oldest run, or takes it out of the list. Returns its new
    /// place. `listed` is the place that it had.
    pub(super) fn list(
        &self,
        listed: Option<Listed>,
        time_ms: Option<u64>,
        topic: &Weak<dyn HasPast>,
    ) -> Option<Listed> {
        let place = time_ms.map(|time_ms| (time_ms, Weak::as_ptr(topic).cast::<()>().addr()));
        if place == listed {
            return place;
        }
        let mut oldest = self.oldest.lock();
        let before = listed.and_then(|listed| oldest.remove(&listed));
        place.and_then(|place| oldest.insert(place, topic.clone()));
        // The lock is free again before the handle is dropped.
        drop((oldest, before));
        place
    }

    /// Takes a topic that has ended out of the list.
    pub(super) fn unlist(&self, listed: Listed) {
        let topic = self.oldest.lock().remove(&listed);
        drop(topic);
    }

    /// Has the topics with the oldest runs forget them, until the budget is kept. `published` is the
    /// size of the run that was published, and bounds the work. The caller holds no lock.
    ///
    /// Returns false if the budget is still exceeded.
    pub(super) fn make_room(&self, published: usize) -> bool {
        let mut steps = SPARE_STEPS + 2 * published / ITEM_OVERHEAD;
        while self.is_exceeded() {
            let (oldest, next) = {
                let list = self.oldest.lock();
                let mut first = list.iter().take(2);
                let oldest = first.next().map(|(listed, topic)| (*listed, topic.clone()));
                (oldest, first.next().map(|((time_ms, _), _)| *time_ms))
            };
            let (Some((listed, topic)), true) = (oldest, steps > 0) else { return false };
            steps -= 1;
            match topic.upgrade() {
                Some(topic) => {
                    // The topic has the oldest run up to the time of the next topic in the list.
                    let until = next.unwrap_or(u64::MAX);
                    steps = steps.saturating_sub(topic.forget_oldest(listed, until, steps));
                }
                None => self.unlist(listed),
            }
        }
        true
    }
}
