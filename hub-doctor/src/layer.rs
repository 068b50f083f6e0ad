//! The layers that the doctor climbs, and what it can say about each one. Without a fixed order, the
//! exit code could not name the lowest layer at fault.

use serde::Serialize;

/// Names a layer between a client and the service of a hub, from the bottom to the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// This layer has the name of the host, and the addresses that the name stands for.
    Name,
    /// This layer has the route to an address, and the links on the way.
    Route,
    /// This layer has the TCP connection.
    Tcp,
    /// This layer has the encryption of the connection.
    Tls,
    /// This layer has the program on the port, which should be a hub that accepts this client.
    Hub,
    /// This layer has the identity of the client, and its rights.
    Access,
    /// This layer has the way of an event to the hub and back.
    RoundTrip,
    /// This layer has the clocks of both machines.
    Clock,
}

impl Layer {
    /// Lists all layers, from the bottom to the top.
    pub const ALL: [Layer; 8] = [
        Layer::Name,
        Layer::Route,
        Layer::Tcp,
        Layer::Tls,
        Layer::Hub,
        Layer::Access,
        Layer::RoundTrip,
        Layer::Clock,
    ];

    /// Returns the exit code of an examination whose lowest fault is on this layer. The numbers are
    /// stable. They begin at 11, so that they differ from the codes of other commands.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Layer::Name => 11,
            Layer::Route => 12,
            Layer::Tcp => 13,
            Layer::Tls => 14,
            Layer::Hub => 15,
            Layer::Access => 16,
            Layer::RoundTrip => 17,
            Layer::Clock => 18,
        }
    }

    /// Returns the name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Layer::Name => "name",
            Layer::Route => "route",
            Layer::Tcp => "TCP",
            Layer::Tls => "TLS",
            Layer::Hub => "hub",
            Layer::Access => "access",
            Layer::RoundTrip => "round trip",
            Layer::Clock => "clock",
        }
    }

    /// Returns what belongs to the layer, for people.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Layer::Name => "the name of the host, and the addresses behind it",
            Layer::Route => "the way of packets to the host",
            Layer::Tcp => "the TCP connection",
            Layer::Tls => "the encryption, and the certificates of both sides",
            Layer::Hub => "the program on the port, which should be a hub that lets clients in",
            Layer::Access => "the credentials of this client, and its rights",
            Layer::RoundTrip => "an event to the hub and back",
            Layer::Clock => "the difference between the clocks of both machines",
        }
    }
}

/// Says how bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Clients work, but something will disturb them.
    Warning,
    /// Clients do not work.
    Fault,
}

/// Holds a fault or a weakness of a layer, and a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The finding is about this layer, which may differ from the layer on which the fault showed.
    #[serde(skip)]
    pub layer: Layer,
    /// The finding is so bad.
    pub severity: Severity,
    /// Programs know the finding by this stable name.
    pub code: &'static str,
    /// This text tells people what is wrong.
    pub what: String,
    /// This text tells people what to do.
    pub remedy: String,
}

impl Finding {
    /// Makes the finding that clients do not work.
    pub(crate) fn fault(
        layer: Layer,
        code: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let (what, remedy) = (what.into(), remedy.into());
        Finding { layer, severity: Severity::Fault, code, what, remedy }
    }

    /// Makes the finding that something will disturb clients.
    pub(crate) fn warning(
        layer: Layer,
        code: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let (what, remedy) = (what.into(), remedy.into());
        Finding { layer, severity: Severity::Warning, code, what, remedy }
    }
}

/// Holds the verdict on one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The doctor found nothing to complain of.
    Ok,
    /// The worst finding is a warning.
    Warning,
    /// The worst finding is a fault.
    Fault,
    /// The connection does not use the layer, as an address with hub:// does not use TLS.
    NotUsed,
    /// A fault kept the doctor from examining the layer.
    NotReached,
}
