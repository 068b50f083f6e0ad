//! Sends one HTTP request to a hub, with or without TLS. `hub health`, `hub audit` and `hub reload`
//! use it.
//!
//! A container's health check calls it every few seconds. So a request never takes longer than its
//! time-out, and never reads more of an answer than its bound. Otherwise a hub that hangs, or
//! something else on its port, would hold up the caller or fill its memory.

use crate::connect::tls;
use clap::{Arg, ArgMatches, value_parser};
use hub_client::with_causes;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::{Uri, uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// The head of an answer may have at most this many bytes.
const HEAD_MAX: usize = 8 * 1024;

/// Declares the options of the commands that ask a hub over HTTP. `timeout_ms` is the default of the
/// time-out.
pub(crate) fn args(timeout_ms: &'static str) -> [Arg; 3] {
    [
        Arg::new("http")
            .long("http")
            .env("HUB_HTTP")
            .default_value("127.0.0.1:4821")
            .value_name("ADDR")
            .help(
                "The address of the hub's HTTP server. It can begin with http:// or https://. The \
                 addresses 0.0.0.0 and [::] mean this machine",
            ),
        Arg::new("http-tls")
            .long("http-tls")
            .env("HUB_HTTP_TLS")
            .value_name("WORD")
            .value_parser(["off", "on"])
            .default_value("off")
            .help(
                "Whether the hub's HTTP server uses TLS, as the hub's configuration key http_tls \
                 says. An address that begins with http:// or https:// overrides this",
            ),
        Arg::new("timeout-ms")
            .long("timeout-ms")
            .default_value(timeout_ms)
            .value_name("MS")
            .value_parser(value_parser!(u64).range(1..=600_000))
            .help("How many milliseconds to wait for the whole answer"),
    ]
}

/// Describes a request to the hub.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// This value is sent in the `Authorization` header.
    pub(crate) authorization: Option<&'a str>,
    /// The body of the answer may have at most this many bytes.
    pub(crate) body_max: usize,
}

/// Holds the answer of the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Returns the address that the options name.
pub(crate) fn address(args: &ArgMatches) -> &str {
    args.get_one::<String>("http").map_or("", String::as_str)
}

/// Sends a request to the hub that the options name, and returns the answer.
///
/// # Errors
/// Returns a sentence that explains why there is no answer.
pub(crate) fn ask(args: &ArgMatches, request: &Request<'_>) -> Result<Answer, String> {
    let patience = Duration::from_millis(args.get_one("timeout-ms").copied().unwrap_or_default());
    let address = address(args);
    let target =
        Target::of(args).map_err(|why| format!("no answer from a hub at {address}: {why}"))?;
    exchange(target, request, patience).map_err(|error| no_answer(address, &error, patience))
}

/// Returns a sentence that explains why there is no answer.
fn no_answer(address: &str, error: &ureq::Error, patience: Duration) -> String {
    let why = match error {
        ureq::Error::Timeout(_) => {
            return format!(
                "no answer from a hub at {address} within {} s",
                patience.as_secs_f64()
            );
        }
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => {
            "the answer is not HTTP".to_owned()
        }
        ureq::Error::BodyExceedsLimit(most) => format!("the answer has more than {most} bytes"),
        ureq::Error::HostNotFound => "the name has no address".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    format!("no answer from a hub at {address}: {why}")
}

/// Says to which hub a request goes.
struct Target {
    /// The request connects to this address.
    address: Uri,
    /// The URL of the request begins with this scheme, host and port. With TLS, the host is the name
    /// that the certificate must have.
    origin: String,
    /// One of these CAs must have signed the hub's certificate. The list is empty without TLS.
    roots: Vec<Certificate<'static>>,
}

impl Target {
    /// Returns the target that the options name.
    fn of(args: &ArgMatches) -> Result<Target, String> {
        let address = address(args);
        let on = args.get_one::<String>("http-tls").is_some_and(|word| word == "on");
        match address.split_once("://") {
            Some(("http", rest)) => Target::plain(rest),
            Some(("https", rest)) => Target::secured(rest, args),
            _ if on => Target::secured(address, args),
            _ => Target::plain(address),
        }
    }

    /// Returns the target at an address without TLS.
    fn plain(address: &str) -> Result<Target, String> {
        let (address, authority) = parse(uri::Scheme::HTTP, address)?;
        Ok(Target { address, origin: format!("http://{authority}"), roots: Vec::new() })
    }

    /// Returns the target at an address with TLS.
    fn secured(address: &str, args: &ArgMatches) -> Result<Target, String> {
        let (address, authority) = parse(uri::Scheme::HTTPS, address)?;
        let options = tls(args);
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        // The name is checked here, because ureq does not report which name is wrong.
        options.name(host).map_err(|error| with_causes(&error))?;
        let trusted = options.trusted().map_err(|error| with_causes(&error))?;
        let roots = trusted.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let mut origin = match options.server_name.as_deref() {
            None => format!("https://{}", authority.host()),
            Some(name) if name.contains(':') => format!("https://[{name}]"),
            Some(name) => format!("https://{name}"),
        };
        if let Some(port) = authority.port_u16() {
            origin += &format!(":{port}");
        }
        Ok(Target { address, origin, roots })
    }
}

/// Reads an address as a URL of the given scheme.
fn parse(scheme: uri::Scheme, address: &str) -> Result<(Uri, uri::Authority), String> {
    let bad = |error: &dyn std::fmt::Display| format!("{address:?} is not an address: {error}");
    let text = address.trim_end_matches('/');
    // The URL must name loopback too, for two reasons. An administrator without credentials is let in
    // only if the request names loopback, and no certificate can be for 0.0.0.0.
    let reachable = text.parse().map(|address| reachable(address).to_string());
    let text = reachable.as_deref().unwrap_or(text);
    let authority: uri::Authority = text.parse().map_err(|error| bad(&error))?;
    let uri = Uri::builder().scheme(scheme).authority(authority.clone()).path_and_query("/");
    Ok((uri.build().map_err(|error| bad(&error))?, authority))
}

/// Sends the request and reads the answer, within `patience`.
fn exchange(
    target: Target,
    request: &Request<'_>,
    patience: Duration,
) -> Result<Answer, ureq::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(target.roots)))
        .unversioned_rustls_crypto_provider(provider)
        .build();
    // The request follows no redirects and uses no proxies of the environment. They would send the
    // request, with the token in it, to another server than the hub that the options name.
    let config = Agent::config_builder()
        .timeout_global(Some(patience))
        .max_redirects(0)
        .http_status_as_error(false)
        .max_response_header_size(HEAD_MAX)
        .proxy(None)
        .tls_config(tls)
        .build();
    let resolver = Resolve { address: target.address, names: DefaultResolver::default() };
    let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);

    let mut asked = ureq::http::Request::builder()
        .method(request.method)
        .uri(format!("{}{}", target.origin, request.path));
    if let Some(value) = request.authorization {
        asked = asked.header("Authorization", value);
    }
    let mut answer = agent.run(asked.body(())?)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(request.body_max as u64).read_to_vec()?;
    Ok(Answer { status, body })
}

