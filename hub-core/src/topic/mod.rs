//! Contains topics: the order of their events, their members, and the delivery queues of
//! subscribers.
//!
//! These are the invariants of the data plane, each with what breaks without it:
//!
//! - **One lock covers the numbering of a run and its way into all queues.** Otherwise two
//!   subscribers could see two orders.
//! - **Only queues drop events.** Each numbered run is in the queue of each member, or a GAP is in
//!   its place. Otherwise a subscriber could lose an event and not learn of it.
//! - **No thread waits for room under a lock.** A publisher learns that there is no room before its
//!   run is numbered. Otherwise one slow reader could stop a topic.
//! - **Each event that ends a reason to wait wakes the waiting publishers**: a queue drains or
//!   closes, or a member joins or leaves. Otherwise the publishers of a `block` topic could sleep
//!   for ever.
//! - **Work under a lock does not grow with the length of a queue.** Otherwise one slow reader
//!   could slow a topic down although its policy does not allow that.
//! - **Only the actor of a topic takes a subscription in and lets it go, under the sequencer lock.**
//!   Otherwise it would not be defined which event is the first of a subscription. A replay that the
//!   actor has begun may end on another thread, under the same lock.
//! - **No actor keeps its thread for long.** What takes long goes in turns, and no lock covers more
//!   than one step of it. Otherwise the work that one client causes would delay all others.

mod account;
mod acknowledgement;
mod backlog;
mod conflate;
mod dead_letters;
mod delivery_stream;
mod demand;
mod departing;
mod departures;
mod flow;
mod flush_list;
mod frames;
mod gives_way;
mod group;
mod held_bytes;
mod history;
mod history_budget;
mod inbox;
mod item_queue;
mod key_order;
mod leaving;
mod ledger;
mod members;
mod past_run;
mod pending_gap;
mod pending_run;
mod queue;
mod queue_item;
mod queued_run;
mod redelivery;
mod registry;
mod replay;
mod replay_line;
mod replays;
mod room;
mod run_keys;
mod run_source;
mod run_views;
mod subscriber_connection;
mod subscription_entry;
mod subscriptions;
#[allow(clippy::module_inception, reason = "the module topics holds the type Topic")]
mod topic;
mod topic_actor;
mod turn;
mod turnstile;
mod waiters;
mod waiting_replays;
mod write_buffer;

pub use {
    account::{Charge, LEAST_QUEUE, MemoryAccount},
    acknowledgement::{AckPolicy, Failure},
    delivery_stream::DeliveryStream,
    departures::Departure,
    flow::{CannotResume, FlowGauge, TakenTooMany},
    flush_list::FlushList,
    gives_way::GivesWay,
    held_bytes::HeldBytes,
    history_budget::HistoryBudget,
    inbox::for_inbox,
    ledger::{Ledger, LedgerCounts},
    pending_run::{PendingRun, PublishResult},
    queue::{Appended, DeliveryQueue, QueueState, Settled, Written},
    queued_run::QueuedRun,
    registry::{Registry, TooManyTopics, TopicSettings, Topics},
    replay_line::WaitingReplays,
    room::RoomFor,
    run_keys::RunKeys,
    run_source::RunSource,
    run_views::{RunViews, ViewResolver},
    subscriber_connection::SubscriberConnection,
    subscription_entry::{SubscriptionEntry, TopicGuard},
    topic::{Topic, TopicAttachment, TopicState},
    topic_actor::{Inspect, Join, Leave, TopicActor},
    turn::{
        ThreadWatch, TurnMeter, Turns, give_turn, processor_time_of_turn, turn_is_half_over,
        turn_is_over,
    },
    waiting_replays::continue_replays,
};
