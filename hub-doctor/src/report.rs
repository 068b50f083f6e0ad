//! The result of an examination: what was seen on each layer, as data, and what follows from it.
//! The text, the JSON and the exit code all come from here, so they cannot contradict one another.

use crate::layer::{Finding, Layer, Severity, Verdict};
use crate::{access, clock, hub, name, round_trip, route, tcp, tls};
use serde::Serialize;
use serde_json::{Value, json};

/// Holds what was seen, layer by layer. A layer that was not reached has nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// The hub has this address.
    pub url: String,
    /// This was seen on the layer *name*.
    pub name: Option<name::NameSeen>,
    /// This was seen on the layer *route*.
    pub route: Option<route::RouteSeen>,
    /// This was seen on the layer *TCP*.
    pub tcp: Option<tcp::TcpSeen>,
    /// This was seen on the layer *TLS*, which an address with hub:// does not use.
    pub tls: Option<tls::TlsSeen>,
    /// This was seen on the layer *hub*.
    pub hub: Option<hub::HubSeen>,
    /// This was seen on the layer *access*.
    pub access: Option<access::AccessSeen>,
    /// This was seen on the layer *round trip*.
    pub round_trip: Option<round_trip::RoundTripSeen>,
    /// This was seen on the layer *clock*.
    pub clock: Option<clock::ClockSeen>,
}

/// Holds the result of an examination.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The doctor saw this.
    pub seen: Seen,
    /// The doctor found this wrong. The list goes from the lowest layer to the highest.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Judges what was seen.
    #[must_use]
    pub fn of(seen: Seen) -> Report {
        let findings = judge(&seen);
        Report { seen, findings }
    }

    /// Returns the verdict on a layer.
    #[must_use]
    pub fn verdict(&self, layer: Layer) -> Verdict {
        let worst = self.of_layer(layer).map(|finding| finding.severity).max();
        match worst {
            Some(Severity::Fault) => Verdict::Fault,
            Some(Severity::Warning) => Verdict::Warning,
            None if self.figures(layer).is_some() => Verdict::Ok,
            None if layer == Layer::Tls && self.seen.url.starts_with("hub://") => Verdict::NotUsed,
            None => Verdict::NotReached,
        }
    }

    /// Returns the findings of a layer.
    pub fn of_layer(&self, layer: Layer) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.layer == layer)
    }

    /// Returns the lowest layer with a fault; without faults, the lowest with a warning.
    #[must_use]
    pub fn at_fault(&self) -> Option<Layer> {
        let lowest = |severity| {
            let of_it = self.findings.iter().filter(move |finding| finding.severity == severity);
            of_it.map(|finding| finding.layer).min()
        };
        lowest(Severity::Fault).or_else(|| lowest(Severity::Warning))
    }

    /// Returns the exit code: 0, or the number of the lowest layer at fault.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.at_fault().map_or(0, Layer::exit_code)
    }

    /// Returns how long a layer took, in milliseconds.
    #[must_use]
    pub fn time_ms(&self, layer: Layer) -> Option<f64> {
        let seen = &self.seen;
        match layer {
            Layer::Name => seen.name.as_ref().and_then(name::time_ms),
            Layer::Route => seen.route.as_ref().map(route::time_ms),
            Layer::Tcp => seen.tcp.as_ref().map(|tcp| tcp.handshake_ms),
            Layer::Tls => seen.tls.as_ref().and_then(tls::time_ms),
            Layer::Hub => seen.hub.as_ref().map(|hub| hub.took_ms),
            Layer::Access => seen.access.as_ref().map(|access| access.took_ms),
            Layer::RoundTrip => seen.round_trip.as_ref().map(|trip| trip.took_ms),
            // The best sample took twice its uncertainty.
            Layer::Clock => seen.clock.as_ref().map(|clock| clock.uncertainty_ms * 2.0),
        }
    }

    /// Returns what was seen on a layer, for people.
    #[must_use]
    pub fn lines(&self, layer: Layer) -> Vec<String> {
        let seen = &self.seen;
        let lines = match layer {
            Layer::Name => seen.name.as_ref().map(name::lines),
            Layer::Route => seen.route.as_ref().map(route::lines),
            Layer::Tcp => seen.tcp.as_ref().map(tcp::lines),
            Layer::Tls => seen.tls.as_ref().map(tls::lines),
            Layer::Hub => seen.hub.as_ref().map(hub::lines),
            Layer::Access => seen.access.as_ref().map(access::lines),
            Layer::RoundTrip => seen.round_trip.as_ref().map(round_trip::lines),
            Layer::Clock => seen.clock.as_ref().map(clock::lines),
        };
        lines.unwrap_or_default()
    }

    /// Returns what was seen on a layer, for programs.
    fn figures(&self, layer: Layer) -> Option<Value> {
        let seen = &self.seen;
        match layer {
            Layer::Name => value(&seen.name),
            Layer::Route => value(&seen.route),
            Layer::Tcp => value(&seen.tcp),
            Layer::Tls => value(&seen.tls),
            Layer::Hub => value(&seen.hub),
            Layer::Access => value(&seen.access),
            Layer::RoundTrip => value(&seen.round_trip),
            Layer::Clock => value(&seen.clock),
        }
    }

    /// Returns the whole report as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let layer = |layer: Layer| {
            let findings: Vec<_> = self.of_layer(layer).collect();
            json!({
                "layer": layer,
                "verdict": self.verdict(layer),
                "time_ms": self.time_ms(layer),
                "findings": findings,
                "seen": self.figures(layer),
            })
        };
        json!({
            "url": self.seen.url,
            "at_fault": self.at_fault(),
            "exit_code": self.exit_code(),
            "layers": Layer::ALL.map(layer),
        })
    }
}

/// Returns what was seen as JSON.
fn value<T: Serialize>(seen: &Option<T>) -> Option<Value> {
    let seen = seen.as_ref()?;
    // Only a map with keys that are no texts cannot be converted, and there is none.
    serde_json::to_value(seen).ok()
}

/// Returns everything that is wrong, from the lowest layer to the highest.
fn judge(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(name) = &seen.name {
        found.extend(name::judge(name, seen.route.as_ref()));
    }
    found.extend(seen.route.iter().flat_map(route::judge));
    found.extend(seen.tcp.iter().flat_map(tcp::judge));
    let at = seen.url.split_once("://").map_or("", |(_, at)| at);
    found.extend(seen.tls.iter().flat_map(|tls| tls::judge(tls, at)));
    let rtt_ms = seen
        .tcp
        .as_ref()
        .and_then(|tcp| tcp.latest())
        .map_or(0.0, |figures| f64::from(figures.rtt_us) / 1000.0);
    found.extend(seen.hub.iter().flat_map(|hub| hub::judge(hub, rtt_ms)));
    found.extend(seen.access.iter().flat_map(access::judge));
    found.extend(seen.round_trip.iter().flat_map(round_trip::judge));
    found.extend(seen.clock.iter().flat_map(clock::judge));
    found.sort_by_key(|finding| finding.layer);
    found
}
