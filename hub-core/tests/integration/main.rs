//! Tests of topics and emitters through their public interface. Each module is named after its claim.

mod a_failing_listener_stops_nobody;
mod common;
mod derived_events;
mod failed_events_come_again;
mod headers;
mod listener_order;
mod listeners_live_until_they_are_taken_off;
mod local_hub;
mod local_hub_faults;
mod no_loss_is_silent;
mod one_trace;
mod request_and_reply;
mod topic_accounts;
#[cfg(feature = "actors")]
mod topic_common;
mod topic_conflation;
mod topic_credit_model;
mod topic_groups;
mod topic_history;
mod topic_joins;
mod topic_ledger_model;
mod topic_memory;
mod topic_order;
mod topic_overflow;
mod topic_queue;
mod topic_registry;
mod topic_replays;
mod topic_room;
mod topic_views;
mod topic_wakeups;
mod topic_writers;
