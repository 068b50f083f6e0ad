//! Tests the SDK against real and scripted hubs. The name of each module says what it shows.

mod a_bad_hub_harms_nobody;
mod cancel_safety;
mod deliveries_come_once_and_in_order;
mod drain_leaves_nothing_behind;
mod emit_resolves_on_the_receipt;
mod faults_between_lose_nothing_unseen;
mod nobody_there;
mod reconnect_loses_and_repeats_nothing;
mod restart_is_reported;
mod services_talk_in_types;
#[path = "../support/mod.rs"]
mod support;
