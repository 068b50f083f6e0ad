//! Lines for people: segments, the story between them, frames of Hub, and figures at the end.
//!
//! Without these lines, only a program could read the report.

use super::frame_text::{Content, Related, type_name};
use super::report_writer::ReportWriter;
use super::{seconds, story};
use crate::capture::Packet;
use crate::connection::{Scale, State};
use crate::inspector::{ConnectionEnd, Finding, Observer, Over, Seen};
use crate::segment::{Checksum, SegmentError};
use crate::stream::{FrameSeen, Protocol, Relation};
use crate::tls::{TlsSummary, suite_name, version_name};
use std::io::{self, Write};

/// How much is written of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing: only the figures of each connection are written.
    Figures,
    /// One line, and the story below it.
    Segments,
    /// The whole header, field by field.
    Headers,
}

/// Writes lines for people.
#[derive(Debug)]
pub struct Text<W> {
    to: ReportWriter<W>,
    detail: Detail,
    reveal: bool,
}

impl<W: Write> Text<W> {
    /// Writes to `to`. With `reveal`, payloads are shown, and not only their shapes.
    pub fn new(to: W, detail: Detail, reveal: bool) -> Self {
        Text { to: ReportWriter::new(to), detail, reveal }
    }

    /// Flushes, and returns the writer.
    ///
    /// # Errors
    /// The first error of the writer.
    pub fn finish(self) -> io::Result<W> {
        self.to.finish()
    }
}

impl<W: Write> Observer for Text<W> {
    fn segment(&mut self, seen: &Seen<'_>) {
        if self.detail == Detail::Figures {
            return;
        }
        let headers = self.detail == Detail::Headers;
        self.to.write(|to| {
            segment_line(to, seen)?;
            if headers {
                header(to, seen)?;
            }
            let mut result = Ok(());
            if seen.observed.is_notable() {
                story::tell(seen, &mut |_, text| {
                    if result.is_ok() {
                        result = writeln!(to, "        | {text}");
                    }
                });
            }
            result
        });
    }

    fn unreadable(&mut self, packet: &Packet<'_>, error: SegmentError) {
        self.to.write(|to| writeln!(to, "{:>7}  no TCP segment: {error}", packet.number));
    }

    fn frame(&mut self, seen: &Seen<'_>, frame: &FrameSeen<'_>) {
        if self.detail == Detail::Figures {
            return;
        }
        let reveal = self.reveal;
        self.to.write(|to| {
            let from = if frame.sender == seen.connection.client { "client" } else { "hub" };
            let content = Content { frame: &frame.read(), reveal };
            write!(to, "        > {from}: {} {content}", type_name(frame))?;
            let raw = &frame.raw;
            if frame.relation != Relation::None {
                write!(to, "; {}", Related(&frame.relation))?;
            }
            match raw.first_packet == raw.last_packet {
                true => writeln!(to, " [{} bytes]", raw.body.len() + 4),
                false => writeln!(
                    to,
                    " [{} bytes in packets {} to {}]",
                    raw.body.len() + 4,
                    raw.first_packet,
                    raw.last_packet
                ),
            }
        });
    }

    fn finding(&mut self, seen: &Seen<'_>, finding: &Finding<'_>) {
        if self.detail == Detail::Figures {
            return;
        }
        self.to.write(|to| {
            let mut result = Ok(());
            story::tell_finding(seen, finding, &mut |_, text| {
                result = writeln!(to, "        | {text}");
            });
            result
        });
    }

    fn connection(&mut self, over: &Over<'_>) {
        self.to.write(|to| figures(to, over));
    }
}

/// Writes one line for a segment.
fn segment_line(to: &mut impl Write, seen: &Seen<'_>) -> io::Result<()> {
    let Seen { packet, segment, observed, connection, .. } = seen;
    write!(
        to,
        "{:>7} {:>11.6}  {} > {}  #{}  [{}] seq {}",
        packet.number,
        seconds(seen.since_start_ns),
        segment.from(),
        segment.to(),
        connection.id,
        segment.flags,
        observed.seq,
    )?;
    if segment.flags.ack() {
        write!(to, " ack {}", observed.ack)?;
    }
    write!(to, " win {} len {}", observed.window, segment.len)?;
    match observed.checksum {
        Checksum::Bad { expected } => {
            writeln!(to, " bad checksum {:#06x}, not {expected:#06x}", segment.checksum)
        }
        _ => writeln!(to),
    }
}

