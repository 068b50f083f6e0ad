//! Promise: a connection that is too many takes nothing from others. An address over its limit keeps
//! no other address out; who is sent away is told why, holds no place and is gone soon; and the hub
//! keeps file descriptors for itself, however many connections come.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_server::access::create_token;
use hub_wire::{Close, CloseCode, Credentials, Frame, Hello};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use support::*;

/// What a client is told that is not let in.
fn turned_away(client: &mut Client) -> Close {
    match client.rest().as_slice() {
        [Got::Close(close), Got::End] => close.clone(),
        other => panic!("{other:?}"),
    }
}

/// The code with which the connection of a client that was let in ended.
fn ended_with(client: &mut Client) -> CloseCode {
    let all = client.rest();
    let code = |got: &Got| if let Got::Close(close) = got { Some(close.code) } else { None };
    all.iter().find_map(code).unwrap_or_else(|| panic!("{all:?}"))
}

#[test]
fn an_address_over_its_limit_keeps_no_other_address_out() {
    let hub = hub_with(|config| {
        config.max_connections = 20;
        config.max_connections_per_address = 10;
    });
    // They stay, whatever they are told.
    let mut strangers: Vec<_> =
        (0..300).map(|_| connect_from("127.0.0.2", hub.clients())).collect();
    let mut friends: Vec<_> = (0..10).map(|_| Client::open(hub.clients())).collect();
    friends.iter_mut().for_each(|friend| drop(friend.barrier()));
    let sent_away = || limited(&hub, "max_connections_per_address");
    wait_until("all the others are sent away", || sent_away() == 290);
    for stranger in &mut strangers[10..] {
        let close = turned_away(stranger);
        assert_eq!(close.code, CloseCode::TooManyConnections);
        assert!(close.retry_after_ms.is_some());
    }
    assert_eq!(limited(&hub, "max_connections"), 0);
    strangers[0].hello(&hello("let-in"));
}

#[test]
fn who_is_sent_away_holds_no_place() {
    let hub = hub_with(|config| config.max_connections = 5);
    let inside: Vec<_> = (0..5).map(|_| Client::open(hub.clients())).collect();
    let mut outside: Vec<_> = (0..100).map(|_| Client::connect(hub.clients())).collect();
    for client in &mut outside {
        assert_eq!(turned_away(client).code, CloseCode::Overloaded);
    }
    wait_until("they are gone", || metric(&hub, "hub_connections") == 5);
    drop(inside);
    wait_until("there is room again", || {
        let mut again = Client::connect(hub.clients());
        again.try_send(&Frame::Hello(hello("again")).to_bytes());
        matches!(again.next(), Got::Welcome(_))
    });
}

/// A client that comes back takes the place of its own older connection, which the hub has not seen end
/// yet. So a full hub lets everybody come back who was in.
#[test]
fn a_returning_instance_takes_its_own_place_in_each_count() {
    let limits: [fn(&mut hub_server::Config); 3] = [
        |config| config.max_connections = 3,
        |config| config.max_connections_per_address = 3,
        |config| {
            config.max_connections = 3;
            config.max_connections_per_address = 3;
        },
    ];
    for limit in limits {
        let hub = hub_with(limit);
        let mut older: Vec<_> =
            (0..3).map(|n| Client::open_as(hub.clients(), &hello_of([n; 16]))).collect();
        for _ in 0..3 {
            // The older connections stay open at the client.
            let newer: Vec<_> =
                (0..3).map(|n| Client::open_as(hub.clients(), &hello_of([n; 16]))).collect();
            for (n, mut replaced) in std::mem::replace(&mut older, newer).into_iter().enumerate() {
                assert_eq!(ended_with(&mut replaced), CloseCode::Replaced);
                assert!(older[n].welcome().resumed);
            }
        }
        // Whoever was not in finds no place, with an instance or without.
        for hello in [hello_of([9; 16]), hello("new")] {
            let mut stranger = Client::connect(hub.clients());
            stranger.send(&Frame::Hello(hello).to_bytes());
            let code = turned_away(&mut stranger).code;
            assert!(matches!(code, CloseCode::Overloaded | CloseCode::TooManyConnections));
        }
        // Each place that is given back is free for others.
        older.pop();
        wait_until("there is room again", || {
            let mut again = Client::connect(hub.clients());
            again.try_send(&Frame::Hello(hello("again")).to_bytes());
            matches!(again.next(), Got::Welcome(_))
        });
    }
}

/// The limit of an identity is the third count.
#[test]
fn a_returning_instance_takes_its_own_place_in_the_count_of_its_identity() {
    let access = tempfile::NamedTempFile::new().unwrap();
    let token = create_token("one").unwrap();
    let role = "[roles.one]\nsubscribe.allow = \"**\"\npublish.allow = \"**\"\n";
    let text = format!("{role}[identities.one]\nroles = \"one\"\n{}\n", token.line);
    std::fs::write(access.path(), text).unwrap();
    let hub = hub_with(|config| {
        config.access = access.path().to_str().unwrap().to_owned();
        config.max_connections_per_identity = 1;
    });
    let hello = |n: u8| Hello {
        credentials: Some(Credentials::Token(token.token.clone())),
        ..hello_of([n; 16])
    };
    let mut older = Client::open_as(hub.clients(), &hello(1));
    for _ in 0..3 {
        let newer = Client::open_as(hub.clients(), &hello(1));
        assert!(newer.welcome().resumed);
        assert_eq!(ended_with(&mut older), CloseCode::Replaced);
        older = newer;
    }
    let mut other = Client::connect(hub.clients());
    other.send(&Frame::Hello(hello(2)).to_bytes());
    assert_eq!(turned_away(&mut other).code, CloseCode::TooManyConnections);
}

