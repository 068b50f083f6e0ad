//! Opens connections that only listen, to measure how much memory each of them costs the server.
//! Without this module, nobody could say how many clients fit into the memory of a machine.

use crate::dialect::{Dialect, Link};
use crate::error::BenchError;
use crate::usage::Usage;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// This many connections are opened before the first measurement. So memory that a server takes only
/// once does not count.
const FIRST: usize = 16;
/// The server gets this long to finish its work for new connections before its memory is measured.
const SETTLE: Duration = Duration::from_millis(500);

/// Holds the result of the measurement.
#[derive(Debug, Clone, Copy)]
pub struct IdleResult {
    /// This many connections were opened between the two measurements.
    pub connections: usize,
    /// It took this long to open these connections.
    pub elapsed: Duration,
    /// Holds the usage of the server before these connections were opened, and afterwards. It is
    /// `None` if the usage is unknown.
    pub usage: Option<(Usage, Usage)>,
}

impl IdleResult {
    /// Returns how many bytes of resident memory each connection added, or `None` if the usage of the
    /// server is unknown.
    #[must_use]
    pub fn bytes_each(&self) -> Option<f64> {
        let (before, after) = self.usage?;
        let added = after.resident.saturating_sub(before.resident);
        Some(added as f64 / self.connections as f64)
    }
}

/// Opens `count` connections, and measures the server's memory before and after. Each connection
/// subscribes to a topic of its own. `watch` is called with the number of connections so far.
///
/// # Errors
/// Returns an error if a connection cannot be opened. A frequent reason is that this process or the
/// server may not have so many open files.
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
