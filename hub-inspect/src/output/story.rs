//! The story of a connection: a sentence for each step of its life, and for each thing that went wrong.
//!
//! A reader who knows TCP from a textbook finds the textbook's steps here, with the numbers that answer
//! each other. Without these sentences, the reader would have to find the steps among all segments.

use crate::connection::{Signs, Stall, StallCause, Step};
use crate::inspector::{Finding, Seen};
use crate::tls::{TlsStep, suite_name, version_name};
use std::fmt::{self, Write};

/// Takes the sentences of a story, each with the word that programs know it by.
pub(super) type Sentence<'a> = &'a mut dyn FnMut(&'static str, fmt::Arguments<'_>);

/// Writes the sentences about a segment. `sentence` is called for each of them.
pub(super) fn tell(seen: &Seen<'_>, sentence: Sentence<'_>) {
    let observed = seen.observed;
    let (me, peer) = roles(seen);
    if let Some(stall) = &observed.stall
        && stall.cause != StallCause::Idle
    {
        tell_stall(stall, me, peer, sentence);
    }
    for step in observed.steps() {
        tell_step(seen, step, me, peer, sentence);
    }
    let signs = observed.signs;
    if signs.is_empty() {
        return;
    }
    let mut text = String::new();
    // A String takes everything that is written to it.
    let _ = write!(text, "{signs}");
    if let Some((packet, count)) = observed.duplicate_of {
        let _ = write!(text, " number {count} of packet {packet}: the {me} misses data");
    }
    if signs.any(Signs::FAST_RETRANSMISSION) {
        let _ = write!(text, ": the {peer} asked for it with duplicate ACKs");
    }
    if signs.any(Signs::SPURIOUS_RETRANSMISSION) {
        let _ = write!(text, ": the {peer} had it already");
    }
    if signs.any(Signs::WINDOW_PROBE | Signs::ZERO_WINDOW_PROBE) {
        let _ = write!(text, ": the {me} asks whether the {peer} accepts data again");
    } else if signs.any(Signs::KEEP_ALIVE) {
        let _ = write!(text, ": the {me} asks whether the {peer} is still there");
    }
    if signs.any(Signs::ZERO_WINDOW) {
        let _ = write!(text, ": the {me} reads too slowly and accepts nothing more for now");
    }
    if signs.any(Signs::WINDOW_FULL) {
        let _ = write!(text, ": the {me} has sent all that the {peer} accepts");
    }
    sentence("analysis", format_args!("{text}"));
}

/// Writes the sentence about the streams of a connection.
pub(super) fn tell_finding(seen: &Seen<'_>, finding: &Finding<'_>, sentence: Sentence<'_>) {
    let role = |endpoint| if endpoint == seen.connection.client { "client" } else { "server" };
    match finding {
        Finding::Conflict { sender, offset } => sentence(
            "conflict",
            format_args!(
                "conflict: the {} sent other bytes before for the number {}; the first ones count here, \
                 and the receiver may have taken either",
                role(*sender),
                (offset + 1) as u32,
            ),
        ),
        Finding::Tls(sender, step) => tell_tls(role(*sender), step, sentence),
    }
}

fn tell_tls(role: &str, step: &TlsStep, sentence: Sentence<'_>) {
    match step {
        TlsStep::ClientHello { name: Some(name) } => sentence(
            "tls",
            format_args!("TLS: the {role} says hello and asks for {}", name.escape_debug()),
        ),
        TlsStep::ClientHello { name: None } => {
            sentence("tls", format_args!("TLS: the {role} says hello and names no server"));
        }
        TlsStep::ServerHello { version, suite } => {
            let version = version_name(*version);
            match suite_name(*suite) {
                Some(name) => {
                    sentence("tls", format_args!("TLS: the {role} chooses {version} and {name}"));
                }
                None => sentence(
                    "tls",
                    format_args!("TLS: the {role} chooses {version} and cipher suite {suite:#06x}"),
                ),
            }
        }
        TlsStep::Alert(alert) if alert.is_close() => {
            sentence("tls", format_args!("TLS: the {role} has no more data ({alert})"));
        }
        TlsStep::Alert(alert) => {
            sentence("tls", format_args!("TLS: the {role} ends the connection: {alert}"));
        }
        TlsStep::Ended(why) => sentence(
            "tls",
            format_args!("TLS: what follows is not decrypted, because {}", why.text()),
        ),
    }
}

/// Returns who has sent the segment, and who gets it.
fn roles(seen: &Seen<'_>) -> (&'static str, &'static str) {
    if seen.observed.sender == seen.connection.client {
        ("client", "server")
    } else {
        ("server", "client")
    }
}

fn tell_stall(stall: &Stall, me: &str, peer: &str, sentence: Sentence<'_>) {
    let side = if stall.at_sender { me } else { peer };
    let pause = stall.pause_ns as f64 / 1e6;
    sentence(
        "stall",
        format_args!("stall of {pause:.0} ms, on the side of the {side}: {}", stall.cause.text()),
    );
}

fn tell_step(seen: &Seen<'_>, step: Step, me: &str, peer: &str, sentence: Sentence<'_>) {
    match step {
        Step::Syn { seq } => sentence(
            "establishment",
            format_args!(
                "establishment, SYN: the {me} asks for a connection; its numbers begin at {seq}"
            ),
        ),
        Step::SynAck { seq, ack } => sentence(
            "establishment",
            format_args!(
                "establishment, SYN and ACK: the {me} agrees; its numbers begin at {seq}, and {ack} \
             acknowledges the number before it"
            ),
        ),
        Step::Established { ack, after_ns } => sentence(
            "establishment",
            format_args!(
                "establishment, ACK: {ack} acknowledges the number of the {peer}; the connection is \
             established after {:.3} ms",
                after_ns as f64 / 1e6
            ),
        ),
        Step::Joined => {
            sentence("joined", format_args!("the capture begins in the middle of this connection"))
        }
        Step::Fin { seq, second: false } => sentence(
            "termination",
            format_args!(
                "termination, FIN: the {me} has no more data; its FIN has the number {seq}"
            ),
        ),
        Step::Fin { seq, second: true } => sentence(
            "termination",
            format_args!(
                "termination, FIN: the {me} has no more data either; its FIN has the number {seq}"
            ),
        ),
        Step::FinAcknowledged { ack, half_closed } => {
            sentence(
                "termination",
                format_args!("termination, ACK: {ack} acknowledges the FIN of the {peer}"),
            );
            if half_closed {
                sentence(
                    "termination",
                    format_args!("the connection is half closed: the {me} may still send"),
                );
            }
        }
        Step::Closed => {
            sentence("termination", format_args!("the connection is closed in both directions"))
        }
        Step::Reset => {
            let reason = seen.observed.reset.map_or("for an unknown reason", |it| it.text());
            sentence(
                "reset",
                format_args!("RST: the {me} resets the connection, probably because {reason}"),
            );
        }
    }
}
