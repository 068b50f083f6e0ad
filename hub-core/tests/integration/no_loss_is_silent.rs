//! Claim: a gap announces the events that a subscription misses, in their place. In each topic, the events
//! and gaps together cover 1, 2, 3, … without a hole, a repetition or a step back. This holds under every
//! policy, and never more events wait than the capacity allows.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use bytes::Bytes;
use futures_util::FutureExt;
use hub_core::emitter::{
    Delivery, Feed, Headers, Message, Pushed, SubscribeOptions, Subscription, SubscriptionEnd,
};
use hub_wire::{Gap, GapReason, Overflow, SubscriptionIds, TopicName};
use proptest::prelude::*;
use std::collections::HashMap;

#[derive(Debug, Clone)]
enum Step {
    Push { topic: usize, key: usize },
    Pop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_usize, 0..4_usize).prop_map(|(topic, key)| Step::Push { topic, key }),
        1 => Just(Step::Pop),
    ];
    proptest::collection::vec(step, 0..200)
}

fn message(topic: usize, key: usize, seq: u64) -> Message {
    let headers = match key {
        0 => Headers::new(),
        key => Headers::new().with_key(key.to_string()),
    };
    let topic = TopicName::parse(["a", "b", "c"][topic]).unwrap();
    let mut message = Message::new(topic, Bytes::from_static(&[0xc0]));
    (message.seq, message.publisher, message.headers) = (seq, "p".into(), headers);
    message
}

fn pop(subscription: &mut Subscription) -> Option<Delivery> {
    subscription.next().now_or_never().flatten()
}

/// Follows what a subscriber sees, and checks that it is in order.
#[derive(Default)]
struct Follower {
    next: HashMap<String, u64>,
    delivered: Vec<(String, u64)>,
}

impl Follower {
    fn see(&mut self, delivery: Delivery) {
        let (topic, from, to) = match delivery {
            Delivery::Message(m) => {
                self.delivered.push((m.topic.to_string(), m.seq));
                (m.topic.to_string(), m.seq, m.seq)
            }
            Delivery::Gap(gap) => (gap.topic, gap.from, gap.to.unwrap()),
        };
        let next = self.next.entry(topic).or_insert(1);
        assert_eq!(from, *next, "a hole, a repetition or a step back");
        assert!(to >= from);
        *next = to + 1;
    }
}

/// The policies, as simple as they can be said.
fn naive_push(
    waiting: &mut Vec<(usize, usize, u64)>,
    new: (usize, usize, u64),
    capacity: usize,
    policy: Overflow,
) -> bool {
    if waiting.len() == capacity {
        match policy {
            Overflow::DropOldest => drop(waiting.remove(0)),
            Overflow::DropNewest => return true,
            Overflow::Block | Overflow::Disconnect => return false,
            Overflow::Latest => {
                let all: Vec<_> = waiting.iter().copied().chain([new]).collect();
                let mut n = 0;
                waiting.retain(|old| {
                    n += 1;
                    !all[n..].iter().any(|newer| (newer.0, newer.1) == (old.0, old.1))
                });
                let most = if capacity >= 4 { capacity / 4 * 3 } else { capacity - 1 };
                let spare = waiting.len().saturating_sub(most);
                waiting.drain(..spare);
            }
        }
    }
    waiting.push(new);
    true
}

