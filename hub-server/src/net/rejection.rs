//! Tells a client why it is not admitted, and ends the connection.
//!
//! A rejected client holds no permit, and the hub waits for it only briefly. Otherwise rejected
//! clients that stay connected would keep others out.

use crate::limits::account::{Account, Permit};
use crate::limits::admission::Rejection;
use crate::limits::sockets::REJECTED;
use hub_wire::{Close, Frame};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The hub reads from a rejected client for at most this long, so that the end of the connection
/// does not overtake the reason.
const LINGER: Duration = Duration::from_secs(1);
/// In this time, the hub reads at most this many bytes from a rejected client.
const LINGER_BYTES: usize = 64 * 1024;

/// Tells rejected clients why they are not admitted, and counts those from which the hub still
/// reads.
#[derive(Debug, Default)]
pub(super) struct RejectedClients(Arc<Account>);

impl RejectedClients {
    /// Tells a client why it is not admitted, if the client can read that, and ends the connection.
    pub(super) fn reject(&self, socket: TcpStream, why: &Rejection, retry_after_ms: u64) {
        let (code, reason) = (why.code, why.why.to_owned());
        let close = Close { code, reason, retry_after_ms: Some(retry_after_ms) };
        let frame = Frame::Close(close).to_bytes();
        match Permit::connection(&self.0, REJECTED) {
            Some(permit) => {
                actix_rt::spawn(async move {
                    // A client that does not read never learns the reason, and its connection ends
                    // all the same.
                    let _ = timeout(LINGER, send_and_close(socket, &frame)).await;
                    drop(permit);
                });
            }
            // Too many rejected clients are being read from. The reason still arrives, unless the
            // client has sent something already.
            None => {
                let _ = socket.into_std().and_then(|mut socket| socket.write_all(&frame));
            }
        }
    }
}

async fn send_and_close(mut socket: TcpStream, frame: &[u8]) -> io::Result<()> {
    socket.write_all(frame).await?;
    socket.shutdown().await?;
    let mut unread = [0; 1024];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match socket.read(&mut unread).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
