//! Sets up a connection, and holds the parts that line-based protocols share.
//!
//! The set-up blocks the calling thread. It comes before the measurement, so it may be slow.
//! Afterwards, the threads of a load take the socket over.

use crate::error::BenchError;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A server may take this long to answer during set-up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds a connection during set-up. Its reads and writes block.
#[derive(Debug)]
pub struct Link {
    /// The connection uses this socket.
    pub stream: TcpStream,
    /// Holds the bytes that were read and are not used yet.
    pub unused: Vec<u8>,
}

impl Link {
    /// Connects to a server.
    ///
    /// # Errors
    /// Returns an error if no server listens at `addr`, or if this process has no file descriptor left.
    pub fn connect(addr: SocketAddr) -> Result<Link, BenchError> {
        let stream = TcpStream::connect(addr)
            .and_then(|stream| {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(stream)
            })
            .map_err(|source| BenchError::Connect { addr, source })?;
        Ok(Link { stream, unused: Vec::new() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.stream.write_all(bytes).map_err(BenchError::io("cannot write to the server"))
    }

    /// Reads until `enough` finds something in the unused bytes, and returns it. `enough` also returns
    /// how many bytes it used.
    pub(crate) fn read_until<T>(
        &mut self,
        mut enough: impl FnMut(&[u8]) -> Result<Option<(usize, T)>, BenchError>,
    ) -> Result<T, BenchError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some((used, found)) = enough(&self.unused)? {
                self.unused.drain(..used);
                return Ok(found);
            }
            let read = match self.stream.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(BenchError::Silent(PATIENCE));
                }
                Err(error) => return Err(BenchError::io("cannot read from the server")(error)),
            };
            if read == 0 {
                return Err(BenchError::Server("the connection was closed".into()));
            }
            self.unused.extend_from_slice(&buffer[..read]);
        }
    }
}

/// Returns the first line of `bytes` with its line feed, or `None` if the line is not complete.
pub(super) fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(&bytes[..=end])
}

/// Makes an error that quotes the answer of a server.
pub(super) fn said(bytes: &[u8]) -> BenchError {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    BenchError::Server(text.trim_end().to_owned())
}

/// Reads a number in decimal digits.
pub(super) fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
