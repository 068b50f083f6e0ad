//! Health, readiness and metrics over real sockets, written and read as bytes, and what becomes of
//! clients that are wrong or slow.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use hub_server::http::{HttpServer, HttpState, serve};
use prometheus::{IntCounter, Registry};

/// An answer from `/metrics` has more bytes than this, so that few of them fill what sockets buffer.
const LARGE: usize = 100_000;

/// A server on a port of its own, stopped when dropped.
struct Running {
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    counter: IntCounter,
    server: Option<HttpServer>,
}

impl Running {
    fn start() -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ready = Arc::new(AtomicBool::new(true));
        let registry = Registry::new();
        let counter = IntCounter::new("hub_tests_total", "Counts.").unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        let large = IntCounter::new("hub_large_total", "x".repeat(LARGE)).unwrap();
        registry.register(Box::new(large)).unwrap();
        let state = HttpState { registry, ready: ready.clone() };
        let server = serve(listener, state, None, Router::new()).unwrap();
        Running { address, ready, counter, server: Some(server) }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket
    }

    /// Sends a request and reads until the server closes: head in lower case, body.
    fn ask(&self, method: &str, path: &str) -> (String, String) {
        let mut socket = self.connect();
        write!(socket, "{method} {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let server = self.server.take().unwrap();
        let ended = actix_rt::System::new().block_on(server.stop());
        assert!(thread::panicking() || ended.is_ok());
    }
}

#[test]
fn health_and_readiness() {
    let hub = Running::start();
    let (head, body) = hub.ask("GET", "/healthz");
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert_eq!(body, "ok\n");
    assert_eq!(hub.ask("GET", "/readyz").1, "ready\n");
    hub.ready.store(false, Ordering::Release);
    let (head, body) = hub.ask("GET", "/readyz");
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert_eq!(body, "draining\n");
    assert!(hub.ask("GET", "/healthz").0.starts_with("http/1.1 200 "));
}

#[test]
fn metrics_are_in_the_format_of_prometheus() {
    let hub = Running::start();
    hub.counter.inc_by(7);
    let (head, body) = hub.ask("GET", "/metrics");
    assert!(head.contains("\r\ncontent-type: text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("# TYPE hub_tests_total counter\nhub_tests_total 7\n"), "{body}");
}

#[test]
fn the_index_lists_every_path() {
    let (_, body) = Running::start().ask("GET", "/");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(body.contains(path), "{body}");
    }
}

#[test]
fn other_paths_and_methods_are_refused() {
    let hub = Running::start();
    for path in ["/nothing", "/metrics/", "/healthz/x", "/%2e%2e/etc/passwd"] {
        let (head, body) = hub.ask("GET", path);
        assert!(head.starts_with("http/1.1 404 "), "{path}: {head}");
        assert!(!body.contains("etc"), "{body}");
    }
    for method in ["POST", "DELETE", "OPTIONS", "TRACE"] {
        let (head, _) = hub.ask(method, "/metrics");
        assert!(head.starts_with("http/1.1 405 "), "{method}: {head}");
        assert!(head.contains("\r\nallow: get, head"), "{head}");
    }
    let (head, body) = hub.ask("HEAD", "/healthz");
    assert!(head.starts_with("http/1.1 200 ") && body.is_empty(), "{head}{body}");
}

#[test]
fn answers_say_nothing_about_the_software_and_are_not_cached() {
    let hub = Running::start();
    for path in ["/", "/healthz", "/metrics", "/nothing"] {
        let (head, _) = hub.ask("GET", path);
        assert!(!head.contains("\r\nserver:") && !head.contains("actix"), "{head}");
        assert!(head.contains("\r\ncache-control: no-store"), "{head}");
        assert!(head.contains("\r\nx-content-type-options: nosniff"), "{head}");
    }
}

/// Writes until the server has closed, then returns how long it took.
fn until_closed(mut socket: TcpStream, chunk: &[u8], pause: Duration) -> Duration {
    let start = Instant::now();
    socket.set_read_timeout(Some(pause)).unwrap();
    let mut buffer = [0; 4096];
    while start.elapsed() < Duration::from_secs(30) {
        if !chunk.is_empty() && socket.write_all(chunk).is_err() {
            break;
        }
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Err(e) if !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            _ => {}
        }
    }
    start.elapsed()
}

#[test]
fn a_slow_or_endless_request_is_cut_off_and_others_are_served() {
    let hub = Running::start();
    let tick = Duration::from_millis(200);
    let begin = |text: &str| {
        let mut socket = hub.connect();
        socket.write_all(text.as_bytes()).unwrap();
        socket
    };
    let cases = [
        ("silent", begin(""), ""),
        ("half a head, then silence", begin("GET /healthz HT"), ""),
        ("a byte at a time", begin("GET /healthz HTTP/1.1\r\nx: "), "a"),
        (
            "a body that was not asked for",
            begin("POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n"),
            "aaaa",
        ),
    ];
    let threads = cases.map(|(name, socket, chunk)| {
        (name, thread::spawn(move || until_closed(socket, chunk.as_bytes(), tick)))
    });
    for _ in 0..10 {
        assert_eq!(hub.ask("GET", "/healthz").1, "ok\n");
    }
    for (name, thread) in threads {
        let took = thread.join().unwrap();
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
    }
}

