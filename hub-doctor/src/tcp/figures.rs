//! The figures of one TCP connection (`TCP_INFO`), and what limits its throughput.

use crate::netlink;
use serde::Serialize;
use std::io;
use std::net::TcpStream;

/// `tcpi_options` has these bits.
const TIMESTAMPS: u8 = 1;
const SACK: u8 = 2;
const WINDOW_SCALE: u8 = 4;
const ECN: u8 = 8;

/// Holds what the kernel knows of a TCP connection. Times are in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Figures {
    /// This side sends segments of at most so many bytes, without headers.
    pub send_mss: u32,
    /// This side asked the other side for segments of at most so many bytes.
    pub advertised_mss: u32,
    /// This side believes that the path takes packets of at most so many bytes.
    pub path_mtu: u32,
    /// The window of the other side is scaled by so many bits. Without the option, there is none.
    pub send_window_scale: Option<u8>,
    /// The window of this side is scaled by so many bits. Without the option, there is none.
    pub receive_window_scale: Option<u8>,
    /// If this is true, both sides acknowledge selectively.
    pub sack: bool,
    /// If this is true, both sides send timestamps.
    pub timestamps: bool,
    /// If this is true, both sides notify each other of congestion without loss.
    pub ecn: bool,
    /// The smoothed round trip takes this long.
    pub rtt_us: u32,
    /// Round trips differ from the smoothed one by this much on average.
    pub rtt_variance_us: u32,
    /// The shortest round trip took this long.
    pub rtt_min_us: u32,
    /// A segment that is not acknowledged for this long is sent again.
    pub retransmit_timeout_us: u32,
    /// This side sent so many segments.
    pub segments_sent: u32,
    /// This side received so many segments.
    pub segments_received: u32,
    /// This side sent so many segments again.
    pub retransmitted: u32,
    /// So many of the segments that were sent again had arrived before, as the other side says
    /// (DSACK). An acknowledgement was late, and nothing was lost.
    pub needlessly_retransmitted: u32,
    /// So many segments with data arrived here out of order, often because others before them were
    /// lost.
    pub out_of_order: u32,
    /// The retransmission timer ran out so often in a row just now.
    pub backoff: u8,
    /// So many segments are in flight without acknowledgement.
    pub unacknowledged: u32,
    /// So many segments may be in flight (the congestion window).
    pub congestion_window: u32,
    /// The other side would take so many more bytes (its window).
    pub peer_window: u32,
    /// So many probes of a closed window have no answer.
    pub window_probes: u8,
    /// So many bytes wait in this machine and were never sent.
    pub unsent_bytes: u32,
    /// The path took so many bytes in a second.
    pub delivery_rate: u64,
    /// If this is true, that rate is low only because there was nothing more to send.
    pub rate_limited_by_application: bool,
    /// There was something to send or unacknowledged for this long.
    pub busy_us: u64,
    /// The window of the other side was the limit for this part of that time.
    pub window_limited_us: u64,
    /// The send buffer was the limit for this part of that time.
    pub buffer_limited_us: u64,
    /// So many bytes arrived from the other side.
    pub bytes_received: u64,
    /// This algorithm chooses the congestion window.
    pub congestion_control: Option<String>,
    /// This limited the throughput for most of the time.
    pub limited_by: Limit,
}

/// Names what limits the throughput of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// There is nothing more to send.
    #[default]
    Application,
    /// The other side takes no more.
    ReceiverWindow,
    /// The send buffer of this machine is too small.
    SendBuffer,
    /// The congestion window allows no more, because TCP believes that the path takes no more.
    Congestion,
}

impl Limit {
    /// Returns the name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Limit::Application => "the application, which had nothing more to send",
            Limit::ReceiverWindow => "the receiver's window",
            Limit::SendBuffer => "the send buffer of this machine",
            Limit::Congestion => "the congestion window",
        }
    }
}

