//! Topics: their order, their members, and the delivery queues of those who subscribed.
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

mod actor;
mod backlog;
mod conflate;
mod group;
mod held;
mod history;
mod item;
mod ledger;
mod members;
mod outlet;
mod pending;
mod queue;
mod registry;
mod row;
mod seats;
mod sending;
mod span;
#[allow(clippy::module_inception, reason = "the module topics holds the type Topic")]
mod topic;
mod views;
mod waiters;

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
