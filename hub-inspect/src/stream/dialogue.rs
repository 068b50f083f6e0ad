//! What the frames of a connection have to do with one another.
//!
//! A receipt names a number and not an event, and an event does not name its number. Both sides count.
//! This module counts with them, so that a refusal can be shown beside the event that it refuses. All
//! tables are bounded: a client that never gets an answer must not take memory for ever.

use foldhash::HashMap;
use hub_wire::{Frame, RefusedWhat};
use std::collections::VecDeque;
use std::ops::Range;

/// At most this many events wait for a receipt in the table. Older ones are forgotten.
const MAX_EVENTS: usize = 1 << 14;
/// At most this many subscriptions and PINGs wait for an answer in the table.
const MAX_WAITING: usize = 1 << 10;

/// What a frame has to do with other frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// Nothing that is known.
    None,
    /// The frame answers a frame that this packet carried.
    Answers {
        /// The packet with the end of the frame that is answered.
        packet: u64,
        /// The time between the two frames, in nanoseconds.
        after_ns: i64,
    },
    /// An event to the hub has this publish number.
    Publishes {
        /// The publish number.
        number: u64,
    },
    /// An event from the hub has this number in its topic.
    Delivers {
        /// The event number.
        number: u64,
    },
    /// A receipt covers events.
    Covers {
        /// The publish numbers that no earlier receipt covered.
        numbers: Range<u64>,
        /// How many of them were refused.
        refused: u64,
        /// The packet with the last of the events, and the time since, in nanoseconds.
        last: Option<(u64, i64)>,
    },
    /// A refusal is about an event.
    Refuses {
        /// The publish number of the event.
        number: u64,
        /// The packet with the event, and the time since, in nanoseconds.
        event: Option<(u64, i64)>,
    },
    /// An event from the hub stands behind no RUN, or is one too many. The capture may lack the RUN.
    Unannounced,
}

/// A frame that waits for its answer.
#[derive(Debug, Clone, Copy)]
struct Sent {
    packet: u64,
    time_ns: i64,
}

impl Sent {
    fn answered(self, time_ns: i64) -> Relation {
        Relation::Answers { packet: self.packet, after_ns: time_ns - self.time_ns }
    }
}

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
    unsubscribes: HashMap<u64, Sent>,
    pings: [VecDeque<(u64, Sent)>; 2],
    closed: [Option<Sent>; 2],
    /// The endpoint that is the hub, once it has sent a frame that only a hub sends.
    hub: Option<usize>,
    /// The number of the next event of the run, and how many are still to come.
    run: (u64, u32),
}

impl Dialogue {
    /// Returns how many bytes the tables take.
    pub(super) fn held(&self) -> usize {
        self.events.capacity() * size_of::<(u64, Sent)>()
            + (self.subscribes.capacity() + self.unsubscribes.capacity()) * 40
    }

    /// Takes over a frame of endpoint `sender`, whose last byte was in `packet`.
    pub(super) fn relate(
        &mut self,
        sender: usize,
        packet: u64,
        time_ns: i64,
        frame: &Frame<'_>,
    ) -> Relation {
        let sent = Sent { packet, time_ns };
        let answers = |asked: Option<Sent>| asked.map_or(Relation::None, |it| it.answered(time_ns));
        match frame {
            Frame::Hello(_) => self.hello = Some(sent),
            Frame::Welcome(welcome) => {
                self.hub = Some(sender);
                self.next_event = Some(welcome.received);
                self.receipted = Some(welcome.received);
                return answers(self.hello.take());
            }
            Frame::Run(run) => (self.hub, self.run) = (Some(sender), (run.first, run.count)),
            Frame::Event(_) if self.hub == Some(sender) => return self.delivers(),
            Frame::Event(_) => return self.publishes(sent),
            Frame::Receipt { next } => return self.covers(*next, time_ns),
            Frame::Refused(refused) => return self.refuses(refused.what, refused.number, time_ns),
            Frame::Subscribe(subscribe) => ask(&mut self.subscribes, subscribe.id, sent),
            Frame::Unsubscribe { id } => ask(&mut self.unsubscribes, *id, sent),
            Frame::Subscribed { id } => return answers(self.subscribes.remove(id)),
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
            Frame::Gap(_) => {}
        }
        Relation::None
    }

