//! Tells a client why it is not let in, and ends the connection.
//!
//! A client that is turned away holds no permit, and is told why for a moment only. Otherwise clients
//! that are turned away and stay would keep others out.

use crate::limits::account::{Account, Permit};
use crate::limits::admission::{RESERVE, Rejection};
use hub_wire::{Close, Frame};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the hub still listens to a client that it turns away, so that the end of the connection
/// does not overtake the reason.
const LINGER: Duration = Duration::from_secs(1);
/// How many bytes of such a client the hub reads meanwhile.
const LINGER_BYTES: usize = 64 * 1024;
/// How many such clients the hub listens to at once.
const LINGERERS: usize = RESERVE / 2;

/// The clients that are being told why they are not let in.
#[derive(Debug, Default)]
pub(super) struct Leaving(Arc<Account>);

impl Leaving {
    /// Tells a client why it is not let in, if it can read that, and ends the connection.
    pub(super) fn turn_away(&self, socket: TcpStream, why: &Rejection, retry_after_ms: u64) {
        let (code, reason) = (why.code, why.why.to_owned());
        let close = Close { code, reason, retry_after_ms: Some(retry_after_ms) };
        let frame = Frame::Close(close).to_bytes();
        match Permit::connection(&self.0, LINGERERS) {
            Some(permit) => {
                actix_rt::spawn(async move {
                    // A client that does not listen is not told.
                    let _ = timeout(LINGER, say(socket, &frame)).await;
                    drop(permit);
                });
            }
            // The reason arrives, unless the client has sent something already.
            None => {
                let _ = socket.into_std().and_then(|mut socket| socket.write_all(&frame));
            }
        }
    }
}

async fn say(mut socket: TcpStream, frame: &[u8]) -> io::Result<()> {
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
