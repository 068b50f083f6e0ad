//! What became of a file that was loaded again. Without it, neither the log nor the administrator who
//! asked for a reload would learn that a file was refused.

use std::fmt::{self, Display};

/// What a file has put into force.
#[derive(Debug, Clone)]
pub(crate) enum InForce {
    /// All that is in it: `3 rules`.
    All(String),
    /// Of a configuration, the keys that are different from when the hub was started, without
    /// their values: it may have changed again just before somebody asks.
    Keys {
        applied: Vec<&'static str>,
        /// These stay as they were.
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

/// What became of a file.
#[derive(Debug, Clone)]
pub(crate) struct ReloadReport {
    pub(super) file: String,
    /// What came into force, or why nothing did.
    pub(super) applied: Result<InForce, String>,
}

impl ReloadReport {
    pub(crate) fn is_applied(&self) -> bool {
        self.applied.is_ok()
    }

    /// In one word.
    pub(super) fn name(&self) -> &'static str {
        if self.is_applied() { "applied" } else { "refused" }
    }

    /// The keys that a restart would change.
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
