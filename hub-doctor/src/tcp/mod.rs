//! The layer *TCP*: how fast the handshake was, what both sides agreed on, and how the connection
//! behaves under a short load. Without the load, a connection that loses packets looks healthy.

mod figures;
mod load;
mod stall;

pub use figures::{Figures, Limit};
pub use load::{Ended, Frames, LoadSeen, Narrow, Stall};
pub(crate) use load::{large, load};
pub(crate) use stall::black_hole;

use crate::layer::{Finding, Layer};
use serde::Serialize;
use std::net::SocketAddr;

/// From a round trip of this length on, the distance itself disturbs.
const LONG_WAY_US: u32 = 150_000;
/// A handshake that takes longer than this, and far longer than a round trip, had its first packet
/// lost: the kernel sends it again after a second.
const SYN_LOST_MS: f64 = 900.0;
/// Fewer retransmissions than this may be chance.
const FEW_RETRANSMISSIONS: u32 = 3;
/// If this part of the segments or more was lost, the loss is worth a warning.
const LOSS: f64 = 0.005;
/// The finding for lost segments has this code.
const LOSS_CODE: &str = "loss";
/// What to do about lost segments.
const LOSS_REMEDY: &str = "Packets are lost on the way. Look for errors and drops with `ip -s link` \
     on both machines, for an overloaded link, and for the router that loses them with `mtr`. Each \
     loss delays everything behind it.";

/// Holds what TCP showed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TcpSeen {
    /// The doctor examined this address of the hub further.
    pub address: SocketAddr,
    /// The handshake took this long (SYN to SYN-ACK), in milliseconds.
    pub handshake_ms: f64,
    /// The kernel says this of the connection right after the handshake.
    pub at_start: Option<Figures>,
    /// A short load showed this. There is none if the hub did not let this client in.
    pub load: Option<LoadSeen>,
    /// The kernel says this of the connection at the end of the examination.
    pub at_end: Option<Figures>,
}

impl TcpSeen {
    /// Returns the latest figures.
    #[must_use]
    pub fn latest(&self) -> Option<&Figures> {
        let under_load = self.load.as_ref().and_then(|load| load.figures.as_ref());
        self.at_end.as_ref().or(under_load).or(self.at_start.as_ref())
    }
}

/// Returns what is wrong with the connection.
pub(crate) fn judge(seen: &TcpSeen) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(stall) = seen.load.as_ref().and_then(|load| load.stall.as_ref()) {
        found.push(stall::judge(stall));
    }
    let Some(figures) = seen.latest() else { return found };
    let rtt_ms = f64::from(figures.rtt_us) / 1000.0;
    let syn_lost = seen.handshake_ms > SYN_LOST_MS && seen.handshake_ms > 3.0 * rtt_ms;
    let sent_again = SentAgain::of(seen, figures);
    // A loss that kept HELLO from the hub is in there as a fault.
    let known = found.iter().any(|finding| finding.code == LOSS_CODE);
    if !known && (sent_again.is_loss() || syn_lost) {
        found.push(loss(seen, &sent_again));
    }
    if figures.rtt_min_us >= LONG_WAY_US {
        found.push(Finding::warning(
            Layer::Tcp,
            "long_way",
            format!(
                "A round trip to {} takes at least {:.0} ms.",
                seen.address,
                f64::from(figures.rtt_min_us) / 1000.0
            ),
            "Every receipt and every reply waits for at least that long. Use a hub nearer to this \
             machine, or look for a detour with `mtr` or `traceroute`; publish without waiting for \
             each receipt.",
        ));
    }
    let start = seen.at_start.as_ref().unwrap_or(figures);
    if start.send_window_scale.is_none() || !start.sack {
        found.push(Finding::warning(
            Layer::Tcp,
            "options_missing",
            format!("Both sides did not agree on usual options: {}.", start.options()),
            "Without window scaling, at most 64 KiB are in flight; without SACK, losses cost more. \
             Check `sysctl net.ipv4.tcp_window_scaling net.ipv4.tcp_sack` on both machines; a \
             middlebox may remove the options.",
        ));
    }
    found
}

/// Counts the segments that had to be sent again because they were lost.
struct SentAgain {
    again: u32,
    of: u32,
}

impl SentAgain {
    fn of(seen: &TcpSeen, latest: &Figures) -> SentAgain {
        let all = SentAgain { again: latest.lost(), of: latest.segments_sent };
        let narrowed = seen.at_start.as_ref().is_some_and(|start| latest.path_mtu < start.path_mtu);
        match seen.load.as_ref().and_then(|load| load.figures.as_ref()) {
            // A router said that segments are too large, and they were sent again in smaller ones.
            // That is how the size of a path is found, and no loss.
            Some(load) if narrowed => SentAgain {
                again: all.again.saturating_sub(load.lost()),
                of: all.of.saturating_sub(load.segments_sent),
            },
            _ => all,
        }
    }