    fn delivers(&mut self) -> Relation {
        let (number, left) = self.run;
        let Some(left) = left.checked_sub(1) else { return Relation::Unannounced };
        self.run = (number.wrapping_add(1), left);
        Relation::Delivers { number }
    }

    fn publishes(&mut self, sent: Sent) -> Relation {
        let Some(number) = self.next_event else { return Relation::None };
        self.next_event = Some(number.wrapping_add(1));
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back((number, sent));
        Relation::Publishes { number }
    }

    fn covers(&mut self, next: u64, time_ns: i64) -> Relation {
        let from = self.receipted.unwrap_or(next).min(next);
        let mut last = None;
        while let Some((_, sent)) = self.events.pop_front_if(|(number, _)| *number < next) {
            last = Some((sent.packet, time_ns - sent.time_ns));
        }
        self.receipted = Some(next);
        let refused = std::mem::take(&mut self.refused);
        Relation::Covers { numbers: from..next, refused, last }
    }

    fn refuses(&mut self, what: RefusedWhat, number: u64, time_ns: i64) -> Relation {
        let asked = match what {
            RefusedWhat::Event => {
                self.refused += 1;
                let at = self.events.binary_search_by_key(&number, |event| event.0).ok();
                let event = at.and_then(|at| self.events.get(at));
                let event = event.map(|(_, sent)| (sent.packet, time_ns - sent.time_ns));
                return Relation::Refuses { number, event };
            }
            RefusedWhat::Subscribe => self.subscribes.remove(&number),
            RefusedWhat::Unsubscribe => self.unsubscribes.remove(&number),
            RefusedWhat::Frame => None,
        };
        asked.map_or(Relation::None, |sent| sent.answered(time_ns))
    }
}

fn ask(waiting: &mut HashMap<u64, Sent>, id: u64, sent: Sent) {
    if waiting.len() < MAX_WAITING || waiting.contains_key(&id) {
        waiting.insert(id, sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::{EventFrame, Hello, Limits, Refused, RefusedCode, RunFrame, Welcome};

    const EVENT: Frame<'_> = Frame::Event(EventFrame { topic: "a", payload: &[1], headers: None });

    fn welcome(received: u64) -> Frame<'static> {
        Frame::Welcome(Welcome {
            version: 1,
            hub: [0; 16],
            connection: 1,
            resumed: false,
            received,
            publisher: String::new(),
            inbox: String::new(),
            limits: Limits::default(),
            keepalive_ms: 0,
            time_ms: 0,
        })
    }

    #[test]
    fn frames_are_matched_to_what_they_answer() {
        let mut dialogue = Dialogue::default();
        let mut packet = 0;
        let mut say = |sender, frame: Frame<'_>| {
            packet += 1;
            dialogue.relate(sender, packet, packet as i64 * 10, &frame)
        };
        let answers = |packet, after_ns| Relation::Answers { packet, after_ns };
        assert_eq!(say(0, Frame::Hello(Hello::default())), Relation::None);
        assert_eq!(say(1, welcome(5)), answers(1, 10));
        assert_eq!(say(0, EVENT), Relation::Publishes { number: 5 });
        assert_eq!(say(0, EVENT), Relation::Publishes { number: 6 });
        assert_eq!(say(0, Frame::Ping { token: 9 }), Relation::None);
        let refused = Frame::Refused(Refused {
            what: RefusedWhat::Event,
            number: 6,
            code: RefusedCode::NoSubscriber,
            message: String::new(),
            rule: None,
            path: None,
        });
        assert_eq!(say(1, refused), Relation::Refuses { number: 6, event: Some((4, 20)) });
        assert_eq!(
            say(1, Frame::Receipt { next: 7 }),
            Relation::Covers { numbers: 5..7, refused: 1, last: Some((4, 30)) }
        );
        assert_eq!(say(1, Frame::Pong { token: 9 }), answers(5, 30));
        assert_eq!(say(1, EVENT), Relation::Unannounced);
        let run = RunFrame {
            topic: "a",
            epoch: 1,
            first: 70,
            count: 2,
            publisher: "",
            time_ms: 0,
            subscription: None,
        };
        assert_eq!(say(1, Frame::Run(run)), Relation::None);
        assert_eq!(say(1, EVENT), Relation::Delivers { number: 70 });
        assert_eq!(say(1, EVENT), Relation::Delivers { number: 71 });
        assert_eq!(say(0, EVENT), Relation::Publishes { number: 7 });
    }
}
