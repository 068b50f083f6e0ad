//! Follows files while the hub runs. It only reads and checks them: what was loaded goes to whoever
//! asked for the file to be followed, who puts it into force. Without this room, a change of rules,
//! rights, certificates or limits would take a restart, and with it every connection.
//!
//! - [`watched_file`]: what can be followed, and the state in which a file was read
//! - [`watcher`]: sees that a file changed, and loads it
//! - [`report`]: what became of a file
//! - [`requests`]: a reload that an administrator asks for

pub(crate) mod report;
pub(crate) mod requests;
pub(crate) mod watched_file;
pub(crate) mod watcher;
