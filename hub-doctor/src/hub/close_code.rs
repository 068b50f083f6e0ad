//! What each code of CLOSE means for somebody who looks for a fault: the layer, an explanation and
//! a remedy. The match is exhaustive, so a new code does not compile without an explanation.

use crate::layer::{Finding, Layer};
use crate::printable::printable;
use hub_wire::CloseCode;
use serde::Serialize;

/// Holds a CLOSE of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CloseSeen {
    /// The code has this number.
    pub code: u16,
    /// The code has this name.
    pub name: &'static str,
    /// The hub gave this reason.
    pub reason: String,
    /// The hub wants clients to come back after so many milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl CloseSeen {
    pub(crate) fn new(close: &hub_wire::Close) -> CloseSeen {
        CloseSeen {
            code: close.code.number(),
            name: close.code.name(),
            reason: printable(&close.reason),
            retry_after_ms: close.retry_after_ms,
        }
    }

    /// Returns the finding for this CLOSE. `greeted` says whether WELCOME had come before.
    pub(crate) fn judge(&self, greeted: bool) -> Finding {
        let code = CloseCode::from_number(self.code);
        let (layer, meaning, remedy) = explain(code);
        let when = if greeted {
            "The hub ended the connection"
        } else {
            "The hub does not let this client in"
        };
        let again = match self.retry_after_ms {
            Some(ms) => format!(" It asks clients to come back after {ms} ms."),
            None => String::new(),
        };
        let said =
            if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        let what = format!("{when}: CLOSE {} {code}{said}. {meaning}{again}", self.code);
        Finding::fault(layer, stable_name(code), what, remedy)
    }
}

/// Returns the name of the finding for a code.
fn stable_name(code: CloseCode) -> &'static str {
    match code {
        CloseCode::Unknown(_) => "close_unknown",
        known => known.name(),
    }
}

/// Returns the layer that a code is about, what the code means, and what to do.
fn explain(code: CloseCode) -> (Layer, &'static str, &'static str) {
    match code {
        CloseCode::GoingAway => (
            Layer::Hub,
            "The hub is stopping: it delivers what it has accepted and takes no new client.",
            "Start the hub again, or wait for the one that replaces it. Clients of the SDK come \
             back by themselves.",
        ),
        CloseCode::SlowConsumer => (
            Layer::Hub,
            "Too much waited for this client, and a subscription has the policy `disconnect`.",
            "Read faster, or subscribe with another overflow policy.",
        ),
        CloseCode::Silent => (
            Layer::Hub,
            "Nothing came from this client for more than two keep-alive times.",
            "Let the client answer PING at once. If it does, packets are lost on the way.",
        ),
        CloseCode::Overloaded => (
            Layer::Hub,
            "The hub has no room for another connection, or is short of memory, or does not have \
             the keys yet with which it would check a JWT.",
            "The reason says which of them it is. Raise `max_connections` or `memory_bytes` of the \
             hub, find the clients that hold so many connections, or check that the hub reaches \
             the `jwks_url` of its access file. `hub_limited_total` on /metrics counts each limit.",
        ),
        CloseCode::Internal => (
            Layer::Hub,
            "The hub has a fault.",
            "Look into the log of the hub for the error, and report it.",
        ),
        CloseCode::RightsChanged => (
            Layer::Access,
            "The rights of this client changed just now.",
            "Connect again: the new rights are in force.",
        ),
        CloseCode::TooManyConnections => (
            Layer::Hub,
            "The identity of this client, or its address, has as many connections as it may have.",
            "Close connections, or raise `max_connections_per_identity` or \
             `max_connections_per_address` of the hub. The latter should be 0 where many clients \
             share an address.",
        ),
        CloseCode::Normal => (
            Layer::Hub,
            "The hub believes that this client ended its direction of the connection.",
            "Look for a proxy or a firewall on the way that ends one direction of a connection.",
        ),
        CloseCode::Protocol => (
            Layer::Hub,
            "The hub does not understand what it got, or does not allow it at this point.",
            "If the hub has a certificate, use hubs:// in the address. Otherwise something on the \
             way changes the bytes.",
        ),
        CloseCode::Version => (
            Layer::Hub,
            "The hub does not speak the version of the protocol of this client.",
            "Use a client and a hub of the same version: update the older one (`hub --version`).",
        ),
        CloseCode::Unauthorized => (
            Layer::Access,
            "The hub does not accept the credentials of this client, or requires some.",
            "Check the token (--token-file or HUB_TOKEN) or the client certificate (--cert, --key) \
             against the access file of the hub. Without an access file, a hub accepts anonymous \
             clients of its own machine only, unless `anonymous = \"everywhere\"`.",
        ),
        CloseCode::HandshakeTimeout => (
            Layer::Hub,
            "The hub did not get HELLO in time, although this client sent it at once.",
            "Something between this client and the hub holds bytes back, for example a proxy that \
             waits for more. Connect without it.",
        ),
        CloseCode::FrameTooLarge => (
            Layer::Hub,
            "A frame was larger than the hub allows.",
            "Something on the way changes the bytes, or another program speaks on this connection.",
        ),
        CloseCode::Replaced => (
            Layer::Hub,
            "A newer connection has the same instance id.",
            "Something on the way repeats connections, for example a proxy that tries again.",
        ),
        CloseCode::Policy => (
            Layer::Hub,
            "A rule of the scrub ends the connection of publishers of such events.",
            "Look into the rule file of the hub for the rule with the action `disconnect`.",
        ),
        CloseCode::Unknown(_) => (
            Layer::Hub,
            "This version of the doctor does not know the code.",
            "Use a client of the version of the hub; its PROTOCOL.md explains the code.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::Close;

    #[test]
    fn every_code_has_an_explanation_of_its_own() {
        let mut meanings = Vec::new();
        for code in CloseCode::ALL.iter().copied().chain([CloseCode::Unknown(999)]) {
            let (_, meaning, remedy) = explain(code);
            assert!(meaning.ends_with('.') && remedy.ends_with('.'), "{code}");
            assert!(!meanings.contains(&meaning), "{code}");
            meanings.push(meaning);
        }
    }

    #[test]
    fn a_refused_client_is_a_matter_of_access() {
        let close = Close {
            code: CloseCode::Unauthorized,
            reason: "bad\u{1b}[2J token".into(),
            retry_after_ms: Some(50),
        };
        let found = CloseSeen::new(&close).judge(false);
        assert_eq!((found.layer, found.code), (Layer::Access, "unauthorized"));
        assert!(found.what.contains("CLOSE 203 unauthorized (bad[2J token)"), "{}", found.what);
        assert!(found.what.contains("50 ms"), "{}", found.what);
    }
}
