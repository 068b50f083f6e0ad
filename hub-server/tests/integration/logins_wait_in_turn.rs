//! Promise: a crowd of wrong logins delays no login of others. A login whose client is gone waits no
//! longer and holds no place, each login gets an answer within `handshake_ms`, and only so many logins
//! of one address wait.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::access::hash_password;
use hub_server::{Config, RunningHub};
use hub_wire::{CloseCode, Credentials, Frame, Hello};
use socket2::SockRef;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use support::*;
use tempfile::NamedTempFile;

/// The most expensive hash that an access file may have. No password fits it.
const SLOW: &str = "$argon2id$v=19$m=65536,t=4,p=1$c2FsdHNhbHRzYWx0c2FsdA$\
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const PASSWORD: &str = "a long enough password";
/// There are this many identities with a slow hash, and as many whose passwords are known.
const IDENTITIES: usize = 64;

struct Guarded {
    hub: RunningHub,
    _access: NamedTempFile,
}

fn guarded(change: impl FnOnce(&mut Config)) -> Guarded {
    let access = NamedTempFile::new().unwrap();
    let good = hash_password(PASSWORD).unwrap();
    let mut text = String::from(
        "[roles.one]\nsubscribe.allow = \"**\"\npublish.allow = \"**\"\nadmin = true\n",
    );
    for number in 0..IDENTITIES {
        for (name, hash) in [("slow", SLOW), ("good", &*good)] {
            text +=
                &format!("[identities.{name}-{number}]\nroles = \"one\"\npassword = \"{hash}\"\n");
        }
    }
    std::fs::write(access.path(), text).unwrap();
    let hub = hub_with(|config| {
        config.access = access.path().to_str().unwrap().to_owned();
        change(config);
    });
    Guarded { hub, _access: access }
}

fn login(name: &str, number: usize) -> Vec<u8> {
    let (user, password) = (format!("{name}-{}", number % IDENTITIES), PASSWORD.to_owned());
    let credentials = Some(Credentials::Password { user, password });
    Frame::Hello(Hello { credentials, ..hello("login") }).to_bytes().to_vec()
}

/// Clients that show wrong passwords. Each connection is reset when it is dropped.
struct Guessers(Vec<Client>);

impl Guessers {
    /// Opens a connection from the address `from(number)` for each number below `count`, and shows the
    /// name `name(number)` there. Returns when the hub has read all of it.
    fn start(
        hub: &RunningHub,
        count: usize,
        from: impl Fn(usize) -> String,
        name: impl Fn(usize) -> usize,
    ) -> Guessers {
        let read = || metric(hub, "hub_received_bytes_total");
        let (before, mut sent) = (read(), 0);
        let clients = (0..count).map(|number| {
            let mut client = connect_from(&from(number), hub.clients());
            SockRef::from(&client.socket).set_linger(Some(Duration::ZERO)).unwrap();
            let login = login("slow", name(number));
            client.send(&login);
            sent += login.len() as u64;
            client
        });
        let guessers = Guessers(clients.collect());
        wait_until("the hub has read every HELLO", || read() >= before + sent);
        guessers
    }

    /// Returns how many of them have an answer.
    fn answered(&self) -> usize {
        let has_answer = |client: &&Client| {
            client.socket.set_nonblocking(true).unwrap();
            let answer = client.socket.peek(&mut [0]);
            client.socket.set_nonblocking(false).unwrap();
            !matches!(answer, Err(error) if error.kind() == ErrorKind::WouldBlock)
        };
        self.0.iter().filter(has_answer).count()
    }

    /// Reads the answer of each of them.
    fn codes(&mut self) -> Vec<CloseCode> {
        let code = |client: &mut Client| match client.next() {
            Got::Close(close) => close.code,
            other => panic!("{other:?}"),
        };
        self.0.iter_mut().map(code).collect()
    }
}

