//! Follows files while the hub runs. The module only reads and checks a file, and hands what it loaded
//! to the caller, which puts it in force. Without the module, a change of rules, rights, certificates or
//! limits would need a restart, which would end every connection.
//!
//! - [`watched_file`] describes a file that can be followed, and the state in which it was read.
//! - [`watcher`] notices that a file has changed, and loads it.
//! - [`report`] holds the result of a reload.
//! - [`stale_files`] knows which files are not in force as they are now.
//! - [`requests`] passes on the reloads that an administrator asks for.

pub(crate) mod report;
pub(crate) mod requests;
pub(crate) mod stale_files;
pub(crate) mod watched_file;
pub(crate) mod watcher;
