//! The layer *hub*: whether the program on the port is a hub that this client understands, and
//! whether it lets this client in (HELLO to WELCOME). A client that only says "closed" or "not a
//! hub" leaves its user without the reason and without the program that is there instead.

mod close_code;
mod probe;

pub use close_code::CloseSeen;
pub(crate) use probe::probe;

use crate::layer::{Finding, Layer};
use crate::program::{Program, Protocol, identify};
use crate::tcp::bytes;
use crate::wire::{Incoming, Wire, WireError};
use hub_wire::{CloseCode, Frame, Hello, VERSION, Welcome};
use serde::Serialize;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The hub may take this long to answer HELLO. Checking a password takes a hub some time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(6);
/// An answer to HELLO that takes so much longer than a round trip means that the hub is slow.
const SLOW_MS: f64 = 1000.0;

/// Holds what the program on the port did with HELLO.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HubSeen {
    /// The answer to HELLO took this long, in milliseconds.
    pub took_ms: f64,
    /// The program gave this answer.
    pub answer: Answer,
    /// This CLOSE came later, in the middle of the examination.
    pub closed_later: Option<CloseSeen>,
}

/// Says how a program answered HELLO.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Answer {
    /// The hub lets this client in.
    Welcome(WelcomeSeen),
    /// The hub does not let this client in.
    Closed(CloseSeen),
    /// Nothing came in time.
    Silent {
        /// This program answers other questions on the port, if one does.
        program: Option<Program>,
    },
    /// The connection ended without an answer.
    Ended {
        /// If this is true, the connection was reset (RST).
        reset: bool,
        /// This program answers other questions on the port, if one does.
        program: Option<Program>,
        /// If this is true, the port refused the next connection: the program has stopped in the
        /// meantime.
        stopped: bool,
    },
    /// Bytes came that are no frame of a hub.
    Other {
        /// This program sent them, if the doctor knows it.
        program: Option<Program>,
    },
}

/// Holds the facts in WELCOME.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WelcomeSeen {
    /// The hub chose this version of the protocol.
    pub version: u64,
    /// This run of the hub has this number, in hexadecimal.
    pub hub: String,
    /// The connection has this number.
    pub connection: u64,
    /// A frame has at most so many bytes.
    pub max_frame: u32,
    /// Payloads may be nested so deep.
    pub max_depth: u8,
    /// Payloads may have so many elements.
    pub max_elements: u32,
    /// The hub sends PING after so many milliseconds of silence.
    pub keepalive_ms: u64,
}

impl HubSeen {
    /// Returns whether HELLO may not have arrived.
    pub(crate) fn is_unanswered(&self) -> bool {
        match &self.answer {
            Answer::Silent { program } => program.is_none(),
            Answer::Closed(close) => {
                CloseCode::from_number(close.code) == CloseCode::HandshakeTimeout
            }
            _ => false,
        }
    }
}

/// Holds WELCOME, and the clock of this machine around it.
#[derive(Debug, Clone)]
pub(crate) struct Greeting {
    pub(crate) welcome: Welcome,
    /// HELLO was sent at this time, in milliseconds since 1970.
    pub(crate) sent_ms: f64,
    /// WELCOME took this long, in milliseconds.
    pub(crate) took_ms: f64,
}

/// Sends HELLO and waits for the answer. Returns the greeting if it is WELCOME.
pub(crate) fn greet(
    wire: &mut Wire,
    hello: &Hello,
    patience: Duration,
) -> (HubSeen, Result<Greeting, WireError>) {
    let sent_ms = now_ms();
    let start = Instant::now();
    let deadline = start + patience;
    let sent = wire.send(&Frame::Hello(hello.clone()).to_bytes(), deadline);
    // The other side may have closed before, and said why.
    let answer = wire.next(deadline);
    let took_ms = start.elapsed().as_secs_f64() * 1000.0;
    let said = || identify(wire.unread());
    let seen = match &answer {
        Ok(Incoming::Welcome(welcome)) => Answer::Welcome(WelcomeSeen::new(welcome)),
        Ok(Incoming::Close(close)) => Answer::Closed(CloseSeen::new(close)),
        Ok(_) | Err(WireError::NotAFrame(_)) => Answer::Other { program: said() },
        Err(WireError::TimedOut) => Answer::Silent { program: said() },
        Err(WireError::Reset | WireError::Io(_)) => {
            Answer::Ended { reset: true, program: said(), stopped: false }
        }
        Err(WireError::Ended | WireError::Tls(_)) => {
            Answer::Ended { reset: false, program: said(), stopped: false }
        }
    };
    let greeting = match answer {
        Ok(Incoming::Welcome(welcome)) => {
            wire.accept_up_to(welcome.limits.frame.max(64 << 10));
            Ok(Greeting { welcome, sent_ms, took_ms })
        }
        Ok(_) => Err(WireError::Ended),
        Err(error) => Err(sent.err().filter(|_| error == WireError::Ended).unwrap_or(error)),
    };
    (HubSeen { took_ms, answer: seen, closed_later: None }, greeting)
}

