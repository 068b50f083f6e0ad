//! From an address to a connection that both sides agree on.

use crate::stream::{self, ReadHalf, WriteHalf};
use crate::{HubUrl, Options};
use bytes::BytesMut;
use hub_wire::{Close, CloseCode, Frame, Hello, Limits, TopicName, VERSION, Welcome, split};
use std::sync::Arc;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The largest frame that is read before the hub has introduced itself.
const MAX_WELCOME: u32 = 64 << 10;

/// Why there is no connection.
///
/// ```no_run
/// # async fn example() {
/// use hub_client::{Client, ConnectError};
/// match Client::connect("hub://127.0.0.1").await {
///     Err(error @ ConnectError::Url(_)) => panic!("{error}"),
///     Err(error) if error.can_retry() => eprintln!("no hub yet: {error}"),
///     _ => {}
/// }
/// # }
/// ```
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    #[error("not a hub's address")]
    Url(#[from] crate::UrlError),
    /// The name is longer than 64 bytes, or cannot be a topic's token.
    #[error("a client's name has 1 to 64 of the characters of a topic's token")]
    Name,
    /// The system gives no random numbers.
    #[error("no random numbers for an instance id")]
    Random,
    /// TCP failed.
    #[error("the hub cannot be reached")]
    Io(#[source] Arc<std::io::Error>),
    /// There is no TLS, or not with those two sides.
    #[cfg(feature = "tls")]
    #[error("no TLS connection")]
    Tls(#[from] crate::TlsError),
    /// The address is `hubs://`, and this program was built without the feature `tls`.
    #[error("this program was built without TLS, which hubs:// needs")]
    TlsNotBuilt,
    /// The hub did not answer within the connect time-out.
    #[error("the hub did not answer in time")]
    TimedOut,
    /// The hub said goodbye instead of welcome.
    #[error("the hub closed the connection: {} ({})", .0.code, .0.reason)]
    Closed(Close),
    /// What answers is not a hub, or one this client does not understand.
    #[error("what answers is not a hub: {0}")]
    Protocol(String),
}

impl ConnectError {
    /// Whether trying again can succeed without a change here.
    ///
    /// ```
    /// use hub_client::ConnectError;
    /// assert!(ConnectError::TimedOut.can_retry());
    /// ```
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match self {
            ConnectError::Io(_) | ConnectError::TimedOut | ConnectError::Protocol(_) => true,
            ConnectError::Closed(close) => is_passing(close.code),
            #[cfg(feature = "tls")]
            ConnectError::Tls(error) => error.can_retry(),
            ConnectError::Url(_)
            | ConnectError::Name
            | ConnectError::Random
            | ConnectError::TlsNotBuilt => false,
        }
    }

    /// Whether it is about files that were good before: somebody may just be replacing them.
    pub(crate) fn is_of_files(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            ConnectError::Tls(error) => {
                use crate::TlsError::{File, Unusable};
                matches!(error, File { .. } | Unusable { .. })
            }
            _ => false,
        }
    }

    /// How long the hub asked to stay away, in milliseconds.
    pub(crate) fn retry_after_ms(&self) -> u64 {
        match self {
            ConnectError::Closed(close) => close.retry_after_ms.unwrap_or(0),
            _ => 0,
        }
    }
}

/// Whether to come back after this CLOSE.
///
/// Two codes say "do not" of something that this client never does: a goodbye that it did not say,
/// and a HELLO that it sent at once. Then it was the way between: something ended one direction of
/// the connection, or held it up.
pub(super) fn is_passing(code: CloseCode) -> bool {
    code.should_reconnect() || matches!(code, CloseCode::Normal | CloseCode::HandshakeTimeout)
}

impl From<std::io::Error> for ConnectError {
    fn from(error: std::io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(tls) = crate::tls::inside(&error) {
            return ConnectError::Tls(tls);
        }
        ConnectError::Io(Arc::new(error))
    }
}

/// A connection after HELLO and WELCOME.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) read: ReadHalf,
    pub(crate) write: WriteHalf,
    pub(crate) welcome: Welcome,
    pub(crate) inbox: TopicName,
    /// What came behind WELCOME.
    pub(crate) received: BytesMut,
}

/// Connects and introduces the client, within the connect time-out.
pub(crate) async fn connect(
    url: &HubUrl,
    options: &Options,
    instance: [u8; 16],
    receipted: u64,
) -> Result<Link, ConnectError> {
    let attempt = async {
        let (read, mut write) = stream::open(url, options).await?;
        let hello = Hello {
            name: options.name.clone(),
            credentials: options.credentials.clone(),
            instance: Some(instance),
            receipts: true,
            receipted: Some(receipted),
            ..Hello::default()
        };
        // What answers may have sent this client away already, and said why.
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

async fn welcome(mut read: ReadHalf, write: WriteHalf) -> Result<Link, ConnectError> {
    let protocol = |what: &dyn std::fmt::Display| ConnectError::Protocol(what.to_string());
    let mut received = BytesMut::with_capacity(4096);
    let body = loop {
        if let Some(body) = split(&received, MAX_WELCOME).map_err(|e| protocol(&e))? {
            let end = 4 + body.len();
            break received.split_to(end).split_off(4);
        }
        if read.read_buf(&mut received).await? == 0 {
            return Err(protocol(&"it ended the connection without a word"));
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

/// A goodbye from this side.
pub(crate) fn goodbye() -> Vec<u8> {
    let close = Close { code: CloseCode::Normal, reason: "done".to_owned(), retry_after_ms: None };
    Frame::Close(close).to_bytes()
}
