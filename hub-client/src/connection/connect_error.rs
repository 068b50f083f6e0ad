//! Defines the error of a connection that could not be made, which also states whether another
//! attempt can succeed. Without that statement, a client would give up on a hub that is restarting,
//! or try for ever on a hub that refuses it.

use hub_wire::{Close, CloseCode};
use std::sync::Arc;
use thiserror::Error;

/// States why a connection could not be made.
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
    /// The address is not the address of a hub.
    #[error("this is not the address of a hub")]
    Url(#[from] crate::UrlError),
    /// The name is empty or longer than 64 bytes, or cannot be a token of a topic.
    #[error("a client's name has 1 to 64 of the characters of a topic's token")]
    Name,
    /// The system gave no random numbers for the instance id.
    #[error("the system gave no random numbers for the instance id")]
    Random,
    /// There are no credentials for the connection.
    #[error("there are no credentials to connect with")]
    Credentials(#[from] crate::CredentialsError),
    /// The TCP connection failed.
    #[error("the hub cannot be reached")]
    Io(#[source] Arc<std::io::Error>),
    /// TLS failed between this client and the hub.
    #[cfg(feature = "tls")]
    #[error("the TLS connection could not be made")]
    Tls(#[from] crate::TlsError),
    /// The address is `hubs://`, and this program was built without the feature `tls`.
    #[error("this program was built without TLS, which hubs:// needs")]
    TlsNotBuilt,
    /// The hub did not answer within the time limit of one attempt.
    #[error("the hub did not answer in time")]
    TimedOut,
    /// The hub answered with CLOSE instead of WELCOME.
    #[error("the hub closed the connection: {} ({})", .0.code, .0.reason)]
    Closed(Close),
    /// The server is not a hub, or it is a hub whose version of the protocol this client does not
    /// speak.
    #[error("the server is not a hub that this client understands: {0}")]
    Protocol(String),
}

impl ConnectError {
    /// Returns whether another attempt can succeed without a change on this side.
    ///
    /// ```
    /// use hub_client::ConnectError;
    /// assert!(ConnectError::TimedOut.can_retry());
    /// ```
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match self {
            ConnectError::Io(_)
            | ConnectError::TimedOut
            | ConnectError::Protocol(_)
            | ConnectError::Credentials(_) => true,
            ConnectError::Closed(close) => is_passing(close.code),
            #[cfg(feature = "tls")]
            ConnectError::Tls(error) => error.can_retry(),
            ConnectError::Url(_)
            | ConnectError::Name
            | ConnectError::Random
            | ConnectError::TlsNotBuilt => false,
        }
    }

    /// Returns whether the error is about files that were good before. In this case, somebody may
    /// just be replacing the files.
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

    /// Returns whether the error is about credentials that may be better next time, if they are not
    /// fixed.
    pub(crate) fn is_of_credentials(&self) -> bool {
        match self {
            ConnectError::Credentials(_) => true,
            ConnectError::Closed(close) => close.code == CloseCode::Unauthorized,
            _ => false,
        }
    }

    /// Returns how long the hub asked this client to stay away, in milliseconds.
    pub(crate) fn retry_after_ms(&self) -> u64 {
        match self {
            ConnectError::Closed(close) => close.retry_after_ms.unwrap_or(0),
            _ => 0,
        }
    }
}

/// Returns whether to connect again after a CLOSE with this code.
///
/// Two codes forbid another connection for reasons that this client never gives: a CLOSE that it
/// did not send, and a HELLO that it sent at once. With these codes, the network in between was at
/// fault: something ended one direction of the connection, or held it up.
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
