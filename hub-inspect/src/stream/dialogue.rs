//! What the frames of a connection have to do with one another.
//!
//! A receipt names a number and not an event, and an event does not name its number. Both sides count.
//! This module counts with them, so that a refusal can be shown beside the event that it refuses. All
//! tables are bounded: a client that never gets an answer must not take memory for ever.

use super::recent::Recent;
use super::relation::{Earlier, Relation, Sent};
use super::request::RequestHeaders;
use foldhash::HashMap;
use hub_wire::{EventFrame, Frame, FrameType, Gap, Limits, RefusedWhat, RunFrame};
use std::collections::VecDeque;

/// At most this many events wait for a receipt in the table. Older ones are forgotten.
const MAX_EVENTS: usize = 1 << 14;
/// At most this many subscriptions and PINGs wait for an answer in the table.
const MAX_WAITING: usize = 1 << 10;
/// A gap is matched to at most this many of the subscriptions that it names.
const MAX_NAMED: usize = 8;
/// So many runs of a topic are remembered. The one in front of a gap need not be the latest one.
const RUNS: usize = 4;
/// An EVENT frame with headers begins with an array of four values.
const WITH_HEADERS: u8 = 0x94;

/// The state of a conversation.
#[derive(Debug, Default)]
pub struct Dialogue {
    hello: Option<Sent>,
    /// The publish number of the next event, once WELCOME has told it.
    next_event: Option<u64>,
    /// Events without a receipt, with their numbers in order.
    events: VecDeque<(u64, Sent)>,
    receipted: Option<u64>,
    refused: u64,
    subscribes: HashMap<u64, Sent>,
    /// Subscriptions that are in place.
    subscribed: HashMap<u64, Sent>,
    unsubscribes: HashMap<u64, Sent>,
    pings: [VecDeque<(u64, Sent)>; 2],
    closed: [Option<Sent>; 2],
    /// The requests of each endpoint, by their `id`.
    requests: [Recent<Sent>; 2],
    /// The latest runs of each topic, the newest first, each with its epoch and the number behind it.
    runs: Recent<[Option<(u64, u64, Sent)>; RUNS]>,
    /// The endpoint that is the hub, once it has sent a frame that only a hub sends.
    hub: Option<usize>,
    /// The number of the next event of the run, and how many are still to come.
    run: (u64, u32),
}

impl Dialogue {
    /// Returns how many bytes the tables take.
    pub(super) fn held(&self) -> usize {
        let ids = [&self.subscribes, &self.subscribed, &self.unsubscribes];
        self.events.capacity() * size_of::<(u64, Sent)>()
            + ids.iter().map(|it| it.capacity() * 40).sum::<usize>()
            + self.requests.iter().map(Recent::held).sum::<usize>()
            + self.runs.held()
    }

    /// Takes over a frame of endpoint `sender` with this body, whose last byte was in `packet`.
    pub(super) fn relate(
        &mut self,
        sender: usize,
        packet: u64,
        time_ns: i64,
        body: &[u8],
    ) -> Relation {
        let sent = Sent { packet, time_ns };
        match FrameType::of(body) {
            // Whatever is in an event, it counts. Only one with headers has to be read.
            Ok(FrameType::Event) => {
                let request = match body[0] {
                    WITH_HEADERS => self.request(sender, sent, body),
                    _ => None,
                };
                match self.hub == Some(sender) {
                    true => self.delivers(request),
                    false => self.publishes(sent, request),
                }
            }
            Ok(_) => match Frame::parse(body, &Limits::NONE) {
                Ok(frame) => self.control(sender, sent, &frame),
                Err(_) => Relation::None,
            },
            Err(_) => Relation::None,
        }
    }