proptest! {
    #[test]
    fn deliveries_and_gaps_add_up_and_the_policies_keep_what_they_should(
        steps in steps(),
        capacity in 1..12_usize,
        policy in proptest::sample::select(&Overflow::ALL[..]),
    ) {
        let options = SubscribeOptions::new().overflow(policy).capacity(capacity);
        let (feed, mut subscription) = Feed::open(&options, |_| ());
        let mut pushed = [0_u64; 3];
        let mut follower = Follower::default();
        let mut waiting = Vec::new();
        let mut expected = Vec::new();
        for step in steps {
            match step {
                Step::Push { topic, key } => {
                    let seq = pushed[topic] + 1;
                    let taken = naive_push(&mut waiting, (topic, key, seq), capacity, policy);
                    match feed.push(message(topic, key, seq)) {
                        Pushed::Done => prop_assert!(taken),
                        Pushed::Full(back) => {
                            prop_assert!(!taken && policy == Overflow::Block);
                            prop_assert_eq!(back.seq, seq);
                            continue;
                        }
                        Pushed::Ended => {
                            prop_assert!(!taken && policy == Overflow::Disconnect);
                            break;
                        }
                    }
                    pushed[topic] = seq;
                }
                Step::Pop => {
                    // A subscriber that looks takes an event, and the gaps before it.
                    while let Some(delivery) = pop(&mut subscription) {
                        let is_message = matches!(delivery, Delivery::Message(_));
                        follower.see(delivery);
                        if is_message {
                            break;
                        }
                    }
                    if !waiting.is_empty() {
                        expected.push(waiting.remove(0));
                    }
                }
            }
        }
        let before = follower.delivered.len();
        while let Some(delivery) = pop(&mut subscription) {
            follower.see(delivery);
        }
        prop_assert!(follower.delivered.len() - before <= capacity);
        expected.extend(waiting);
        let expected: Vec<_> =
            expected.iter().map(|(topic, _, seq)| (["a", "b", "c"][*topic].to_owned(), *seq)).collect();
        prop_assert_eq!(&follower.delivered, &expected);
        for (topic, count) in ["a", "b", "c"].into_iter().zip(pushed) {
            prop_assert_eq!(follower.next.get(topic).copied().unwrap_or(1), count + 1);
        }
    }
}

fn drain(subscription: &mut Subscription) -> Vec<Delivery> {
    std::iter::from_fn(|| pop(subscription)).collect()
}

#[test]
fn gaps_of_a_topic_merge_over_events_of_others() {
    let (feed, mut subscription) = Feed::open(&SubscribeOptions::new().capacity(2), |_| ());
    for seq in 1..=1000 {
        feed.push(message(0, 0, seq));
        feed.push(message(1, 0, seq));
    }
    let gap = |topic: &str| {
        let (topic, reason) = (topic.to_owned(), GapReason::Overflow);
        let subscriptions = SubscriptionIds::NONE;
        Delivery::Gap(Gap { topic, epoch: 1, from: 1, to: Some(999), reason, subscriptions })
    };
    let [a, b] = [message(0, 0, 1000), message(1, 0, 1000)].map(Delivery::Message);
    assert_eq!(drain(&mut subscription), [gap("a"), gap("b"), a, b]);
}

#[test]
fn an_event_that_a_newer_one_replaced_is_called_conflated() {
    let options = SubscribeOptions::new().capacity(2).overflow(Overflow::Latest);
    let (feed, mut subscription) = Feed::open(&options, |_| ());
    for (key, seq) in [(1, 1), (2, 2), (2, 3)] {
        feed.push(message(0, key, seq));
    }
    let seen = drain(&mut subscription);
    let Delivery::Gap(gap) = &seen[1] else { panic!("{seen:?}") };
    assert_eq!((gap.from, gap.to, gap.reason), (2, Some(2), GapReason::Conflated));
    assert_eq!(seen.len(), 3);
}

#[test]
fn gaps_are_bounded_too() {
    let options = SubscribeOptions::new().capacity(1).overflow(Overflow::DropNewest);
    let (feed, mut subscription) = Feed::open(&options, |_| ());
    let mut pushed = 0;
    let taken = |n: u64| {
        let topic = TopicName::parse(&format!("a.{n}")).unwrap();
        matches!(
            feed.push({
                let mut message = message(0, 0, 1);
                message.topic = topic;
                message
            }),
            Pushed::Done
        )
    };
    while taken(pushed) {
        pushed += 1;
    }
    assert_eq!(pushed, 1 + hub_core::emitter::MAX_GAPS as u64);
    drain(&mut subscription);
    assert!(matches!(subscription.end_reason(), Some(SubscriptionEnd::Overrun)));
}
