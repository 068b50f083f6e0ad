//! Checks the subscriptions of one connection against a model of the hub, frame by frame, with
//! every state that can be on its way while subscriptions are added, removed and restored.

use super::*;
use crate::event_sender::EventSender;
use crate::events::ConnectionEvent;
use bytes::Bytes;
use hub_core::emitter::Subscription;
use hub_wire::{
    EventFrame, FrameType, Limits, Position, RunFrame, SubscriptionIds, TopicName, TopicPositions,
};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const TOPICS: [&str; 4] = ["a", "b", "a.x", "b.x"];
const FILTERS: [&str; 5] = ["a", "*", "**", "a.*", "b"];

#[derive(Debug, Clone)]
enum Step {
    Subscribe { filter: usize, last: bool },
    Unsubscribe(usize),
    Publish { topic: usize, count: u8 },
    HubReads,
    HubJoins(usize),
    ClientReads(u8),
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..FILTERS.len(), any::<bool>())
            .prop_map(|(filter, last)| Step::Subscribe { filter, last }),
        1 => any::<usize>().prop_map(Step::Unsubscribe),
        6 => (0..TOPICS.len(), 1..4_u8).prop_map(|(topic, count)| Step::Publish { topic, count }),
        4 => Just(Step::HubReads),
        6 => any::<usize>().prop_map(Step::HubJoins),
        6 => (1..10_u8).prop_map(Step::ClientReads),
        1 => Just(Step::Lose),
    ]
}

#[derive(Default)]
struct Topic {
    next: u64,
    members: BTreeSet<u64>,
}

struct Filed {
    filter: TopicFilter,
    start: Start,
    to_join: Vec<String>,
    confirmed: bool,
}

struct Client {
    id: u64,
    filter: TopicFilter,
    subscription: Subscription,
    /// In each topic, the subscription may begin at these numbers, as the hub stated on each
    /// connection.
    starts: HashMap<String, BTreeSet<u64>>,
}

struct World {
    subs: Subscriptions,
    inbound: Inbound,
    events: EventSender,
    clients: Vec<Client>,
    next_id: u64,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    topics: HashMap<String, Topic>,
    filed: BTreeMap<u64, Filed>,
}

fn frame(frame: &Frame<'_>) -> Vec<u8> {
    frame.to_bytes()
}

impl World {
    fn new() -> Self {
        World {
            subs: Subscriptions::new(1000),
            inbound: Inbound::new(1 << 20),
            events: EventSender::new(100_000),
            clients: Vec::new(),
            next_id: 1,
            up: VecDeque::new(),
            down: VecDeque::new(),
            topics: HashMap::new(),
            filed: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Subscribe { filter, last } => self.subscribe(filter, last),
            Step::Unsubscribe(which) if !self.clients.is_empty() => {
                let client = self.clients.swap_remove(which % self.clients.len());
                let mut frames = Vec::new();
                self.subs.remove(client.id, &mut frames);
                if !frames.is_empty() {
                    self.up.push_back(frames);
                }
            }
            Step::Unsubscribe(_) => {}
            Step::Publish { topic, count } => self.publish(TOPICS[topic], count.into()),
            Step::HubReads => self.hub_reads(),
            Step::HubJoins(which) => self.hub_joins(which),
            Step::ClientReads(count) => (0..count).for_each(|_| self.client_reads()),
            Step::Lose => self.lose(),
        }
    }

    fn subscribe(&mut self, filter: usize, last: bool) {
        let (id, filter) = (self.next_id, TopicFilter::parse(FILTERS[filter]).unwrap());
        self.next_id += 1;
        let start = if last { Start::Last } else { Start::Live };
        let options = SubscribeOptions::new().capacity(100_000).start(start);
        let (feed, subscription) = Feed::open(&options, |_| ());
        let sink = Sink::Feed(Arc::new(feed));
        self.up.push_back(self.subs.add(id, filter.clone(), options, sink, None, Vec::new()));
        self.clients.push(Client { id, filter, subscription, starts: HashMap::new() });
    }

