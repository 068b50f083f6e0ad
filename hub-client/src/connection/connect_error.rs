//! Why there is no connection, and whether trying again can help. Without the second a client would give up
//! on a hub that is restarting, or ask one for ever that refuses it.

use hub_wire::{Close, CloseCode};
use std::sync::Arc;
use thiserror::Error;

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
