//! Reports what a rule file made of one message: its disposition, the rules that applied, and the
//! message as each view gets it.
//!
//! `hub scrub run` shows these reports and `hub scrub diff` compares them. Without this module,
//! each command would read the verdicts of the scrub in its own way.

use super::message::Message;
use crate::json::from_msgpack;
use hub_scrub::detect::Evidence;
use hub_scrub::{Plan, Scratch, Verdict, ViewId};
use serde_json::{Map, Value, json};
use std::fmt;

/// Says what the scrub decided about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Disposition {
    Accepted,
    Fixed,
    Refused,
    Quarantined,
    Disconnected,
}

impl Disposition {
    /// Lists every disposition in the order of the summary.
    pub(super) const ALL: [Disposition; 5] = [
        Disposition::Accepted,
        Disposition::Fixed,
        Disposition::Refused,
        Disposition::Quarantined,
        Disposition::Disconnected,
    ];

    /// Returns the word for this disposition that the commands print.
    pub(super) fn name(self) -> &'static str {
        match self {
            Disposition::Accepted => "accepted",
            Disposition::Fixed => "fixed",
            Disposition::Refused => "refused",
            Disposition::Quarantined => "quarantined",
            Disposition::Disconnected => "disconnected",
        }
    }
}

/// Says what the scrub decided about a message, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DispositionDetail {
    pub(super) kind: Disposition,
    rule: Option<String>,
    path: Option<String>,
    /// A refusal has this code.
    code: Option<&'static str>,
    /// The message is in quarantine for this reason.
    reason: Option<String>,
}

impl DispositionDetail {
    /// Reads the detail from a verdict.
    fn of(verdict: &Verdict) -> DispositionDetail {
        let ending =
            |kind| DispositionDetail { kind, rule: None, path: None, code: None, reason: None };
        match verdict {
            Verdict::Accept => ending(Disposition::Accepted),
            Verdict::Fixed(_) => ending(Disposition::Fixed),
            Verdict::Refuse(refusal) => DispositionDetail {
                rule: Some(refusal.rule.to_string()),
                path: Some(refusal.path.clone()),
                code: Some(refusal.code.name()),
                ..ending(Disposition::Refused)
            },
            Verdict::Quarantine(quarantine) => DispositionDetail {
                rule: quarantine.rule.as_ref().map(|rule| rule.to_string()),
                reason: Some(quarantine.reason.to_string()),
                ..ending(Disposition::Quarantined)
            },
            Verdict::Disconnect { rule } => DispositionDetail {
                rule: Some(rule.to_string()),
                ..ending(Disposition::Disconnected)
            },
        }
    }

    /// Returns the detail as a JSON object, without the fields that are not set.
    pub(super) fn object(&self) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("outcome".into(), self.kind.name().into());
        let code = self.code.map(str::to_owned);
        let fields =
            [("code", &code), ("rule", &self.rule), ("path", &self.path), ("reason", &self.reason)];
        for (name, value) in fields {
            if let Some(value) = value {
                object.insert(name.into(), value.as_str().into());
            }
        }
        object
    }
}

impl fmt::Display for DispositionDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if let Some(rule) = &self.rule {
            write!(f, " by {rule}")?;
        }
        if let Some(path) = &self.path {
            write!(f, " at {path}")?;
        }
        if let Some(code) = self.code {
            write!(f, " ({code})")?;
        }
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// Counts how often a rule applied to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) rule: String,
    pub(super) action: &'static str,
    pub(super) label: String,
    pub(super) finds: u32,
    /// Counts the finds on which the rule would have acted if it were not in shadow mode.
    pub(super) shadow: u32,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule)?;
        if self.label != self.rule {
            write!(f, " [{}]", self.label)?;
        }
        write!(f, " → {}: ", self.action)?;
        let finds = |n: u32| format!("{n} find{}", if n == 1 { "" } else { "s" });
        match (self.finds, self.shadow) {
            (n, 0) => write!(f, "{}", finds(n)),
            (0, n) => write!(f, "{} in shadow", finds(n)),
            (n, shadow) => write!(f, "{}, {shadow} in shadow", finds(n)),
        }
    }
}

