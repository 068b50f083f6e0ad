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

mod backlog;
mod conflate;
mod delivery_stream;
mod flush_list;
mod frames;
mod group;
mod held_bytes;
mod history;
mod item_queue;
mod ledger;
mod members;
mod outlet;
mod pending_gap;
mod pending_run;
mod queue;
mod queue_item;
mod queued_run;
mod registry;
mod replay;
mod subscription_entry;
#[allow(clippy::module_inception, reason = "the module topics holds the type Topic")]
mod topic;
mod views;
mod waiters;
mod write_buffer;

pub use {
    delivery_stream::Lane,
    flush_list::FlushList,
    held_bytes::HeldBytes,
    history::HistoryBudget,
    ledger::{Ledger, LedgerCounts},
    outlet::Outlet,
    pending_run::{PendingRun, Published},
    queue::{Appended, DeliveryQueue, QueueState, Written},
    queued_run::QueuedRun,
    registry::{Registry, TooManyTopics, TopicSettings},
    subscription_entry::{SubscriptionEntry, TopicGuard},
    topic::{Deposit, Inspect, Join, Leave, Topic, TopicActor, TopicState},
    views::{Roles, Views},
};
