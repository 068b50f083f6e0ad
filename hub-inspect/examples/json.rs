//! Prints a capture as lines of JSON. It is the smallest program that uses the crate.

use hub_inspect::capture::Capture;
use hub_inspect::inspector::{Options, inspect};
use hub_inspect::output::JsonLines;
use std::io::{self, BufWriter, Read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source: Box<dyn Read> = match std::env::args().nth(1) {
        Some(path) => Box::new(std::fs::File::open(path)?),
        None => Box::new(io::stdin().lock()),
    };
    let mut lines = JsonLines::new(BufWriter::new(io::stdout().lock()), true, false);
    let (_, fault) = inspect(&mut Capture::open(source)?, Options::default(), &mut lines);
    lines.finish()?;
    fault.map_or(Ok(()), |fault| Err(fault.into()))
}
