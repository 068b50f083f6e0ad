//! The tests of the examples. They are one program, so that a build links only one; each module
//! states in its first line what it proves.

mod a_python_client_round_trip;
mod an_own_scrubber_runs_with_the_rules;
mod the_shop_adds_up;
