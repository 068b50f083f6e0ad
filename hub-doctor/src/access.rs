//! The layer *access*: whom the hub takes this client for, and what the client may do on one topic.
//! A wrong role shows otherwise only when an event is refused, somewhere in a service.
//!
//! To ask whether this client may publish, the doctor sends one *request* to the topic. Nobody gets
//! it if nobody subscribed, because the hub then refuses it with `no_subscriber`. Otherwise the
//! subscribers get one event with payload nil and the header `type` = `hub.doctor`. To ask whether
//! it may read, the doctor subscribes for a moment.

use crate::layer::{Finding, Layer};
use crate::printable::printable;
use crate::wire::{Incoming, Wire, WireError};
use hub_wire::{
    Credentials, EventFrame, Frame, Overflow, Packer, Refused, RefusedCode, RefusedWhat, Start,
    Subscribe,
};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Each question may take this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// The doctor subscribes with this id.
const SUBSCRIPTION: u64 = 1;
/// The tokens of the PINGs behind the questions begin here.
const TOKEN: u64 = 1 << 32;

/// Says whom the hub takes this client for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccessSeen {
    /// The questions took this long, in milliseconds.
    pub took_ms: f64,
    /// Subscribers see this publisher on the events of this client.
    pub publisher: String,
    /// This client showed this kind of credentials. The credentials themselves are nowhere here.
    pub credentials: Shown,
    /// The client may do this on the topic that was asked for.
    pub topic: Option<TopicRights>,
}

/// Names the kind of credentials that a client showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The client showed no credentials.
    None,
    /// The client showed a certificate.
    Certificate,
    /// The client showed an access token.
    Token,
    /// The client showed a name and a password.
    Password,
    /// The client showed a JWT.
    Jwt,
}

impl Shown {
    pub(crate) fn new(credentials: Option<&Credentials>, certificate: bool) -> Shown {
        match credentials {
            Some(Credentials::Token(_)) => Shown::Token,
            Some(Credentials::Password { .. }) => Shown::Password,
            Some(Credentials::Jwt(_)) => Shown::Jwt,
            Some(Credentials::Unknown) | None if certificate => Shown::Certificate,
            Some(Credentials::Unknown) | None => Shown::None,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Shown::None => "without credentials",
            Shown::Certificate => "by its certificate",
            Shown::Token => "by its token",
            Shown::Password => "by its password",
            Shown::Jwt => "by its JWT",
        }
    }
}

/// Says what a client may do on a topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicRights {
    /// The rights are those for this topic.
    pub topic: String,
    /// Says whether the client may publish on the topic.
    pub publish: Right,
    /// Says whether the client may read the topic.
    pub subscribe: Right,
}

/// Answers a question about a right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Right {
    /// The client has the right.
    Allowed {
        /// If this is true, the doctor's request reached a subscriber. Subscriptions that only observe
        /// do not count.
        reached_a_subscriber: bool,
    },
    /// The hub refused the question.
    Refused {
        /// The refusal has the code with this name.
        code: &'static str,
        /// The hub gave this message.
        message: String,
        /// This rule of the scrub refused, if a rule did.
        rule: Option<String>,
    },
}

/// Asks the hub what this client may do.
pub(crate) fn look(
    wire: &mut Wire,
    publisher: &str,
    inbox: &str,
    credentials: Shown,
    topic: Option<&str>,
) -> Result<AccessSeen, WireError> {
    let start = Instant::now();
    let topic = match topic {
        None => None,
        Some(topic) => {
            // In this order: otherwise the doctor itself would be the subscriber of its request.
            let publish = publish(wire, topic, inbox)?;
            let subscribe = subscribe(wire, topic)?;
            Some(TopicRights { topic: topic.to_owned(), publish, subscribe })
        }
    };
    let took_ms = start.elapsed().as_secs_f64() * 1000.0;
    Ok(AccessSeen { took_ms, publisher: printable(publisher), credentials, topic })
}

/// Asks whether the client may publish.
fn publish(wire: &mut Wire, topic: &str, inbox: &str) -> Result<Right, WireError> {
    let mut headers = Vec::new();
    let mut pack = Packer(&mut headers);
    pack.map(3).str("id").str("hub-doctor").str("type").str("hub.doctor");
    pack.str("reply").str(inbox);
    let event = EventFrame { topic, payload: &[0xc0], headers: Some(&headers) };
    let mut frames = Frame::Event(event).to_bytes();
    frames.extend(Frame::Ping { token: TOKEN }.to_bytes());
    Ok(match refusal(wire, &frames, TOKEN, RefusedWhat::Event)? {
        None => Right::Allowed { reached_a_subscriber: true },
        Some(refused) if refused.code == RefusedCode::NoSubscriber => {
            Right::Allowed { reached_a_subscriber: false }
        }
        Some(refused) => refused_right(refused),
    })
}