const ACCESS_FILE: &str = "HUB_TEST_ACCESS_FILE";
/// What the hub's process may have open, and may raise that to.
const FILES: (usize, usize) = (100, 240);

/// A hub in a process of its own, with few file descriptors.
struct Confined {
    process: Child,
    clients: SocketAddr,
    http: SocketAddr,
    /// Read no further, but open.
    _stdout: BufReader<ChildStdout>,
}

impl Confined {
    fn start(access: &str) -> Confined {
        let this = std::env::current_exe().unwrap();
        let limits = format!("ulimit -Sn {} && ulimit -Hn {} && exec \"$@\"", FILES.0, FILES.1);
        let mut process = Command::new("sh")
            .args(["-c", &limits, "sh"])
            .arg(this)
            .args([
                "connections_are_counted_at_the_door::the_hub_keeps_file_descriptors_for_itself",
                "--exact",
                "--nocapture",
            ])
            .env(ACCESS_FILE, access)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut lines = stdout.by_ref().lines();
        let addresses =
            lines.find_map(|line| line.unwrap().strip_prefix("hub at ").map(String::from));
        let addresses = addresses.unwrap();
        let mut addresses = addresses.split(' ').map(|address| address.parse().unwrap());
        let (clients, http) = (addresses.next().unwrap(), addresses.next().unwrap());
        Confined { process, clients, http, _stdout: stdout }
    }

    fn metrics(&self) -> String {
        let mut socket = TcpStream::connect(self.http).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// What the process of a [`Confined`] does, until its stdin ends.
fn serve(access: String) {
    let hub: RunningHub = hub_with(|config| config.access = access);
    let line = format!("\nhub at {} {}\n", hub.clients(), hub.http());
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

#[test]
fn the_hub_keeps_file_descriptors_for_itself() {
    if let Ok(access) = std::env::var(ACCESS_FILE) {
        return serve(access);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.toml");
    let (token, other) = (create_token("one").unwrap(), create_token("one").unwrap());
    let write = |line: &str| {
        let role = "[roles.one]\nsubscribe.allow = \"**\"\npublish.allow = \"**\"\n";
        std::fs::write(&file, format!("{role}[identities.one]\nroles = \"one\"\n{line}\n"))
            .unwrap();
    };
    write(&token.line);
    let hub = Confined::start(&file.to_string_lossy());
    let credentials = Some(Credentials::Token(token.token.clone()));
    let mut one = Client::open_as(hub.clients, &Hello { credentials, ..hello("one") });
    // Twice as many as there are descriptors, and they stay.
    let mut strangers: Vec<_> = (0..2 * FILES.1).map(|_| Client::connect(hub.clients)).collect();
    assert_eq!(turned_away(strangers.last_mut().unwrap()).code, CloseCode::Overloaded);
    let metrics = hub.metrics();
    let value = |name: &str| -> usize {
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    };
    let connections = value("hub_connections");
    // More than without raising the limit; fewer than what would use up all.
    assert!((FILES.0..=FILES.1 - 64).contains(&connections), "{connections}");
    assert!(value("hub_limited_total{limit=\"file_descriptors\"}") >= FILES.1);
    // A file that changes is read.
    write(&other.line);
    let all = one.rest();
    let closed = all
        .iter()
        .any(|got| matches!(got, Got::Close(close) if close.code == CloseCode::Unauthorized));
    assert!(closed, "{all:?}");
}

/// The connections of HTTP come out of the same budget. They leave enough for clients, for files and
/// for probes.
#[test]
fn connections_of_http_take_no_descriptor_that_others_need() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.toml");
    let (token, other) = (create_token("one").unwrap(), create_token("one").unwrap());
    let write = |line: &str| {
        let role = "[roles.one]\nsubscribe.allow = \"**\"\npublish.allow = \"**\"\n";
        std::fs::write(&file, format!("{role}[identities.one]\nroles = \"one\"\n{line}\n"))
            .unwrap();
    };
    write(&token.line);
    let hub = Confined::start(&file.to_string_lossy());
    let credentials = Some(Credentials::Token(token.token.clone()));
    let mut one = Client::open_as(hub.clients, &Hello { credentials, ..hello("one") });
    // Silent, and with half of a head. More than there are descriptors, first of HTTP and then of
    // clients, in turns.
    let half_a_head = |number: usize| {
        let mut stranger = TcpStream::connect(hub.http).unwrap();
        let _ = stranger.write_all(&b"GET / HTTP/1.1\r\nx: "[..number % 20]);
        stranger
    };
    let mut strangers: Vec<_> = (0..FILES.1).map(half_a_head).collect();
    assert!(hub.metrics().contains("hub_connections "));
    strangers.extend((0..FILES.1).map(|_| TcpStream::connect(hub.clients).unwrap()));
    assert!(hub.metrics().contains("hub_connections "));
    // Those of HTTP come anew, when clients have what there is.
    strangers.drain(..FILES.1);
    strangers.extend((0..FILES.1).map(half_a_head));
    assert!(hub.metrics().contains("hub_connections "));
    // A file that changes is read.
    write(&other.line);
    let all = one.rest();
    let closed = all
        .iter()
        .any(|got| matches!(got, Got::Close(close) if close.code == CloseCode::Unauthorized));
    assert!(closed, "{all:?}");
}
