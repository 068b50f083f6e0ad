//! The tests of the crate from outside: each module is named after what it makes sure of.

mod craft;
mod damaged_captures_are_read_to_their_fault;
mod every_field_equals_tsharks;
mod memory_is_bounded;
mod streams_are_put_together;
mod tcptrace;
mod the_story_is_told;
mod the_story_of_a_listener;
