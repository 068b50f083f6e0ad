//! Tests of the scrub from outside, each module named after what it shows.

mod benign;
mod detect_common;
mod detect_edges;
mod detect_exact;
mod detect_pattern;
mod detect_random;
mod scrub_actions;
mod scrub_benign;
mod scrub_common;
mod scrub_docs;
mod scrub_faults;
mod scrub_json_schema;
mod scrub_judged_once;
mod scrub_key_names;
mod scrub_ordinary_messages;
mod scrub_outcomes;
mod scrub_packs;
mod scrub_prefilter;
mod scrub_properties;
mod scrub_rule_file;
mod scrub_views;
mod scrub_worst_case;
mod scrub_worst_search;
mod worst_case;
