//! One HTTP request to a hub, plain or over TLS: what health and administration need of HTTP.
//!
//! A container's health check calls it, so it never outlives its time-out, and reads no more than
//! it was told to.

use crate::connect::tls;
use clap::{Arg, ArgMatches, value_parser};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes within which the head of an answer must end.
const HEAD_MAX: usize = 8 * 1024;
/// Headers of an answer, at most.
const HEADERS_MAX: usize = 32;

/// The options of every command that asks over HTTP; its time-out is `timeout_ms` unless given.
pub(crate) fn args(timeout_ms: &'static str) -> [Arg; 3] {
    [
        Arg::new("http")
            .long("http")
            .env("HUB_HTTP")
            .default_value("127.0.0.1:4821")
            .value_name("ADDR")
            .help(
                "The hub's HTTP address (--server is for clients), perhaps with http:// or \
                 https:// in front; for 0.0.0.0 or [::], loopback is asked",
            ),
        Arg::new("http-tls")
            .long("http-tls")
            .env("HUB_HTTP_TLS")
            .value_name("WORD")
            .value_parser(["off", "on"])
            .default_value("off")
            .help("Whether the hub speaks TLS there; the hub's own key of that name"),
        Arg::new("timeout-ms")
            .long("timeout-ms")
            .default_value(timeout_ms)
            .value_name("MS")
            .value_parser(value_parser!(u64).range(1..=600_000))
            .help("How long to wait for the answer"),
    ]
}

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// The value of the `Authorization` header.
    pub(crate) authorization: Option<&'a str>,
    /// The most bytes that the answer's body may have.
    pub(crate) body_max: usize,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// The address that the options name.
pub(crate) fn address(args: &ArgMatches) -> &str {
    args.get_one::<String>("http").map_or("", String::as_str)
}

/// Asks the hub that the options name.
///
/// # Errors
/// Why there is no answer, in a sentence.
pub(crate) fn ask(args: &ArgMatches, request: &Request<'_>) -> Result<Answer, String> {
    let patience = Duration::from_millis(args.get_one("timeout-ms").copied().unwrap_or_default());
    let deadline = Instant::now() + patience;
    Tls::wanted(args, address(args))
        .map_err(io::Error::other)
        .and_then(|(address, tls)| ask_at(address, tls.as_ref(), request, deadline))
        .map_err(|error| no_answer(address(args), &error, patience))
}

/// A socket whose time is up says what the system calls it, which is not what happened.
fn no_answer(address: &str, error: &io::Error, patience: Duration) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            format!("no answer from a hub at {address} within {} s", patience.as_secs_f64())
        }
        _ => format!("no answer from a hub at {address}: {error}"),
    }
}

/// What is needed to speak TLS.
struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// The address without its scheme, and TLS if that asks for it.
    fn wanted<'a>(
        args: &ArgMatches,
        address: &'a str,
    ) -> Result<(&'a str, Option<Tls>), hub_client::TlsError> {
        let on = args.get_one::<String>("http-tls").is_some_and(|word| word == "on");
        let (rest, on) = match address.split_once("://") {
            Some(("http", rest)) => (rest, false),
            Some(("https", rest)) => (rest, true),
            _ => (address, on),
        };
        if !on {
            return Ok((rest, None));
        }
        let mut options = tls(args);
        // It offers what HTTP is spoken in, and shows no certificate.
        (options.certificate, options.key) = (None, None);
        let host = rest.rsplit_once(':').map_or(rest, |(host, _)| host);
        let name = options.name(host.trim_start_matches('[').trim_end_matches(']'))?;
        let mut config = options.load()?;
        Arc::make_mut(&mut config).alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((rest, Some(Tls { config, name })))
    }
}

