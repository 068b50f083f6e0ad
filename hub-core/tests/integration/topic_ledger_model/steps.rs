//! Says what can happen in the world of [`super`], and draws it.

use hub_core::topic::GivesWay;
use hub_wire::{Outcome, Overflow};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::time::Duration;

pub(super) const CLIENTS: usize = 4;
/// Events that are given up go to the last topic.
const TOPICS: [&str; 4] = ["a.1", "a.2", "b.1", "dead"];
const FILTERS: [&str; 4] = ["a.1", "a.*", "b.*", "**"];

/// States what a client asks for when it subscribes.
#[derive(Debug, Clone)]
pub(super) struct Wants {
    pub(super) filter: &'static str,
    pub(super) group: bool,
    pub(super) window: Option<(u64, u64)>,
    pub(super) overflow: Overflow,
    /// The number of attempts, and whether the events of a key come in order.
    pub(super) ack: Option<(u32, bool)>,
    pub(super) keep: bool,
    pub(super) replay: bool,
}

/// Names what happens. `sub` chooses one of the subscriptions of the client.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Publish {
        topic: &'static str,
        events: u64,
        padding: usize,
    },
    Read {
        client: usize,
        bytes: usize,
    },
    Subscribe {
        client: usize,
        wants: Wants,
    },
    Taken {
        client: usize,
        sub: usize,
        events: u64,
    },
    Ack {
        client: usize,
        sub: usize,
        first: u64,
        events: u64,
        outcome: Outcome,
    },
    Expire {
        client: usize,
        sub: usize,
    },
    Unsubscribe {
        client: usize,
        sub: usize,
        drain: bool,
    },
    Cut {
        client: usize,
        slow: bool,
    },
    /// The connection breaks, and its subscriptions are kept.
    Part {
        client: usize,
    },
    Resume {
        client: usize,
        sub: usize,
        back: u64,
        gaps: u64,
    },
    Shed {
        client: usize,
        bytes: usize,
    },
    GiveWay(GivesWay),
    LimitQueues(usize),
    Time(Duration),
}

fn wants() -> impl Strategy<Value = Wants> {
    let window = (1..20_u64, select(vec![500_u64, 5_000, 1 << 30]));
    let ack = proptest::option::of((1..4_u32, any::<bool>()));
    let overflow = select(&Overflow::ALL[..]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (select(&FILTERS[..]), proptest::option::weighted(0.8, window), overflow, ack, flags).prop_map(
        |(filter, window, overflow, ack, (group, keep, replay))| Wants {
            filter,
            group,
            window,
            overflow,
            ack: ack.filter(|_| window.is_some()),
            keep: keep && window.is_some(),
            replay,
        },
    )
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (client, sub) = (0..CLIENTS, 0..8_usize);
    let who = (client.clone(), sub);
    let outcome = select(vec![Outcome::Done, Outcome::Working, Outcome::Failed, Outcome::Rejected]);
    let step = prop_oneof![
        30 => (select(&TOPICS[..]), 1..8_u64, select(vec![0_usize, 50, 700]))
            .prop_map(|(topic, events, padding)| Step::Publish { topic, events, padding }),
        10 => (client.clone(), select(vec![200_usize, 2_000, 100_000]))
            .prop_map(|(client, bytes)| Step::Read { client, bytes }),
        12 => (client.clone(), wants())
            .prop_map(|(client, wants)| Step::Subscribe { client, wants }),
        8 => (who.clone(), 0..20_u64)
            .prop_map(|((client, sub), events)| Step::Taken { client, sub, events }),
        10 => (who.clone(), 0..9_u64, 1..9_u64, outcome)
            .prop_map(|((client, sub), first, events, outcome)| {
                Step::Ack { client, sub, first, events, outcome }
            }),
        2 => who.clone().prop_map(|(client, sub)| Step::Expire { client, sub }),
        5 => (who.clone(), any::<bool>())
            .prop_map(|((client, sub), drain)| Step::Unsubscribe { client, sub, drain }),
        2 => (client.clone(), any::<bool>()).prop_map(|(client, slow)| Step::Cut { client, slow }),
        2 => client.clone().prop_map(|client| Step::Part { client }),
        3 => (who, 0..4_u64, 0..3_u64)
            .prop_map(|((client, sub), back, gaps)| Step::Resume { client, sub, back, gaps }),
        3 => (client, 0..6_000_usize).prop_map(|(client, bytes)| Step::Shed { client, bytes }),
        2 => select(&GivesWay::ORDER[..]).prop_map(Step::GiveWay),
        2 => select(vec![1_000_usize, 4_000, usize::MAX]).prop_map(Step::LimitQueues),
        3 => select(vec![1_u64, 40, 130]).prop_map(|s| Step::Time(Duration::from_secs(s))),
    ];
    vec(step, 0..150)
}