/// Writes all fields of a header.
fn header(to: &mut impl Write, seen: &Seen<'_>) -> io::Result<()> {
    let Seen { segment, observed, connection, .. } = seen;
    let mut line =
        |name: &str, text: std::fmt::Arguments<'_>| writeln!(to, "          {name:<22} {text}");
    line("ports", format_args!("{} to {}", segment.source_port, segment.destination_port))?;
    line("sequence number", format_args!("{} (sent as {})", observed.seq, segment.seq))?;
    line("acknowledgement number", format_args!("{} (sent as {})", observed.ack, segment.ack))?;
    line("data offset", format_args!("{} bytes", segment.header_len))?;
    line("flags", format_args!("{:#05x} {}", segment.flags.0, segment.flags))?;
    match connection.scale(observed.sender) {
        Scale::Shift(shift) if !segment.flags.syn() => line(
            "window",
            format_args!("{} ({} times {})", observed.window, segment.window, 1 << shift),
        )?,
        Scale::Unknown => line("window", format_args!("{} (scale unknown)", segment.window))?,
        _ => line("window", format_args!("{} (not scaled)", segment.window))?,
    }
    line("checksum", format_args!("{:#06x} {}", segment.checksum, observed.checksum.name()))?;
    line("urgent pointer", format_args!("{}", segment.urgent_pointer))?;
    for option in segment.options() {
        line("option", format_args!("{option}"))?;
    }
    Ok(())
}

/// Writes what is known of a TLS connection.
fn tls_line(to: &mut impl Write, tls: &TlsSummary) -> io::Result<()> {
    write!(to, "  TLS               ")?;
    match (tls.version, tls.suite) {
        (Some(version), Some(suite)) => {
            let suite = suite_name(suite).unwrap_or("an unknown cipher suite");
            write!(to, "{}, {suite}", version_name(version))?;
        }
        _ => write!(to, "no ServerHello")?,
    }
    match tls.undecrypted {
        Some(why) => writeln!(to, "; not decrypted, because {}", why.text()),
        None => writeln!(to, "; decrypted"),
    }
}

/// Writes the figures of a connection.
fn figures(to: &mut impl Write, over: &Over<'_>) -> io::Result<()> {
    let Over { connection, streams, end } = over;
    let (client, server) = (connection.client, 1 - connection.client);
    writeln!(
        to,
        "\nconnection #{}: client {} and server {}, {:.6} s",
        connection.id,
        connection.endpoints[client],
        connection.endpoints[server],
        seconds(connection.last_ns.saturating_sub(connection.first_ns)),
    )?;
    match end {
        ConnectionEnd::Capture => {}
        ConnectionEnd::PortsReused => writeln!(to, "  its ports were used again")?,
        ConnectionEnd::Forgotten => {
            writeln!(to, "  it was forgotten, because too many others were active")?;
        }
    }
    if let Some(ns) = connection.handshake_ns {
        writeln!(to, "  handshake         {:.3} ms", ns as f64 / 1e6)?;
    }
    if let Some((endpoint, reason)) = connection.reset {
        let by = if endpoint == client { "client" } else { "server" };
        writeln!(to, "  reset by the {by}, probably because {}", reason.text())?;
    }
    if let Some(tls) = &streams.tls {
        tls_line(to, tls)?;
    }
    for (endpoint, name) in [(client, "client"), (server, "server")] {
        let figures = connection.figures(endpoint);
        writeln!(
            to,
            "  {name} sent       {} segments, {} bytes, {} of them again; state {}",
            figures.segments,
            figures.bytes,
            figures.repeated_bytes,
            connection.state(endpoint).name(),
        )?;
        if let Some(protocol) = streams.protocols[endpoint] {
            write!(to, "    protocol        {protocol}")?;
            let inside = streams.inside[endpoint];
            inside.map_or(Ok(()), |inside| write!(to, ", and {inside} in it"))?;
            match [Some(protocol), inside].contains(&Some(Protocol::Hub)) {
                true => writeln!(to, ", {} frames", streams.frames[endpoint])?,
                false => writeln!(to)?,
            }
        }
        if streams.lost[endpoint] > 0 {
            writeln!(to, "    not captured    {} bytes", streams.lost[endpoint])?;
        }
        if streams.conflicts[endpoint] > 0 {
            let conflicts = streams.conflicts[endpoint];
            writeln!(
                to,
                "    conflicts       {conflicts} segments brought other bytes than before"
            )?;
        }
        if let Some(rate) = figures.throughput() {
            writeln!(to, "    throughput      {:.0} bytes a second", rate)?;
        }
        if figures.rtt.count > 0 {
            let rtt = &figures.rtt;
            writeln!(
                to,
                "    round trip      {:.3} ms least, {:.3} mean, {:.3} most, deviation {:.3} ({} times)",
                rtt.least as f64 / 1e6,
                rtt.mean() / 1e6,
                rtt.most as f64 / 1e6,
                rtt.deviation() / 1e6,
                rtt.count,
            )?;
        }
        for (count, (_, _, text)) in figures.signs.iter().zip(crate::connection::Signs::NAMED) {
            if *count > 0 {
                writeln!(to, "    {count:>6} times    {text}")?;
            }
        }
        let times = figures.time_in.iter().zip(State::ALL).filter(|(ns, _)| **ns > 0);
        for (ns, state) in times {
            writeln!(to, "    {:>12.6} s  {}", seconds(*ns), state.name())?;
        }
    }
    Ok(())
}
