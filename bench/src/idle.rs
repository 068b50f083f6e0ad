//! Opens connections that only listen, to measure how much memory each of them costs the server.
//! Without it, nobody could say how many clients fit into a machine.

use crate::dialect::{Dialect, Link};
use crate::error::BenchError;
use crate::usage::Usage;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How many connections there are before the first measurement, so that what a server sets up once
/// does not count.
const FIRST: usize = 16;
/// How long the server gets to finish its work for new connections before its memory is measured.
const SETTLE: Duration = Duration::from_millis(500);

/// The result of the measurement.
#[derive(Debug, Clone, Copy)]
pub struct IdleResult {
    /// How many connections were opened between the two measurements.
    pub connections: usize,
    /// How long it took to open them.
    pub elapsed: Duration,
    /// What the server used before these connections, and with them.
    pub usage: Option<(Usage, Usage)>,
}

impl IdleResult {
    /// Returns how many bytes of resident memory each connection added.
    #[must_use]
    pub fn bytes_each(&self) -> Option<f64> {
        let (before, after) = self.usage?;
        let added = after.resident.saturating_sub(before.resident);
        Some(added as f64 / self.connections as f64)
    }
}

/// Opens `count` connections with one subscription each, every one to a topic of its own, and
/// measures the server's memory before and after. `watch` is called with the number of connections
/// so far.
///
/// # Errors
/// Returns an error if a connection could not be opened. Often, this process or the server may not
/// have so many open files.
pub fn run(
    dialect: &dyn Dialect,
    addr: SocketAddr,
    count: usize,
    probe: &dyn Fn() -> Option<Usage>,
    mut watch: impl FnMut(usize),
) -> Result<IdleResult, BenchError> {
    let mut links = Vec::with_capacity(FIRST + count);
    let open = |links: &mut Vec<Link>| {
        let mut link = Link::connect(addr)?;
        dialect.open_subscriber(&mut link, &[format!("idle.{:07}", links.len())])?;
        links.push(link);
        Ok::<(), BenchError>(())
    };
    for _ in 0..FIRST {
        open(&mut links)?;
    }
    std::thread::sleep(SETTLE);
    let before = probe();
    let start = Instant::now();
    for made in 1..=count {
        open(&mut links)?;
        if made % 256 == 0 {
            watch(made);
        }
    }
    let elapsed = start.elapsed();
    std::thread::sleep(SETTLE);
    Ok(IdleResult { connections: count, elapsed, usage: before.zip(probe()) })
}
