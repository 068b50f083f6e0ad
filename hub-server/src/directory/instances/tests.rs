//! Tests that instances are shared out fairly, and that those that are away for longest give way.

use super::*;
use crate::directory::session_handle::{SharedPermit, ShedLoad};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use hub_wire::{Refused, RefusedCode, RefusedWhat};
use proptest::prelude::*;

/// A session that does nothing.
#[derive(Debug)]
struct Nobody;

impl SessionHandle for Nobody {
    fn access_changed(&self) {}
    fn trust_changed(&self) {}
    fn shed_load(&self, _: ShedLoad) {}
    fn count_pending(&self) -> BoxFuture<'static, HashMap<u64, u64>> {
        ready(HashMap::new()).boxed()
    }
    fn stop_reading(&self) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }
    fn begin_close(&self) {}
    fn replace(&self, _: SharedPermit) -> BoxFuture<'static, bool> {
        ready(true).boxed()
    }
}

fn refused(number: u64, message: &str) -> Refused {
    let (what, code, message) = (RefusedWhat::Event, RefusedCode::Malformed, message.to_owned());
    Refused { what, number, code, message, rule: None, path: None, id: None }
}

fn key(owner: u8, number: u32) -> InstanceKey {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    (owner.to_string().into(), id)
}

fn account(owner: u8) -> AccountKey {
    AccountKey::Identity(owner.to_string().into())
}

fn claim(instances: &Instances, owner: u8, number: u32) -> InstanceLookup {
    instances.claim(&key(owner, number), &account(owner), 1, Arc::new(Nobody), None)
}

fn leave(instances: &Instances, owner: u8, number: u32) {
    let mut refusals = Refusals::new(instances.held.clone());
    refusals.push(&refused(1, &"m".repeat(1_000)), false);
    let (ahead, inbox) = (PublishNumbers::default(), String::new());
    let past = ResumeState { received: 2, ahead, refusals, inbox, kept: None };
    instances.leave(&key(owner, number), 1, past);
}

fn instances(most: usize) -> Instances {
    let keep = Duration::from_secs(60);
    Instances { most, ..Instances::new(keep, Arc::new(HeldBytes::default())) }
}

#[test]
fn those_that_are_away_for_longest_are_forgotten_first() {
    let instances = instances(MAX_INSTANCES);
    for n in 0..10 {
        claim(&instances, 1, n);
        leave(&instances, 1, n);
    }
    let held = instances.held.clone();
    let each = held.get() / 10;
    instances.forget_away(each * 10);
    assert_eq!(instances.known.len(), 10);
    instances.forget_away(each * 3);
    assert_eq!(held.get(), each * 3);
    assert!((7..10).all(|n| instances.known.contains_key(&key(1, n))));
    instances.forget_away(0);
    assert_eq!(held.get(), 0);
}

/// Fault 50, at its full size.
#[test]
fn a_client_with_more_instances_than_there_are_places_takes_nobody_elses() {
    let instances = instances(MAX_INSTANCES);
    for owner in 2..12 {
        claim(&instances, owner, 0);
        leave(&instances, owner, 0);
    }
    for n in 0..68_000 {
        assert!(matches!(claim(&instances, 1, n), InstanceLookup::New), "{n}");
        leave(&instances, 1, n);
        assert!(instances.known.len() <= MAX_INSTANCES);
    }
    for owner in 2..12 {
        assert!(matches!(claim(&instances, owner, 0), InstanceLookup::Resumed(_)));
        leave(&instances, owner, 0);
    }
    for owner in 100..110 {
        assert!(matches!(claim(&instances, owner, 0), InstanceLookup::New), "a newcomer");
        leave(&instances, owner, 0);
        assert!(matches!(claim(&instances, owner, 0), InstanceLookup::Resumed(_)));
    }
    assert!(matches!(claim(&instances, 1, 67_999), InstanceLookup::Resumed(_)));
    assert!(matches!(claim(&instances, 1, 0), InstanceLookup::New), "it gave way");
}

#[test]
fn short_of_memory_a_client_with_many_instances_takes_nobody_elses() {
    let instances = instances(MAX_INSTANCES);
    for owner in 2..12 {
        claim(&instances, owner, 0);
        leave(&instances, owner, 0);
    }
    let each = instances.held.get() / 10;
    for n in 0..5_000 {
        claim(&instances, 1, n);
        leave(&instances, 1, n);
    }
    instances.forget_away(each * 100);
    assert!((each * 99..=each * 100).contains(&instances.held.get()));
    assert!((2..12).all(|owner| instances.known.contains_key(&key(owner, 0))));
    assert!(instances.known.contains_key(&key(1, 4_999)));
}

proptest! {
    /// Whatever clients come and go: an owner loses an instance to another owner only if it has
    /// more than that owner, and what is counted is what there is.
    #[test]
    fn only_the_owner_with_the_most_instances_gives_way(
        most in 1..12_usize,
        steps in proptest::collection::vec((0..4_u8, 0..4_u32, 0..6_u8), 0..200),
    ) {
        let instances = instances(most);
        let count = |owner: u8| {
            instances.known.iter().filter(|known| known.owner == account(owner)).count()
        };
        for (owner, number, step) in steps {
            let before: Vec<_> = (0..4).map(count).collect();
            match step {
                0..3 => drop(claim(&instances, owner, number)),
                3..5 => leave(&instances, owner, number),
                _ => {
                    let held = instances.held.get();
                    instances.forget_away(held / 2);
                    prop_assert!(instances.held.get() <= held);
                    prop_assert_eq!(instances.shares.lock().total(), instances.known.len());
                    continue;
                }
            }
            for other in (0..4_u8).filter(|other| *other != owner) {
                let now = count(other);
                let lost = before[usize::from(other)] - now;
                prop_assert!(lost == 0 || (lost == 1 && now + 1 >= count(owner)));
            }
            prop_assert!(instances.known.len() <= most);
            prop_assert_eq!(instances.shares.lock().total(), instances.known.len());
        }
        for owner in 0..4 {
            (0..4).for_each(|number| leave(&instances, owner, number));
        }
        instances.forget_away(0);
        prop_assert!(instances.known.is_empty() && instances.shares.lock().is_empty());
        prop_assert_eq!(instances.held.get(), 0);
    }
}
