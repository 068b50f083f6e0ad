//! A short load on a connection: small frames one by one, then large ones. Faults such as loss, a
//! closed window or a path that swallows large packets do not show on an idle connection.
//!
//! The load consists of PINGs, which need no right and which the hub only answers. A large PING has
//! an extra element, which every hub ignores (section 15 of the protocol). The whole load is below
//! 1 MiB, less than a busy client sends in a second.

use super::figures::Figures;
use crate::wire::{Wire, WireError};
use hub_wire::{Frame, Packer, frame_with};
use serde::Serialize;
use std::time::{Duration, Instant};

/// So many small frames are sent.
const SMALL: u64 = 200;
/// So many large frames are sent.
const LARGE: u64 = 2;
/// A large frame has so many bytes.
const LARGE_BYTES: u32 = 256 << 10;
/// The load gives up after this long without progress. Lost packets are sent again after less.
const PATIENCE: Duration = Duration::from_secs(4);
/// PING has this type on the wire.
const PING: u64 = 11;

/// Holds what a short load showed.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct LoadSeen {
    /// So many frames were answered.
    pub answered: u64,
    /// The frames had so many bytes together.
    pub bytes_sent: u64,
    /// The load took this long, in milliseconds.
    pub took_ms: f64,
    /// The kernel says this of the connection afterwards.
    pub figures: Option<Figures>,
    /// The load did not end, and stalled so.
    pub stall: Option<Stall>,
}

/// Describes frames that did not get through.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stall {
    /// These frames stalled, and the ones before had been answered.
    pub on: Frames,
    /// The wait for their answers ended so.
    pub ended: Ended,
    /// The kernel said this of the connection at that moment.
    pub figures: Option<Figures>,
    /// Says whether smaller packets pass, if that was tried.
    pub narrow: Option<Narrow>,
}

/// Names frames that the doctor sends, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Frames {
    /// HELLO.
    Hello,
    /// The small frames of the load.
    Small,
    /// The large frames of the load.
    Large,
}

/// Says how a connection ended on which the hub should have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Nothing came in time.
    Silent,
    /// The other side ended the connection in order.
    Closed,
    /// The connection was reset.
    Reset,
    /// Bytes came that are no frame.
    Garbled,
}

impl From<&WireError> for Ended {
    fn from(error: &WireError) -> Self {
        match error {
            WireError::TimedOut => Ended::Silent,
            WireError::Ended => Ended::Closed,
            WireError::Reset | WireError::Io(_) => Ended::Reset,
            WireError::Tls(_) | WireError::NotAFrame(_) => Ended::Garbled,
        }
    }
}

/// Says whether a second connection with smaller packets does what the first did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Narrow {
    /// If this is true, the load passed in small packets.
    pub passes: bool,
    /// The largest packet that passed has so many bytes, with headers.
    pub largest_packet: Option<u32>,
    /// The smallest packet that did not pass has so many bytes, with headers.
    pub smallest_lost: Option<u32>,
}

/// Puts a short load on a connection.
pub(crate) fn load(wire: &mut Wire, max_frame: u32) -> LoadSeen {
    let start = Instant::now();
    let mut seen = LoadSeen::default();
    let outcome = small(wire, &mut seen).map_err(|error| (Frames::Small, error)).and_then(|()| {
        (0..LARGE)
            .try_for_each(|n| {
                large(wire, SMALL + n, max_frame, PATIENCE).map(|bytes| {
                    seen.answered += 1;
                    seen.bytes_sent += bytes;
                })
            })
            .map_err(|error| (Frames::Large, error))
    });
    seen.took_ms = start.elapsed().as_secs_f64() * 1000.0;
    seen.figures = Figures::of(wire.recorder().tcp()).ok();
    if let Err((on, error)) = outcome {
        let (ended, figures) = (Ended::from(&error), seen.figures.clone());
        seen.stall = Some(Stall { on, ended, figures, narrow: None });
    }
    seen
}

/// Sends small frames one by one without waiting, and then waits for all answers.
fn small(wire: &mut Wire, seen: &mut LoadSeen) -> Result<(), WireError> {
    for token in 0..SMALL {
        let frame = Frame::Ping { token }.to_bytes();
        wire.send(&frame, Instant::now() + PATIENCE)?;
        seen.bytes_sent += frame.len() as u64;
    }
    for token in 0..SMALL {
        wire.pong(token, Instant::now() + PATIENCE, |_| {})?;
        seen.answered += 1;
    }
    Ok(())
}

/// Sends one large frame and waits for its answer. Returns how many bytes it had.
pub(crate) fn large(
    wire: &mut Wire,
    token: u64,
    max_frame: u32,
    patience: Duration,
) -> Result<u64, WireError> {
    // The rest of the frame has a few bytes.
    let filler = vec![0; LARGE_BYTES.min(max_frame.saturating_sub(64)) as usize];
    let mut frame = Vec::with_capacity(filler.len() + 64);
    frame_with(&mut frame, |body| {
        Packer(body).array(3).uint(PING).uint(token).bin(&filler);
    });
    let deadline = Instant::now() + patience;
    wire.send(&frame, deadline)?;
    wire.pong(token, deadline, |_| {})?;
    Ok(frame.len() as u64)
}

#[cfg(test)]
mod tests {
    use hub_wire::{Frame, Limits, Packer};

    #[test]
    fn a_hub_reads_a_large_ping_as_a_ping() {
        let mut body = Vec::new();
        Packer(&mut body).array(3).uint(super::PING).uint(7).bin(&[0; 100_000]);
        assert_eq!(Frame::parse(&body, &Limits::default()), Ok(Frame::Ping { token: 7 }));
    }
}