    fn control(&mut self, sender: usize, sent: Sent, frame: &Frame<'_>) -> Relation {
        let answers = |asked: Option<Sent>| {
            asked.map_or(Relation::None, |it| Relation::Answers(it.seen_from(sent.time_ns)))
        };
        match frame {
            Frame::Hello(_) => self.hello = Some(sent),
            Frame::Welcome(welcome) => {
                self.hub = Some(sender);
                self.next_event = Some(welcome.received);
                self.receipted = Some(welcome.received);
                return answers(self.hello.take());
            }
            Frame::Run(run) => self.begins(sender, sent, run),
            Frame::Receipt { next } => return self.covers(*next, sent.time_ns),
            Frame::Refused(refused) => {
                if let RefusedWhat::Event = refused.what {
                    return self.refuses(refused.number, sent.time_ns);
                }
                return answers(match refused.what {
                    RefusedWhat::Subscribe => self.subscribes.remove(&refused.number),
                    RefusedWhat::Unsubscribe => self.unsubscribes.remove(&refused.number),
                    RefusedWhat::Frame | RefusedWhat::Event | RefusedWhat::Ack => None,
                });
            }
            Frame::Subscribe(subscribe) => note(&mut self.subscribes, subscribe.id, sent),
            Frame::Resume(resume) => note(&mut self.subscribes, resume.subscription, sent),
            Frame::Unsubscribe { id, .. } => {
                self.subscribed.remove(id);
                note(&mut self.unsubscribes, *id, sent);
            }
            Frame::Subscribed { id } => {
                let asked = self.subscribes.remove(id);
                asked.into_iter().for_each(|asked| note(&mut self.subscribed, *id, asked));
                return answers(asked);
            }
            Frame::Ping { token } => {
                let pings = &mut self.pings[sender];
                if pings.len() == MAX_WAITING {
                    pings.pop_front();
                }
                pings.push_back((*token, sent));
            }
            Frame::Pong { token } => {
                let pings = &mut self.pings[1 - sender];
                let asked = pings.iter().position(|(asked, _)| asked == token);
                return answers(asked.and_then(|at| pings.remove(at)).map(|(_, sent)| sent));
            }
            Frame::Close(_) => {
                self.closed[sender] = Some(sent);
                return answers(self.closed[1 - sender].take());
            }
            Frame::Gap(gap) => return self.misses(gap, sent.time_ns),
            Frame::Event(_) | Frame::Taken(_) | Frame::Ack(_) => {}
        }
        Relation::None
    }

    fn begins(&mut self, sender: usize, sent: Sent, run: &RunFrame<'_>) {
        (self.hub, self.run) = (Some(sender), (run.first, run.count));
        if run.count > 0 {
            let next = run.first.wrapping_add(run.count.into());
            self.runs.update(run.topic, |runs| {
                runs.rotate_right(1);
                runs[0] = Some((run.epoch, next, sent));
            });
        }
    }

    /// Finds the run in front of the missing events, and the subscriptions that miss them.
    fn misses(&self, gap: &Gap, time_ns: i64) -> Relation {
        let asked = |id| self.subscribes.get(id).or_else(|| self.subscribed.get(id));
        let subscribes = gap.subscriptions.as_slice().iter().filter_map(asked).take(MAX_NAMED);
        let mut runs = self.runs.get(&gap.topic).unwrap_or_default().into_iter().flatten();
        let behind = runs.find(|(epoch, next, _)| (*epoch, *next) == (gap.epoch, gap.from));
        Relation::Misses {
            behind: behind.map(|(_, _, sent)| sent.seen_from(time_ns)),
            subscribes: subscribes.map(|sent| sent.seen_from(time_ns)).collect(),
        }
    }

    /// Remembers an event that is a request. Returns the request that the event replies to.
    fn request(&mut self, sender: usize, sent: Sent, body: &[u8]) -> Option<Earlier> {
        let headers = EventFrame::parse(body, &Limits::NONE).ok()?.headers?;
        let names = RequestHeaders::of(headers)?;
        if let (Some(id), true) = (names.id, names.is_request) {
            self.requests[sender].insert(id, sent);
        }
        let asked = self.requests[1 - sender].get(names.re?)?;
        Some(asked.seen_from(sent.time_ns))
    }

    fn delivers(&mut self, request: Option<Earlier>) -> Relation {
        let (number, left) = self.run;
        let Some(left) = left.checked_sub(1) else { return Relation::Unannounced };
        self.run = (number.wrapping_add(1), left);
        Relation::Delivers { number, request }
    }

