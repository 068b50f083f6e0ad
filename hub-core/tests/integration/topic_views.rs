//! Promise: a subscriber gets only values that its view may show. This holds for live events, for a member
//! of a queue group that takes over events of another member, and for a replay.
//!
//! Setup: each event is written once for each of three views, and its payload names the view. Subscribers
//! with and without a known role come and go, stop reading and catch up.

#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    FlushList, PendingRun, Registry, RunSource, SubscriptionEntry, ViewResolver,
};
use hub_wire::{Overflow, Start};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use topic_common::hub::{self, Wants};
use topic_common::line::Line;
use topic_common::{Told, event, name};

const ROLES: [&str; 4] = ["", "support", "billing", "unheard of"];
/// The number of the view in an event that is equal for all roles.
const COMMON: u64 = 9;

#[derive(Debug)]
struct ThreeViews;

impl ViewResolver for ThreeViews {
    fn view_of(&self, role: &str) -> usize {
        ROLES.iter().take(3).position(|known| *known == role).unwrap_or(0)
    }

    fn views(&self) -> usize {
        3
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Publishes a run. Each value states whether the views of that event differ.
    Publish(Vec<bool>),
    Join {
        role: usize,
        kind: u8,
        overflow: usize,
    },
    Leave(u8),
    Read(u8, u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => vec(any::<bool>(), 1..6).prop_map(Step::Publish),
        3 => (0..ROLES.len(), 0..4_u8, 0..Overflow::ALL.len())
            .prop_map(|(role, kind, overflow)| Step::Join { role, kind, overflow }),
        1 => any::<u8>().prop_map(Step::Leave),
        2 => any::<(u8, u16)>().prop_map(|(who, bytes)| Step::Read(who, bytes)),
    ]
}

fn publish(registry: &Arc<Registry>, next: &mut u64, differ: &[bool]) {
    let topic = registry.get_or_create(&name("t")).unwrap();
    let source = RunSource::new("t", topic.epoch(), "p#1", None);
    let mut run = PendingRun::new(source, 0);
    let resolver: Arc<dyn ViewResolver> = Arc::new(ThreeViews);
    for differs in differ {
        let frame = |view: u64| {
            // The lengths differ from view to view, as they do in redacted events.
            let padding = 10 * (view as usize + *next as usize % 3);
            event("t", *next * 10 + view, Some(&(*next % 3).to_string()), padding)
        };
        if *differs {
            let frames = [frame(0), frame(1), frame(2)];
            run.push_views(&resolver, |view| &frames[view]);
        } else {
            run.push(&frame(COMMON), 1);
        }
        *next += 1;
    }
    let mut to_flush = FlushList::new();
    let _ = topic.publish(&mut run, 1, &mut to_flush);
    to_flush.flush();
}

/// Checks that each event that a client was told is in its view. Returns how many there were.
fn check(line: &Line, role: usize) -> usize {
    let own = ThreeViews.view_of(ROLES[role]) as u64;
    line.client(|client| {
        let ids = client.told.iter().flat_map(|told| match told {
            Told::Run { ids, .. } => ids.as_slice(),
            _ => &[],
        });
        ids.inspect(|id| assert!([own, COMMON].contains(&(*id % 10)), "{id} for {role}")).count()
    })
}

#[test]
fn nobody_gets_an_event_in_a_view_of_others() {
    hub::check(300, file!(), vec(step(), 1..60), |steps| async move {
        let settings =
            hub_core::topic::TopicSettings { history_per_topic: 3_000, ..hub::settings() };
        let registry = hub::registry(settings);
        let mut lines: Vec<(Arc<Line>, usize, Arc<SubscriptionEntry>, bool)> = Vec::new();
        let mut next = 0;
        for step in steps {
            match step {
                Step::Publish(differ) => publish(&registry, &mut next, &differ),
                Step::Join { role, kind, overflow } => {
                    let id = lines.len() as u64 + 1;
                    let line = Line::of_role(id, 3_000, registry.ledger(), ROLES[role]);
                    let start = match kind {
                        1 => Start::Last,
                        2 => Start::After(Default::default()),
                        _ => Start::Live,
                    };
                    let group = (kind == 3).then_some("g");
                    let overflow = Overflow::ALL[overflow];
                    let wants = Wants { group, overflow, start, ..Wants::default() };
                    let entry = hub::entry(&line, id, "t", wants);
                    hub::subscribe(&registry, &entry).await;
                    lines.push((line, role, entry, true));
                }
                Step::Leave(who) if !lines.is_empty() => {
                    let who = usize::from(who) % lines.len();
                    let (_, _, entry, here) = &mut lines[who];
                    if std::mem::take(here) {
                        hub::unsubscribe(&registry, entry).await;
                    }
                }
                Step::Read(who, bytes) if !lines.is_empty() => {
                    lines[usize::from(who) % lines.len()].0.take(bytes.into());
                }
                Step::Leave(_) | Step::Read(..) => {}
            }
        }
        for (line, role, ..) in &lines {
            line.take_all();
            check(line, *role);
        }
    });
}

#[test]
fn each_role_gets_its_own_view_live_and_from_the_past() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let live: Vec<_> = (0..ROLES.len())
            .map(|role| Line::of_role(role as u64, 1 << 20, registry.ledger(), ROLES[role]))
            .collect();
        for line in &live {
            hub::subscribe(&registry, &hub::entry(line, 1, "t", Wants::default())).await;
        }
        publish(&registry, &mut 0, &[false, true, false, true]);
        for (role, line) in live.iter().enumerate() {
            line.take_all();
            assert_eq!(check(line, role), 4, "{role}");
            let late = Line::of_role(100 + role as u64, 1 << 20, registry.ledger(), ROLES[role]);
            let wants = Wants { start: Start::After(Default::default()), ..Wants::default() };
            hub::subscribe(&registry, &hub::entry(&late, 1, "t", wants)).await;
            late.take_all();
            assert_eq!(check(&late, role), 4, "{role} from the past");
        }
    });
}