    /// Returns which part of the segments was sent again, from 0 to 1.
    fn rate(&self) -> f64 {
        f64::from(self.again) / f64::from(self.of.max(1))
    }

    /// Returns whether it is more than chance explains.
    fn is_loss(&self) -> bool {
        self.again >= FEW_RETRANSMISSIONS && self.rate() >= LOSS
    }
}

/// Returns the finding for lost segments.
fn loss(seen: &TcpSeen, sent_again: &SentAgain) -> Finding {
    let mut what = format!(
        "{} of {} segments had to be sent again ({:.1} %)",
        sent_again.again,
        sent_again.of,
        sent_again.rate() * 100.0
    );
    if seen.handshake_ms > SYN_LOST_MS {
        what += &format!("; the handshake took {:.0} ms", seen.handshake_ms);
    }
    Finding::warning(Layer::Tcp, LOSS_CODE, what + ".", LOSS_REMEDY)
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &TcpSeen) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(start) = &seen.at_start {
        lines.push(format!("{}; {}", seen.address, start.options()));
    } else {
        lines.push(seen.address.to_string());
    }
    if let (Some(figures), Some(_)) = (seen.latest(), &seen.load) {
        let ms = |us: u32| f64::from(us) / 1000.0;
        lines.push(format!(
            "under load: RTT {:.2} ms ± {:.2}, {} of {} segments sent again{}, congestion window {} \
             segments, {} unsent",
            ms(figures.rtt_us),
            ms(figures.rtt_variance_us),
            figures.retransmitted,
            figures.segments_sent,
            match figures.needlessly_retransmitted {
                0 => String::new(),
                needlessly => format!(" ({needlessly} of them needlessly)"),
            },
            figures.congestion_window,
            bytes(figures.unsent_bytes.into()),
        ));
        lines.push(format!(
            "delivery rate {}/s; what limited it: {}",
            bytes(figures.delivery_rate),
            figures.limited_by.title()
        ));
    }
    lines
}

/// Returns a number of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    let (unit, name) = match count {
        0..1024 => return format!("{count} B"),
        1024..1_048_000 => (1_u64 << 10, "KiB"),
        1_048_000..1_073_000_000 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    let rounded = format!("{:.1}", count as f64 / unit as f64);
    format!("{} {name}", rounded.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(change: impl FnOnce(&mut Figures)) -> TcpSeen {
        let mut figures = Figures {
            send_window_scale: Some(7),
            sack: true,
            rtt_us: 300,
            rtt_min_us: 200,
            segments_sent: 400,
            ..Figures::default()
        };
        change(&mut figures);
        TcpSeen {
            address: "10.0.0.1:4820".parse().unwrap(),
            handshake_ms: 0.3,
            at_start: Some(figures.clone()),
            load: Some(LoadSeen { figures: Some(figures), ..LoadSeen::default() }),
            at_end: None,
        }
    }

    fn codes(seen: &TcpSeen) -> Vec<&'static str> {
        judge(seen).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn sizes_are_short() {
        let all = [12, 1024, 16_384, 1_048_521, 1_048_576, 2_437_939_200].map(bytes);
        assert_eq!(all, ["12 B", "1 KiB", "16 KiB", "1 MiB", "1 MiB", "2.3 GiB"]);
    }

    #[test]
    fn a_good_connection_has_no_finding() {
        assert!(codes(&seen(|_| {})).is_empty());
        assert!(codes(&seen(|figures| figures.retransmitted = 2)).is_empty(), "chance");
        let late = |figures: &mut Figures| {
            (figures.retransmitted, figures.needlessly_retransmitted) = (20, 18);
        };
        assert!(codes(&seen(late)).is_empty(), "late acknowledgements");
    }

    #[test]
    fn loss_shows_in_segments_or_in_the_handshake() {
        assert_eq!(codes(&seen(|figures| figures.retransmitted = 20)), ["loss"]);
        let mut late = seen(|_| {});
        late.handshake_ms = 1020.0;
        assert_eq!(codes(&late), ["loss"]);
    }

    #[test]
    fn the_search_for_the_size_of_a_path_is_no_loss() {
        let mut narrowed = seen(|figures| (figures.path_mtu, figures.retransmitted) = (1300, 20));
        narrowed.at_start.as_mut().unwrap().path_mtu = 1500;
        assert!(codes(&narrowed).is_empty());
        let mut end = narrowed.latest().unwrap().clone();
        (end.segments_sent, end.retransmitted) = (800, 30);
        narrowed.at_end = Some(end);
        assert_eq!(codes(&narrowed), ["loss"], "10 more of 400 since");
    }

    #[test]
    fn a_long_way_is_no_loss() {
        let mut far = seen(|figures| (figures.rtt_us, figures.rtt_min_us) = (201_000, 200_000));
        far.handshake_ms = 200.0;
        assert_eq!(codes(&far), ["long_way"]);
    }

    #[test]
    fn options_that_a_middlebox_removed_are_missed() {
        assert_eq!(codes(&seen(|figures| figures.sack = false)), ["options_missing"]);
    }
}
