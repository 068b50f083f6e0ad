//! What a plan is, and what became of a message, in a form for people and programs.
//!
//! The highest floor: it imports those below, and none imports it. It shows rules, types and
//! lengths, never a value of a message.

mod describe;
mod explain;
mod quarantine_event;
