//! Connections that do nothing but listen, to see how much memory each of them costs the server.

use crate::dialect::{Dialect, Link};
use crate::error::BenchError;
use crate::usage::Usage;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How many are there before the first look, so that what a server sets up once does not count.
const FIRST: usize = 16;
/// How long a server may do what follows a new connection before it is looked at.
const SETTLE: Duration = Duration::from_millis(500);

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub struct IdleResult {
    /// How many connections were opened between the two looks.
    pub connections: usize,
    /// How long that took.
    pub elapsed: Duration,
    /// What the server used before them, and with them.
    pub usage: Option<(Usage, Usage)>,
}

impl IdleResult {
    /// Resident bytes that each connection added.
    #[must_use]
    pub fn bytes_each(&self) -> Option<f64> {
        let (before, after) = self.usage?;
        let added = after.resident.saturating_sub(before.resident);
        Some(added as f64 / self.connections as f64)
    }
}

/// Opens `count` connections with one subscription each, every one to a topic of its own, and looks
/// at the server's memory before and after. `watch` is told how many there are.
///
/// # Errors
/// A connection could not be opened: often this process, or the server, may not have so many files
/// open.
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