    fn run(&mut self, topic: &str, first: u64, count: u32, subscriptions: SubscriptionIds) {
        let publisher = "p";
        let run = RunFrame {
            topic,
            epoch: 1,
            first,
            count,
            publisher,
            time_ms: 0,
            subscriptions,
            attempt: 1,
        };
        self.down.push_back(frame(&Frame::Run(run)));
        for _ in 0..count {
            let event = EventFrame { topic, payload: &[1], headers: None };
            self.down.push_back(frame(&Frame::Event(event)));
        }
    }

    fn may_start(&mut self, id: u64, topic: &str, at: u64) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
            client.starts.entry(topic.to_owned()).or_default().insert(at);
        }
    }

    fn publish(&mut self, topic: &str, count: u32) {
        if !self.topics.contains_key(topic) {
            let name = TopicName::parse(topic).unwrap();
            let adopt = |filed: &(&u64, &Filed)| filed.1.filter.matches(&name);
            let members: BTreeSet<u64> =
                self.filed.iter().filter(adopt).map(|(id, _)| *id).collect();
            members.iter().for_each(|id| self.may_start(*id, topic, 1));
            self.topics.insert(topic.to_owned(), Topic { next: 1, members });
        }
        let Some(known) = self.topics.get_mut(topic) else { return };
        let first = known.next;
        known.next += u64::from(count);
        if !known.members.is_empty() {
            let members = known.members.iter().copied().collect();
            self.run(topic, first, count, members);
        }
    }

    fn hub_reads(&mut self) {
        let Some(bytes) = self.up.pop_front() else { return };
        match Frame::parse(&bytes[4..], &Limits::default()).unwrap() {
            Frame::Subscribe(subscribe) => {
                let filter = TopicFilter::parse(&subscribe.filter).unwrap();
                let matches = |topic: &&String| filter.matches(&TopicName::parse(topic).unwrap());
                let to_join = self.topics.keys().filter(matches).cloned().collect();
                let start = subscribe.start;
                self.filed.insert(subscribe.id, Filed { filter, start, to_join, confirmed: false });
            }
            Frame::Unsubscribe { id, .. } => {
                self.filed.remove(&id);
                self.topics.values_mut().for_each(|topic| _ = topic.members.remove(&id));
            }
            other => panic!("{other:?}"),
        }
    }

    fn hub_joins(&mut self, which: usize) {
        let open: Vec<u64> =
            self.filed.iter().filter(|(_, filed)| !filed.confirmed).map(|(id, _)| *id).collect();
        let Some(id) = open.get(which % open.len().max(1)).copied() else { return };
        let Some(filed) = self.filed.get_mut(&id) else { return };
        let Some(topic) = filed.to_join.pop() else {
            filed.confirmed = true;
            return self.down.push_back(frame(&Frame::Subscribed { id }));
        };
        let start = filed.start.clone();
        let Some(known) = self.topics.get_mut(&topic) else { return };
        known.members.insert(id);
        let next = known.next;
        let from = match &start {
            Start::Live => next,
            Start::Last => next - 1,
            Start::After(seen) => seen.get(&topic).map_or(1, |Position { seq, .. }| seq + 1),
        };
        self.may_start(id, &topic, from);
        let to = SubscriptionIds::one(id);
        let resumes = matches!(start, Start::After(_));
        if !resumes {
            self.run(&topic, from, 0, to.clone());
        }
        if from < next {
            self.run(&topic, from, (next - from) as u32, to.clone());
        }
        if resumes {
            self.run(&topic, next, 0, to);
        }
    }

    fn client_reads(&mut self) {
        let Some(bytes) = self.down.pop_front() else { return };
        let body = Bytes::from(bytes).slice(4..);
        let (subs, events) = (&mut self.subs, &self.events);
        if FrameType::of(&body) == Ok(FrameType::Event) {
            self.inbound.event(subs, &body, events).unwrap();
            return;
        }
        match Frame::parse(&body, &Limits::default()).unwrap() {
            Frame::Run(run) => self.inbound.run(subs, &run, events).unwrap(),
            Frame::Subscribed { id } => subs.confirmed(id),
            other => panic!("{other:?}"),
        }
    }

    fn lose(&mut self) {
        self.up.clear();
        self.down.clear();
        self.filed.clear();
        self.topics.values_mut().for_each(|topic| topic.members.clear());
        self.inbound.finish(&mut self.subs, &self.events);
        self.subs.disconnected();
        let mut frames = &self.subs.restore(false)[..];
        while let Some(length) = frames.first_chunk::<4>() {
            let (one, rest) = frames.split_at(4 + u32::from_be_bytes(*length) as usize);
            self.up.push_back(one.to_vec());
            frames = rest;
        }
    }

    fn finish(mut self) {
        let mut events = self.events.subscribe();
        while !self.up.is_empty() {
            self.hub_reads();
        }
        while self.filed.values().any(|filed| !filed.confirmed) {
            self.hub_joins(0);
        }
        TOPICS.iter().for_each(|topic| self.publish(topic, 1));
        while !self.down.is_empty() {
            self.client_reads();
        }
        for client in &mut self.clients {
            client.check(&self.topics);
        }
        while let Poll::Ready(Some(event)) =
            pin!(events.next()).poll(&mut Context::from_waker(Waker::noop()))
        {
            assert!(!matches!(event, ConnectionEvent::Violation(_)), "{event:?}");
        }
    }
}