#[test]
fn half_sent_requests_that_are_renewed_keep_nobody_from_an_answer() {
    let hub = Running::start();
    let half = || {
        let mut socket = hub.connect();
        socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: ").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    };
    let mut held: Vec<_> = (0..300).map(|_| half()).collect();
    for _ in 0..5 {
        let mut asks = hub.connect();
        // As `hub health` waits, and some more. It waits behind those above, not behind those below.
        asks.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
        asks.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        asks.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        for socket in &mut held {
            let open =
                socket.read(&mut [0; 1024]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
            if !open {
                *socket = half();
            }
        }
    }
}

#[test]
fn a_huge_head_is_refused() {
    let hub = Running::start();
    let mut socket = hub.connect();
    let _ = socket.write_all(b"GET /healthz HTTP/1.1\r\nx: ");
    let took = until_closed(socket, &[b'a'; 65_536], Duration::from_millis(10));
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn an_idle_connection_is_kept_for_some_seconds_and_then_closed() {
    let hub = Running::start();
    let mut socket = hub.connect();
    let mut buffer = [0; 4096];
    let mut ask = |socket: &mut TcpStream| {
        socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let read = socket.read(&mut buffer).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend(&buffer[..read]);
        }
    };
    ask(&mut socket);
    // Longer than the first head of a connection may take, which is one second.
    thread::sleep(Duration::from_secs(2));
    let start = Instant::now();
    ask(&mut socket);
    until_closed(socket, b"", Duration::from_millis(10));
    let took = start.elapsed();
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(9), "{took:?}");
}

/// Measures how long something takes, and passes once it takes less than `most`. A busy machine delays
/// some of ten attempts; a server that waits for what it should not wait for delays each of them.
fn one_of_ten_takes_less_than(most: Duration, mut attempt: impl FnMut() -> Duration) {
    let mut all = Vec::new();
    while all.len() < 10 {
        let took = attempt();
        if took < most {
            return;
        }
        all.push(took);
    }
    panic!("{all:?}");
}

#[test]
fn a_server_that_stops_finishes_answers_and_lets_idle_connections_go() {
    one_of_ten_takes_less_than(Duration::from_millis(900), || {
        let hub = Running::start();
        let mut idle = hub.connect();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut buffer = [0; 4096];
        assert!(idle.read(&mut buffer).unwrap() > 0);
        let (start, address) = (Instant::now(), hub.address);
        drop(hub);
        let took = start.elapsed();
        assert!(TcpStream::connect(address).is_err());
        took
    });
}

/// Asks for so many large answers at once.
fn ask_for_metrics(hub: &Running, answers: usize) -> TcpStream {
    let mut socket = hub.connect();
    let requests = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(answers);
    socket.write_all(requests.as_bytes()).unwrap();
    socket
}

#[test]
fn a_client_that_reads_no_answer_is_disconnected() {
    let hub = Running::start();
    let mut socket = ask_for_metrics(&hub, 1_000);
    socket.set_nonblocking(true).unwrap();
    // It writes on, and never reads. The answer to a write after the disconnect is a reset.
    let until = Instant::now() + Duration::from_secs(60);
    let error = loop {
        match socket.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n") {
            Err(error) if error.kind() != ErrorKind::WouldBlock => break error,
            _ => assert!(Instant::now() < until, "the connection is kept"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(gone.contains(&error.kind()), "{error}");
}

#[test]
fn a_client_that_reads_slowly_gets_all_its_answers() {
    let hub = Running::start();
    let socket = ask_for_metrics(&hub, 100);
    let mut text = String::new();
    // In all longer than a client may read nothing, which is five seconds. Each pause is much shorter.
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(400));
        let part = 3 * LARGE as u64;
        (&socket).take(part).read_to_string(&mut text).unwrap();
    }
    socket.shutdown(Shutdown::Write).unwrap();
    (&socket).read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 100);
    assert!(text.ends_with("hub_tests_total 0\n"), "the last answer is cut");
}

#[test]
fn a_server_that_stops_waits_for_no_client_that_reads_nothing() {
    // A second for answers that are being given, and less than a client may read nothing.
    one_of_ten_takes_less_than(Duration::from_secs(2), || {
        let hub = Running::start();
        let _stalled = ask_for_metrics(&hub, 1_000);
        // Behind the stalled client, whose answers fill the buffers meanwhile.
        assert_eq!(hub.ask("GET", "/healthz").1, "ok\n");
        let start = Instant::now();
        drop(hub);
        start.elapsed()
    });
}

#[test]
fn a_first_head_that_comes_too_late_is_answered_with_408() {
    let hub = Running::start();
    for begin in ["", "GET /healthz HTTP/1.1\r\nx: "] {
        let mut socket = hub.connect();
        socket.write_all(begin.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{begin:?}: {answer:?}");
    }
}
