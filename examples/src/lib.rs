//! A small shop, as separate processes that talk through the hub and know nothing of one another.
//!
//! | process | what it teaches |
//! |---|---|
//! | `orders` | to emit typed events, and to ask another service and wait for its answer |
//! | `payments` | to answer requests, several at a time but not more |
//! | `email` | to share work among the members of a queue group |
//! | `analytics` | to listen with a wildcard |
//! | `audit` | numbers and gaps: how to know that nothing is missing |
//! | `shop` | starts the hub and all of the above, and does the sums at the end |
//!
//! Begin with [`events`]: it is all that the services share. Then read `src/bin/orders.rs`.

pub mod events;
pub mod report;
pub mod service;
pub mod shop;

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
