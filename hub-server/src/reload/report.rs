//! Reports the result of a reload. Without the report, neither the log nor the administrator who asked
//! for the reload would learn that a file was refused.

use std::fmt::{self, Display};

/// States what a file has put in force.
#[derive(Debug, Clone)]
pub(crate) enum InForce {
    /// The whole contents of the file are in force. The text is a summary such as `3 rules`.
    All(String),
    /// Live keys of a configuration are in force. The report names the keys that differ from the
    /// start of the hub, and leaves the values out, because the file may have changed again when
    /// somebody reads the report.
    Keys {
        applied: Vec<&'static str>,
        /// These keys changed in the file and keep their old values until a restart.
        needs_restart: Vec<&'static str>,
    },
}

impl Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (applied, needs_restart) = match self {
            InForce::All(what) => return f.write_str(what),
            InForce::Keys { applied, needs_restart } => (applied, needs_restart),
        };
        match &applied[..] {
            [] => f.write_str("as at the start")?,
            keys => write!(f, "changed since the start: {}", keys.join(", "))?,
        }
        match &needs_restart[..] {
            [] => Ok(()),
            keys => write!(f, "; only a restart changes {}", keys.join(", ")),
        }
    }
}

/// Holds the result of a reload of one file.
#[derive(Debug, Clone)]
pub(crate) struct ReloadReport {
    pub(super) file: String,
    /// Holds what came into force, or the reason why nothing did.
    pub(super) applied: Result<InForce, String>,
}

impl ReloadReport {
    pub(crate) fn is_applied(&self) -> bool {
        self.applied.is_ok()
    }

    /// Returns the report on a file that was not put in force.
    pub(super) fn refused(file: String, why: &str) -> Self {
        ReloadReport { file, applied: Err(why.to_owned()) }
    }

    /// Returns the result in one word, for the metrics and for the admin API.
    pub(super) fn name(&self) -> &'static str {
        if self.is_applied() { "applied" } else { "refused" }
    }

    /// Returns the keys that changed in the file and need a restart.
    pub(crate) fn needs_restart(&self) -> &[&'static str] {
        match &self.applied {
            Ok(InForce::Keys { needs_restart, .. }) => needs_restart,
            _ => &[],
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut shown = serde_json::json!({
            "file": self.file,
            "outcome": self.name(),
            "in_force": self.applied.as_ref().ok().map(ToString::to_string),
            "error": self.applied.as_ref().err(),
        });
        if let Ok(InForce::Keys { applied, needs_restart }) = &self.applied {
            (shown["applied"], shown["needs_restart"]) =
                (applied.clone().into(), needs_restart.clone().into());
        }
        shown
    }
}