/// Logs in with a password that the hub has not verified yet.
fn log_in(hub: &RunningHub, number: usize) -> Client {
    let mut client = Client::connect(hub.clients());
    client.send(&login("good", number));
    match client.next() {
        Got::Welcome(_) => client,
        other => panic!("{other:?}"),
    }
}

/// What counts is how many wrong logins are answered before a good one, not how long it takes. So a
/// busy machine changes nothing.
#[test]
fn a_good_login_waits_for_few_of_a_crowd() {
    const CROWD: usize = 60;
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let Guarded { hub, _access } = guarded(|_| {});
    let draws: Vec<usize> = (0..CROWD).map(|_| random.below(1 << 30)).collect();
    let address = |number: usize| format!("127.0.{}.{}", 1 + number / 200 % 200, 1 + number % 200);
    for (good, (addresses, names)) in
        [(1, 1), (1, IDENTITIES), (40_000, 1), (2, 3), (3, 2)].into_iter().enumerate()
    {
        let guessers = Guessers::start(
            &hub,
            CROWD,
            |number| address(draws[number] % addresses),
            |number| draws[number] % names,
        );
        let before = guessers.answered();
        // The first comes over the port for clients, and the second over HTTP.
        drop(log_in(&hub, 2 * good));
        let pair = format!("good-{}:{PASSWORD}", 2 * good + 1);
        let basic = {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.encode(pair)
        };
        let header = [("Authorization", &*format!("Basic {basic}"))];
        assert_eq!(http(&hub, "GET", "/admin/audit", &header).0, 200);
        let meanwhile = guessers.answered() - before;
        let most = 2 * (2 * addresses.min(names) + 1) + 4;
        eprintln!("{addresses} addresses, {names} names: {meanwhile} wrong logins came before");
        assert!(meanwhile <= most, "{addresses} addresses, {names} names: {meanwhile}");
        drop(guessers);
        wait_until("they are gone", || metric(&hub, "hub_connections") == 0);
    }
}

#[test]
fn a_client_that_is_gone_holds_no_place_and_waits_no_longer() {
    let Guarded { hub, _access } = guarded(|_| {});
    // Their hashes would take a minute.
    let guessers = Guessers::start(&hub, 400, |_| "127.0.0.2".to_owned(), |number| number);
    assert!(guessers.answered() < 200);
    let start = Instant::now();
    drop(guessers);
    wait_until("their places are free", || metric(&hub, "hub_connections") == 0);
    // A login of the same address has its turn at once, too.
    let mut client = connect_from("127.0.0.2", hub.clients());
    client.send(&login("good", 1));
    assert!(matches!(client.next(), Got::Welcome(_)));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
}

/// The client has said everything in time, so it is told to come back.
#[test]
fn the_time_for_the_handshake_covers_the_hash() {
    let Guarded { hub, _access } = guarded(|config| config.handshake_ms = 2_000);
    let mut guessers = Guessers::start(&hub, 200, |_| "127.0.0.2".to_owned(), |number| number);
    let start = Instant::now();
    let codes = guessers.codes();
    let took = start.elapsed();
    let of = |wanted: CloseCode| codes.iter().filter(|code| **code == wanted).count();
    let (late, wrong) = (of(CloseCode::Overloaded), of(CloseCode::Unauthorized));
    assert_eq!((late + wrong, late > 100), (200, true), "{late} late, {wrong} wrong");
    assert_eq!(limited(&hub, "handshake_ms"), late as u64);
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn only_so_many_logins_of_one_address_wait() {
    let Guarded { hub, _access } = guarded(|config| config.max_connections = 64);
    let guessers = Guessers::start(&hub, 50, |_| "127.0.0.2".to_owned(), |number| number);
    // Sixteen wait, one is computed, and a few may be done already.
    wait_until("the others are told to come back", || guessers.answered() >= 50 - 17);
    drop(log_in(&hub, 0));
    assert!(limited(&hub, "handshake_ms") >= 20);
    drop(guessers);
}
