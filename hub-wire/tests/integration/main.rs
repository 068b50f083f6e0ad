//! Tests of the wire format from outside, each module named after what it shows.

mod protocol_examples;
mod wire_properties;
