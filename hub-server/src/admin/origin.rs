//! Finds out where a request comes from and for which host it was meant. The checks trust only
//! headers that a web page cannot forge: `Host`, `Origin` and `Sec-Fetch-Site`. A header that a
//! proxy adds can only lead to a refusal, because any client can add it too. Without this module, a
//! web page could use the admin API through a browser on this machine.

use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use std::net::IpAddr;

const FETCH_SITE: &str = "sec-fetch-site";
/// Proxies add these headers to requests that they pass on.
const FORWARDING: [HeaderName; 5] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// Returns whether a page of another site made a browser send the request.
pub(super) fn is_of_another_site(request: &Parts) -> bool {
    let mut sites = request.headers.get_all(FETCH_SITE).iter();
    let mut origins = request.headers.get_all(header::ORIGIN).iter();
    let named = authority(request);
    sites.any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
        || origins.any(|origin| {
            // The origin `null` belongs to another site too.
            let host = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1));
            let (Some(host), Some(named)) = (host, named) else { return true };
            !host.eq_ignore_ascii_case(named)
        })
}

/// Returns whether a header of the request states that a proxy passed the request on.
pub(super) fn is_forwarded(request: &Parts) -> bool {
    FORWARDING.iter().any(|name| request.headers.contains_key(name))
}

/// Returns whether the request names this machine as its host, by `localhost` or by a loopback
/// address. Other names do not count, because a stranger's DNS can resolve them to loopback.
pub(super) fn names_this_machine(request: &Parts) -> bool {
    let Some(host) = authority(request) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Returns the host and port for which the request is meant, from its `Host` header or from the
/// authority in its target. Returns `None` if there is neither, if there are two `Host` headers, or
/// if the header and the target differ.
fn authority(request: &Parts) -> Option<&str> {
    let mut hosts = request.headers.get_all(header::HOST).iter().map(|host| host.to_str().ok());
    let target = request.uri.authority().map(|authority| authority.as_str());
    match (hosts.next(), hosts.next(), target) {
        (Some(host), None, None) => host,
        (None, None, target) => target,
        (Some(host), None, target) if host == target => host,
        _ => None,
    }
}
