//! A client over TLS that says goodbye, with CLOSE or with close_notify, gets what it is owed, CLOSE
//! and close_notify. An end without close_notify is a broken connection.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_wire::{CloseCode, Overflow, Subscribe};
use std::io::Write;
use std::net::TcpStream;
use support::*;
use tls_support::Secured;
use tls_support::tunnel::Tunnel;

fn tunnel(secured: &Secured) -> Tunnel {
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    Tunnel::new(secured.hub.clients(), &tls)
}

/// Everything until close_notify, without the CLOSE before it.
fn until_close(client: &mut Client) -> Vec<Got> {
    let mut all = client.rest();
    assert_eq!(all.pop(), Some(Got::End), "close_notify is missing");
    let Some(Got::Close(close)) = all.pop() else { panic!("no CLOSE at the end: {all:?}") };
    assert_eq!(close.code, CloseCode::Normal);
    all
}

#[test]
fn what_a_publisher_sent_last_is_published_and_receipted() {
    let secured = Secured::new();
    let tunnel = tunnel(&secured);
    let mut subscriber = Client::open(tunnel.address);
    subscriber.subscribe(&subscription(1, "t"));
    for count in [0, 1, 700] {
        for with_close in [true, false] {
            let mut publisher = Client::open(tunnel.address);
            let last: Vec<u8> = (0..count).flat_map(|n| event("t", &numbered(n, 500))).collect();
            publisher.send(&last);
            if with_close {
                publisher.send(&goodbye());
            } else {
                publisher.finish();
            }
            let all = until_close(&mut publisher);
            let receipt = if count == 0 { None } else { Some(&Got::Receipt(count)) };
            assert_eq!(all.last(), receipt);
            for n in 0..count {
                assert_eq!(id_in(&subscriber.event().payload), n);
            }
        }
    }
    assert_eq!(subscriber.barrier(), []);
}

#[test]
fn a_subscriber_gets_everything_that_was_queued() {
    // More than what the sockets on the way take, and less than what publishers wait for.
    const EVENTS: u64 = 2_500;
    let secured = Secured::with(|_, _, config| {
        config.queue_bytes = 256 * 1024 * 1024;
        config.drain_ms = 60_000;
    });
    let tunnel = tunnel(&secured);
    let mut subscriber = open_narrow(tunnel.address);
    subscriber.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let mut publisher = Client::open(tunnel.address);
    for n in 0..EVENTS {
        publisher.send(&event("t", &numbered(n, 16 * 1024)));
    }
    publisher.barrier();
    assert!(metric(&secured.hub, "hub_deliveries_pending") > 100);
    subscriber.finish();
    wait_until("the hub has seen its goodbye", || metric(&secured.hub, "hub_subscriptions") == 0);
    let all = until_close(&mut subscriber);
    let ids: Vec<u64> = events(&all).iter().map(|event| id_in(&event.payload)).collect();
    assert_eq!(ids, (0..EVENTS).collect::<Vec<_>>());
}

/// When the hub stops, its goodbye is the last thing that comes, and comes to everyone.
#[test]
fn a_stopping_hub_says_goodbye_behind_all_it_took() {
    const EVENTS: u64 = 300;
    let secured = Secured::new();
    let tunnel = tunnel(&secured);
    let mut subscribers: Vec<Client> = (0..5).map(|_| Client::open(tunnel.address)).collect();
    for subscriber in &mut subscribers {
        subscriber.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    }
    let mut publisher = Client::open(tunnel.address);
    for n in 0..EVENTS {
        publisher.send(&event("t", &numbered(n, 2_000)));
    }
    publisher.barrier();
    let Secured { hub, .. } = secured;
    let stopping = std::thread::spawn(move || hub.stop());
    for subscriber in &mut subscribers {
        let mut all = subscriber.rest();
        assert_eq!(all.pop(), Some(Got::End), "close_notify is missing");
        let Some(Got::Close(close)) = all.pop() else { panic!("no CLOSE at the end") };
        assert_eq!(close.code, CloseCode::GoingAway);
        assert_eq!(events(&all).len() as u64, EVENTS);
        subscriber.finish();
    }
    drop((subscribers, publisher));
    stopping.join().unwrap();
}

/// Who can cut a connection cannot make it look like a goodbye: a client cut off in this way is not
/// told "normal", and what it had sent whole still counts.
#[test]
fn a_cut_connection_is_no_goodbye() {
    let secured = Secured::new();
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    let name = tls.name("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(tls.load().unwrap(), name).unwrap();
    let mut socket = TcpStream::connect(secured.hub.clients()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    let mut hello = hello("cut");
    hello.receipts = false;
    stream.write_all(&hub_wire::Frame::Hello(hello).to_bytes()).unwrap();
    stream.write_all(&event("t", &numbered(7, 100))).unwrap();
    wait_until("its event is there", || metric(&secured.hub, "hub_events_total") == 1);
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    wait_until("the hub lets it go", || metric(&secured.hub, "hub_connections") == 0);
    assert_eq!(metric(&secured.hub, "hub_connections_closed_total{code=\"normal\"}"), 0);
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    let mut rest = Vec::new();
    let end = std::io::Read::read_to_end(&mut stream, &mut rest);
    assert!(end.is_err(), "the hub answered a cut with close_notify");
}