impl Figures {
    /// Asks the kernel for the figures of a connection.
    pub(crate) fn of(tcp: &TcpStream) -> io::Result<Figures> {
        let known = netlink::tcp(tcp.local_addr()?, tcp.peer_addr()?)?;
        let info = known.info;
        let scaled = info.options & WINDOW_SCALE != 0;
        let mut figures = Figures {
            send_mss: info.snd_mss,
            advertised_mss: info.advmss,
            path_mtu: info.pmtu,
            send_window_scale: scaled.then_some(info.wscale & 0x0f),
            receive_window_scale: scaled.then_some(info.wscale >> 4),
            sack: info.options & SACK != 0,
            timestamps: info.options & TIMESTAMPS != 0,
            ecn: info.options & ECN != 0,
            rtt_us: info.rtt,
            rtt_variance_us: info.rttvar,
            rtt_min_us: info.min_rtt,
            retransmit_timeout_us: info.rto,
            segments_sent: info.segs_out,
            segments_received: info.segs_in,
            retransmitted: info.total_retrans,
            needlessly_retransmitted: info.dsack_dups,
            out_of_order: info.rcv_ooopack,
            backoff: info.backoff,
            unacknowledged: info.unacked,
            congestion_window: info.snd_cwnd,
            peer_window: info.snd_wnd,
            window_probes: info.probes,
            unsent_bytes: info.notsent_bytes,
            delivery_rate: info.delivery_rate,
            // The other bits of this byte are about TCP Fast Open.
            rate_limited_by_application: info.delivery_rate_app_limited & 1 != 0,
            busy_us: info.busy_time,
            window_limited_us: info.rwnd_limited,
            buffer_limited_us: info.sndbuf_limited,
            bytes_received: info.bytes_received,
            congestion_control: known.congestion_control,
            limited_by: Limit::default(),
        };
        figures.limited_by = figures.limit();
        Ok(figures)
    }

    /// Returns how many segments of this side were lost, as far as it knows.
    pub(crate) fn lost(&self) -> u32 {
        self.retransmitted.saturating_sub(self.needlessly_retransmitted)
    }

    /// Returns what the times say about the limit of the throughput.
    fn limit(&self) -> Limit {
        let half = self.busy_us / 2;
        if self.busy_us > 0 && self.window_limited_us > half {
            Limit::ReceiverWindow
        } else if self.busy_us > 0 && self.buffer_limited_us > half {
            Limit::SendBuffer
        } else if self.rate_limited_by_application {
            Limit::Application
        } else {
            Limit::Congestion
        }
    }

    /// Returns the options that both sides agreed on, for people.
    pub(crate) fn options(&self) -> String {
        let mut all = vec![format!("MSS {}", self.send_mss)];
        match (self.send_window_scale, self.receive_window_scale) {
            (Some(send), Some(receive)) => all.push(format!("window scale {send}/{receive}")),
            _ => all.push("no window scale".to_owned()),
        }
        for (has, name) in [(self.sack, "SACK"), (self.timestamps, "timestamps"), (self.ecn, "ECN")]
        {
            all.push(if has { name.to_owned() } else { format!("no {name}") });
        }
        all.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_what_held_for_most_of_the_time() {
        let mut figures = Figures { busy_us: 100, ..Figures::default() };
        assert_eq!(figures.limit(), Limit::Congestion);
        figures.rate_limited_by_application = true;
        assert_eq!(figures.limit(), Limit::Application);
        figures.buffer_limited_us = 60;
        assert_eq!(figures.limit(), Limit::SendBuffer);
        figures.window_limited_us = 60;
        assert_eq!(figures.limit(), Limit::ReceiverWindow);
    }

    #[test]
    fn options_that_are_missing_are_named() {
        let figures = Figures { send_mss: 1448, sack: true, ..Figures::default() };
        assert_eq!(figures.options(), "MSS 1448, no window scale, SACK, no timestamps, no ECN");
    }
}
