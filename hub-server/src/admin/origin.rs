//! Finds out where a request comes from and for which host it was meant. The checks trust only
//! headers that a web page cannot forge: `Host`, `Origin` and `Sec-Fetch-Site`. A header that a
//! proxy adds can only lead to a refusal, because any client can add it too. Without this module, a
//! web page could use the admin API through a browser on this machine.

use axum::http::Version;
use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use std::net::{IpAddr, Ipv6Addr};

const FETCH_SITE: &str = "sec-fetch-site";
/// Browsers and command line tools send these headers themselves. Every header that is in neither
/// list may come from a proxy. No list of the headers that proxies add is complete, because each
/// proxy, mesh and CDN has headers of its own. So the lists name the headers that prove nothing.
const OF_CLIENTS: [HeaderName; 20] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::DNT,
    header::EXPECT,
    header::HOST,
    header::ORIGIN,
    header::PRAGMA,
    header::RANGE,
    header::REFERER,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE_INSECURE_REQUESTS,
    header::USER_AGENT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("priority"),
];
/// Headers with these beginnings come from clients too: what a client accepts, conditions on caches,
/// and what a browser says about the page that asks.
const BEGINNINGS_OF_CLIENTS: [&str; 3] = ["accept-", "if-", "sec-"];

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

/// Returns whether a proxy may have passed the request on: it has a header that no client sends by
/// itself, or it is of HTTP/1.0, which proxies still speak and clients do not.
pub(super) fn may_be_forwarded(request: &Parts) -> bool {
    let of_client = |name: &HeaderName| {
        OF_CLIENTS.contains(name)
            || BEGINNINGS_OF_CLIENTS.iter().any(|beginning| name.as_str().starts_with(*beginning))
    };
    request.version == Version::HTTP_10 || !request.headers.keys().all(of_client)
}

/// Returns whether the request names this machine as its host, by `localhost` or by a loopback
/// address. Other names do not count, because a stranger's DNS can resolve them to loopback.
pub(super) fn names_this_machine(request: &Parts) -> bool {
    authority(request).is_some_and(is_this_machine)
}

/// Returns whether `host` is a name of this machine, and perhaps a port, by the grammar of RFC 9110,
/// 7.2. The whole text must fit, because a proxy or a browser may take something else for the host in
/// a text that does not.
fn is_this_machine(host: &str) -> bool {
    let (ip, port) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((ip, port))) => (ip.parse::<Ipv6Addr>().ok().map(IpAddr::V6), port),
        Some(None) => return false,
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            if name.eq_ignore_ascii_case("localhost") {
                return is_port(port);
            }
            (name.parse().ok(), port)
        }
    };
    is_port(port) && ip.is_some_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

/// Returns whether `port` is what may follow a host: nothing, or a colon and the digits of a port.
fn is_port(port: &str) -> bool {
    let digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    match port.strip_prefix(':') {
        None => port.is_empty(),
        Some("") => true,
        Some(number) => digits(number) && number.parse::<u16>().is_ok(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use proptest::prelude::*;

    fn request(header: &str, value: &str) -> Option<Parts> {
        let request = Request::builder().header("host", "localhost").header(header, value);
        Some(request.body(()).ok()?.into_parts().0)
    }

    #[test]
    fn a_header_that_a_client_does_not_send_may_come_from_a_proxy() {
        for header in [
            "Forwarded",
            "Via",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Forwarded-Port",
            "X-Forwarded-Server",
            "X-Forwarded-Prefix",
            "X-Forwarded-Ssl",
            "X-Original-Forwarded-For",
            "X-Real-IP",
            "X-Client-IP",
            "X-Cluster-Client-IP",
            "X-Envoy-External-Address",
            "X-Request-Id",
            "True-Client-IP",
            "CF-Connecting-IP",
            "CF-Ray",
            "Fastly-Client-IP",
            "Fly-Client-IP",
            "CDN-Loop",
            "Max-Forwards",
            "Proxy-Connection",
            "Proxy-Authorization",
            "Client-IP",
            "Front-End-Https",
            "Traceparent",
        ] {
            assert!(may_be_forwarded(&request(header, "1").unwrap()), "{header}");
        }
        for header in ["Accept", "Accept-Language", "Sec-Fetch-Mode", "If-None-Match", "Cookie"] {
            assert!(!may_be_forwarded(&request(header, "1").unwrap()), "{header}");
        }
        let mut old = request("accept", "*/*").unwrap();
        old.version = Version::HTTP_10;
        assert!(may_be_forwarded(&old), "a proxy that adds no header");
    }

    proptest! {
        #[test]
        fn any_header_of_the_usual_families_may_come_from_a_proxy(
            begin in "(x|cf|cdn|via|forwarded|client|true|real|proxy|fastly|fly|ali)",
            rest in "(-[a-z]{1,9}){1,4}",
        ) {
            let header = format!("{begin}{rest}");
            prop_assert!(may_be_forwarded(&request(&header, "1").unwrap()), "{}", header);
        }

        /// A name of this machine with anything in front of it, behind it or within it names another
        /// host, unless only a port was added.
        #[test]
        fn only_the_whole_host_names_this_machine(
            name in prop_oneof![
                Just("localhost"), Just("LocalHost"), Just("127.0.0.1"), Just("127.9.9.9"),
                Just("[::1]"), Just("[0:0::1]"), Just("[::ffff:127.0.0.1]"),
            ],
            port in 0..=u16::MAX,
            more in "[a-z@./:\\[\\]#?%-]{1,4}",
            at in any::<prop::sample::Index>(),
        ) {
            for host in [name.to_owned(), format!("{name}:{port}"), format!("{name}:")] {
                prop_assert!(is_this_machine(&host), "{}", host);
                let mut other = host.clone();
                other.insert_str(at.index(host.len() + 1), &more);
                // Colons may only end the name, and zeros are shortened away within `::`.
                if !more.bytes().all(|byte| matches!(byte, b':' | b'.' | b'a'..=b'f')) {
                    prop_assert!(!is_this_machine(&other), "{}", other);
                }
            }
        }
    }

    #[test]
    fn what_is_no_host_names_no_machine() {
        for host in [
            "",
            ":",
            ":80",
            "[::1]evil",
            "[::1",
            "[::1]:",
            "::1",
            "[127.0.0.1]",
            "[localhost]",
            "localhost:evil",
            "localhost:+80",
            "localhost:99999",
            "localhost:80:80",
            "evil@localhost",
            "localhost@evil",
            "127.0.0.1.evil",
            "127.1",
            "0x7f.0.0.1",
            "localhost.evil",
            "localhost/",
            "localhost ",
            " localhost",
            "[::1]]",
            "[[::1]]",
            "[::1%lo]",
            "10.0.0.1",
            "[2001:db8::1]",
        ] {
            assert_eq!(is_this_machine(host), host == "[::1]:", "{host:?}");
        }
    }
}
