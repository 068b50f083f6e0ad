//! The climb: each layer is looked at, until one of them lets nothing through.

mod narrow;

use crate::access::{self, Shown};
use crate::clock::{self, Sample};
use crate::hub::{self, Answer, CloseSeen, Greeting, HubSeen};
use crate::program::Protocol;
use crate::report::{Report, Seen};
use crate::route::{self, Outcome};
use crate::tcp::{self, Ended, Figures, Frames, LoadSeen, Narrow, Stall, TcpSeen};
use crate::tls::{self, Setup, TlsFailure, TlsSeen};
use crate::wire::{Recorder, Stream, Wire, WireError};
use crate::{name, round_trip};
use hub_client::{Credentials, HubUrl, TlsError, TlsOptions};
use hub_wire::{CloseCode, Hello};
use std::net::{SocketAddr, TcpStream};

/// A handshake that ends after such a wait was missing something.
const LONG_WAIT_MS: f64 = 1000.0;

/// Says what to examine, and with which name and credentials.
#[derive(Debug, Clone)]
pub struct Options {
    /// The hub has this address.
    pub url: HubUrl,
    /// This client gives itself this name. The default is `hub-doctor`.
    pub name: Option<String>,
    /// This client shows these credentials.
    pub credentials: Option<Credentials>,
    /// This client does TLS so.
    pub tls: TlsOptions,
    /// The doctor asks for the rights on this topic.
    pub topic: Option<String>,
}

impl Options {
    /// Makes options with only an address.
    #[must_use]
    pub fn new(url: HubUrl) -> Options {
        Options { url, name: None, credentials: None, tls: TlsOptions::default(), topic: None }
    }

    /// Returns the HELLO of the doctor.
    fn hello(&self) -> Hello {
        let name = self.name.clone().unwrap_or_else(|| "hub-doctor".to_owned());
        Hello { name: Some(name), credentials: self.credentials.clone(), ..Hello::default() }
    }
}

/// Examines the way to a hub. This takes a second for a healthy hub, and up to half a minute for an
/// ill one.
///
/// # Errors
/// A file of the TLS options cannot be used. All other faults are in the report.
pub fn examine(options: &Options) -> Result<Report, TlsError> {
    let url = &options.url;
    let tls = if url.is_tls() { Some(Setup::new(&options.tls, url.host())?) } else { None };
    let mut climb = Climb { options, tls, seen: Seen::default() };
    climb.seen.url = url.to_string();
    climb.climb_from_name();
    Ok(Report::of(climb.seen))
}

/// Holds an examination under way.
struct Climb<'a> {
    options: &'a Options,
    tls: Option<Setup>,
    seen: Seen,
}

