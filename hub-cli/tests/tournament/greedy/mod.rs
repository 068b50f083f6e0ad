//! The greedy clients: kinds of clients that each take more than their share of one thing.
//!
//! Each kind draws its sizes, its counts and its manners from a seed. The kinds stand in one list, so
//! that a tournament can combine them, and so that a seed means the same clients again.

mod door;
mod floods;
mod holders;
mod memory;
mod player;
mod work;

use crate::support::Random;
pub(crate) use player::{Player, Ring};
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

/// Runs one go of a greedy client. It ends when the round is over, or when the hub ended the connection.
type Go = fn(&mut Player) -> io::Result<()>;

/// Is a kind of greedy clients.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    go: Go,
    /// The most clients of this kind at a time.
    most: usize,
}

const fn kind(name: &'static str, most: usize, go: Go) -> Kind {
    Kind { name, go, most }
}

/// Lists all kinds. What each of them tries stands at its function.
pub(crate) const KINDS: &[Kind] = &[
    kind("after-maps", 3, memory::after_maps),
    kind("after-parts", 3, memory::after_parts),
    kind("long-names", 4, memory::long_names),
    kind("big-last-events", 2, memory::big_last_events),
    kind("kept-away", 2, memory::kept_away),
    kind("instances", 4, memory::instances),
    kind("unread-refusals", 4, memory::unread_refusals),
    kind("stalled-readers", 4, holders::stalled_readers),
    kind("stalled-on-others", 2, holders::stalled_on_others),
    kind("joiners-of-groups", 2, holders::joiners_of_groups),
    kind("unread-replies", 3, holders::unread_replies),
    kind("endless-requests", 2, holders::endless_requests),
    kind("wildcards-times-topics", 2, work::wildcards_times_topics),
    kind("topic-churn", 3, work::topic_churn),
    kind("subscribe-storm", 3, work::subscribe_storm),
    kind("replay-storm", 3, work::replay_storm),
    kind("taken-and-ack-storm", 3, work::taken_and_ack_storm),
    kind("audit-readers", 3, work::audit_readers),
    kind("ping-flood", 3, floods::ping_flood),
    kind("tiny-events", 4, floods::tiny_events),
    kind("huge-events", 4, floods::huge_events),
    kind("deep-and-wide", 3, floods::deep_and_wide),
    kind("scrub-worst", 3, floods::scrub_worst),
    kind("half-frames", 2, door::half_frames),
    kind("slow-hello", 2, door::slow_hello),
    kind("wrong-logins", 3, door::wrong_logins),
    kind("http-connections", 2, door::http_connections),
    kind("reconnect-storm", 4, door::reconnect_storm),
];

/// Lets clients of one kind loose until the round is over. How many they are is drawn.
pub(crate) fn unleash(
    kind: &'static Kind,
    ring: &Ring,
    mut random: Random,
) -> Vec<JoinHandle<u64>> {
    let count = 1 + random.below(kind.most);
    let seeds: Vec<u64> = (0..count).map(|_| random.next()).collect();
    let start = |seed| {
        let mut player = Player::new(ring.clone(), Random(seed));
        std::thread::spawn(move || {
            yield_to_others();
            let mut goes = 0;
            while !player.stopped() {
                // Whatever the hub did to it, a greedy client tries again.
                let _ = (kind.go)(&mut player);
                goes += 1;
                let _ = player.pause(Duration::from_millis(2));
            }
            goes
        })
    };
    seeds.into_iter().map(start).collect()
}

/// Gives this thread the lowest priority, so that the machine's processors go to the hub and to the
/// well-behaved clients first. Otherwise a tournament would measure the scheduler of the machine.
pub(crate) fn yield_to_others() {
    let _ = rustix::process::nice(19);
}
