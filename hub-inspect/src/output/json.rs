//! Lines of JSON: one for each segment, finding, frame of Hub, and connection.
//!
//! Each line has a `kind`. The fields of a segment have tshark's names without their prefix, so that the
//! two outputs can be compared field by field.

use super::connection_line::ConnectionLine;
use super::frame_line::FrameLine;
use super::report_writer::ReportWriter;
use super::{seconds, story};
use crate::capture::Packet;
use crate::connection::Scale;
use crate::inspector::{Finding, Observer, Over, Seen};
use crate::segment::{Checksum, SegmentError, TcpOption};
use crate::stream::FrameSeen;
use serde::{Serialize, Serializer};
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

/// Writes lines of JSON.
#[derive(Debug)]
pub struct JsonLines<W> {
    to: ReportWriter<W>,
    /// Whether each segment gets a line.
    segments: bool,
    /// Whether payloads are shown, and not only their shapes.
    reveal: bool,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `to`. With `segments`, each segment gets a line; without, only findings, frames and
    /// connections do. With `reveal`, payloads are shown, and not only their shapes.
    pub fn new(to: W, segments: bool, reveal: bool) -> Self {
        JsonLines { to: ReportWriter::new(to), segments, reveal }
    }

    /// Flushes, and returns the writer.
    ///
    /// # Errors
    /// The first error of the writer.
    pub fn finish(self) -> io::Result<W> {
        self.to.finish()
    }

    fn line(&mut self, line: &impl Serialize) {
        self.to.write(|to| {
            serde_json::to_writer(&mut *to, line)?;
            to.write_all(b"\n")
        });
    }
}

/// One segment. Fields that only some segments have are left out of the others.
#[derive(Serialize)]
struct SegmentLine<'a> {
    kind: &'static str,
    /// The number of the packet.
    frame: u64,
    time_ns: i64,
    time_relative: f64,
    stream: u64,
    src: IpAddr,
    dst: IpAddr,
    srcport: u16,
    dstport: u16,
    seq: u32,
    seq_raw: u32,
    ack: u32,
    ack_raw: u32,
    hdr_len: u8,
    flags: u16,
    flag_names: Shown<crate::segment::Flags>,
    window_size: u32,
    window_size_value: u16,
    window_size_scalefactor: i32,
    len: u32,
    checksum: u16,
    checksum_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_expected: Option<u16>,
    urgent_pointer: u16,
    options: Hex<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options_decoded: Vec<Shown<TcpOption<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    analysis: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acks_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_rtt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_ack_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_ack_num: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_in_flight: Option<u32>,
}

impl<'a> SegmentLine<'a> {
    fn of(seen: &Seen<'a>) -> Self {
        let Seen { packet, segment, connection, observed, since_start_ns } = *seen;
        SegmentLine {
            kind: "segment",
            frame: packet.number,
            time_ns: packet.time_ns,
            time_relative: seconds(since_start_ns),
            stream: connection.id,
            src: segment.source,
            dst: segment.destination,
            srcport: segment.source_port,
            dstport: segment.destination_port,
            seq: observed.seq,
            seq_raw: segment.seq.0,
            ack: observed.ack,
            ack_raw: segment.ack.0,
            hdr_len: segment.header_len,
            flags: segment.flags.0,
            flag_names: Shown(segment.flags),
            window_size: observed.window,
            window_size_value: segment.window,
            window_size_scalefactor: match connection.scale(observed.sender) {
                Scale::Unknown => -1,
                Scale::Unused => -2,
                Scale::Shift(shift) => 1 << shift,
            },
            len: segment.len,
            checksum: segment.checksum,
            checksum_status: observed.checksum.name(),
            checksum_expected: match observed.checksum {
                Checksum::Bad { expected } => Some(expected),
                _ => None,
            },
            urgent_pointer: segment.urgent_pointer,
            options: Hex(segment.options),
            options_decoded: segment.options().map(Shown).collect(),
            analysis: observed.signs.names().collect(),
            acks_frame: observed.acked.map(|acked| acked.packet),
            ack_rtt: observed.acked.map(|acked| seconds(acked.rtt_ns)),
            duplicate_ack_frame: observed.duplicate_of.map(|it| it.0),
            duplicate_ack_num: observed.duplicate_of.map(|it| it.1),
            bytes_in_flight: Some(observed.in_flight).filter(|bytes| *bytes > 0),
        }
    }
}

impl<W: Write> Observer for JsonLines<W> {
    fn segment(&mut self, seen: &Seen<'_>) {
        if self.segments {
            self.line(&SegmentLine::of(seen));
        }
        if seen.observed.is_notable() {
            story::tell(seen, &mut |finding, text| {
                self.line(&FindingLine::of(seen, finding, text));
            });
        }
    }

    fn unreadable(&mut self, packet: &Packet<'_>, error: SegmentError) {
        self.line(&serde_json::json!({
            "kind": "unreadable",
            "frame": packet.number,
            "reason": error.to_string(),
        }));
    }

    fn frame(&mut self, seen: &Seen<'_>, frame: &FrameSeen<'_>) {
        self.line(&FrameLine::of(seen, frame, self.reveal));
    }

    fn finding(&mut self, seen: &Seen<'_>, finding: &Finding<'_>) {
        story::tell_finding(seen, finding, &mut |finding, text| {
            self.line(&FindingLine::of(seen, finding, text));
        });
    }

    fn connection(&mut self, over: &Over<'_>) {
        self.line(&ConnectionLine::of(over));
    }
}

/// One sentence of the story.
#[derive(Serialize)]
struct FindingLine<'a> {
    kind: &'static str,
    frame: u64,
    time_ns: i64,
    stream: u64,
    /// What the sentence is about: `establishment`, `termination`, `reset`, `stall`, `analysis`, `joined`,
    /// `tls` or `conflict`.
    finding: &'static str,
    text: Shown<fmt::Arguments<'a>>,
}

impl<'a> FindingLine<'a> {
    fn of(seen: &Seen<'_>, finding: &'static str, text: fmt::Arguments<'a>) -> Self {
        FindingLine {
            kind: "finding",
            frame: seen.packet.number,
            time_ns: seen.packet.time_ns,
            stream: seen.connection.id,
            finding,
            text: Shown(text),
        }
    }
}

/// Bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A value as the text that people see.
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}
