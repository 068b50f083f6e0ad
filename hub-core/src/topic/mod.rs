//! Topics: their names, the filters that select them, and the indexes between the two.

mod filter;
mod index;
mod name;

pub use filter::{FilterToken, TopicFilter};
pub use index::{FilterIndex, TopicIndex};
pub use name::{NameError, TopicName};
