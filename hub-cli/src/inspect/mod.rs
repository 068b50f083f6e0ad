//! `hub inspect`, which reads a network capture from the TCP header up to Hub's frames.
//!
//! The command only connects files, stdout and the terminal with the crate `hub-inspect`, which does all
//! the reading. It connects to no hub.

mod progress;

use crate::exit::{Exit, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use hub_inspect::capture::{Capture, CaptureError, CaptureErrorKind};
use hub_inspect::inspector::{Observer, Options, Totals, inspect};
use hub_inspect::output::{Detail, JsonLines, Only, Points, Text};
use hub_inspect::tls::KeyLog;
use progress::Progress;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, LineWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// So much is written to stdout at once.
const BUFFER: usize = 64 << 10;

/// The arguments of `hub inspect`.
pub(crate) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("inspect")
        .about("Show what is in a network capture, from the TCP header up to the hub's frames")
        .long_about(
            "Show what is in a network capture (pcap or pcapng): each TCP segment, how connections \
             were established and how they ended, what was lost or repeated, and the hub's frames \
             with what they answer. Payloads are shown as shapes, without their values. What was \
             sent over TLS is decrypted with the file to which a program with the environment \
             variable SSLKEYLOGFILE writes its secrets.",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .required(true)
                .help("The capture; - reads stdin, while tcpdump still writes"),
        )
        .args([
            flag("json", "Print lines of JSON: segments, frames and connections"),
            flag("figures", "Print only the figures of each connection")
                .conflicts_with("verbose"),
            flag("verbose", "Print the whole TCP header of each segment").conflicts_with("json"),
            Arg::new("connection")
                .long("connection")
                .value_name("NUMBER")
                .value_parser(value_parser!(u64))
                .help("Show only this connection; the first one of the capture is 0"),
            Arg::new("plot")
                .long("plot")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("Draw sequence numbers over time as SVG, of --connection or of the first one"),
            Arg::new("keylog")
                .long("keylog")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("Decrypt TLS with the secrets in this file (the format of SSLKEYLOGFILE)"),
            flag("show-payloads", "Print the values in payloads, and not only their shapes"),
            flag("no-checksums", "Do not verify checksums"),
        ])
        .after_help(
            "Exit codes: 0 the capture was read to its end; 1 it is damaged or cut, or it cannot be \
             read or printed; 2 the command line has an error, or the file is no capture.\n\n\
             Examples:\n  \
             hub inspect capture.pcap\n  \
             hub inspect capture.pcap --figures --connection 3 --plot connection.svg\n  \
             hub inspect capture.pcap --keylog keys.log\n  \
             hub inspect capture.pcapng --json | jq 'select(.kind == \"connection\")'\n  \
             tcpdump -i lo -U -w - port 4820 | hub inspect -",
        )
}

/// Reads the capture and prints what is in it.
pub(crate) fn run(args: &ArgMatches) -> ExitCode {
    let path: &PathBuf = args.get_one("file").expect("clap requires the file");
    match read(path, args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            crate::connect::note(&failure.message);
            failure.exit.into()
        }
    }
}

fn read(path: &Path, args: &ArgMatches) -> Result<Exit, Failure> {
    let (source, bytes): (Box<dyn Read>, Option<u64>) = if path == Path::new("-") {
        (Box::new(io::stdin().lock()), None)
    } else {
        let failed = |error| {
            Failure::new(Exit::Error, format!("{} cannot be read: {error}", path.display()))
        };
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        (Box::new(file), Some(bytes))
    };
    // On one terminal, the progress and the report would overwrite each other.
    let shown = io::stderr().is_terminal() && !io::stdout().is_terminal();
    let keys = args.get_one::<PathBuf>("keylog").map(|path| key_log(path)).transpose()?;
    let progress = Progress::new(source, bytes, shown);
    let mut capture = Capture::open(progress).map_err(|error| {
        let exit = match error.kind {
            CaptureErrorKind::NotACapture | CaptureErrorKind::Empty => Exit::Usage,
            _ => Exit::Error,
        };
        Failure::new(exit, error.to_string())
    })?;
    let connection = args.get_one::<u64>("connection").copied();
    let mut points = Points::of(connection.unwrap_or(0));
    let options = Options { checksums: !args.get_flag("no-checksums"), keys, ..Options::default() };
    let (written, totals, fault) = print(&mut capture, args, options, bytes.is_none(), &mut points);
    drop(capture); // takes the progress off the terminal, before other lines come
    match written {
        // A reader such as `head` may close stdout early, which is no error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Ok),
        Err(error) => {
            return Err(Failure::new(Exit::Error, format!("stdout cannot be written: {error}")));
        }
        Ok(()) => {}
    }
    if let Some(path) = args.get_one::<PathBuf>("plot") {
        let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Error, error.to_string());
        let svg = points.to_svg().map_err(|error| failed(&error))?;
        std::fs::write(path, svg).map_err(|error| {
            failed(&format_args!("{} cannot be written: {error}", path.display()))
        })?;
    }
    let Totals { packets, segments, fragments, other, unreadable } = totals;
    crate::connect::note(format_args!(
        "{packets} packets: {segments} TCP segments, {fragments} fragments that another packet \
         completes, {other} other packets, {unreadable} unreadable"
    ));
    match fault {
        None => Ok(Exit::Ok),
        Some(error) => Err(Failure::new(Exit::Error, error.to_string())),
    }
}

/// Opens a key log. It may grow while the capture is read.
fn key_log(path: &Path) -> Result<KeyLog, Failure> {
    let log = File::open(path).and_then(KeyLog::open).map_err(|error| {
        Failure::new(Exit::Error, format!("{} cannot be read: {error}", path.display()))
    })?;
    if log.lines() == 0 {
        crate::connect::note(format_args!("{} has no secret of TLS yet", path.display()));
    }
    Ok(log)
}

/// Prints the capture in the form that the user chose.
fn print(
    capture: &mut Capture<Progress<Box<dyn Read>>>,
    args: &ArgMatches,
    options: Options,
    live: bool,
    points: &mut Points,
) -> (io::Result<()>, Totals, Option<CaptureError>) {
    let stdout = io::stdout().lock();
    // Of a capture that is still being written, each line is shown at once.
    let out: Box<dyn Write> = if live {
        Box::new(LineWriter::new(stdout))
    } else {
        Box::new(BufWriter::with_capacity(BUFFER, stdout))
    };
    let reveal = args.get_flag("show-payloads");
    let figures = args.get_flag("figures");
    let stream = args.get_one::<u64>("connection").copied();
    let plot = args.contains_id("plot");
    if args.get_flag("json") {
        let mut only = Only { stream, to: JsonLines::new(out, !figures, reveal) };
        let (totals, fault) = read_all(capture, options, &mut only, plot.then_some(points));
        return (only.to.finish().map(drop), totals, fault);
    }
    let detail = match (figures, args.get_flag("verbose")) {
        (true, _) => Detail::Figures,
        (_, true) => Detail::Headers,
        _ => Detail::Segments,
    };
    let mut only = Only { stream, to: Text::new(out, detail, reveal) };
    let (totals, fault) = read_all(capture, options, &mut only, plot.then_some(points));
    (only.to.finish().map(drop), totals, fault)
}

/// Reads the capture for the report, and for the plot if one is wanted.
fn read_all(
    capture: &mut Capture<Progress<Box<dyn Read>>>,
    options: Options,
    report: &mut impl Observer,
    points: Option<&mut Points>,
) -> (Totals, Option<CaptureError>) {
    match points {
        None => inspect(capture, options, report),
        Some(points) => inspect(capture, options, &mut (report, points)),
    }
}
