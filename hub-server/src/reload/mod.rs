//! Follows files while the hub runs. It only reads and checks a file, and hands what it loaded to the caller,
//! which puts it in force. Without it, a change of rules, rights, certificates or limits would need a
//! restart, which would end every connection.
//!
//! - [`watched_file`]: a file that can be followed, and the state in which it was read
//! - [`watcher`]: notices that a file has changed, and loads it
//! - [`report`]: the result of a reload
//! - [`requests`]: a reload that an administrator asks for

pub(crate) mod report;
pub(crate) mod requests;
pub(crate) mod watched_file;
pub(crate) mod watcher;
