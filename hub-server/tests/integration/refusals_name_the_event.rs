//! A REFUSED for an EVENT repeats the header `id` that the client gave the event (PROTOCOL.md, sections
//! 6 and 16), however the event was refused. So a client can tell which event it is without counting.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Hello, Refused, RefusedCode};
use support::*;

fn refused(got: &[Got]) -> Vec<&Refused> {
    got.iter()
        .filter_map(|got| if let Got::Refused(refused) = got { Some(refused) } else { None })
        .collect()
}

/// Sends one EVENT, and returns its refusal.
fn refusal(client: &mut Client, bytes: &[u8]) -> Refused {
    client.send(bytes);
    let got = client.barrier();
    let refused = refused(&got);
    assert_eq!(refused.len(), 1, "{got:?}");
    refused[0].clone()
}

#[test]
fn each_way_to_refuse_an_event_repeats_its_id() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    let id = ("id", "order-7");
    let with_payload = |payload: &[u8]| event_with("t", payload, &[id]);
    let deep = [vec![0x91; 33], vec![0xc0]].concat();
    let mut many = vec![0xdd, 0, 1, 0, 1];
    many.resize(5 + 65_537, 0xc0);
    for (bytes, code) in [
        (event_with("a..b", b"\x01", &[id]), RefusedCode::BadTopic),
        (event_with("$hub.x", b"\x01", &[id]), RefusedCode::ReservedTopic),
        (event_with("$inbox.gone", b"\x01", &[id]), RefusedCode::NoSubscriber),
        (event_with("t", b"\x01", &[id, ("$x", "1")]), RefusedCode::ReservedHeader),
        (event_with("t", b"\x01", &[id, ("a", "1"), ("a", "2")]), RefusedCode::BadHeader),
        (event_with("nobody", b"\x01", &[id, ("reply", "t")]), RefusedCode::NoSubscriber),
        (with_payload(&deep), RefusedCode::TooDeep),
        (with_payload(&many), RefusedCode::TooManyElements),
    ] {
        let refused = refusal(&mut client, &bytes);
        assert_eq!((refused.code, refused.id.as_deref()), (code, Some("order-7")), "{refused:?}");
    }
}

#[test]
fn an_event_without_a_readable_id_is_refused_without_one() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    let headers = |raw: &[u8]| {
        packed(|pack| {
            pack.array(4).uint(3).str("a..b").nil().raw(raw);
        })
    };
    for bytes in [
        event("a..b", b"\x01"),
        event_with("a..b", b"\x01", &[("re", "x")]),
        headers(b"\x81\xa2id\x07"),
        headers(b"\x82\xa2id\xa1a\xa2id\xa1b"),
        headers(b"\x81\xa2id\xa1\xff"),
        event_with("a..b", b"\xc1", &[("id", "malformed")]),
        event_with("a..b", b"\x01", &[("id", &"i".repeat(256))]),
    ] {
        assert_eq!(refusal(&mut client, &bytes).id, None);
    }
    let longest = "i".repeat(255);
    let bytes = event_with("a..b", b"\x01", &[("id", &longest)]);
    assert_eq!(refusal(&mut client, &bytes).id.as_deref(), Some(longest.as_str()));
}

/// Each event of a run that is refused as a whole is named by its own `id`.
#[test]
fn the_ids_of_a_run_stay_with_their_numbers() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    let ask = |id: &str| event_with("nobody", b"\x01", &[("id", id), ("reply", "t")]);
    let none = event_with("nobody", b"\x01", &[("reply", "t")]);
    client.send(&[ask("a"), ask("b"), none, event("t", b"\x01"), ask("c")].concat());
    let got = client.barrier();
    let ids: Vec<_> =
        refused(&got).iter().map(|refused| (refused.number, refused.id.as_deref())).collect();
    assert_eq!(ids, [(0, Some("a")), (1, Some("b")), (2, None), (4, Some("c"))]);
}

/// A rule that changes the `id` for the readers does not change it for the client that sent it.
#[test]
fn the_id_is_the_one_that_the_client_sent() {
    let rules = tempfile::NamedTempFile::new().unwrap();
    let text = "[[rule]]\nname = \"ids\"\nfind = { paths = [\"$headers.id\"] }\n\
                action = { do = \"replace\", with = \"hidden\" }\n\
                tests = { hits = [{ \"$headers\" = { id = \"a\" } }], misses = [{ id = \"a\" }] }\n";
    std::fs::write(rules.path(), text).unwrap();
    let hub = hub_with(|config| config.rules = rules.path().to_str().unwrap().to_owned());
    let mut listener = Client::open(hub.clients());
    listener.subscribe(&subscription(1, "heard"));
    let mut client = Client::open(hub.clients());
    client.send(&event_with("heard", b"\x01", &[("id", "secret")]));
    client.barrier();
    assert!(listener.event().headers.unwrap().ends_with(b"hidden"), "the rule works");
    client.send(&event_with("nobody", b"\x01", &[("id", "secret"), ("reply", "t")]));
    assert_eq!(refused(&client.barrier())[0].id.as_deref(), Some("secret"));
}

#[test]
fn a_refusal_that_is_repeated_after_a_resume_has_the_id_if_it_is_short() {
    let hub = hub();
    let instance = [7; 16];
    let mut client = Client::open_as(hub.clients(), &hello_of(instance));
    let long = "l".repeat(65);
    for id in ["short", &long] {
        client.send(&event_with("a..b", b"\x01", &[("id", id)]));
    }
    client.barrier();
    drop(client);
    let hello = Hello { receipted: Some(0), ..hello_of(instance) };
    let mut client = Client::open_as(hub.clients(), &hello);
    assert!(client.welcome().resumed);
    let got = client.barrier();
    let ids: Vec<_> = refused(&got).iter().map(|refused| refused.id.as_deref()).collect();
    assert_eq!(ids, [Some("short"), None]);
}
