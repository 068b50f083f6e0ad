//! Holds deliveries that arrived before the hub announced where their subscription starts.
//!
//! Without deferring them, a subscription could get events from before its start, or miss its first
//! events.

use hub_core::emitter::Delivery;
use hub_wire::{Gap, GapReason};
use std::collections::HashMap;

/// At most this many deliveries are deferred for one subscription until the hub has answered.
/// Further events are dropped, with a gap in their place.
const MAX_DEFERRED: usize = 1024;

/// Holds deliveries of which it is not yet known whether they are due.
#[derive(Debug, Default)]
pub(crate) struct DeferredDeliveries {
    deliveries: Vec<Delivery>,
    /// These topics have deferred deliveries. The value is the index of the gap for the topic's
    /// dropped events.
    topics: HashMap<String, Option<usize>>,
}

impl DeferredDeliveries {
    /// Returns the topics that have deferred deliveries.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &str> {
        self.topics.keys().map(String::as_str)
    }

    /// Defers one more delivery.
    pub(crate) fn push(&mut self, delivery: Delivery) {
        let topic = match &delivery {
            Delivery::Message(message) => message.topic.as_str(),
            Delivery::Gap(gap) => &gap.topic,
        };
        let left_out = self.topics.entry(topic.to_owned()).or_default();
        if left_out.is_none() && self.deliveries.len() < MAX_DEFERRED {
            return self.deliveries.push(delivery);
        }
        let gap = match delivery {
            Delivery::Message(message) => message.gap(GapReason::Overflow),
            Delivery::Gap(gap) => gap,
        };
        if let Some(Delivery::Gap(last)) = left_out.and_then(|at| self.deliveries.get_mut(at))
            && reach(last, &gap)
        {
            return;
        }
        *left_out = Some(self.deliveries.len());
        self.deliveries.push(Delivery::Gap(gap));
    }

    /// Drops the deferred deliveries of a topic. The hub has announced where the topic starts for
    /// the subscription, and these deliveries are from before that start.
    pub(crate) fn drop_topic(&mut self, topic: &str) {
        if self.topics.remove(topic).is_none() {
            return;
        }
        self.deliveries.retain(|delivery| match delivery {
            Delivery::Message(message) => message.topic.as_str() != topic,
            Delivery::Gap(gap) => gap.topic != topic,
        });
        for (topic, left_out) in &mut self.topics {
            *left_out = left_out.and_then(|_| {
                self.deliveries.iter().rposition(
                    |deferred| matches!(deferred, Delivery::Gap(gap) if gap.topic == *topic),
                )
            });
        }
    }

    /// Returns all deferred deliveries in order.
    pub(crate) fn into_deliveries(self) -> Vec<Delivery> {
        self.deliveries
    }
}

/// Extends `last` to the end of `next`, which follows it in its topic. Returns whether the two
/// could be joined. A gap never extends over the end of an epoch: a topic that began a new epoch is
/// a gap without an end, and the events that are missing after it are another gap.
fn reach(last: &mut Gap, next: &Gap) -> bool {
    let joined = last.epoch == next.epoch && last.to.is_some() && next.to.is_some();
    if joined {
        last.to = next.to;
        if last.reason != next.reason {
            last.reason = GapReason::Overflow;
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::emitter::{Headers, Message};
    use hub_wire::TopicName;

    fn message(topic: &str, seq: u64) -> Delivery {
        of_epoch(1, topic, seq)
    }

    fn of_epoch(epoch: u64, topic: &str, seq: u64) -> Delivery {
        Delivery::Message(Message {
            topic: TopicName::parse(topic).unwrap(),
            epoch,
            seq,
            publisher: "".into(),
            time_ms: 0,
            headers: Headers::new(),
            payload: Default::default(),
        })
    }

    #[test]
    fn what_does_not_fit_becomes_a_gap_in_its_place() {
        let mut deferred = DeferredDeliveries::default();
        (1..=10).for_each(|seq| deferred.push(message("a", seq)));
        (1..=2000).for_each(|seq| deferred.push(message("b", seq)));
        deferred.push(message("a", 11));
        deferred.push(message("a", 12));
        deferred.drop_topic("c");
        deferred.drop_topic("a");
        deferred.push(message("b", 2001));
        assert_eq!(deferred.topics().collect::<Vec<_>>(), ["b"]);
        let deliveries = deferred.into_deliveries();
        assert_eq!(deliveries.len(), 1024 - 10 + 1);
        let Some(Delivery::Gap(gap)) = deliveries.last() else { panic!("a gap") };
        assert_eq!((gap.from, gap.to), (1015, Some(2001)));
    }

    /// A joined gap would have the epoch of the first gap and the last number of the second gap.
    /// The subscriber would not learn of the events that were dropped.
    #[test]
    fn a_new_epoch_is_told_beside_what_does_not_fit() {
        let mut deferred = DeferredDeliveries::default();
        (1..=MAX_DEFERRED as u64).for_each(|seq| deferred.push(message("a", seq)));
        let renewed = Gap {
            topic: "b".to_owned(),
            epoch: 1,
            from: 8,
            to: None,
            reason: GapReason::NewEpoch,
            subscription: None,
        };
        deferred.push(Delivery::Gap(renewed.clone()));
        (1..=3).for_each(|seq| deferred.push(of_epoch(2, "b", seq)));
        let gaps: Vec<_> = deferred
            .into_deliveries()
            .into_iter()
            .filter_map(|delivery| match delivery {
                Delivery::Gap(gap) => Some(gap),
                Delivery::Message(_) => None,
            })
            .collect();
        let left_out =
            Gap { epoch: 2, from: 1, to: Some(3), reason: GapReason::Overflow, ..renewed.clone() };
        assert_eq!(gaps, [renewed, left_out]);
    }
}
