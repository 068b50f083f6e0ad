//! Defines from where the keys of a `[[jwt]]` come: from a file or from a URL. Without this module, each
//! issuer would have to know how its keys are read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use rustls::pki_types::CertificateDer;
use ureq::http::Uri;

use super::error::AccessError;
use super::jwks::KeySet;
use super::named_files::Files;
use super::remote::{JwksEndpoint, RemoteKeys};
use super::toml_reader::{Node, Table};
use crate::policy::tls::authorities::authorities;

/// These keys of the table `[[jwt]]` say from where its JWT keys come.
pub(super) const KEYS: [&str; 4] = ["keys", "jwks_url", "jwks_ca", "jwks_every_s"];
/// JWT keys are fetched at this interval in seconds, unless the access file sets another.
const EVERY: u64 = 300;
/// The access file may set an interval within these bounds, in seconds.
const EVERY_BOUNDS: std::ops::RangeInclusive<u64> = 10..=86_400;

/// Holds the keys of one issuer, by the source from which they come.
pub(super) enum Keys {
    File {
        keys: Arc<KeySet>,
        /// The key `keys` is in this file and line.
        declared_at: String,
    },
    Url(Arc<RemoteKeys>),
}

impl Keys {
    /// Returns the current keys, or `None` before the first good fetch.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        match self {
            Keys::File { keys, .. } => Some(keys.clone()),
            Keys::Url(keys) => keys.current(),
        }
    }

    /// Names each key in a file that the hub cannot use, and says why.
    pub(super) fn warnings(&self) -> Vec<String> {
        let Keys::File { keys, declared_at } = self else { return Vec::new() };
        keys.warnings().map(|why| format!("{declared_at}: {why}")).collect()
    }

    pub(super) fn remote(&self) -> Option<&Arc<RemoteKeys>> {
        match self {
            Keys::File { .. } => None,
            Keys::Url(keys) => Some(keys),
        }
    }

    /// Reads the source of the keys from a table `[[jwt]]`.
    pub(super) fn load(
        named: &mut Vec<String>,
        table: &Table<'_>,
        allowed: Vec<Algorithm>,
        files: &dyn Files,
    ) -> Result<Keys, AccessError> {
        let Some(url) = table.get("jwks_url") else {
            if let Some(node) = KEYS[2..].iter().find_map(|key| table.get(key)) {
                return Err(node.error("needs `jwks_url`"));
            }
            let node = table.get("keys").ok_or_else(|| {
                table.error("keys", "is missing; the keys come from there or from `jwks_url`")
            })?;
            let text = read(named, node, files)?;
            let keys = KeySet::parse(&text, &allowed)
                .map_err(|why| node.error(format!("names a file that {why}")))?;
            return Ok(Keys::File { keys: Arc::new(keys), declared_at: node.declared_at() });
        };
        if table.get("keys").is_some() {
            return Err(url.error("stands beside `keys`; the keys come from one of the two"));
        }
        let ca = table.get("jwks_ca").map(|node| certificates(named, node, files)).transpose()?;
        let every =
            table.get("jwks_every_s").map_or(Ok(EVERY), |node| node.number(EVERY_BOUNDS))?;
        let source = JwksEndpoint { url: parse(url.text()?).map_err(|why| url.error(why))?, ca };
        let every = Duration::from_secs(every);
        Ok(Keys::Url(Arc::new(RemoteKeys::new(source, url.declared_at(), every, allowed))))
    }
}

/// Reads a file that the access file names. The hub follows the file from now on.
fn read(
    named: &mut Vec<String>,
    node: &Node<'_>,
    files: &dyn Files,
) -> Result<String, AccessError> {
    let path = node.text()?;
    let text = files
        .read(path)
        .map_err(|error| node.error(format!("names a file that cannot be read: {error}")))?;
    if !named.iter().any(|known| known == path) {
        named.push(path.to_owned());
    }
    Ok(text)
}

fn certificates(
    named: &mut Vec<String>,
    node: &Node<'_>,
    files: &dyn Files,
) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let text = read(named, node, files)?;
    let (certificates, _) = authorities(text.as_bytes())
        .map_err(|why| node.error(format!("names a file that {why}")))?;
    Ok(certificates)
}

/// Parses a URL. The URL must use TLS, or name this machine, because an attacker who can change the
/// keys on their way could make tokens for any identity.
fn parse(text: &str) -> Result<Uri, &'static str> {
    let url: Uri = text.parse().map_err(|_| "is not a URL")?;
    let authority = url.authority().filter(|authority| !authority.host().is_empty());
    let authority = authority.ok_or("is not a URL with a host")?;
    if authority.as_str().contains('@') {
        return Err("must not have a user or a password in it");
    }
    if authority.as_str() != authority.host() && authority.port_u16().is_none() {
        return Err("has a port that is no number up to 65535");
    }
    match url.scheme_str() {
        Some("https") => Ok(url),
        Some("http") if is_loopback(&url) => Ok(url),
        Some("http") => Err("must begin with `https://`; without TLS the hub fetches keys only \
                             from this machine (localhost, 127.0.0.1, [::1])"),
        _ => Err("must begin with `https://`"),
    }
}

/// Returns whether the host of the URL is this machine, judged by its name alone.
fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for good in [
            "https://id.example.org/jwks",
            "https://id.example.org:8443/a?b=c",
            "http://localhost:80/jwks",
            "http://127.0.0.9/jwks",
            "http://[::1]:9/jwks",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example.org/jwks",
            "http://localhost.example.org/jwks",
            "http://127.0.0.1.example.org/",
            "http://10.0.0.1/jwks",
            "https://user:secret@id.example.org/jwks",
            "ftp://id.example.org/jwks",
            "file:///etc/jwks.json",
            "/jwks.json",
            "https:///jwks",
            "https://:443/jwks",
            "https://id.example.org:99999/jwks",
            "https://id.example.org:x/jwks",
            "https://id.example.org:/jwks",
            "",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
