//! Tests of the hub from outside, each module named after what it shows. Tests that read all that
//! their process logs, or what memory it takes, are binaries of their own beside this one.

mod a_pong_is_a_barrier;
mod a_receipt_comes_before_every_close;
mod a_stalled_subscriber_disturbs_nobody;
mod a_subscribe_may_come_in_parts;
mod a_topic_with_many_subscribers_reaches_all;
mod access_credentials;
mod access_denies_hold_under_wildcards;
mod access_file_errors_name_the_place;
mod access_jwt_confusion;
mod access_names_never_become_patterns;
mod access_secrets_stay_unsaid;
#[path = "../access_support/mod.rs"]
mod access_support;
mod access_unknown_costs_as_much_as_wrong;
mod acknowledged_or_given_again;
mod admin_is_for_admins;
mod an_instance_resumes_where_it_was;
mod bad_input_gets_a_code_and_harms_nobody_else;
mod config_errors;
mod config_file;
mod config_sources;
mod connections_are_counted_at_the_door;
mod every_metric_is_documented;
mod every_subscriber_gets_one_order;
mod groups_share_and_lose_nothing;
mod half_close_still_gets_what_it_is_owed;
mod hello_states_a_range_of_versions;
mod http_endpoints;
mod keep_alive_ends_the_silent;
mod kept_subscriptions_resume;
mod limits_change_while_it_runs;
mod limits_hold_for_each_client;
mod memory_counts_what_refusals_take;
mod nothing_unscrubbed_leaves;
mod observers_do_not_answer;
mod only_who_may_gets_in;
mod quarantine_topics_count_for_who_publishes;
mod receipts_cover_what_came_before;
mod refusals_name_the_event;
#[path = "../support/mod.rs"]
mod support;
mod taken_is_heard_behind_events_that_wait;
mod the_audit_balances;
mod the_quarantine_obeys_the_limit_in_force;
mod tls_bounds_its_handshakes;
mod tls_certificates_change_while_it_runs;
mod tls_counts_what_waits_encrypted;
mod tls_events_flow_both_ways;
mod tls_goodbyes_lose_nothing;
mod tls_hostile_bytes_harm_nobody;
mod tls_names_become_identities;
mod tls_refuses_with_a_reason;
mod tls_reloads_under_load;
#[path = "../tls_support/mod.rs"]
mod tls_support;
mod views_follow_the_role;
mod windows_reach_the_listener;
mod work_is_shared_by_who_has_room;
