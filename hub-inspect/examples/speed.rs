//! Measures how fast a capture is read: `speed FILE [packets|nosum|noframes|summary|figures|text|json]`.
//!
//! `bench/inspect.py` compares the command with tshark and tcptrace. This program measures without the
//! output to a terminal or a file, so a profile of it shows the reading only.

use hub_inspect::capture::Capture;
use hub_inspect::inspector::{Observer, Options, inspect};
use hub_inspect::output::{Detail, JsonLines, Text};
use std::io::{self, Write};
use std::time::Instant;

struct Nothing;

impl Observer for Nothing {}

/// A sink that takes every byte. `io::sink` formats nothing, so it would measure nothing.
fn null() -> io::Result<io::BufWriter<std::fs::File>> {
    Ok(io::BufWriter::new(std::fs::File::create("/dev/null")?))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("speed FILE [MODE]")?;
    let mode = std::env::args().nth(2).unwrap_or_else(|| "figures".to_owned());
    let bytes = std::fs::metadata(&path)?.len();
    let mut capture = Capture::open(std::fs::File::open(&path)?)?;
    let options = Options::default();
    let start = Instant::now();
    let (totals, fault) = match mode.as_str() {
        "packets" => {
            let mut packets = 0_u64;
            while capture.next_packet()?.is_some() {
                packets += 1;
            }
            writeln!(io::stdout(), "{packets} packets")?;
            (Default::default(), None)
        }
        "nosum" => inspect(&mut capture, Options { checksums: false, ..options }, &mut Nothing),
        "noframes" => inspect(&mut capture, Options { frames: false, ..options }, &mut Nothing),
        "summary" => inspect(&mut capture, options, &mut Nothing),
        "figures" => {
            inspect(&mut capture, options, &mut Text::new(io::sink(), Detail::Figures, false))
        }
        "text" => inspect(&mut capture, options, &mut Text::new(null()?, Detail::Segments, false)),
        "json" => inspect(&mut capture, options, &mut JsonLines::new(null()?, true, false)),
        _ => return Err("unknown mode".into()),
    };
    let seconds = start.elapsed().as_secs_f64();
    writeln!(
        io::stdout(),
        "{mode}: {:.0} MB/s, {:.2} s, {} segments, {:.0} ns each; fault: {fault:?}",
        bytes as f64 / 1e6 / seconds,
        seconds,
        totals.segments,
        seconds * 1e9 / totals.segments.max(1) as f64,
    )?;
    Ok(())
}
