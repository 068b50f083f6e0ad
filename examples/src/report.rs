//! Lets a service report what it does. The service prints lines for people and, at its end, one line
//! with its counts for the shop.
//!
//! Without that last line, the shop could not tell whether every event arrived.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Says what a service did. The service prints its summary as one line of JSON when it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The service has this name.
    pub service: String,
    /// For each topic, the service emitted this many events. Requests are events too.
    pub emitted: BTreeMap<String, u64>,
    /// For each topic, the service received this many events.
    pub received: BTreeMap<String, u64>,
    /// The hub announced this many gaps to the service.
    pub gaps: u64,
    /// Lists everything that went wrong.
    pub faults: Vec<String>,
    /// Lists the numbers of the orders that the service finished, in any order.
    pub orders: Vec<u64>,
}

/// Counts what a service does, and prints lines. All clones share one summary.
#[derive(Debug, Clone)]
pub struct Report(Arc<Mutex<Summary>>);

impl Report {
    /// Makes the report of the named service, in which nothing is counted yet.
    #[must_use]
    pub fn new(service: &str) -> Self {
        Report(Arc::new(Mutex::new(Summary { service: service.to_owned(), ..Summary::default() })))
    }

    /// Prints a line.
    pub fn say(&self, line: impl Display) {
        // A service goes on when nobody reads its stdout any more, so an error is ignored.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// Counts an event that the hub has accepted.
    pub fn emitted(&self, topic: &str) {
        *self.summary().emitted.entry(topic.to_owned()).or_default() += 1;
    }

    /// Counts an event that the service received.
    pub fn received(&self, topic: &str) {
        *self.summary().received.entry(topic.to_owned()).or_default() += 1;
    }

    /// Notes that the service has done its work for an order.
    pub fn finished(&self, order: u64) {
        self.summary().orders.push(order);
    }

    /// Prints and counts that events are missing.
    pub fn gap(&self, what: impl Display) {
        self.say(format_args!("GAP: {what}"));
        self.summary().gaps += 1;
    }

    /// Prints and notes that something went wrong.
    pub fn fault(&self, what: impl Display) {
        self.say(format_args!("FAULT: {what}"));
        self.summary().faults.push(what.to_string());
    }

    /// Returns the counts so far. Other clones wait while the caller holds the guard.
    pub fn summary(&self) -> MutexGuard<'_, Summary> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints the summary as one line of JSON.
    ///
    /// # Errors
    /// Returns an error if stdout cannot be written.
    pub fn print(&self) -> std::io::Result<()> {
        let line = serde_json::to_string(&*self.summary())?;
        writeln!(std::io::stdout().lock(), "{line}")
    }
}
