//! Tests the SDK against real and scripted hubs. The name of each module says what it shows.

mod a_bad_hub_harms_nobody;
mod an_emit_that_is_given_up_stays_away;
mod cancel_safety;
mod credentials_are_renewed;
mod deliveries_come_once_and_in_order;
mod drain_leaves_nothing_behind;
mod emit_resolves_on_the_receipt;
mod faults_between_lose_nothing_unseen;
mod kept_subscriptions_continue;
mod nobody_there;
mod reconnect_loses_and_repeats_nothing;
mod restart_is_reported;
mod services_talk_in_types;
#[path = "../support/mod.rs"]
mod support;
mod the_log_tells_what_happens;