/// Says where a rule found something, and what speaks for the find.
pub(super) struct Find {
    pub(super) rule: String,
    pub(super) path: String,
    pub(super) evidence: Option<Evidence>,
}

impl Find {
    /// Returns the find as a JSON object.
    pub(super) fn object(&self) -> Value {
        let confidence = self.evidence.map(|evidence| evidence.confidence.name());
        let reason = self.evidence.map(|evidence| evidence.reason.to_string());
        json!({ "rule": self.rule, "path": self.path, "confidence": confidence, "reason": reason })
    }
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.rule, self.path)?;
        self.evidence.map_or(Ok(()), |evidence| write!(f, ": {evidence}"))
    }
}

/// Holds what a rule file made of a message.
pub(super) struct MessageReport {
    pub(super) ending: DispositionDetail,
    /// Lists the rules that applied, in the order of the file.
    pub(super) applied: Vec<Applied>,
    verdict: Verdict,
}

impl MessageReport {
    /// Makes the report of the message that was just scrubbed with `scratch`. `labels` holds the
    /// label of each rule of the plan.
    pub(super) fn new(
        verdict: Verdict,
        plan: &Plan,
        labels: &[String],
        scratch: &Scratch,
    ) -> MessageReport {
        let applied = scratch.applied().map(|count| Applied {
            rule: plan.rule_name(count.rule).to_owned(),
            action: plan.action_name(count.rule),
            label: labels.get(count.rule).cloned().unwrap_or_default(),
            finds: count.hits,
            shadow: count.shadow,
        });
        MessageReport {
            ending: DispositionDetail::of(&verdict),
            applied: applied.collect(),
            verdict,
        }
    }

    /// Returns whether subscribers get the message.
    pub(super) fn passes(&self) -> bool {
        matches!(self.verdict, Verdict::Accept | Verdict::Fixed(_))
    }

    /// Returns the payload and the headers of `message` as a view gets them, or `None` if no
    /// subscriber gets the message.
    pub(super) fn render<'a>(
        &'a self,
        message: &'a Message,
        view: ViewId,
    ) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        self.verdict.render(view, &message.payload, message.headers.as_deref())
    }

    /// Returns the message as a view gets it, in JSON. Returns `None` if no subscriber gets it.
    pub(super) fn seen(&self, message: &Message, view: ViewId) -> Option<ViewOutput> {
        let (payload, headers) = self.render(message, view)?;
        let changed = (payload, headers) != (&message.payload[..], message.headers.as_deref());
        Some(ViewOutput::of(payload, headers, changed))
    }
}

/// Holds the payload and the headers of a message as JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ViewOutput {
    pub(super) payload: Value,
    pub(super) headers: Value,
    changed: bool,
}

impl ViewOutput {
    /// Converts a payload and headers from MessagePack.
    fn of(payload: &[u8], headers: Option<&[u8]>, changed: bool) -> ViewOutput {
        let headers = headers.map_or_else(|| json!({}), from_msgpack);
        ViewOutput { payload: from_msgpack(payload), headers, changed }
    }

    /// Converts a message as it came in, before the scrub.
    pub(super) fn came(message: &Message) -> ViewOutput {
        ViewOutput::of(&message.payload, message.headers.as_deref(), false)
    }

    /// Returns the output as a JSON object.
    pub(super) fn object(&self) -> Value {
        json!({ "changed": self.changed, "payload": self.payload, "headers": self.headers })
    }
}

impl fmt::Display for ViewOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.payload)?;
        match self.headers.as_object() {
            Some(headers) if headers.is_empty() => Ok(()),
            _ => write!(f, "  headers {}", self.headers),
        }
    }
}
