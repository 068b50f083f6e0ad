//! The layer *route*: how packets leave this machine for each address of the hub, and whether
//! anything comes back. A port that refuses, a firewall that swallows and a router that says
//! "unreachable" need different remedies, and a client shows all three as "cannot be reached".

mod icmp;
mod look;

pub use icmp::Icmp;
pub(crate) use look::{connect, look};

use crate::layer::{Finding, Layer};
use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Says how each address of the hub was reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteSeen {
    /// Each address has one entry, in the order in which a client tries them.
    pub paths: Vec<PathSeen>,
}

/// Holds the way to one address, and what came back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathSeen {
    /// The way leads to this address and port.
    pub address: SocketAddr,
    /// Packets leave through this interface.
    pub interface: Option<String>,
    /// Packets have this source address.
    pub source: Option<IpAddr>,
    /// Packets go to this router first. If there is none, the address is on the link.
    pub gateway: Option<IpAddr>,
    /// The interface takes packets of at most so many bytes.
    pub link_mtu: Option<u32>,
    /// This machine believes that the whole path takes packets of so many bytes.
    pub path_mtu: Option<u32>,
    /// The attempt to connect ended so.
    pub outcome: Outcome,
    /// The attempt took this long, in milliseconds.
    pub took_ms: f64,
}

/// Says how an attempt to connect ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// The other side accepted (SYN-ACK).
    Connected,
    /// The other side refused (RST): the packets arrived, and no program listens on the port.
    Refused,
    /// Nothing came back in time.
    Swallowed,
    /// A router or the host sent an ICMP message.
    Unreachable {
        /// The message says why.
        icmp: Icmp,
    },
    /// This machine has no way to the address, or its neighbour does not answer.
    NoWay {
        /// The operating system gave this error.
        error: String,
    },
}

impl Outcome {
    /// Returns whether a connection came about.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        *self == Outcome::Connected
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Connected => f.write_str("connected"),
            Outcome::Refused => f.write_str("refused"),
            Outcome::Swallowed => f.write_str("swallowed"),
            Outcome::Unreachable { icmp } => write!(f, "ICMP: {}", icmp.meaning()),
            Outcome::NoWay { error } => f.write_str(error),
        }
    }
}

impl PathSeen {
    /// Makes a path of which only the outcome is known.
    #[must_use]
    pub fn new(address: SocketAddr, outcome: Outcome) -> PathSeen {
        PathSeen {
            address,
            interface: None,
            source: None,
            gateway: None,
            link_mtu: None,
            path_mtu: None,
            outcome,
            took_ms: 0.0,
        }
    }
}

impl RouteSeen {
    /// Returns the first path that leads to a connection.
    #[must_use]
    pub fn chosen(&self) -> Option<&PathSeen> {
        self.paths.iter().find(|path| path.outcome.is_connected())
    }
}

/// Returns why no address leads to a connection. If one does, nothing is wrong here: dead addresses
/// beside it are a fault of the name.
pub(crate) fn judge(seen: &RouteSeen) -> Vec<Finding> {
    if seen.chosen().is_some() {
        return Vec::new();
    }
    seen.paths.iter().map(unconnected).collect()
}

/// Returns the finding for an address without a connection.
fn unconnected(path: &PathSeen) -> Finding {
    let (address, port) = (path.address, path.address.port());
    match &path.outcome {
        // Packets go there and come back, so the route is good.
        Outcome::Connected | Outcome::Refused => Finding::fault(
            Layer::Tcp,
            "port_closed",
            format!(
                "{address} refuses the connection (RST): the packets arrive, and no program \
                 listens on port {port}."
            ),
            format!(
                "Check the port in the address, that `hub serve` runs there, and its key `listen`: \
                 a hub that listens on 127.0.0.1 is not there for other machines. A hub that is \
                 stopping (draining) refuses new connections too, until it is started again. On the \
                 hub's machine, `ss -ltn 'sport = :{port}'` shows whether a program listens."
            ),
        ),
        Outcome::Swallowed => Finding::fault(
            Layer::Route,
            "swallowed",
            format!(
                "Nothing came back from {address} within {:.1} s: neither SYN-ACK, nor RST, nor \
                 ICMP.",
                path.took_ms / 1000.0
            ),
            format!(
                "A firewall drops the packets, or the machine is off, or the answers take another \
                 way. Check the firewalls and security groups on the way for TCP port {port}, and \
                 that the address is right."
            ),
        ),
        Outcome::Unreachable { icmp } => Finding::fault(
            Layer::Route,
            "unreachable",
            format!(
                "{} says that {address} cannot be reached: {} (ICMP type {}, code {}).",
                icmp.from.map_or_else(|| "A router".to_owned(), |from| from.to_string()),
                icmp.meaning(),
                icmp.kind,
                icmp.code
            ),
            icmp.remedy(port),
        ),
        Outcome::NoWay { error } => Finding::fault(
            Layer::Route,
            "no_way",
            format!("This machine cannot send packets to {address}: {error}."),
            format!(
                "Check that the address is right and that its machine is on. `ip route get {}` \
                 shows the way of the packets, and `ip neigh` whether the next machine answers.",
                path.address.ip()
            ),
        ),
    }
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &RouteSeen) -> Vec<String> {
    let shown = |path: &PathSeen| {
        let mut text = format!("{}", path.address.ip());
        if let Some(interface) = &path.interface {
            text += &format!(" through {interface}");
        }
        if let Some(source) = path.source {
            text += &format!(" from {source}");
        }
        if let Some(gateway) = path.gateway {
            text += &format!(" by way of {gateway}");
        }
        if let Some(mtu) = path.link_mtu {
            text += &format!(", MTU {mtu}");
        }
        match path.path_mtu {
            Some(mtu) if path.outcome.is_connected() => text += &format!(", path MTU {mtu}"),
            _ => {}
        }
        text + &format!(": {}", path.outcome)
    };
    seen.paths.iter().map(shown).collect()
}

/// Returns how long the slowest attempt took, in milliseconds.
pub(crate) fn time_ms(seen: &RouteSeen) -> f64 {
    seen.paths.iter().map(|path| path.took_ms).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(outcome: Outcome) -> (Layer, &'static str) {
        let path = PathSeen::new("10.0.0.1:4820".parse().unwrap(), outcome);
        let found = judge(&RouteSeen { paths: vec![path] });
        (found[0].layer, found[0].code)
    }

    #[test]
    fn refused_swallowed_and_unreachable_differ() {
        assert_eq!(judged(Outcome::Refused), (Layer::Tcp, "port_closed"));
        assert_eq!(judged(Outcome::Swallowed), (Layer::Route, "swallowed"));
        let icmp = Icmp { from: None, v6: false, kind: 3, code: 1 };
        assert_eq!(judged(Outcome::Unreachable { icmp }), (Layer::Route, "unreachable"));
        let error = "no route".to_owned();
        assert_eq!(judged(Outcome::NoWay { error }), (Layer::Route, "no_way"));
    }

    #[test]
    fn one_address_that_answers_is_enough_for_the_route() {
        let address = "10.0.0.1:4820".parse().unwrap();
        let paths = [Outcome::Swallowed, Outcome::Connected];
        let seen = RouteSeen { paths: paths.map(|outcome| PathSeen::new(address, outcome)).into() };
        assert!(judge(&seen).is_empty());
        assert_eq!(seen.chosen().unwrap().outcome, Outcome::Connected);
    }
}