/// Returns the clock of this machine, in milliseconds since 1970.
pub(crate) fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

impl WelcomeSeen {
    fn new(welcome: &Welcome) -> WelcomeSeen {
        WelcomeSeen {
            version: welcome.version,
            hub: welcome.hub.iter().map(|byte| format!("{byte:02x}")).collect(),
            connection: welcome.connection,
            max_frame: welcome.limits.frame,
            max_depth: welcome.limits.depth,
            max_elements: welcome.limits.elements,
            keepalive_ms: welcome.keepalive_ms,
        }
    }
}

/// Returns what is wrong with the program on the port. `rtt_ms` is the round trip of TCP.
pub(crate) fn judge(seen: &HubSeen, rtt_ms: f64) -> Vec<Finding> {
    let mut found = Vec::new();
    match &seen.answer {
        Answer::Welcome(welcome) if welcome.version != VERSION => found.push(version(welcome)),
        Answer::Welcome(_) => {
            let own = seen.took_ms - rtt_ms;
            if own > SLOW_MS {
                found.push(slow(seen.took_ms, rtt_ms));
            }
        }
        Answer::Closed(close) => found.push(close.judge(false)),
        Answer::Silent { program } => found.push(silent(program.as_ref())),
        Answer::Ended { stopped: true, .. } => found.push(stopped()),
        Answer::Ended { reset, program, .. } => found.push(ended(*reset, program.as_ref())),
        Answer::Other { program } => found.push(other(program.as_ref())),
    }
    if let Some(close) = &seen.closed_later {
        found.push(close.judge(true));
    }
    found
}

/// Returns the finding for a hub of another version.
fn version(welcome: &WelcomeSeen) -> Finding {
    Finding::fault(
        Layer::Hub,
        CloseCode::Version.name(),
        format!(
            "The hub speaks version {} of the protocol, and this client speaks version {VERSION}.",
            welcome.version
        ),
        "Use a client and a hub of the same version: update the older one (`hub --version`).",
    )
}

/// Returns the finding for a hub that takes long to answer HELLO.
fn slow(took_ms: f64, rtt_ms: f64) -> Finding {
    Finding::warning(
        Layer::Hub,
        "slow_welcome",
        format!(
            "WELCOME took {took_ms:.0} ms, and the round trip of TCP takes {rtt_ms:.1} ms: the hub \
             itself is slow."
        ),
        "Check on the hub's machine that its process is not stopped from time to time, and has \
         processor time (`top`). Many clients with passwords that connect at once delay one \
         another.",
    )
}

/// Returns the finding for a program that is not a hub.
fn other(program: Option<&Program>) -> Finding {
    let remedy = match program.map(|program| program.protocol) {
        Some(Protocol::HubHttp) => {
            "This is the address in the hub's key `http`. Clients connect to the address in the \
             key `listen`, which is port 4820 unless configured."
        }
        Some(Protocol::Tls) => "Use hubs:// in the address, if a hub is behind it.",
        _ => {
            "Check the host and the port in the address. `hub serve` prints the address for clients \
             when it starts; on the machine, `ss -ltnp` shows which program has the port."
        }
    };
    let program = program.map_or_else(|| "a program that is no hub".to_owned(), Program::to_string);
    Finding::fault(Layer::Hub, "other_program", format!("The port belongs to {program}."), remedy)
}

