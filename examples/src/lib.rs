//! This crate is a small shop. Its processes talk through the hub and know nothing of one another.
//!
//! All processes are the one program `shop`, with a command for each service:
//!
//! | command | what the service shows |
//! |---|---|
//! | `shop orders` | how to emit typed events, and how to ask another service and wait for its answer |
//! | `shop payments` | how to answer requests, several at a time but no more than a bound |
//! | `shop email` | how the members of a queue group share work |
//! | `shop analytics` | how to listen with a wildcard |
//! | `shop audit` | how numbers and gaps tell that no event is missing |
//! | `shop` | starts the hub and all services, and compares their counts at the end |
//!
//! Begin with [`events`], because its types are all that the services have in common. Then read
//! [`services::orders`]. The file `examples/own_scrubber.rs` of this package is a separate example of a
//! hub that scrubs events with code in Rust.

pub mod events;
pub mod report;
pub mod service;
pub mod services;
pub mod shop;

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