impl Climb<'_> {
    fn climb_from_name(&mut self) {
        let url = &self.options.url;
        let name = name::look(url.host());
        let addresses = name.addresses();
        self.seen.name = Some(name);
        if addresses.is_empty() {
            return;
        }
        let (route, connections) = route::look(&addresses, url.port());
        let chosen = route.paths.iter().position(|path| path.outcome.is_connected());
        self.seen.route = Some(route);
        // The other connections end here.
        let tcp = chosen.and_then(|at| connections.into_iter().nth(at).flatten());
        if let Some(tcp) = tcp {
            self.climb_from_tcp(tcp);
        }
    }

    fn climb_from_tcp(&mut self, tcp: TcpStream) {
        let at_start = Figures::of(&tcp).ok();
        let path = self
            .seen
            .route
            .as_mut()
            .and_then(|route| route.paths.iter_mut().find(|path| path.outcome.is_connected()));
        let Some(path) = path else { return };
        path.path_mtu = at_start.as_ref().map(|figures| figures.path_mtu).or(path.path_mtu);
        let (address, handshake_ms) = (path.address, path.took_ms);
        let seen = TcpSeen { address, handshake_ms, at_start, load: None, at_end: None };
        self.seen.tcp = Some(seen);
        let stream = match &self.tls {
            None => Stream::Plain(Recorder::new(tcp)),
            Some(setup) => {
                let (seen, stream) = tls::shake(tcp, setup);
                self.seen.tls = Some(seen);
                match stream {
                    Some(stream) => stream,
                    None => return self.without_tls(address),
                }
            }
        };
        self.climb_from_hello(Wire::new(stream), address);
    }

    /// Looks further into a TLS handshake that failed.
    fn without_tls(&mut self, address: SocketAddr) {
        let (Some(setup), Some(seen)) = (&self.tls, &mut self.seen.tls) else { return };
        // A hub ends a handshake that does not come to its end, a few seconds after its start.
        let waited = seen.took_ms > LONG_WAIT_MS;
        match &mut seen.failure {
            // The certificates of a server fill more than one packet, and so may the first message
            // of a client.
            Some(failure @ (TlsFailure::Silent | TlsFailure::Ended | TlsFailure::Reset))
                if waited && narrow::handshake(address, setup) =>
            {
                *failure = TlsFailure::BlackHole;
            }
            Some(TlsFailure::NotTls { program }) => {
                let known = program.as_ref().is_some_and(|p| p.protocol != Protocol::Unknown);
                if !known {
                    *program = hub::probe(address).or(program.take());
                }
            }
            // A program that waits for its client, or ends a connection that it does not understand.
            Some(failure @ (TlsFailure::Silent | TlsFailure::Ended | TlsFailure::Reset)) => {
                let program = hub::probe(address);
                if program.as_ref().is_some_and(|p| p.protocol != Protocol::Tls) {
                    *failure = TlsFailure::NotTls { program };
                }
            }
            _ => {}
        }
    }

    fn climb_from_hello(&mut self, mut wire: Wire, address: SocketAddr) {
        let (hub, greeting) = hub::greet(&mut wire, &self.options.hello(), hub::PATIENCE);
        match greeting {
            Ok(greeting) => {
                let speaks = greeting.welcome.version == hub_wire::VERSION;
                self.seen.hub = Some(hub);
                if speaks {
                    self.climb_from_welcome(wire, &greeting, address);
                }
            }
            Err(error) => {
                let figures = Figures::of(wire.recorder().tcp()).ok();
                drop(wire);
                self.not_welcome(hub, &error, figures, address);
            }
        }
    }

    /// Looks further into a HELLO that got no WELCOME. The kernel said `figures` of its connection.
    fn not_welcome(
        &mut self,
        mut hub: HubSeen,
        error: &WireError,
        figures: Option<Figures>,
        address: SocketAddr,
    ) {
        // With TLS 1.3, the server checks the certificate of a client after the handshake.
        if let (WireError::Tls(rustls::Error::AlertReceived(alert)), Some(tls)) =
            (error, &mut self.seen.tls)
        {
            tls.failure = Some(TlsFailure::of_alert(*alert));
            return;
        }
        let hello = self.options.hello();
        if hub.is_unanswered() && narrow::hello(address, self.tls.as_ref(), &hello) {
            let narrow = Narrow { passes: true, largest_packet: None, smallest_lost: None };
            return self.stalled_on_hello(Ended::Silent, None, Some(narrow));
        }
        if let Some(ended) = self.lost_hello(&hub, figures.as_ref()) {
            return self.stalled_on_hello(ended, figures, None);
        }
        let close = match &hub.answer {
            Answer::Closed(close) => Some(CloseCode::from_number(close.code)),
            _ => None,
        };
        if let Answer::Ended { stopped, .. } = &mut hub.answer {
            *stopped = matches!(route::connect(address, None), Err(Outcome::Refused));
        }
        let may_be_tls = close.is_none_or(|code| code == CloseCode::Protocol);
        if self.tls.is_none() && may_be_tls && tls::speaks(address) {
            let failure = Some(TlsFailure::TlsForPlain);
            self.seen.tls = Some(TlsSeen { failure, ..TlsSeen::default() });
            return;
        }
        if let Answer::Silent { program }
        | Answer::Ended { program, stopped: false, .. }
        | Answer::Other { program } = &mut hub.answer
        {
            let known = program.as_ref().is_some_and(|p| {
                // What HTTP servers say to a HELLO does not show whose they are.
                !matches!(p.protocol, Protocol::Unknown | Protocol::Http)
            });
            // Inside TLS, the questions would have to be encrypted.
            if !known && self.tls.is_none() {
                *program = hub::probe(address).or(program.take());
            }
        }
        self.seen.hub = Some(hub);
    }

    /// Returns how the connection ended if HELLO did not get to the hub, or not in time, because
    /// packets were lost. Whoever blames the hub for that looks in the wrong place.
    fn lost_hello(&self, hub: &HubSeen, figures: Option<&Figures>) -> Option<Ended> {
        let (figures, start) = (figures?, self.seen.tcp.as_ref()?.at_start.as_ref()?);
        let unacknowledged = figures.unacknowledged > 0;
        match &hub.answer {
            _ if !hub.is_unanswered() => None,
            Answer::Closed(_) if unacknowledged || figures.lost() > start.lost() => {
                Some(Ended::Closed)
            }
            Answer::Silent { .. } if unacknowledged => Some(Ended::Silent),
            _ => None,
        }
    }

    /// Notes that HELLO did not pass.
    fn stalled_on_hello(&mut self, ended: Ended, figures: Option<Figures>, narrow: Option<Narrow>) {
        let stall = Stall { on: Frames::Hello, ended, figures: figures.clone(), narrow };
        if let Some(tcp) = &mut self.seen.tcp {
            tcp.load = Some(LoadSeen { stall: Some(stall), ..LoadSeen::default() });
            tcp.at_end = figures;
        }
    }

    fn climb_from_welcome(&mut self, mut wire: Wire, greeting: &Greeting, address: SocketAddr) {
        let welcome = &greeting.welcome;
        let mut load = tcp::load(&mut wire, welcome.limits.frame);
        if let Some(stall) = &mut load.stall
            && stall.ended == Ended::Silent
        {
            stall.narrow = narrow::load(address, self.tls.as_ref(), &self.options.hello());
        }
        let stalled = load.stall.is_some();
        if let Some(tcp) = &mut self.seen.tcp {
            tcp.load = Some(load);
        }
        if !stalled {
            self.above_tcp(&mut wire, greeting);
        }
        if let Some(tcp) = &mut self.seen.tcp {
            tcp.at_end = Figures::of(wire.recorder().tcp()).ok();
        }
        self.note_close(&wire);
        if !stalled {
            wire.close();
        }
    }

    /// Looks at what lies above a working connection.
    fn above_tcp(&mut self, wire: &mut Wire, greeting: &Greeting) {
        let welcome = &greeting.welcome;
        let certificate = self.seen.tls.as_ref().is_some_and(|tls| tls.client_certificate_shown);
        let shown = Shown::new(self.options.credentials.as_ref(), certificate);
        let topic = self.options.topic.as_deref();
        let access = access::look(wire, &welcome.publisher, &welcome.inbox, shown, topic);
        let mut samples = vec![Sample {
            asked_ms: greeting.sent_ms,
            took_ms: greeting.took_ms,
            hub_ms: welcome.time_ms,
        }];
        if let Ok(access) = access {
            self.seen.access = Some(access);
            let (mut trip, _) =
                round_trip::look(wire, &welcome.inbox, welcome.limits.frame, &mut samples);
            if let Ok(figures) = Figures::of(wire.recorder().tcp()) {
                trip.tcp_rtt_us = Some(figures.rtt_min_us.min(figures.rtt_us));
            }
            self.seen.round_trip = Some(trip);
        }
        self.seen.clock = clock::look(&samples);
    }

    /// Notes a CLOSE of the hub, which explains whatever ended early.
    fn note_close(&mut self, wire: &Wire) {
        let (Some(close), Some(hub)) = (wire.closed(), &mut self.seen.hub) else { return };
        hub.closed_later = Some(CloseSeen::new(close));
        // The end of the connection is no fault of its own then.
        if let Some(load) = self.seen.tcp.as_mut().and_then(|tcp| tcp.load.as_mut()) {
            load.stall = None;
        }
        if let Some(trip) = &mut self.seen.round_trip {
            trip.ended = None;
        }
    }
}
