//! A change of the access file that takes no right away ends no connection and no subscription. What the
//! client may do now holds at once, also for subscriptions that it has already. A change that takes a right
//! away still ends the connection.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Overflow, Subscribe};
use support::*;
use tempfile::TempDir;

struct Guarded {
    hub: RunningHub,
    folder: TempDir,
}

impl Guarded {
    fn start(role: &str) -> Guarded {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("access.toml"), file(role)).unwrap();
        let path = folder.path().join("access.toml").to_string_lossy().into_owned();
        Guarded { hub: hub_with(|config| config.access = path), folder }
    }

    /// Puts another file in force. All sessions hear of it soon after this function has returned.
    fn change(&self, role: &str) {
        let reloads = "hub_access_reloads_total{outcome=\"applied\"}";
        let before = metric(&self.hub, reloads);
        let new = self.folder.path().join("new.toml");
        std::fs::write(&new, file(role)).unwrap();
        std::fs::rename(new, self.folder.path().join("access.toml")).unwrap();
        wait_until("the file is in force", || metric(&self.hub, reloads) > before);
    }
}

fn file(role: &str) -> String {
    format!(
        "[roles.r]\n{role}\n[roles.publisher]\npublish.allow = \"**\"\n\
         [anonymous]\nroles = [\"r\", \"publisher\"]\n"
    )
}

/// Returns whether the hub has closed the connection because of its rights.
fn is_ended(client: &mut Client) -> bool {
    client.try_send(&ping(7));
    loop {
        match client.next() {
            Got::Pong(7) => return false,
            Got::Close(close) => {
                assert_eq!(close.code, CloseCode::RightsChanged);
                return true;
            }
            Got::End | Got::Reset => panic!("the connection ended without CLOSE"),
            _ => {}
        }
    }
}

const START: &str =
    "subscribe = { allow = [\"a.**\", \"t\"], deny = \"a.secret\", groups = \"g\" }";

#[test]
fn more_of_any_right_ends_no_connection() {
    for wider in [
        "subscribe = { allow = [\"a.**\", \"t\", \"u\"], deny = \"a.secret\", groups = \"g\" }",
        "subscribe = { allow = [\"**\"], deny = \"a.secret\", groups = [\"g\", \"h\"] }",
        "subscribe = { allow = [\"a.**\", \"t\"], deny = \"a.secret\", groups = \"*\", block = \"t\" }",
        "subscribe = { allow = [\"a.**\", \"t\"], deny = \"a.secret\", groups = \"g*\", observe = true }",
        "subscribe = { allow = [\"a.**\", \"t\"], groups = \"g\", inbox_overflow = \"block\" }",
        "subscribe = { allow = [\"a.**\", \"t\"], deny = \"a.secret\", groups = \"g\" }\nadmin = true",
        "subscribe = { allow = [\"a.**\", \"t\"], groups = \"g\" }\nquarantine = true",
    ] {
        let guarded = Guarded::start(START);
        let mut client = Client::open(guarded.hub.clients());
        client.subscribe(&subscription(1, "t"));
        guarded.change(wider);
        assert!(!is_ended(&mut client), "{wider}");
        client.send(&event("t", b"\x01"));
        assert_eq!(events(&client.barrier()).len(), 1, "{wider}");
    }
}

#[test]
fn less_of_any_right_ends_the_connection() {
    const ALL: &str = "subscribe = { allow = \"**\", deny = \"a.secret\", groups = [\"g\", \"h-*\"], \
                       block = \"t\", observe = true, inbox_overflow = \"block\" }\nadmin = true";
    for narrower in [
        ALL.replace("allow = \"**\"", "allow = \"a.**\""),
        ALL.replace("\"a.secret\"", "\"a.**\""),
        ALL.replace("\"a.secret\"", "[\"a.secret\", \"b\"]"),
        ALL.replace("\"h-*\"", "\"h-1\""),
        ALL.replace("\"g\", ", ""),
        ALL.replace("block = \"t\", ", ""),
        ALL.replace("observe = true", "observe = false"),
        ALL.replace("inbox_overflow = \"block\"", "inbox_overflow = \"latest\""),
        ALL.replace("admin = true", ""),
    ] {
        assert_ne!(narrower, ALL);
        let guarded = Guarded::start(ALL);
        let mut client = Client::open(guarded.hub.clients());
        guarded.change(&narrower);
        wait_until("the session has heard of it", || is_ended(&mut client));
    }
}

