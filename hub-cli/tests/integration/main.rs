//! The tests of the `hub` binary in real processes. They are one program, so that a build links only
//! one. Each module states in its first lines what it proves.
//!
//! Three files of this folder are programs of their own. `connections_come_and_go` and
//! `strangers_hold_no_memory` open nearly as many sockets as one process may have, so other tests
//! in the same process could open none. `memory_stays_within_its_budget` overloads a hub with
//! threads of its own; beside other tests, those threads would get too little processor time to
//! cause an overload.

#[path = "../scrub_support/mod.rs"]
mod scrub_support;
#[path = "../support/mod.rs"]
mod support;
#[path = "../wire/mod.rs"]
mod wire;

mod a_drain_loses_nothing_that_was_receipted;
mod a_killed_hub_is_noticed;
mod a_log_that_cannot_be_written_stops_nothing;
mod bench_counts_what_arrives;
mod bench_tells_losses;
mod config_check_refuses_what_serve_refuses;
mod empty_variables_are_not_set;
mod exit_codes_mean_something;
mod files_that_hang_stop_nothing;
mod gaps_are_shown;
mod help_has_examples;
mod input_is_kept_exactly_or_refused;
mod inspect_agrees_with_what_a_client_wrote_down;
mod inspect_shows_what_a_hub_said;
mod json_lines_round_trip;
mod memory_is_bounded;
mod promises_reach_the_handler;
mod requests_are_answered;
mod scrub_check_says_where_a_file_is_broken;
mod scrub_diff_finds_what_differs;
mod scrub_explain_describes_the_plan;
mod scrub_reveal_opens_what_a_key_made;
mod scrub_run_shows_what_changed;
mod sighup_never_ends_a_hub;
mod ten_thousand_records_arrive_byte_for_byte;
mod the_audit_is_shown;
mod the_doctor_exits_with_the_layer;
mod the_sdk_behaves;
mod the_tour_of_the_scrub_works;
mod tls_docs_work_as_written;
mod tls_in_the_tool;
mod tls_secrets_are_written_when_asked;
