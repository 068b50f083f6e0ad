//! Tests the examples. All tests are one program, so that a build links only one. Each module states in
//! its first lines what it shows.

mod a_python_client_round_trip;
mod an_own_scrubber_runs_with_the_rules;
mod the_shop_adds_up;