/// Asks the first of the address's hubs that answers.
fn ask_at(
    address: &str,
    tls: Option<&Tls>,
    request: &Request<'_>,
    deadline: Instant,
) -> io::Result<Answer> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match ask_one(reachable(address), tls, request, deadline) {
            Ok(answer) => return Ok(answer),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask_one(
    address: SocketAddr,
    tls: Option<&Tls>,
    request: &Request<'_>,
    deadline: Instant,
) -> io::Result<Answer> {
    let mut socket =
        Timed { socket: TcpStream::connect_timeout(&address, left(deadline)?)?, deadline };
    match tls {
        None => exchange(&mut socket, address, request),
        Some(Tls { config, name }) => {
            let connection = ClientConnection::new(config.clone(), name.clone());
            let mut connection = connection.map_err(io::Error::other)?;
            exchange(&mut rustls::Stream::new(&mut connection, &mut socket), address, request)
        }
    }
}

/// A socket each of whose reads and writes ends at the deadline.
struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.deadline)?))?;
        self.socket.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.deadline)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

fn exchange(
    stream: &mut (impl Read + Write),
    host: SocketAddr,
    request: &Request<'_>,
) -> io::Result<Answer> {
    let Request { method, path, authorization, body_max } = request;
    // 1.0: the answer comes in one piece, and the connection ends behind it.
    let mut text = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n");
    if let Some(value) = authorization {
        text.push_str(&format!("Authorization: {value}\r\n"));
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes())?;

    let mut bytes = Vec::new();
    let mut part = vec![0; HEAD_MAX];
    let (head, status, length) = loop {
        if let Some(parsed) = head(&bytes)? {
            break parsed;
        }
        if bytes.len() >= HEAD_MAX {
            return Err(no_http());
        }
        match stream.read(&mut part)? {
            0 => return Err(no_http()),
            n => bytes.extend_from_slice(&part[..n]),
        }
    };
    let mut body = bytes.split_off(head);
    if length.is_some_and(|length| length > *body_max) {
        return Err(io::Error::new(ErrorKind::InvalidData, "the answer is too long"));
    }
    while length.is_none_or(|length| body.len() < length) && body.len() <= *body_max {
        match stream.read(&mut part)? {
            0 if length.is_some() => return Err(ErrorKind::UnexpectedEof.into()),
            0 => break,
            n => body.extend_from_slice(&part[..n]),
        }
    }
    Ok(Answer { status, body })
}

/// Where the head ends, its status, and how long the body is if it says so; `None` while it is not
/// whole.
fn head(bytes: &[u8]) -> io::Result<Option<(usize, u16, Option<usize>)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let end = match response.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(no_http()),
    };
    let mut headers = response.headers.iter();
    let length = headers
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    Ok(response.code.map(|status| (end, status, length)))
}

fn no_http() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer is not HTTP")
}

/// An address to listen on everywhere is no address to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// What is left until the deadline; a socket's time-out must not be zero.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    fn in_ms(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    /// A server that sends `parts` to one connection, one write each.
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

    #[test]
    fn an_answer_is_read_also_in_pieces() {
        let ready = serving(&[b"HTTP/1.", b"1 20", b"0 OK\r\nContent-Length: 5\r\n\r\nre", b"ady"]);
        let answer = get(&ready, in_ms(5_000)).expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"ready" as &[u8]));
        let draining = serving(&[b"HTTP/1.1 503 Service Unavailable\r\n\r\ndrain", b"ing"]);
        let answer = get(&draining, in_ms(5_000)).expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (503, b"draining" as &[u8]));
    }

    #[test]
    fn a_body_is_not_read_beyond_its_bound_and_not_taken_if_cut() {
        for parts in [
            &[b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" as &[u8]] as &[&[u8]],
            &[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"],
        ] {
            get(&serving(parts), in_ms(5_000)).expect_err("too long, or cut");
        }
    }

    fn get(address: &str, deadline: Instant) -> io::Result<Answer> {
        let request =
            Request { method: "GET", path: "/readyz", authorization: None, body_max: 100 };
        ask_at(address, None, &request, deadline)
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        for parts in [&[b"+OK\r\n" as &[u8]] as &[&[u8]], &[b"HTTP/1.1 "], &[&[b'x'; 2 * HEAD_MAX]]]
        {
            get(&serving(parts), in_ms(5_000)).expect_err("not HTTP");
        }
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let began = Instant::now();
        let address = silent.local_addr().expect("bound").to_string();
        let error = get(&address, in_ms(50)).expect_err("silence");
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
        }
    }
}
