//! Reads network captures, from the TCP header up to Hub's frames.
//!
//! The crate exists on its own, because neither the hub nor its clients need to know what is below
//! their socket, and whoever looks below the socket needs no hub: it knows `hub-wire` to read frames,
//! and no sockets, no async code and no clock. Its layers are modules, from the ground up:
//!
//! | module | what it makes of what is below |
//! |---|---|
//! | [`capture`] | a file or a pipe becomes packets with times |
//! | [`network`] | a packet becomes the bytes of a TCP segment |
//! | [`segment`] | bytes become the fields of a TCP header |
//! | [`tls`] | bytes become the content of TLS records, if a key log has their secrets |
//! | [`connection`] | segments become connections, with states, signs, times and figures |
//! | [`stream`] | segments become byte streams, and these become frames that answer one another |
//! | [`inspector`] | a whole capture goes through all of these, and an observer is told |
//! | [`output`] | an observer writes lines |
//!
//! These are its invariants, each with what breaks without it:
//!
//! - **Nothing in a capture is trusted.** Lengths are compared with the bytes that are there, and no
//!   input panics. Otherwise the one broken packet that someone looks for would end the report.
//! - **Memory is bounded, whatever the size of the capture.** Each table has a limit, and a full table
//!   forgets what has been idle for longest, and says so. Otherwise a capture of a busy day could not
//!   be read on the machine that made it.
//! - **A segment costs no allocation.** Everything borrows from the packet. Otherwise reading would be
//!   slower than capturing.

pub mod capture;
pub mod connection;
pub mod inspector;
pub mod network;
pub mod output;
pub mod segment;
pub mod stream;
pub mod tls;
