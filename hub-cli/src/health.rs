//! `hub health`: asks a running hub whether it is ready, by one HTTP request, plain or over TLS.
//!
//! It is what a container's health check calls, so it never outlives its time-out, and reads no
//! more than a status line.

use crate::connect::tls;
use clap::{Arg, ArgMatches, Command, value_parser};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const REQUEST: &[u8] =
    b"GET /readyz HTTP/1.1\r\nHost: hub\r\nUser-Agent: hub-health\r\nConnection: close\r\n\r\n";

/// Bytes within which the status line must end.
const STATUS_LINE_MAX: u64 = 256;

/// What `hub health` takes.
pub(crate) fn command() -> Command {
    Command::new("health")
        .about("Ask a running hub whether it is ready")
        .args([
            Arg::new("http")
                .long("http")
                .env("HUB_HTTP")
                .default_value("127.0.0.1:4821")
                .value_name("ADDR")
                .help(
                    "The hub's HTTP address, perhaps with http:// or https:// in front; for 0.0.0.0 \
                     or [::], loopback is asked",
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
                .default_value("2000")
                .value_name("MS")
                .value_parser(value_parser!(u64).range(1..=60_000))
                .help("How long to wait for the answer"),
        ])
        .after_help(
            "Exit codes: 0 ready, 1 not ready or no answer, 2 usage.\n\n\
             Examples:\n  hub health --http 127.0.0.1:4821\n  \
             hub health --http https://127.0.0.1:4821 --ca ca.pem --tls-name hub.internal",
        )
}

/// Prints `ready` and succeeds, or says on stderr what is wrong.
pub(crate) fn run(args: &ArgMatches) -> ExitCode {
    let (Some(address), Some(&ms)) =
        (args.get_one::<String>("http"), args.get_one::<u64>("timeout-ms"))
    else {
        return ExitCode::from(2); // both have defaults
    };
    let deadline = Instant::now() + Duration::from_millis(ms);
    let asked = match Tls::wanted(args, address) {
        Ok((address, tls)) => ask(address, tls.as_ref(), deadline),
        Err(error) => Err(io::Error::other(error)),
    };
    let said = match asked {
        Ok(200) => return done(writeln!(io::stdout(), "ready")),
        Ok(status) => writeln!(io::stderr(), "hub at {address} is not ready: {status}"),
        Err(error) => writeln!(io::stderr(), "no answer from a hub at {address}: {error}"),
    };
    drop(said); // with stderr gone, the exit code still says it
    ExitCode::FAILURE
}

fn done(written: io::Result<()>) -> ExitCode {
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// The HTTP status of `/readyz` at `address`.
fn ask(address: &str, tls: Option<&Tls>, deadline: Instant) -> io::Result<u16> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match ask_one(reachable(address), tls, deadline) {
            Ok(status) => return Ok(status),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask_one(address: SocketAddr, tls: Option<&Tls>, deadline: Instant) -> io::Result<u16> {
    let mut socket =
        Timed { socket: TcpStream::connect_timeout(&address, left(deadline)?)?, deadline };
    match tls {
        None => exchange(&mut socket),
        Some(Tls { config, name }) => {
            let connection = ClientConnection::new(config.clone(), name.clone());
            let mut connection = connection.map_err(io::Error::other)?;
            exchange(&mut rustls::Stream::new(&mut connection, &mut socket))
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

fn exchange(stream: &mut (impl Read + Write)) -> io::Result<u16> {
    stream.write_all(REQUEST)?;

    let mut line = Vec::new();
    let mut part = [0; STATUS_LINE_MAX as usize];
    while !line.contains(&b'\n') && (line.len() as u64) < STATUS_LINE_MAX {
        match stream.read(&mut part)? {
            0 => break,
            n => line.extend_from_slice(&part[..n]),
        }
    }
    status(&line)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

/// The code in `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    let end = line.iter().position(|&byte| byte == b'\n')?;
    let mut words = std::str::from_utf8(&line[..end]).ok()?.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
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
            let mut request = [0; REQUEST.len()];
            socket.read_exact(&mut request).expect("the request");
            for part in parts {
                socket.write_all(part).expect("open");
                thread::sleep(Duration::from_millis(5));
            }
        });
        address
    }

    #[test]
    fn the_status_is_read_also_in_pieces() {
        let ready = serving(&[b"HTTP/1.", b"1 20", b"0 OK\r\nContent-Length: 0\r\n\r\n"]);
        assert_eq!(ask(&ready, None, in_ms(5_000)).expect("an answer"), 200);
        let draining = serving(&[b"HTTP/1.1 503 Service Unavailable\r\n\r\n"]);
        assert_eq!(ask(&draining, None, in_ms(5_000)).expect("an answer"), 503);
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        for parts in [&[b"+OK\r\n" as &[u8]] as &[&[u8]], &[b"HTTP/1.1 "], &[&[b'x'; 4_096]]] {
            ask(&serving(parts), None, in_ms(5_000)).expect_err("not HTTP");
        }
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let began = Instant::now();
        ask(&silent.local_addr().expect("bound").to_string(), None, in_ms(50))
            .expect_err("silence");
        assert!(began.elapsed() < Duration::from_secs(5));
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
