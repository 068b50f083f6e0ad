//! Parses the address of a hub.
//!
//! The parser refuses a part that an address of a hub may not have. Otherwise a password or a path
//! in a URL would be ignored in silence.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// Holds the address of a hub: `hub://host:port`, or `hubs://host:port` for a connection over TLS.
///
/// If the text has no port, the port is [`HubUrl::DEFAULT_PORT`]. An IPv6 address stands in
/// brackets. The other parts of a URL (user, path, query) are refused.
///
/// ```
/// use hub_client::HubUrl;
/// let url: HubUrl = "hub://127.0.0.1".parse()?;
/// assert_eq!((url.host(), url.port()), ("127.0.0.1", 4820));
/// assert_eq!(url.to_string(), "hub://127.0.0.1:4820");
/// let url: HubUrl = "hub://[::1]:5000".parse()?;
/// assert_eq!((url.host(), url.port()), ("::1", 5000));
/// # Ok::<(), hub_client::UrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HubUrl {
    host: String,
    port: u16,
    tls: bool,
}

/// States why a text is not a [`HubUrl`].
///
/// ```
/// use hub_client::{HubUrl, UrlError};
/// assert_eq!("http://hub".parse::<HubUrl>(), Err(UrlError::Scheme));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UrlError {
    /// The text begins neither with `hub://` nor with `hubs://`.
    #[error("the address of a hub begins with hub:// or hubs://")]
    Scheme,
    /// The host is missing, or it is neither a name nor an IP address.
    #[error("the host is missing or malformed")]
    Host,
    /// The part behind the last colon is not a port from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// The text has more than host and port.
    #[error("the address of a hub has no user, path, query or fragment")]
    Rest,
}

impl HubUrl {
    /// An address without a port has this port.
    pub const DEFAULT_PORT: u16 = 4820;

    /// Returns the name or the IP address of the host, without brackets.
    ///
    /// ```
    /// # use hub_client::HubUrl;
    /// assert_eq!("hub://events.internal".parse::<HubUrl>()?.host(), "events.internal");
    /// # Ok::<(), hub_client::UrlError>(())
    /// ```
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    ///
    /// ```
    /// # use hub_client::HubUrl;
    /// assert_eq!("hub://events.internal:99".parse::<HubUrl>()?.port(), 99);
    /// # Ok::<(), hub_client::UrlError>(())
    /// ```
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns whether the connection is over TLS.
    ///
    /// ```
    /// # use hub_client::HubUrl;
    /// assert!("hubs://events.internal".parse::<HubUrl>()?.is_tls());
    /// # Ok::<(), hub_client::UrlError>(())
    /// ```
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Returns the scheme of the address.
    fn scheme(&self) -> &'static str {
        if self.tls { "hubs" } else { "hub" }
    }
}

impl FromStr for HubUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (tls, rest) = match (text.strip_prefix("hub://"), text.strip_prefix("hubs://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(UrlError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(UrlError::Rest);
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or(UrlError::Host)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| UrlError::Host)?;
                match after {
                    "" => (host, None),
                    after => (host, Some(after.strip_prefix(':').ok_or(UrlError::Host)?)),
                }
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(allowed) {
            return Err(UrlError::Host);
        }
        let port = match port {
            None => HubUrl::DEFAULT_PORT,
            // `parse` alone would accept "+1".
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().ok().filter(|port| *port != 0).ok_or(UrlError::Port)?
            }
            Some(_) => return Err(UrlError::Port),
        };
        Ok(HubUrl { host: host.to_owned(), port, tls })
    }
}

impl TryFrom<&str> for HubUrl {
    type Error = UrlError;

    fn try_from(text: &str) -> Result<Self, UrlError> {
        text.parse()
    }
}

impl fmt::Display for HubUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "{}://[{}]:{}", self.scheme(), self.host, self.port),
            false => write!(f, "{}://{}:{}", self.scheme(), self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_an_address_is_said() {
        let error = |text: &str| text.parse::<HubUrl>().unwrap_err();
        assert_eq!(error("127.0.0.1:4820"), UrlError::Scheme);
        assert_eq!(error("hub://"), UrlError::Host);
        assert_eq!(error("hub://:4820"), UrlError::Host);
        assert_eq!(error("hub://a b"), UrlError::Host);
        assert_eq!(error("hub://[::1"), UrlError::Host);
        assert_eq!(error("hub://[nope]:1"), UrlError::Host);
        for port in ["0", "65536", "+1", "x", ""] {
            assert_eq!(error(&format!("hub://host:{port}")), UrlError::Port, "{port:?}");
        }
        assert_eq!(error("hub://user@host"), UrlError::Rest);
        assert_eq!(error("hub://host/topic"), UrlError::Rest);
        assert_eq!(error("hub://host?tls"), UrlError::Rest);
    }

    #[test]
    fn what_is_printed_reads_as_the_same_address() {
        for text in
            ["hub://a:1", "hub://[::1]:65535", "hub://10.0.0.1:4820", "hub://a/", "hubs://a"]
        {
            let url: HubUrl = text.parse().unwrap();
            assert_eq!(url.to_string().parse(), Ok(url));
        }
    }
}
