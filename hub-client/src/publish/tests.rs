//! Checks the publish log against a model of a hub that counts, loses connections at any byte,
//! restarts and refuses.

use super::*;
use bytes::Bytes;
use hub_wire::{RefusedCode, RefusedWhat, split};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[derive(Debug, Clone)]
enum Step {
    Publish {
        wait: bool,
        padding: u8,
    },
    Take(u16),
    /// This many bytes reach the socket.
    Write(u16),
    /// This many of the bytes in the socket reach the hub.
    Deliver(u16),
    Receipt,
    /// The hub refuses an event that it has, and the refusal arrives or is lost.
    Refuse(u8, bool),
    /// A caller gives its event up.
    Withdraw(u8),
    Lose {
        restart: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), 0..40_u8).prop_map(|(wait, padding)| Step::Publish { wait, padding }),
        3 => (1..300_u16).prop_map(Step::Take),
        3 => (0..300_u16).prop_map(Step::Write),
        3 => (0..300_u16).prop_map(Step::Deliver),
        2 => Just(Step::Receipt),
        1 => any::<(u8, bool)>().prop_map(|(which, arrives)| Step::Refuse(which, arrives)),
        1 => any::<u8>().prop_map(Step::Withdraw),
        1 => any::<bool>().prop_map(|restart| Step::Lose { restart }),
    ]
}

struct World {
    log: PublishLog,
    resend: bool,
    published: u32,
    waiting: Vec<(u32, u64, oneshot::Receiver<PublishResult>)>,
    /// These events were taken back, and must never arrive.
    withdrawn: Vec<u32>,
    /// These bytes were taken from the log and are not in the socket.
    out: Vec<u8>,
    /// These bytes are in the socket and not at the hub.
    socket: Vec<u8>,
    /// These bytes are at the hub and are not a whole frame yet.
    partial: Vec<u8>,
    /// This run of the hub has received these events. `receipted` of them have a receipt.
    here: Vec<u32>,
    receipted: usize,
    refused: Vec<u32>,
    /// This run of the hub refused the events with these publish numbers. The value states whether
    /// the client got the refusal.
    refusals: BTreeMap<u64, bool>,
    /// Earlier runs of the hub received these events.
    before: Vec<u32>,
    unheard: usize,
    unknown: u64,
}

const CAPACITY: usize = 500;

impl World {
    fn new(resend: bool) -> Self {
        let log = PublishLog::new(CAPACITY, 1000);
        assert!(!log.resume(0, false, resend, 1 << 20).exact);
        World {
            log,
            resend,
            published: 0,
            waiting: Vec::new(),
            withdrawn: Vec::new(),
            out: Vec::new(),
            socket: Vec::new(),
            partial: Vec::new(),
            here: Vec::new(),
            receipted: 0,
            refused: Vec::new(),
            refusals: BTreeMap::new(),
            before: Vec::new(),
            unheard: 0,
            unknown: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Publish { wait, padding } => self.publish(wait, padding),
            Step::Take(budget) => {
                let out = &mut self.out;
                self.log.take(budget.into(), |part: Bytes| out.extend_from_slice(&part));
            }
            Step::Write(bytes) => {
                let bytes = usize::from(bytes).min(self.out.len());
                self.socket.extend(self.out.drain(..bytes));
            }
            Step::Deliver(bytes) => {
                let bytes = usize::from(bytes).min(self.socket.len());
                self.partial.extend(self.socket.drain(..bytes));
                while let Some(body) = split(&self.partial, 1000).unwrap().map(<[u8]>::to_vec) {
                    self.partial.drain(..4 + body.len());
                    let id = body[body.len() - 4..].try_into().unwrap();
                    self.here.push(u32::from_be_bytes(id));
                }
            }
            // A refusal that is on its way comes before the receipt.
            Step::Receipt if self.refusals.values().all(|heard| *heard) => {
                self.receipted = self.here.len();
                self.log.receipt(self.here.len() as u64).unwrap();
            }
            Step::Receipt => {}
            Step::Refuse(which, arrives) => {
                let open = self.here.len() - self.receipted;
                if open == 0 {
                    return;
                }
                let number = self.receipted + usize::from(which) % open;
                if self.refused.contains(&self.here[number]) {
                    return;
                }
                self.refused.push(self.here[number]);
                self.refusals.insert(number as u64, arrives);
                if arrives {
                    self.refuse(number as u64);
                }
            }
            Step::Withdraw(which) => {
                let open = |(_, (_, _, waiting)): &(usize, &(_, _, oneshot::Receiver<_>))| {
                    waiting.is_empty()
                };
                let open: Vec<usize> =
                    self.waiting.iter().enumerate().filter(open).map(|(at, _)| at).collect();
                if open.is_empty() {
                    return;
                }
                let at = open[usize::from(which) % open.len()];
                if self.log.withdraw(self.waiting[at].1) {
                    let (event, ..) = self.waiting.remove(at);
                    self.withdrawn.push(event);
                }
            }
            Step::Lose { restart } => self.lose(restart),
        }
    }

