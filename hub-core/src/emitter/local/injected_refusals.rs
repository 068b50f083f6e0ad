//! Holds the refusals that a test has injected into an in-process hub, until events use them up.
//! Without them, a refusal could not wait for the event that it is meant for.

use super::check::refusal;
use crate::emitter::Refusal;
use hub_wire::{RefusedCode, RefusedWhat, TopicFilter, TopicName};

/// Holds the refusals that a test wants.
#[derive(Debug, Default)]
pub(super) struct InjectedRefusals(Vec<InjectedRefusal>);

#[derive(Debug)]
struct InjectedRefusal {
    filter: TopicFilter,
    code: RefusedCode,
    /// So many further events are refused.
    left: u64,
}

impl InjectedRefusals {
    /// Has the next `times` events on the topics of `filter` refused.
    pub(super) fn add(&mut self, filter: TopicFilter, code: RefusedCode, times: u64) {
        if times > 0 {
            self.0.push(InjectedRefusal { filter, code, left: times });
        }
    }

    /// Returns the refusal of an event, if a test wants it refused.
    pub(super) fn next(&mut self, topic: &TopicName) -> Option<Refusal> {
        let at = self.0.iter().position(|injected| injected.filter.matches(topic))?;
        let injected = &mut self.0[at];
        let code = injected.code;
        injected.left -= 1;
        if injected.left == 0 {
            self.0.remove(at);
        }
        Some(refusal(RefusedWhat::Event, code, "a test wants this refusal"))
    }
}
