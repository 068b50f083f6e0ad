//! Topics: names, filters and the indexes between them; with the feature `actors` also the
//! topics themselves.
//!
//! The invariants of the data plane, and what breaks without each:
//!
//! - **A run is numbered and queued for everyone under one lock.** Otherwise two subscribers
//!   could see two orders.
//! - **Queues drop, nobody else.** A run that was numbered is in the queue of each member, or
//!   a GAP is in its place. Otherwise a loss could go untold.
//! - **Nothing waits under a lock.** Publishers that find no room are told so before their
//!   run is numbered. Otherwise one slow reader could stop a topic.
//! - **What ends a reason to wait wakes who waits**: a queue that has drained or closed, a member
//!   that came or left. Otherwise the publishers of a `block` topic could sleep for ever.
//! - **Work under a lock does not grow with what somebody has waiting.** Otherwise one slow
//!   reader could slow a topic down, without its policy saying so.
//! - **Members change under the sequencer lock, by the topic's actor alone.** Otherwise it
//!   could not be said which event is a subscription's first.

#[cfg(feature = "actors")]
mod actor;
#[cfg(feature = "actors")]
mod backlog;
#[cfg(feature = "actors")]
mod conflate;
mod filter;
#[cfg(feature = "actors")]
mod group;
#[cfg(feature = "actors")]
mod held;
#[cfg(feature = "actors")]
mod history;
mod index;
#[cfg(feature = "actors")]
mod item;
#[cfg(feature = "actors")]
mod ledger;
#[cfg(feature = "actors")]
mod members;
mod name;
#[cfg(feature = "actors")]
mod outlet;
#[cfg(feature = "actors")]
mod pending;
#[cfg(feature = "actors")]
mod queue;
#[cfg(feature = "actors")]
mod registry;
#[cfg(feature = "actors")]
mod row;
#[cfg(feature = "actors")]
mod seats;
#[cfg(feature = "actors")]
mod sending;
#[cfg(feature = "actors")]
mod span;
#[cfg(feature = "actors")]
#[allow(clippy::module_inception, reason = "the module topics holds the type Topic")]
mod topic;
#[cfg(feature = "actors")]
mod views;
#[cfg(feature = "actors")]
mod waiters;

pub use filter::{FilterToken, TopicFilter};
pub use index::{FilterIndex, TopicIndex};
pub use name::{NameError, TopicName};

#[cfg(feature = "actors")]
pub use {
    actor::{Inspect, Join, Leave, TopicActor},
    held::HeldBytes,
    history::HistoryBudget,
    item::{Lane, QueuedRun},
    ledger::{Ledger, LedgerCounts},
    outlet::{Outlet, ToFlush, Touched},
    pending::{PendingRun, Published},
    queue::{Appended, DeliveryQueue, QueueState, Written},
    registry::{Deposit, Registry, SubscriptionEntry, TooManyTopics, TopicGuard, TopicSettings},
    topic::{Topic, TopicState},
    views::{Roles, Views},
};