/// A subscription gets the topics that it may read now, those that exist and those that come.
#[test]
fn what_a_deny_left_out_comes_without_a_new_subscription() {
    let guarded = Guarded::start(START);
    let mut client = Client::open(guarded.hub.clients());
    client.subscribe(&subscription(1, "a.**"));
    let mut publisher = Client::open(guarded.hub.clients());
    publisher.send(&event("a.secret", &numbered(1, 0)));
    publisher.send(&event("a.open", &numbered(2, 0)));
    assert_eq!(id_in(&client.event().payload), 2);
    guarded.change(&START.replace("deny = \"a.secret\", ", "deny = [], "));
    assert!(!is_ended(&mut client));
    // The topic takes the subscription in soon after the file has come into force.
    let mut n = 10;
    wait_until("the topic that exists has the subscription", || {
        n += 1;
        publisher.send(&event("a.secret", &numbered(n, 0)));
        publisher.send(&event("a.open", &numbered(n, 0)));
        publisher.barrier();
        let first = client.event();
        let rest = client.barrier();
        assert_eq!(id_in(&first.payload), n);
        first.topic == "a.secret" && events(&rest).len() == 1
    });
    publisher.send(&event("a.secret.deeper", &numbered(5, 0)));
    assert_eq!(client.event().topic, "a.secret.deeper");
}

/// The new rights hold for what the client asks for next.
#[test]
fn the_client_may_do_more_at_once() {
    let guarded = Guarded::start("publish.allow = \"t\"\nsubscribe.allow = \"t\"");
    let mut client = Client::open(guarded.hub.clients());
    let wanted =
        [subscription(1, "u"), Subscribe { overflow: Overflow::Block, ..subscription(2, "t") }];
    for wanted in &wanted {
        client.send(&subscribe(wanted));
        assert!(matches!(client.barrier()[..], [Got::Refused(_)]), "{wanted:?}");
    }
    guarded.change("subscribe = { allow = [\"t\", \"u\"], block = \"t\" }\npublish.allow = \"t\"");
    for wanted in &wanted {
        wait_until("the session has heard of it", || {
            client.send(&subscribe(wanted));
            matches!(client.barrier()[..], [Got::Subscribed(_)])
        });
    }
}

/// The hub stamps the events of a proven client with its identity and with the name that it states, so
/// that the replicas of a service can be told apart. No stated name looks like a proven one.
#[test]
fn replicas_of_one_identity_can_be_told_apart() {
    let folder = TempDir::new().unwrap();
    let token = hub_server::access::create_token("orders").unwrap();
    let path = folder.path().join("access.toml");
    let line = &token.line;
    std::fs::write(&path, format!("[roles.r]\n[identities.orders]\nroles = \"r\"\n{line}\n"))
        .unwrap();
    let hub = hub_with(|config| config.access = path.to_string_lossy().into_owned());
    let open = |name: Option<&str>| {
        let credentials = Some(hub_wire::Credentials::Token(token.token.clone()));
        let hello = hub_wire::Hello { credentials, ..Default::default() };
        let hello = hub_wire::Hello { name: name.map(str::to_owned), ..hello };
        Client::open_as(hub.clients(), &hello).welcome().publisher.clone()
    };
    for name in ["replica-1", "replica-2", "boss", "$hub", "1"] {
        let publisher = open(Some(name));
        let (proven, rest) = publisher.split_once('#').unwrap();
        let (number, stated) = rest.split_once('?').unwrap();
        assert_eq!((proven, stated), ("orders", name));
        number.parse::<u64>().expect("the number of the connection");
    }
    let publisher = open(None);
    let (proven, number) = publisher.split_once('#').unwrap();
    assert_eq!(proven, "orders");
    number.parse::<u64>().expect("the number of the connection");
}
