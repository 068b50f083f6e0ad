//! A report of a find says where a rule found something, how sure it is, and why.
//!
//! Without it, the author of a rule would see that a value was changed, but not what the scrub took it for.

use crate::detect::Evidence;

/// A `FindReport` is one find of a rule in an event. It has no value, but the whole path, so it is for the
/// author of the event and not for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindReport {
    /// The rule has this number in its plan.
    pub rule: usize,
    /// The find is at this path in the event, in the form in which rules name paths.
    pub path: String,
    /// This speaks for the find. It is `None` if the rule names the place, and so takes whatever is there.
    pub evidence: Option<Evidence>,
}

/// At most this many finds of one event are reported.
const MOST: usize = 1000;

/// `FindReports` are the finds of one event, as far as they are collected.
#[derive(Debug, Default)]
pub(super) struct FindReports(pub(super) Vec<FindReport>);

impl FindReports {
    /// Returns whether there is room for one more report.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MOST
    }

    pub(super) fn push(&mut self, report: FindReport) {
        self.0.push(report);
    }
}
