//! Gives up what the hub keeps only in case somebody wants it, because memory is short.
//!
//! Without this, the last events of topics that nobody uses any more would keep new clients out for ever.

use super::registry::Registry;
use super::topic::Topic;
use super::topic_actor::EndIdle;
use futures_util::future::join_all;
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

/// This many topics end at a time. If thousands of actors were woken at once, the sessions of their threads
/// would have their turns behind all of them.
const ENDING_AT_ONCE: usize = 256;

impl Registry {
    /// Has every topic give up what gives way. The call visits all topics, and takes the lock of one at a
    /// time. It resolves when the topics that have to end have ended.
    pub async fn give_way(&self, what: GivesWay) {
        let mut ending = Vec::new();
        for topic in self.each() {
            if topic.give_way(what)
                && let Some(actor) = topic.actor()
            {
                ending.push(actor.send(EndIdle));
            }
            if ending.len() >= ENDING_AT_ONCE {
                join_all(ending.drain(..)).await;
            }
        }
        join_all(ending).await;
    }
}

impl Topic {
    /// Gives up what gives way of this topic. Returns whether the topic itself gives way.
    pub(crate) fn give_way(&self, what: GivesWay) -> bool {
        let mut s = self.sequencer.lock();
        let idle = self.next_when_giving_way.swap(s.next, Ordering::Relaxed) == s.next;
        s.history.keep_last_event();
        match what {
            GivesWay::Histories => {}
            GivesWay::IdleLastEvents if !idle => {}
            _ => s.history.forget_last_event(),
        }
        what == GivesWay::IdleTopics && idle && s.members.is_empty()
    }
}