/// Resolves every host to the hub's address. With `--tls-name`, the host in the URL is the name in the
/// certificate, and that name need not have an address.
#[derive(Debug)]
struct Resolve {
    address: Uri,
    names: DefaultResolver,
}

impl Resolver for Resolve {
    fn resolve(
        &self,
        _: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.names.resolve(&self.address, config, timeout)
    }
}

/// Replaces the addresses `0.0.0.0` and `[::]` by loopback. A hub with such an address listens on all
/// addresses of its machine, but a request to it cannot name that address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Instant;

    /// Starts a server that sends each of `parts` to one connection with a write of its own.
    fn serving(parts: &'static [&'static [u8]]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a connection");
            let mut request = [0; 1024];
            assert!(socket.read(&mut request).expect("the request") > 0);
            for part in parts {
                socket.write_all(part).expect("open");
                thread::sleep(Duration::from_millis(5));
            }
        });
        address
    }

    fn get(address: &str, patience_ms: u64) -> Result<Answer, ureq::Error> {
        let request =
            Request { method: "GET", path: "/readyz", authorization: None, body_max: 100 };
        let target = Target::plain(address).expect("an address");
        exchange(target, &request, Duration::from_millis(patience_ms))
    }

    #[test]
    fn an_answer_is_read_also_in_pieces() {
        let ready = serving(&[b"HTTP/1.", b"1 20", b"0 OK\r\nContent-Length: 5\r\n\r\nre", b"ady"]);
        let answer = get(&ready, 5_000).expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"ready" as &[u8]));
        let draining = serving(&[b"HTTP/1.1 503 Service Unavailable\r\n\r\ndrain", b"ing"]);
        let answer = get(&draining, 5_000).expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (503, b"draining" as &[u8]));
    }

    #[test]
    fn a_body_is_not_read_beyond_its_bound_and_not_taken_if_cut() {
        for parts in [
            &[b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" as &[u8]] as &[&[u8]],
            &[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"],
        ] {
            get(&serving(parts), 5_000).expect_err("too long, or cut");
        }
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        for parts in [&[b"+OK\r\n" as &[u8]] as &[&[u8]], &[b"HTTP/1.1 "], &[&[b'x'; 2 * HEAD_MAX]]]
        {
            get(&serving(parts), 5_000).expect_err("not HTTP");
        }
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let began = Instant::now();
        let address = silent.local_addr().expect("bound").to_string();
        let error = get(&address, 50).expect_err("silence");
        assert!(began.elapsed() < Duration::from_secs(5));
        let said = no_answer("a:1", &error, Duration::from_millis(1_500));
        assert_eq!(said, "no answer from a hub at a:1 within 1.5 s");
    }

    #[test]
    fn everywhere_is_asked_on_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:4821", "127.0.0.1:4821"),
            ("[::]:4821", "[::1]:4821"),
            ("192.0.2.7:1", "192.0.2.7:1"),
        ] {
            let listens: SocketAddr = listens.parse().expect("an address");
            assert_eq!(reachable(listens).to_string(), asked);
            let target = Target::plain(&listens.to_string()).expect("an address");
            assert_eq!(target.origin, format!("http://{asked}"));
        }
    }
}
