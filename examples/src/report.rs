//! How a service tells what it does: lines for people, and at its end one line for programs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a service did, printed as one line of JSON when it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Who says this.
    pub service: String,
    /// How many events it emitted, by topic. Requests are events too.
    pub emitted: BTreeMap<String, u64>,
    /// How many events it received, by topic.
    pub received: BTreeMap<String, u64>,
    /// How many times events were missing.
    pub gaps: u64,
    /// What went wrong.
    pub faults: Vec<String>,
    /// The orders that it finished, in any order.
    pub orders: Vec<u64>,
}

/// Counts what a service does, and prints. Clones count together.
#[derive(Debug, Clone)]
pub struct Report(Arc<Mutex<Summary>>);

impl Report {
    /// A report in which nothing has happened.
    #[must_use]
    pub fn new(service: &str) -> Self {
        Report(Arc::new(Mutex::new(Summary { service: service.to_owned(), ..Summary::default() })))
    }

    /// Prints a line.
    pub fn say(&self, line: impl Display) {
        // Nobody may be reading any more; that is no reason to stop working.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// Counts an event that the hub has accepted.
    pub fn emitted(&self, topic: &str) {
        *self.summary().emitted.entry(topic.to_owned()).or_default() += 1;
    }

    /// Counts an event that came.
    pub fn received(&self, topic: &str) {
        *self.summary().received.entry(topic.to_owned()).or_default() += 1;
    }

    /// Notes that all has been done for an order.
    pub fn finished(&self, order: u64) {
        self.summary().orders.push(order);
    }

    /// Says and counts that events are missing.
    pub fn gap(&self, what: impl Display) {
        self.say(format_args!("GAP: {what}"));
        self.summary().gaps += 1;
    }

    /// Says and notes that something went wrong.
    pub fn fault(&self, what: impl Display) {
        self.say(format_args!("FAULT: {what}"));
        self.summary().faults.push(what.to_string());
    }

    /// What has been counted.
    pub fn summary(&self) -> MutexGuard<'_, Summary> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints the summary as one line of JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn print(&self) -> std::io::Result<()> {
        let line = serde_json::to_string(&*self.summary())?;
        writeln!(std::io::stdout().lock(), "{line}")
    }
}
