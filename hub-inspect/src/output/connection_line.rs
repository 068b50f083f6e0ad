//! The line of JSON for a connection: who talked to whom, how it ended, and the figures of both directions.

use super::seconds;
use crate::connection::{Connection, SideFigures, Signs, State, Times};
use crate::inspector::{ConnectionEnd, Over};
use crate::stream::{Protocol, StreamSummary};
use crate::tls::{TlsSummary, Undecrypted, suite_name, version_name};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// One connection, when it is over.
#[derive(Serialize)]
pub(super) struct ConnectionLine {
    kind: &'static str,
    stream: u64,
    end: &'static str,
    client: String,
    server: String,
    first_ns: i64,
    duration: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_rtt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsLine>,
    from_client: SideLine,
    from_server: SideLine,
}

impl ConnectionLine {
    pub(super) fn of(over: &Over<'_>) -> Self {
        let Over { connection, streams, end } = *over;
        let (client, server) = (connection.client, 1 - connection.client);
        let role = |endpoint| if endpoint == client { "client" } else { "server" };
        ConnectionLine {
            kind: "connection",
            stream: connection.id,
            end: match end {
                ConnectionEnd::Capture => "capture",
                ConnectionEnd::PortsReused => "ports used again",
                ConnectionEnd::Forgotten => "forgotten",
            },
            client: connection.endpoints[client].to_string(),
            server: connection.endpoints[server].to_string(),
            first_ns: connection.first_ns,
            duration: seconds(connection.last_ns.saturating_sub(connection.first_ns)),
            initial_rtt: connection.handshake_ns.map(seconds),
            reset_by: connection.reset.map(|(endpoint, _)| role(endpoint)),
            reset_reason: connection.reset.map(|(_, reason)| reason.text()),
            tls: streams.tls.as_ref().map(TlsLine::of),
            from_client: SideLine::of(connection, &streams, client),
            from_server: SideLine::of(connection, &streams, server),
        }
    }
}

/// What is known of a TLS connection.
#[derive(Serialize)]
struct TlsLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    /// The number of the cipher suite, and its name if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    suite: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suite_name: Option<&'static str>,
    decrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl TlsLine {
    fn of(tls: &TlsSummary) -> Self {
        TlsLine {
            version: tls.version.map(version_name),
            suite: tls.suite,
            suite_name: tls.suite.and_then(suite_name),
            decrypted: tls.undecrypted.is_none(),
            reason: tls.undecrypted.map(Undecrypted::text),
        }
    }
}

/// The figures of one direction.
#[derive(Serialize)]
struct SideLine {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
    /// The protocol inside TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<&'static str>,
    /// Frames of Hub.
    frames: u64,
    /// Bytes that are not in the capture.
    lost_bytes: u64,
    /// Segments that brought other bytes than one before them.
    conflicts: u64,
    segments: u64,
    bytes: u64,
    repeated_bytes: u64,
    bad_checksums: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<f64>,
    largest: u32,
    most_in_flight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_least_most: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt: Option<TimesLine>,
    analysis: Counts,
    seconds_in_state: StateTimes,
    stalled: StallTimes,
}

/// The time that the side made the connection wait, in seconds.
#[derive(Serialize)]
struct StallTimes {
    window: f64,
    network: f64,
    late: f64,
    idle: f64,
}

impl SideLine {
    fn of(connection: &Connection, streams: &StreamSummary, endpoint: usize) -> Self {
        let figures: &SideFigures = connection.figures(endpoint);
        SideLine {
            state: connection.state(endpoint).name(),
            protocol: streams.protocols[endpoint].map(Protocol::name),
            inside: streams.inside[endpoint].map(Protocol::name),
            frames: streams.frames[endpoint],
            lost_bytes: streams.lost[endpoint],
            conflicts: streams.conflicts[endpoint],
            segments: figures.segments,
            bytes: figures.bytes,
            repeated_bytes: figures.repeated_bytes,
            bad_checksums: figures.bad_checksums,
            bytes_per_second: figures.throughput(),
            largest: figures.largest,
            most_in_flight: figures.most_in_flight,
            window_least_most: figures.window,
            rtt: (figures.rtt.count > 0).then(|| TimesLine::of(&figures.rtt)),
            analysis: Counts(figures.signs),
            seconds_in_state: StateTimes(figures.time_in),
            stalled: StallTimes {
                window: seconds(figures.window_closed_ns),
                network: seconds(figures.network_ns),
                late: seconds(figures.late_ns),
                idle: seconds(figures.idle_ns),
            },
        }
    }
}

#[derive(Serialize)]
struct TimesLine {
    count: u64,
    least: f64,
    mean: f64,
    most: f64,
    deviation: f64,
}

impl TimesLine {
    fn of(times: &Times) -> Self {
        TimesLine {
            count: times.count,
            least: seconds(times.least),
            mean: times.mean() / 1e9,
            most: seconds(times.most),
            deviation: times.deviation() / 1e9,
        }
    }
}

/// How often each sign came; a sign that never came is left out.
struct Counts([u32; Signs::NAMED.len()]);

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (count, (_, name, _)) in self.0.iter().zip(Signs::NAMED).filter(|it| *it.0 > 0) {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}

/// The seconds in each state; a state that took no time is left out.
struct StateTimes([i64; State::ALL.len()]);

impl Serialize for StateTimes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (ns, state) in self.0.iter().zip(State::ALL).filter(|it| *it.0 > 0) {
            map.serialize_entry(state.name(), &seconds(*ns))?;
        }
        map.end()
    }
}
