//! Why a load came to a stop. The same silence has four causes, and the kernel's figures tell them
//! apart: large packets that vanish, a closed window, a path that has gone, and a hub that does not
//! answer.

use super::figures::Figures;
use super::load::{Ended, Frames, Stall};
use super::{LOSS_CODE, LOSS_REMEDY};
use crate::layer::{Finding, Layer};
use hub_wire::CloseCode;

/// Returns the cause of a stall.
pub(super) fn judge(stall: &Stall) -> Finding {
    if let Some(narrow) = stall.narrow
        && narrow.passes
    {
        let known = match (narrow.largest_packet, narrow.smallest_lost) {
            (Some(passed), Some(lost)) => {
                format!("packets of {passed} bytes pass, and packets of {lost} bytes vanish")
            }
            _ => "small packets pass".to_owned(),
        };
        return black_hole(&known, narrow.largest_packet);
    }
    match stall.ended {
        Ended::Closed if stall.on == Frames::Hello => gave_up(stall),
        Ended::Closed | Ended::Reset => broken(stall.ended),
        Ended::Garbled => Finding::fault(
            Layer::Tcp,
            "garbled",
            "After WELCOME, bytes came that are no frame of a hub.",
            "Something between this machine and the hub changes the bytes, for example a proxy. \
             Connect without it, or use TLS (hubs://), which notices changes.",
        ),
        Ended::Silent => silent(stall),
    }
}

/// Returns the finding for large packets that vanish. `known` says what passes.
pub(crate) fn black_hole(known: &str, passes: Option<u32>) -> Finding {
    let mtu = passes.map_or_else(String::new, |bytes| {
        format!(" Until then, `ip route change … mtu {bytes}` on this machine helps.")
    });
    Finding::fault(
        Layer::Route,
        "path_mtu_black_hole",
        format!(
            "The path swallows large packets and no router says so (path MTU black hole): {known}."
        ),
        format!(
            "Allow ICMP \"fragmentation needed\" (type 3 code 4; ICMPv6 type 2) through all \
             firewalls on the way, or clamp the MSS on the router in front of the narrow link.{mtu} \
             `sysctl net.ipv4.tcp_mtu_probing=1` lets TCP find the size by itself."
        ),
    )
}

/// Returns the finding for a connection that was cut.
fn broken(ended: Ended) -> Finding {
    let how = if ended == Ended::Reset { "reset (RST)" } else { "ended (FIN)" };
    Finding::fault(
        Layer::Tcp,
        "connection_cut",
        format!("The connection was {how} in the middle, without CLOSE."),
        "The hub never does that in normal use. Look for a proxy or a firewall on the way that \
         cuts connections, and in the hub's log for the end of its process.",
    )
}

/// Returns the finding for a HELLO that was lost until the hub waited no longer.
fn gave_up(stall: &Stall) -> Finding {
    let again = stall.figures.as_ref().map_or(0, Figures::lost);
    Finding::fault(
        Layer::Tcp,
        LOSS_CODE,
        format!(
            "HELLO did not get to the hub in time, and the hub gave up on it (CLOSE {} {}): {again} \
             segments had to be sent again, and the last one has no acknowledgement or came too \
             late.",
            CloseCode::HandshakeTimeout.number(),
            CloseCode::HandshakeTimeout,
        ),
        LOSS_REMEDY,
    )
}

