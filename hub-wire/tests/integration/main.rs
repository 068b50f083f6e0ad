//! Tests of the wire format through its public interface. Each module is named after its claim.

mod protocol_examples;
mod wire_properties;
