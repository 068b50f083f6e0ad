//! Reports on a plan and on a verdict, for people and for programs.
//!
//! This is the highest floor: it imports the others, and none of them imports it. It shows rules, types and
//! lengths, but never a value of a message; otherwise a report would leak what rules hide.

mod describe;
mod explain;
mod quarantine_event;
