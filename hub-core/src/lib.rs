//! The parts of Hub that the server, the SDK and the tools share.
//!
//! Nothing here opens a socket or reads a clock: time comes in as an argument, so that tests
//! control it.
//!
//! - [`wire`]: frames and the bounded MessagePack walker
//! - [`topic`]: names, filters, indexes; with the feature `actors` also topic actors

pub mod topic;
pub mod wire;
