//! Checks whether a client has the rights that its subscription needs, and says which right is missing.
//! Without these checks, whoever may read a topic could hold up its publishers, or take the work of its
//! queue groups.

use super::checked_event::QUARANTINE;
use super::output::ConnectionOutput;
use super::state::Session;
use crate::policy::access::{Identity, Subscribable};
use hub_core::topic::TopicGuard;
use hub_wire::{FilterToken, Overflow, RefusedCode, Subscribe, TopicFilter, TopicName};
use std::sync::Arc;

/// Lets a subscription join only the topics that the identity of its connection may read. When the
/// rights of the identity change, the guard follows.
#[derive(Debug)]
struct Readable(Arc<ConnectionOutput>);

impl TopicGuard for Readable {
    fn may_read(&self, topic: &TopicName) -> bool {
        self.0.may_read(topic)
    }
}

/// Holds the guard that each topic has to pass if the client may not read all topics that match the
/// filter.
type Guard = Option<Arc<dyn TopicGuard>>;

impl Session {
    /// Checks the rights that a subscription to these topics needs.
    pub(super) fn check_topic_rights(
        &self,
        subscribe: &Subscribe,
        filter: &TopicFilter,
    ) -> Result<Guard, (RefusedCode, String)> {
        let Some(identity) = &self.identity else {
            return Err((RefusedCode::Forbidden, "this client has no identity".to_owned()));
        };
        let forbidden = |message| Err((RefusedCode::Forbidden, message));
        let rights = identity.rights();
        let guard: Guard = match rights.may_subscribe(filter) {
            Subscribable::All => None,
            Subscribable::Partly => Some(Arc::new(Readable(self.output.clone()))),
            Subscribable::No => return forbidden(may_not_read(identity, filter)),
        };
        if !rights.may_observe() && !begins_with_literal(filter) {
            let what = format!("subscribe to {filter}, which begins with a wildcard");
            return forbidden(identity.lacks(&what, "subscribe.observe = true"));
        }
        if subscribe.overflow == Overflow::Block && !rights.may_block(filter) {
            let what = format!("hold up the publishers of {filter} with `block`");
            let line = format!("subscribe.block = \"{filter}\"");
            return forbidden(identity.lacks(&what, &line));
        }
        if let Some(group) = &subscribe.group
            && !rights.may_join(group)
        {
            let what = format!("join the queue group {group} on {filter}");
            return forbidden(identity.lacks(&what, &format!("subscribe.groups = \"{group}\"")));
        }
        Ok(guard)
    }

    /// Checks the right to the overflow policy of an inbox. The inbox itself needs no right.
    pub(super) fn check_inbox_rights(
        &self,
        overflow: Overflow,
    ) -> Result<(), (RefusedCode, String)> {
        match &self.identity {
            Some(identity) if !identity.rights().may_choose_for_inbox(overflow) => {
                let name = overflow.name();
                let what = format!("choose the overflow policy {name} for its inbox");
                let line = format!("subscribe.inbox_overflow = \"{name}\"");
                Err((RefusedCode::Forbidden, identity.lacks(&what, &line)))
            }
            _ => Ok(()),
        }
    }
}

/// Says that an identity may not read these topics, and what the access file would have to say.
fn may_not_read(identity: &Identity, filter: &TopicFilter) -> String {
    let what = format!("subscribe to {filter}");
    if filter.as_str().starts_with(QUARANTINE) && !identity.rights().may_quarantine() {
        return identity.lacks(&what, "quarantine = true");
    }
    match identity.rights().denies_reading(filter) {
        true => identity.is_denied(&what, "subscribe.deny"),
        false => identity.lacks(&what, &format!("subscribe.allow = \"{filter}\"")),
    }
}

/// Returns whether a filter begins with a token that is no wildcard, so that it stays within the topics
/// of one application.
fn begins_with_literal(filter: &TopicFilter) -> bool {
    matches!(filter.tokens().next(), Some(FilterToken::Literal(_)))
}