/// Returns the finding for a program that does not answer HELLO.
fn silent(program: Option<&Program>) -> Finding {
    if program.is_some() {
        return other(program);
    }
    Finding::fault(
        Layer::Hub,
        "silent",
        format!(
            "The port accepts connections, and nothing answers HELLO within {} s.",
            PATIENCE.as_secs()
        ),
        "The kernel accepts connections also for a process that is stopped or hangs. Check on the \
         hub's machine that the process runs (`ps -o stat`: state T is stopped) and what it logs. \
         If the port is not a hub's, correct the address.",
    )
}

/// Returns the finding for a hub that ended while it was examined.
fn stopped() -> Finding {
    Finding::fault(
        Layer::Hub,
        "stopped",
        "The program on the port accepted the connection and then stopped: the port refuses \
         connections now.",
        "The hub ended before it answered. Start it again, or wait for the hub that replaces it. If \
         nobody stopped it, its log or the log of the system (`journalctl`, `dmesg`) says why it \
         ended.",
    )
}

/// Returns the finding for a connection that ended without an answer.
fn ended(reset: bool, program: Option<&Program>) -> Finding {
    if program.is_some() {
        return other(program);
    }
    let how = if reset { "reset the connection (RST)" } else { "ended the connection (FIN)" };
    Finding::fault(
        Layer::Hub,
        "ended",
        format!("The other side accepted the connection, and {how} after HELLO without an answer."),
        "A hub always says CLOSE first. A proxy or load balancer without a working hub behind it \
         does this, and so do some programs that are no hub. Look into the proxy's log, and check \
         the address.",
    )
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &HubSeen) -> Vec<String> {
    match &seen.answer {
        Answer::Welcome(welcome) => vec![format!(
            "protocol version {}, connection {}; limits: frames of {}, depth {}, {} elements; \
             keep-alive {} s",
            welcome.version,
            welcome.connection,
            bytes(welcome.max_frame.into()),
            welcome.max_depth,
            welcome.max_elements,
            welcome.keepalive_ms as f64 / 1000.0
        )],
        Answer::Closed(close) => {
            vec![format!("answered HELLO with CLOSE {} {}", close.code, close.name)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(answer: Answer, took_ms: f64) -> Vec<&'static str> {
        let seen = HubSeen { took_ms, answer, closed_later: None };
        judge(&seen, 1.0).iter().map(|finding| finding.code).collect()
    }

    fn welcome(version: u64) -> Answer {
        Answer::Welcome(WelcomeSeen {
            version,
            hub: String::new(),
            connection: 1,
            max_frame: 1 << 20,
            max_depth: 32,
            max_elements: 65536,
            keepalive_ms: 15000,
        })
    }

    #[test]
    fn a_hub_that_answers_at_once_is_good() {
        assert!(judged(welcome(VERSION), 5.0).is_empty());
        assert_eq!(judged(welcome(VERSION), 1500.0), ["slow_welcome"]);
        assert_eq!(judged(welcome(2), 5.0), ["unsupported_version"]);
    }

    #[test]
    fn another_program_is_named_however_the_connection_ended() {
        let program = || Some(Program { protocol: Protocol::Redis, said: "-ERR".into() });
        for answer in [
            Answer::Silent { program: program() },
            Answer::Ended { reset: false, program: program(), stopped: false },
            Answer::Other { program: program() },
        ] {
            let seen = HubSeen { took_ms: 1.0, answer, closed_later: None };
            let found = judge(&seen, 1.0);
            assert_eq!(found[0].code, "other_program");
            assert!(found[0].what.contains("Redis"), "{}", found[0].what);
        }
        assert_eq!(judged(Answer::Silent { program: None }, 1.0), ["silent"]);
        let ended = |stopped| Answer::Ended { reset: true, program: None, stopped };
        assert_eq!(judged(ended(false), 1.0), ["ended"]);
        assert_eq!(judged(ended(true), 1.0), ["stopped"]);
    }

    #[test]
    fn a_close_in_the_middle_is_told_too() {
        let close = hub_wire::Close {
            code: CloseCode::GoingAway,
            reason: "stopping".into(),
            retry_after_ms: None,
        };
        let seen = HubSeen {
            took_ms: 1.0,
            answer: welcome(VERSION),
            closed_later: Some(CloseSeen::new(&close)),
        };
        assert_eq!(judge(&seen, 1.0)[0].code, "going_away");
    }
}