/// Asks whether the client may read.
fn subscribe(wire: &mut Wire, topic: &str) -> Result<Right, WireError> {
    let subscribe = Subscribe {
        id: SUBSCRIPTION,
        filter: topic.to_owned(),
        overflow: Overflow::DropNewest,
        group: None,
        start: Start::Live,
        positions: false,
        window: None,
        ack: None,
        observe: false,
        more: false,
        keep: false,
    };
    let mut frames = Frame::Subscribe(subscribe).to_bytes();
    frames.extend(Frame::Ping { token: TOKEN + 1 }.to_bytes());
    let refused = refusal(wire, &frames, TOKEN + 1, RefusedWhat::Subscribe)?;
    if let Some(refused) = refused {
        return Ok(refused_right(refused));
    }
    let mut end = Frame::Unsubscribe { id: SUBSCRIPTION, drain: false }.to_bytes();
    end.extend(Frame::Ping { token: TOKEN + 2 }.to_bytes());
    refusal(wire, &end, TOKEN + 2, RefusedWhat::Unsubscribe)?;
    Ok(Right::Allowed { reached_a_subscriber: false })
}

/// Sends frames that end with a PING, and returns the refusal that came before its PONG.
fn refusal(
    wire: &mut Wire,
    frames: &[u8],
    token: u64,
    what: RefusedWhat,
) -> Result<Option<Refused>, WireError> {
    let deadline = Instant::now() + PATIENCE;
    wire.send(frames, deadline)?;
    let mut refused = None;
    wire.pong(token, deadline, |frame| {
        if let Incoming::Refused(found) = frame
            && found.what == what
        {
            refused = Some(found.clone());
        }
    })?;
    Ok(refused)
}

fn refused_right(refused: Refused) -> Right {
    let message = printable(&refused.message);
    Right::Refused { code: refused.code.name(), message, rule: refused.rule }
}

/// Returns what is wrong with the rights.
pub(crate) fn judge(seen: &AccessSeen) -> Vec<Finding> {
    let Some(rights) = &seen.topic else { return Vec::new() };
    let mut found = Vec::new();
    for (right, verb, key) in
        [(&rights.publish, "publish on", "publish"), (&rights.subscribe, "read", "subscribe")]
    {
        let Right::Refused { code, message, rule } = right else { continue };
        let by = rule.as_ref().map_or_else(String::new, |rule| format!(" by the rule {rule:?}"));
        let what =
            format!("{} cannot {verb} {}: {code}{by} ({message}).", seen.publisher, rights.topic);
        let remedy = match *code {
            "forbidden" => format!(
                "Give a role of this identity `{key}.allow` for the topic in the access file of \
                 the hub, and look for a `deny` that covers it; or show other credentials."
            ),
            "rejected" | "quarantined" => {
                "A rule of the scrub refuses an empty event on this topic. That may be right: \
                 `hub scrub explain` shows the rules of the topic."
                    .to_owned()
            }
            _ => "PROTOCOL.md, section 14, says what the code means.".to_owned(),
        };
        let make = if *code == "forbidden" { Finding::fault } else { Finding::warning };
        let name = if *code == "forbidden" { "no_right" } else { "topic_refused" };
        found.push(make(Layer::Access, name, what, remedy));
    }
    found
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &AccessSeen) -> Vec<String> {
    let anonymous = if seen.publisher.starts_with('?') { ", an anonymous client" } else { "" };
    let mut lines = vec![format!(
        "the hub knows this client, {}, as {}{anonymous}",
        seen.credentials.title(),
        seen.publisher
    )];
    if let Some(rights) = &seen.topic {
        let may = |right: &Right| match right {
            Right::Allowed { .. } => "yes".to_owned(),
            Right::Refused { code, .. } => format!("no ({code})"),
        };
        let nobody = Right::Allowed { reached_a_subscriber: false };
        let listens = match rights.publish == nobody {
            true => " (nobody reads it now, apart from clients that only watch)",
            false => "",
        };
        lines.push(format!(
            "{}: may publish: {}{listens}; may read: {}",
            rights.topic,
            may(&rights.publish),
            may(&rights.subscribe)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(publish: Right, subscribe: Right) -> AccessSeen {
        AccessSeen {
            took_ms: 1.0,
            publisher: "orders#7".into(),
            credentials: Shown::Token,
            topic: Some(TopicRights { topic: "orders.placed".into(), publish, subscribe }),
        }
    }

    fn refused(code: &'static str) -> Right {
        Right::Refused { code, message: "m".into(), rule: None }
    }

    const ALLOWED: Right = Right::Allowed { reached_a_subscriber: false };

    #[test]
    fn what_is_forbidden_is_a_fault_that_names_the_key() {
        let found = judge(&seen(refused("forbidden"), ALLOWED));
        assert_eq!((found[0].code, found[0].layer), ("no_right", Layer::Access));
        assert!(found[0].remedy.contains("publish.allow"), "{}", found[0].remedy);
        let found = judge(&seen(ALLOWED, refused("forbidden")));
        assert!(found[0].remedy.contains("subscribe.allow"), "{}", found[0].remedy);
        assert!(judge(&seen(ALLOWED, ALLOWED)).is_empty());
    }

    #[test]
    fn a_rule_that_refuses_an_empty_event_may_be_right() {
        let found = judge(&seen(refused("rejected"), ALLOWED));
        assert_eq!(found[0].severity, crate::layer::Severity::Warning);
    }

    #[test]
    fn secrets_are_named_by_their_kind() {
        let token = Credentials::Token("hub_id_SECRET".into());
        assert_eq!(Shown::new(Some(&token), true), Shown::Token);
        assert_eq!(Shown::new(None, true), Shown::Certificate);
        assert_eq!(Shown::new(None, false), Shown::None);
    }
}
