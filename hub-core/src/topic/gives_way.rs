//! Gives up what the hub keeps only in case somebody wants it, because memory is short.
//!
//! Without this, the last events of topics that nobody uses any more would keep new clients out for ever.

use super::registry::Registry;
use super::topic::Topic;
use super::topic_actor::EndIdle;
use std::sync::atomic::Ordering;

/// Names what topics give up when memory is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivesWay {
    /// All events but the last of each topic.
    Histories,
    /// The last events of topics that had no event since the last time that something gave way.
    IdleLastEvents,
    /// The last events of all topics.
    LastEvents,
    /// The topics that have no subscriber, and had no event since the last time that something gave way.
    IdleTopics,
}

impl GivesWay {
    /// The order in which things give way. Each of them includes those before it.
    pub const ORDER: [GivesWay; 4] =
        [GivesWay::Histories, GivesWay::IdleLastEvents, GivesWay::LastEvents, GivesWay::IdleTopics];
}

impl Registry {
    /// Has every topic give up what gives way. The call visits all topics, and takes the lock of one at a
    /// time.
    pub fn give_way(&self, what: GivesWay) {
        self.each().for_each(|topic| topic.give_way(what));
    }
}

impl Topic {
    /// Gives up what gives way of this topic.
    pub(crate) fn give_way(&self, what: GivesWay) {
        let idle = {
            let mut s = self.sequencer.lock();
            let idle = self.next_when_giving_way.swap(s.next, Ordering::Relaxed) == s.next;
            s.history.keep_last_event();
            match what {
                GivesWay::Histories => {}
                GivesWay::IdleLastEvents if !idle => {}
                _ => s.history.forget_last_event(),
            }
            idle && s.members.is_empty()
        };
        if what == GivesWay::IdleTopics
            && idle
            && let Some(actor) = self.actor()
        {
            actor.do_send(EndIdle);
        }
    }
}
