//! Knows which files are not in force as they are on disk now. Without this module, a hub that works with
//! old rules or old rights would look like any other hub, except for one line in its log.

use prometheus::{IntGauge, IntGaugeVec, Opts};
use std::time::{Duration, Instant};

/// A file that cannot be used is reported again each time that this time is over.
const REPEAT: Duration = Duration::from_secs(60);

/// Names the kinds of files that the hub follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Rules,
    Access,
    Tls,
    Config,
}

impl FileKind {
    const ALL: [FileKind; 4] = [FileKind::Rules, FileKind::Access, FileKind::Tls, FileKind::Config];

    fn name(self) -> &'static str {
        match self {
            FileKind::Rules => "rules",
            FileKind::Access => "access",
            FileKind::Tls => "tls",
            FileKind::Config => "config",
        }
    }
}

/// Shows for each kind of file whether the hub works with an older state of the file than the one on
/// disk. Clones share their state.
#[derive(Debug, Clone)]
pub(crate) struct StaleFiles(IntGaugeVec);

impl StaleFiles {
    #[allow(clippy::expect_used, reason = "constant, valid names")]
    pub(crate) fn new() -> Self {
        let stale = Opts::new(
            "hub_files_stale",
            "1 while a file cannot be used as it is now, so that an older state of it is in force.",
        );
        let files = StaleFiles(IntGaugeVec::new(stale, &["file"]).expect("a constant, valid name"));
        for kind in FileKind::ALL {
            files.of(kind).set(0);
        }
        files
    }

    /// Returns the gauge of one kind of file. It is 1 while the file is stale, and 0 otherwise.
    pub(crate) fn of(&self, kind: FileKind) -> IntGauge {
        self.0.with_label_values(&[kind.name()])
    }

    /// Returns whether any file is stale.
    pub(crate) fn any(&self) -> bool {
        FileKind::ALL.iter().any(|kind| self.of(*kind).get() != 0)
    }

    pub(crate) fn register(&self, with: &prometheus::Registry) -> Result<(), prometheus::Error> {
        with.register(Box::new(self.0.clone()))
    }
}

/// Remembers why a file cannot be used, for as long as that lasts.
#[derive(Debug)]
pub(super) struct StandingRefusal {
    pub(super) why: String,
    reported: Instant,
}

impl StandingRefusal {
    /// Creates a refusal that has just been reported.
    pub(super) fn new(why: String, now: Instant) -> Self {
        StandingRefusal { why, reported: now }
    }

    /// Returns whether the refusal is to be reported again. If so, it counts as reported.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now.duration_since(self.reported) >= REPEAT;
        if is_due {
            self.reported = now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_reported_again_once_a_minute() {
        let start = Instant::now();
        let mut refusal = StandingRefusal::new("of a test".to_owned(), start);
        let due: Vec<u64> = (0..200_u64)
            .filter(|second| refusal.is_due(start + Duration::from_secs(*second)))
            .collect();
        assert_eq!(due, [60, 120, 180]);
    }

    #[test]
    fn files_are_stale_until_none_is() {
        let files = StaleFiles::new();
        assert!(!files.any());
        files.of(FileKind::Rules).set(1);
        files.clone().of(FileKind::Tls).set(1);
        files.of(FileKind::Rules).set(0);
        assert!(files.any());
        files.of(FileKind::Tls).set(0);
        assert!(!files.any());
    }
}