impl Client {
    /// Checks that each topic began where the hub said, and then had each number once and in order,
    /// to the end.
    fn check(&mut self, topics: &HashMap<String, Topic>) {
        let mut due: HashMap<String, u64> = HashMap::new();
        while let Poll::Ready(Some(delivery)) =
            pin!(self.subscription.next()).poll(&mut Context::from_waker(Waker::noop()))
        {
            let (topic, from, to) = match delivery {
                Delivery::Message(message) => (message.topic.to_string(), message.seq, message.seq),
                Delivery::Gap(gap) => (gap.topic, gap.from, gap.to.unwrap()),
            };
            match due.get(&topic) {
                Some(due) => assert_eq!(from, *due, "{topic} for {:?}", self.filter),
                None => {
                    let starts = &self.starts[&topic];
                    assert!(starts.contains(&from), "{topic} began at {from}, not {starts:?}");
                }
            }
            due.insert(topic, to + 1);
        }
        for (topic, known) in topics {
            if self.filter.matches(&TopicName::parse(topic).unwrap()) {
                assert_eq!(due.get(topic), Some(&known.next), "{topic} for {:?}", self.filter);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn every_subscription_gets_each_number_once_from_its_start(
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world.finish();
    }
}

#[test]
fn positions_that_do_not_fit_into_a_frame_come_in_parts() {
    let position = Position { epoch: u64::MAX, seq: u64::MAX };
    let seen: TopicPositions =
        (0..10_000).map(|n| (format!("topic.number.{n}"), position)).collect();
    let filter = TopicFilter::parse("topic.**").unwrap();
    let options = SubscribeOptions::new();
    let start = Start::After(seen.clone());
    let frames = subscribe_frames(1, &filter, &options, start, None, false, 10_000);
    let (mut rest, mut all, mut more) = (&frames[..], TopicPositions::default(), true);
    while let Some(body) = hub_wire::split(rest, 10_000).unwrap() {
        rest = &rest[4 + body.len()..];
        let Ok(Frame::Subscribe(read)) = Frame::parse(body, &Limits::default()) else {
            panic!("not a SUBSCRIBE");
        };
        let Start::After(part) = read.start else { panic!("{:?}", read.start) };
        assert!(more && !part.is_empty() && (rest.is_empty() || body.len() > 9_000));
        assert!(read.positions);
        for (topic, position) in part.iter() {
            assert!(all.insert(topic, position), "{topic} comes twice");
        }
        more = read.more;
    }
    assert!(rest.is_empty() && !more);
    assert_eq!(all, seen);
}
