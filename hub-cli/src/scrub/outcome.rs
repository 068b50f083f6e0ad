use super::file::Planned;
use super::source::Message;
use crate::json::from_msgpack;
use hub_scrub::{Scratch, Verdict, ViewId};
use serde_json::{Map, Value, json};
use std::fmt;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Accepted,
    Fixed,
    Refused,
    Quarantined,
    Disconnected,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] =
        [Kind::Accepted, Kind::Fixed, Kind::Refused, Kind::Quarantined, Kind::Disconnected];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Accepted => "accepted",
            Kind::Fixed => "fixed",
            Kind::Refused => "refused",
            Kind::Quarantined => "quarantined",
            Kind::Disconnected => "disconnected",
        }
    }
}

/// How a message ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) kind: Kind,
    rule: Option<String>,
    path: Option<String>,
    /// The code of a refusal.
    code: Option<&'static str>,
    /// The reason of a quarantine.
    reason: Option<String>,
}

impl Ending {
    fn of(verdict: &Verdict) -> Ending {
        let ending = |kind| Ending { kind, rule: None, path: None, code: None, reason: None };
        match verdict {
            Verdict::Accept => ending(Kind::Accepted),
            Verdict::Fixed(_) => ending(Kind::Fixed),
            Verdict::Refuse(refusal) => Ending {
                rule: Some(refusal.rule.to_string()),
                path: Some(refusal.path.clone()),
                code: Some(refusal.code.name()),
                ..ending(Kind::Refused)
            },
            Verdict::Quarantine(quarantine) => Ending {
                rule: quarantine.rule.as_ref().map(|rule| rule.to_string()),
                reason: Some(quarantine.reason.to_string()),
                ..ending(Kind::Quarantined)
            },
            Verdict::Disconnect { rule } => {
                Ending { rule: Some(rule.to_string()), ..ending(Kind::Disconnected) }
            }
        }
    }

    /// As an object, with the fields that it has.
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

impl fmt::Display for Ending {
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

/// How often a rule applied to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) rule: String,
    pub(super) action: &'static str,
    pub(super) label: String,
    pub(super) finds: u32,
    /// Finds on which it would have acted, were it not in shadow mode.
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

/// What a rule file makes of a message.
pub(super) struct Outcome {
    pub(super) ending: Ending,
    /// The rules that applied, in the order of the file.
    pub(super) applied: Vec<Applied>,
    verdict: Verdict,
}

impl Outcome {
    pub(super) fn new(verdict: Verdict, planned: &Planned, scratch: &Scratch) -> Outcome {
        let applied = scratch.applied().map(|count| Applied {
            rule: planned.plan.rule_name(count.rule).to_owned(),
            action: planned.plan.action_name(count.rule),
            label: planned.labels.get(count.rule).cloned().unwrap_or_default(),
            finds: count.hits,
            shadow: count.shadow,
        });
        Outcome { ending: Ending::of(&verdict), applied: applied.collect(), verdict }
    }

    /// Whether subscribers get it.
    pub(super) fn passes(&self) -> bool {
        matches!(self.verdict, Verdict::Accept | Verdict::Fixed(_))
    }

    /// Payload and headers of `message` as a view gets them; nothing if it does not pass.
    pub(super) fn render<'a>(
        &'a self,
        message: &'a Message,
        view: ViewId,
    ) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        self.verdict.render(view, &message.payload, message.headers.as_deref())
    }

    /// The same, to be shown.
    pub(super) fn seen(&self, message: &Message, view: ViewId) -> Option<Seen> {
        let (payload, headers) = self.render(message, view)?;
        let changed = (payload, headers) != (&message.payload[..], message.headers.as_deref());
        Some(Seen::of(payload, headers, changed))
    }
}

/// An event as somebody sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) payload: Value,
    pub(super) headers: Value,
    changed: bool,
}

impl Seen {
    fn of(payload: &[u8], headers: Option<&[u8]>, changed: bool) -> Seen {
        let headers = headers.map_or_else(|| json!({}), from_msgpack);
        Seen { payload: from_msgpack(payload), headers, changed }
    }

    pub(super) fn came(message: &Message) -> Seen {
        Seen::of(&message.payload, message.headers.as_deref(), false)
    }

    pub(super) fn object(&self) -> Value {
        json!({ "changed": self.changed, "payload": self.payload, "headers": self.headers })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.payload)?;
        match self.headers.as_object() {
            Some(headers) if headers.is_empty() => Ok(()),
            _ => write!(f, "  headers {}", self.headers),
        }
    }
}