/// Returns the finding for silence.
fn silent(stall: &Stall) -> Finding {
    let Some(figures) = &stall.figures else {
        return not_answering("");
    };
    let window_closed = figures.window_probes > 0
        || (figures.unsent_bytes > 0 && figures.peer_window < figures.send_mss.max(1));
    if window_closed {
        return Finding::fault(
            Layer::Tcp,
            "zero_window",
            format!(
                "The other side's window is closed: its kernel acknowledges, and its program does \
                 not read ({} bytes wait unsent).",
                figures.unsent_bytes
            ),
            "The hub, or a proxy in front of it, has stopped reading. Check that its process runs \
             and is not stopped. A hub also stops reading while a subscriber with the policy \
             `block` is full, or while it is short of memory; `hub audit` shows what waits.",
        );
    }
    if figures.backoff > 0 || figures.unacknowledged > 0 {
        return Finding::fault(
            Layer::Route,
            "path_lost",
            format!(
                "The other side stopped acknowledging in the middle: {} segments are in flight, \
                 and the retransmission timer ran out {} times in a row.",
                figures.unacknowledged, figures.backoff
            ),
            "Packets vanish on the way since the connection began. Look for a firewall that \
             forgets connections, for a link that went down, and for a route that changed.",
        );
    }
    not_answering("its kernel acknowledged everything, ")
}

/// Returns the finding for a hub that does not answer.
fn not_answering(but: &str) -> Finding {
    Finding::fault(
        Layer::Hub,
        "not_answering",
        format!(
            "The hub let this client in, and does not answer PING: {but}its program is silent."
        ),
        "Check on the hub's machine that the process is not stopped (`ps -o stat`, state T) and \
         has processor time and memory. A hub that waits for a full subscriber with the policy \
         `block` reads on, but slowly.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Narrow;
    use super::*;

    fn judged(ended: Ended, figures: Figures, narrow: Option<Narrow>) -> (Layer, &'static str) {
        judged_on(Frames::Large, ended, figures, narrow)
    }

    fn judged_on(
        on: Frames,
        ended: Ended,
        figures: Figures,
        narrow: Option<Narrow>,
    ) -> (Layer, &'static str) {
        let found = judge(&Stall { on, ended, figures: Some(figures), narrow });
        (found.layer, found.code)
    }

    #[test]
    fn the_causes_of_silence_differ() {
        let silent = |figures| judged(Ended::Silent, figures, None);
        let none = Figures::default();
        assert_eq!(silent(none.clone()), (Layer::Hub, "not_answering"));
        let closed = Figures { unsent_bytes: 9000, send_mss: 1448, ..none.clone() };
        assert_eq!(silent(closed), (Layer::Tcp, "zero_window"));
        let probing = Figures { window_probes: 2, ..none.clone() };
        assert_eq!(silent(probing), (Layer::Tcp, "zero_window"));
        let lost = Figures { unacknowledged: 3, backoff: 2, peer_window: 60_000, ..none.clone() };
        assert_eq!(silent(lost), (Layer::Route, "path_lost"));
    }

    #[test]
    fn small_packets_that_pass_prove_a_black_hole() {
        let narrow = Narrow { passes: true, largest_packet: Some(1300), smallest_lost: Some(1320) };
        let lost = Figures { unacknowledged: 3, backoff: 2, ..Figures::default() };
        let found = judged(Ended::Silent, lost.clone(), Some(narrow));
        assert_eq!(found, (Layer::Route, "path_mtu_black_hole"));
        let other = Narrow { passes: false, largest_packet: None, smallest_lost: None };
        assert_eq!(judged(Ended::Silent, lost, Some(other)), (Layer::Route, "path_lost"));
    }

    #[test]
    fn a_hello_that_was_lost_is_no_fault_of_the_hub() {
        let lost = Figures { unacknowledged: 1, retransmitted: 4, ..Figures::default() };
        assert_eq!(judged_on(Frames::Hello, Ended::Closed, lost, None), (Layer::Tcp, "loss"));
    }

    #[test]
    fn a_cut_is_no_silence() {
        let none = Figures::default;
        assert_eq!(judged(Ended::Reset, none(), None), (Layer::Tcp, "connection_cut"));
        assert_eq!(judged(Ended::Closed, none(), None), (Layer::Tcp, "connection_cut"));
        assert_eq!(judged(Ended::Garbled, none(), None), (Layer::Tcp, "garbled"));
    }
}