    fn refuse(&mut self, number: u64) {
        let refused = Refused {
            what: RefusedWhat::Event,
            number,
            code: RefusedCode::TooDeep,
            message: String::new(),
            rule: None,
            path: None,
            id: None,
        };
        self.unheard += usize::from(self.log.refused(refused).is_some());
    }

    fn publish(&mut self, wait: bool, padding: u8) {
        let mut payload = vec![0; padding.into()];
        payload.extend_from_slice(&self.published.to_be_bytes());
        let event = EventFrame { topic: "t", payload: &payload, headers: None };
        let (sender, receiver) = oneshot::channel();
        let append = pin!(self.log.append(&event, wait.then_some(sender)));
        if let Poll::Ready(appended) = append.poll(&mut Context::from_waker(Waker::noop())) {
            let appended = appended.unwrap();
            assert_eq!(appended.index, u64::from(self.published) - self.withdrawn.len() as u64);
            if wait {
                self.waiting.push((self.published, appended.waiter, receiver));
            }
            self.published += 1;
        }
    }

    fn lose(&mut self, restart: bool) {
        self.log.lost(self.out.len());
        self.out.clear();
        self.socket.clear();
        self.partial.clear();
        if restart {
            self.before.append(&mut self.here);
            self.receipted = 0;
            self.refusals.clear();
        }
        let receipted = self.log.receipted();
        let resumed = self.log.resume(self.here.len() as u64, !restart, self.resend, 1 << 20);
        assert!(restart || resumed.exact);
        assert!(!(self.resend && resumed.unknown > 0));
        self.unknown += resumed.unknown;
        if resumed.exact {
            // The hub repeats the refusals that the client may not have received.
            self.refusals.values_mut().for_each(|heard| *heard = true);
            let again: Vec<u64> = self.refusals.range(receipted..).map(|(n, _)| *n).collect();
            again.into_iter().for_each(|number| self.refuse(number));
            self.receipted = self.here.len();
            self.log.receipt(self.here.len() as u64).unwrap();
        }
    }

    fn finish(mut self) {
        self.lose(false);
        self.step(Step::Take(u16::MAX));
        self.step(Step::Write(u16::MAX));
        self.step(Step::Deliver(u16::MAX));
        self.step(Step::Receipt);
        assert_eq!(self.log.pending(), 0);
        assert_eq!(self.log.room.available_permits(), CAPACITY, "room is given back once");
        let report = std::mem::take(&mut self.log.log.lock().report);
        assert_eq!((report.refused.len(), report.outcome_unknown), (self.unheard, self.unknown));

        assert!(self.here.is_sorted_by(|a, b| a < b), "in order and once: {:?}", self.here);
        let mut arrived: Vec<u32> = self.before.iter().chain(&self.here).copied().collect();
        arrived.sort_unstable();
        let total = arrived.len();
        arrived.dedup();
        assert!(self.resend || arrived.len() == total, "nothing is sent twice unless so chosen");
        let mut unknown = self.unknown;
        assert!(self.withdrawn.iter().all(|event| !arrived.contains(event)));
        for (id, _, mut waiting) in self.waiting {
            match waiting.try_recv().expect("everyone gets a verdict") {
                Ok(()) => assert!(arrived.contains(&id)),
                Err(PublishFailure::Refused(_)) => assert!(self.refused.contains(&id)),
                Err(PublishFailure::OutcomeUnknown) => unknown += 1,
                Err(PublishFailure::NotSent) => panic!("the log has not ended"),
            }
        }
        let withdrawn = self.withdrawn.len() as u64;
        let missing = u64::from(self.published) - withdrawn - arrived.len() as u64;
        assert!(missing <= unknown, "{missing} are missing, {unknown} are reported");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_event_gets_one_verdict_and_arrives_as_it_says(
        steps in proptest::collection::vec(step(), 0..150),
        resend in any::<bool>(),
    ) {
        let mut world = World::new(resend);
        steps.into_iter().for_each(|step| world.step(step));
        world.finish();
    }
}