    fn publishes(&mut self, sent: Sent, request: Option<Earlier>) -> Relation {
        let number = self.next_event;
        if let Some(number) = number {
            self.next_event = Some(number.wrapping_add(1));
            if self.events.len() == MAX_EVENTS {
                self.events.pop_front();
            }
            self.events.push_back((number, sent));
        }
        match (number, request) {
            (None, None) => Relation::None,
            (number, request) => Relation::Publishes { number, request },
        }
    }

    fn covers(&mut self, next: u64, time_ns: i64) -> Relation {
        let from = self.receipted.unwrap_or(next).min(next);
        let mut last = None;
        while let Some((_, sent)) = self.events.pop_front_if(|(number, _)| *number < next) {
            last = Some(sent.seen_from(time_ns));
        }
        self.receipted = Some(next);
        let refused = std::mem::take(&mut self.refused);
        Relation::Covers { numbers: from..next, refused, last }
    }

    fn refuses(&mut self, number: u64, time_ns: i64) -> Relation {
        self.refused += 1;
        let at = self.events.binary_search_by_key(&number, |event| event.0).ok();
        let event = at.and_then(|at| self.events.get(at));
        Relation::Refuses { number, event: event.map(|(_, sent)| sent.seen_from(time_ns)) }
    }
}

fn note(waiting: &mut HashMap<u64, Sent>, id: u64, sent: Sent) {
    if waiting.len() < MAX_WAITING || waiting.contains_key(&id) {
        waiting.insert(id, sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::{
        GapReason, Hello, Overflow, Packer, Refused, RefusedCode, Resume, Start, Subscribe,
        SubscriptionIds, Welcome,
    };

    const EVENT: Frame<'_> = Frame::Event(EventFrame { topic: "a", payload: &[1], headers: None });

    fn welcome(received: u64) -> Frame<'static> {
        Frame::Welcome(Welcome {
            version: 1,
            hub: [0; 16],
            connection: 1,
            resumed: false,
            kept: false,
            received,
            publisher: String::new(),
            inbox: String::new(),
            limits: Limits::default(),
            keepalive_ms: 0,
            time_ms: 0,
        })
    }

    fn run(first: u64, count: u32) -> Frame<'static> {
        Frame::Run(RunFrame {
            topic: "a",
            epoch: 1,
            first,
            count,
            publisher: "",
            time_ms: 0,
            subscriptions: SubscriptionIds::one(7),
            attempt: 1,
        })
    }

    /// Says frames one after another, each in a packet of its own and 10 ns behind the one before it.
    #[derive(Default)]
    struct Talk {
        dialogue: Dialogue,
        packet: u64,
    }

    impl Talk {
        fn say(&mut self, sender: usize, frame: Frame<'_>) -> Relation {
            self.packet += 1;
            let time_ns = self.packet as i64 * 10;
            self.dialogue.relate(sender, self.packet, time_ns, &frame.to_bytes()[4..])
        }
    }

    fn earlier(packet: u64, before_ns: i64) -> Earlier {
        Earlier { packet, before_ns }
    }

    fn publishes(number: u64) -> Relation {
        Relation::Publishes { number: Some(number), request: None }
    }

    fn delivers(number: u64) -> Relation {
        Relation::Delivers { number, request: None }
    }

    #[test]
    fn frames_are_matched_to_what_they_answer() {
        let mut talk = Talk::default();
        let answers = |packet, before_ns| Relation::Answers(earlier(packet, before_ns));
        assert_eq!(talk.say(0, Frame::Hello(Hello::default())), Relation::None);
        assert_eq!(talk.say(1, welcome(5)), answers(1, 10));
        assert_eq!(talk.say(0, EVENT), publishes(5));
        assert_eq!(talk.say(0, EVENT), publishes(6));
        assert_eq!(talk.say(0, Frame::Ping { token: 9 }), Relation::None);
        let refused = Frame::Refused(Refused {
            what: RefusedWhat::Event,
            number: 6,
            code: RefusedCode::NoSubscriber,
            message: String::new(),
            rule: None,
            path: None,
            id: None,
        });
        let refuses = Relation::Refuses { number: 6, event: Some(earlier(4, 20)) };
        assert_eq!(talk.say(1, refused), refuses);
        assert_eq!(
            talk.say(1, Frame::Receipt { next: 7 }),
            Relation::Covers { numbers: 5..7, refused: 1, last: Some(earlier(4, 30)) }
        );
        assert_eq!(talk.say(1, Frame::Pong { token: 9 }), answers(5, 30));
        assert_eq!(talk.say(1, EVENT), Relation::Unannounced);
        assert_eq!(talk.say(1, run(70, 2)), Relation::None);
        assert_eq!(talk.say(1, EVENT), delivers(70));
        assert_eq!(talk.say(1, EVENT), delivers(71));
        assert_eq!(talk.say(0, EVENT), publishes(7));
    }

    #[test]
    fn replies_are_matched_to_requests_on_both_sides() {
        let headers = |names: &[(&str, &str)]| {
            let mut bytes = Vec::new();
            let mut pack = Packer(&mut bytes);
            pack.map(names.len() as u32);
            names.iter().for_each(|(key, value)| {
                pack.str(key).str(value);
            });
            bytes
        };
        let request = headers(&[("id", "r1"), ("reply", "$inbox.7")]);
        let reply = headers(&[("type", "x"), ("re", "r1")]);
        let named = headers(&[("id", "r2")]);
        let event = |headers| {
            Frame::Event(EventFrame { topic: "a", payload: &[1], headers: Some(headers) })
        };
        let mut talk = Talk::default();
        // The client asks and gets an answer.
        talk.say(1, welcome(0));
        assert_eq!(talk.say(0, event(&request)), publishes(0));
        talk.say(1, run(1, 1));
        let answered = Relation::Delivers { number: 1, request: Some(earlier(2, 20)) };
        assert_eq!(talk.say(1, event(&reply)), answered);
        // The client is asked and answers. An event with a name alone is no request.
        talk.say(1, run(8, 2));
        assert_eq!(talk.say(1, event(&request)), delivers(8));
        assert_eq!(talk.say(1, event(&named)), delivers(9));
        let answers = Relation::Publishes { number: Some(1), request: Some(earlier(6, 20)) };
        assert_eq!(talk.say(0, event(&reply)), answers);
    }

    #[test]
    fn a_gap_is_matched_to_the_run_in_front_of_it_and_to_its_subscriptions() {
        let gap = |from, named: &[u64]| {
            Frame::Gap(Gap {
                topic: "a".to_owned(),
                epoch: 1,
                from,
                to: Some(from + 4),
                reason: GapReason::Overflow,
                subscriptions: named.iter().copied().collect(),
            })
        };
        let mut talk = Talk::default();
        talk.say(
            0,
            Frame::Subscribe(Subscribe {
                id: 3,
                filter: "a".to_owned(),
                overflow: Overflow::default(),
                group: None,
                start: Start::Live,
                positions: false,
                window: None,
                ack: None,
                observe: false,
                more: false,
                keep: false,
            }),
        );
        talk.say(1, run(1, 2));
        let misses =
            |behind, named: &[Earlier]| Relation::Misses { behind, subscribes: named.to_vec() };
        assert_eq!(talk.say(1, gap(3, &[7])), misses(Some(earlier(2, 10)), &[]));
        assert_eq!(talk.say(1, gap(9, &[3])), misses(None, &[earlier(1, 30)]));
        talk.say(1, Frame::Subscribed { id: 3 });
        assert_eq!(talk.say(1, gap(9, &[3])), misses(None, &[earlier(1, 50)]));
        // A list has a resumed subscription and an unknown one. A newer run came in between.
        talk.say(0, Frame::Resume(Resume { subscription: 4, events: 2, gaps: 0 }));
        talk.say(1, run(3, 5));
        let found = misses(Some(earlier(2, 70)), &[earlier(1, 80), earlier(7, 20)]);
        assert_eq!(talk.say(1, gap(3, &[3, 9, 4])), found);
    }
}
