//! Tests of topics and emitters through their public interface. Each module is named after its claim.

mod a_failing_listener_stops_nobody;
mod common;
mod derived_events;
mod dropping_a_handle_unsubscribes;
mod headers;
mod listener_order;
mod local_hub;
mod no_loss_is_silent;
mod request_and_reply;
#[cfg(feature = "actors")]
mod topic_common;
mod topic_groups;
mod topic_history;
mod topic_joins;
mod topic_memory;
mod topic_order;
mod topic_overflow;
mod topic_queue;
mod topic_registry;
mod topic_room;
mod topic_views;
mod topic_wakeups;
mod topic_writers;
