//! Starts a connection: it connects to an address, and exchanges HELLO and WELCOME. Without a time
//! limit on the whole start, a server that does not answer would hold the client up for ever.

use super::connect_error::ConnectError;
use crate::stream::{self, ReadHalf, WriteHalf};
use crate::{HubUrl, Options};
use bytes::BytesMut;
use hub_wire::{Close, CloseCode, Frame, Hello, Limits, TopicName, VERSION, Welcome, split};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The client reads no frame with more bytes than this before WELCOME.
const MAX_WELCOME: u32 = 64 << 10;

/// Holds a connection after HELLO and WELCOME.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) read: ReadHalf,
    pub(crate) write: WriteHalf,
    pub(crate) welcome: Welcome,
    pub(crate) inbox: TopicName,
    /// These bytes came after WELCOME.
    pub(crate) received: BytesMut,
}

/// Connects and sends HELLO, within the time limit of one attempt.
pub(crate) async fn connect(
    url: &HubUrl,
    options: &Options,
    instance: [u8; 16],
    receipted: u64,
) -> Result<Link, ConnectError> {
    let attempt = async {
        let credentials = match &options.credentials {
            Some(source) => Some(source.get().await?),
            None => None,
        };
        let (read, mut write) = stream::open(url, options).await?;
        let hello = Hello {
            name: options.name.clone(),
            credentials,
            instance: Some(instance),
            receipts: true,
            receipted: Some(receipted),
            ..Hello::default()
        };
        // The server may have closed the connection already, and sent the reason.
        let said = async {
            write.write_all(&Frame::Hello(hello).to_bytes()).await?;
            write.flush().await
        };
        match said.await {
            Ok(()) => welcome(read, write).await,
            Err(error) => Err(welcome(read, write).await.err().unwrap_or(error.into())),
        }
    };
    match tokio::time::timeout(options.connect_timeout, attempt).await {
        Ok(link) => link,
        Err(_) => Err(ConnectError::TimedOut),
    }
}

/// Waits for the hub's answer to HELLO.
async fn welcome(mut read: ReadHalf, write: WriteHalf) -> Result<Link, ConnectError> {
    let protocol = |what: &dyn std::fmt::Display| ConnectError::Protocol(what.to_string());
    let mut received = BytesMut::with_capacity(4096);
    let body = loop {
        if let Some(body) = split(&received, MAX_WELCOME).map_err(|e| protocol(&e))? {
            let end = 4 + body.len();
            break received.split_to(end).split_off(4);
        }
        if read.read_buf(&mut received).await? == 0 {
            return Err(protocol(&"it ended the connection without sending a frame"));
        }
    };
    match Frame::parse(&body, &Limits::default()).map_err(|e| protocol(&e))? {
        Frame::Welcome(welcome) if welcome.version != VERSION => {
            Err(protocol(&format!("it speaks version {} of the protocol", welcome.version)))
        }
        Frame::Welcome(welcome) => {
            let inbox = TopicName::parse(&welcome.inbox)
                .map_err(|error| protocol(&format!("inbox: {error}")))?;
            Ok(Link { read, write, welcome, inbox, received })
        }
        Frame::Close(close) => Err(ConnectError::Closed(close)),
        _ => Err(protocol(&"its first frame is neither WELCOME nor CLOSE")),
    }
}

/// Returns the CLOSE frame of this client.
pub(crate) fn close_frame() -> Vec<u8> {
    let close = Close { code: CloseCode::Normal, reason: "done".to_owned(), retry_after_ms: None };
    Frame::Close(close).to_bytes()
}
