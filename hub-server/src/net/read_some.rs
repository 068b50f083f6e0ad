//! Reads once from a TCP socket. Without this module, each read would be followed by a second read
//! that finds nothing.

use socket2::SockRef;
use std::io::{self, ErrorKind, Read};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Reads once. On Linux, a read that does not fill the whole `buffer` shows that the socket has no
/// more bytes, and the socket reports when bytes come again. So the socket counts as not ready
/// then, as if a second read had found nothing.
pub(crate) fn read_some(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    let outcome = socket.try_io(Interest::READABLE, || {
        read = (&*SockRef::from(socket)).read(buffer)?;
        let drained = cfg!(target_os = "linux") && read > 0 && read < buffer.len();
        if drained { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    match outcome {
        Err(error) if read == 0 => Err(error),
        _ => Ok(read),
    }
}
