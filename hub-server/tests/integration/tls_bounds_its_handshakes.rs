//! A handshake has a time and a number of bytes, and one that does not end holds nobody else up.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_client::Emitter;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use support::{PATIENCE, metric, wait_until};
use tls_support::{Secured, soon};

fn failed(secured: &Secured, reason: &str) -> u64 {
    metric(&secured.hub, &format!("hub_tls_handshakes_failed_total{{reason=\"{reason}\"}}"))
}

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// What a client of TLS says first.
fn client_hello(secured: &Secured) -> Vec<u8> {
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    let name = tls.name("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(tls.load().unwrap(), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

/// Whether the hub ended the connection, and not with a reset.
fn is_ended(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match socket.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => panic!("{error}, {:?}", error.kind()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_comes_byte_by_byte_ends_at_the_deadline() {
    const SLOW: u64 = 50;
    // Time enough for the others, also on a busy machine.
    let secured = Secured::with(|_, _, config| config.handshake_ms = 5_000);
    let hello = client_hello(&secured);
    let (silent, first, half) = (0, 1, hello.len() / 2);
    let mut slow: Vec<TcpStream> = (0..SLOW as usize)
        .map(|number| {
            let mut socket = connect(secured.hub.clients());
            socket.write_all(&hello[..[silent, first, half][number % 3]]).unwrap();
            socket
        })
        .collect();
    // Nobody waits for those.
    for _ in 0..5 {
        let client = soon(secured.client().connect()).await.unwrap();
        soon(client.drain()).await.unwrap();
    }
    for socket in &mut slow {
        assert!(is_ended(socket));
    }
    wait_until("the hub counts them", || failed(&secured, "timeout") == SLOW);
    assert_eq!(metric(&secured.hub, "hub_tls_handshakes_total"), 5);
}

/// The time for TLS and the time for HELLO are one.
#[test]
fn one_that_ends_without_hello_ends_at_the_same_deadline() {
    let secured = Secured::with(|_, _, config| config.handshake_ms = 4_000);
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    let tunnel = tls_support::tunnel::Tunnel::new(secured.hub.clients(), &tls);
    let mut client = support::Client::connect(tunnel.address);
    let all = client.rest();
    let [support::Got::Close(close), support::Got::End] = &all[..] else { panic!("{all:?}") };
    assert_eq!(close.code, hub_wire::CloseCode::HandshakeTimeout);
    let closed = "hub_connections_closed_total{code=\"handshake_timeout\"}";
    wait_until("it is counted", || metric(&secured.hub, closed) == 1);
}

/// A handshake message that is announced as long as can be, sent as fast as the hub takes it.
#[test]
fn one_that_never_gets_complete_ends_at_a_number_of_bytes() {
    let secured = Secured::new();
    let mut socket = connect(secured.hub.clients());
    // A ClientHello of 16 MiB less one byte, in records of 16 KiB.
    let mut record = vec![22, 3, 1, 0x40, 0];
    record.extend([1, 0xff, 0xff, 0xff]);
    record.resize(5 + 16_384, 0);
    let mut sent = 0;
    let ended = loop {
        match socket.write(&record) {
            Ok(written) => sent += written,
            Err(error) => break error.kind(),
        }
        if sent > 64 * 1024 * 1024 {
            panic!("the hub took {sent} bytes");
        }
        record[5] = 0;
    };
    assert!(matches!(ended, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{ended:?}");
    wait_until("the hub counts it", || {
        failed(&secured, "too_large") + failed(&secured, "protocol") == 1
    });
}

#[test]
fn what_is_no_tls_at_all_is_told_so_and_counted() {
    let secured = Secured::new();
    for junk in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0xff; 300], b"\x16\x03\x01\x00"] {
        let mut socket = connect(secured.hub.clients());
        socket.write_all(junk).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(is_ended(&mut socket));
    }
    wait_until("the hub counts them", || {
        failed(&secured, "not_tls") + failed(&secured, "protocol") + failed(&secured, "closed") == 3
    });
}

/// As many as there may be connections, and the hub is none the worse afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_no_more_of_them_than_connections() {
    let secured = Secured::with(|_, _, config| {
        config.max_connections = 10;
    });
    let slow: Vec<TcpStream> = (0..30).map(|_| connect(secured.hub.clients())).collect();
    wait_until("some are sent away", || failed(&secured, "overloaded") >= 20);
    drop(slow);
    wait_until("the others are gone", || failed(&secured, "closed") >= 10);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let client = soon(secured.client().patience(tls_support::LONG).connect()).await.unwrap();
    soon(client.drain()).await.unwrap();
}

/// Bytes that are not TLS after a good handshake end that connection alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_tampered_with_ends_its_connection_alone() {
    let secured = Secured::new();
    let other = soon(secured.client().connect()).await.unwrap();
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    for tampered in [[23_u8, 3, 3, 0, 40], [22, 3, 3, 0, 40], [21, 3, 3, 0, 40], [99, 0, 0, 0, 40]]
    {
        let name = tls.name("localhost").unwrap();
        let mut connection = rustls::ClientConnection::new(tls.load().unwrap(), name).unwrap();
        let mut socket = connect(secured.hub.clients());
        let hello = hub_wire::Frame::Hello(support::hello("x")).to_bytes();
        rustls::Stream::new(&mut connection, &mut socket).write_all(&hello).unwrap();
        socket.write_all(&tampered).unwrap();
        socket.write_all(&[7; 40]).unwrap();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
    }
    wait_until("they are gone", || metric(&secured.hub, "hub_connections") == 1);
    other
        .emit_raw(&tls_support::topic("t"), vec![1].into(), &hub_client::Headers::new())
        .await
        .unwrap();
    soon(other.drain()).await.unwrap();
}
