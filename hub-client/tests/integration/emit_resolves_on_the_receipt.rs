//! Promise: `emit` returns what the hub said about the event, and nothing before the hub said it.
//! `publish` returns earlier; `flush` then accounts for every event.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{Client, ConnectionEvent, EmitError, Emitter, Headers};
use hub_wire::*;
use support::*;

async fn emit(client: &Client, number: u8) -> Result<(), EmitError> {
    client.emit_raw(&topic("t"), vec![number].into(), &Headers::new()).await
}

async fn publish(client: &Client, number: u8) {
    client.publish_raw(&topic("t"), &[number], &Headers::new()).await.unwrap();
}

#[tokio::test]
async fn emit_waits_for_a_receipt_that_covers_it() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    assert!(peer.hello.receipts && peer.hello.instance.is_some());
    let (one, two) = (client.clone(), client.clone());
    let first = tokio::spawn(async move { emit(&one, 10).await });
    assert_eq!(peer.number().await, 10);
    let second = tokio::spawn(async move { emit(&two, 11).await });
    assert_eq!(peer.number().await, 11);
    peer.send(&[Frame::Receipt { next: 0 }]).await;
    peer.settled().await;
    assert!(!first.is_finished() && !second.is_finished());
    peer.send(&[Frame::Receipt { next: 1 }]).await;
    soon(first).await.unwrap().unwrap();
    peer.settled().await;
    assert!(!second.is_finished());
    peer.send(&[Frame::Receipt { next: 2 }]).await;
    soon(second).await.unwrap().unwrap();
    assert_eq!(client.pending(), 0);
}

#[tokio::test]
async fn a_refusal_arrives_with_code_rule_and_path_at_the_event_it_is_about() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let emits = async { tokio::join!(emit(&client, 1), emit(&client, 2), emit(&client, 3)) };
    let answer = async {
        for number in 1..=3 {
            assert_eq!(peer.number().await, number);
        }
        let refused = refused(RefusedWhat::Event, 1, RefusedCode::Forbidden);
        peer.send(&[Frame::Refused(refused), Frame::Receipt { next: 3 }]).await;
    };
    let ((one, two, three), ()) = soon(async { tokio::join!(emits, answer) }).await;
    assert!(one.is_ok() && three.is_ok());
    let Err(EmitError::Refused(refusal)) = two else { panic!("{two:?}") };
    assert_eq!(refusal.0.code, RefusedCode::Forbidden);
    assert_eq!((refusal.0.rule.as_deref(), refusal.0.path.as_deref()), (Some("rule"), Some("a.b")));
    assert_eq!(client.flush().await, Ok(()), "who waited was told, so flush has nothing to say");
}

#[tokio::test]
async fn flush_waits_for_all_and_reports_every_refusal_of_pipelined_events() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    for number in 0..100 {
        publish(&client, number).await;
    }
    let flush = tokio::spawn({
        let client = client.clone();
        async move { client.flush().await }
    });
    for number in 0..100 {
        assert_eq!(peer.number().await, number);
    }
    let no = |number| Frame::Refused(refused(RefusedWhat::Event, number, RefusedCode::TooDeep));
    peer.send(&[no(3), Frame::Receipt { next: 50 }, no(99)]).await;
    peer.settled().await;
    assert!(!flush.is_finished());
    peer.send(&[Frame::Receipt { next: 100 }]).await;
    let error = soon(flush).await.unwrap().unwrap_err();
    let numbers: Vec<_> = error.refused.iter().map(|refused| refused.number).collect();
    assert_eq!((numbers, error.refused_more), (vec![3, 99], 0));
    assert_eq!(client.flush().await, Ok(()), "told once");
    for expected in [3, 99] {
        let number = event(&mut events, |event| match event {
            ConnectionEvent::Refused(refused) => Some(refused.number),
            _ => None,
        });
        assert_eq!(number.await, expected);
    }
}

#[tokio::test]
async fn more_refusals_than_are_kept_are_counted() {
    let hub = FakeHub::start().await;
    let mut options = hub_client::Options::default();
    options.refusals_kept = 2;
    let (client, mut peer) = hub.connect(hub.client().options(options)).await;
    for number in 0..5 {
        publish(&client, number).await;
    }
    for number in 0..5 {
        assert_eq!(peer.number().await, number);
        let no = refused(RefusedWhat::Event, number.into(), RefusedCode::BadTopic);
        peer.send(&[Frame::Refused(no)]).await;
    }
    peer.send(&[Frame::Receipt { next: 5 }]).await;
    let error = soon(client.flush()).await.unwrap_err();
    assert_eq!((error.refused.len(), error.refused_more), (2, 3));
}

#[tokio::test]
async fn a_full_log_makes_publishers_wait_until_a_receipt_makes_room() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client().publish_log_bytes(1000)).await;
    let publisher = tokio::spawn({
        let client = client.clone();
        async move {
            for number in 0..200_u8 {
                publish(&client, number % 100).await;
            }
        }
    });
    // An event counts for 18 bytes: topic, payload, and 16 for the frame around them.
    for start in [0, 55, 110] {
        for number in start..start + 55 {
            assert_eq!(peer.number().await, number % 100);
        }
        peer.silent().await;
        assert!(!publisher.is_finished());
        peer.send(&[Frame::Receipt { next: u64::from(start) + 55 }]).await;
    }
    soon(publisher).await.unwrap();
}

#[tokio::test]
async fn an_event_over_the_hubs_limit_is_refused_here_and_takes_no_number() {
    let hub = FakeHub::start().await;
    let accept = hub.accept_with(|welcome| welcome.limits.frame = 100);
    let (client, mut peer) = soon(async { tokio::join!(hub.client().connect(), accept) }).await;
    let client = client.unwrap();
    let large = hub_client::encode(&"x".repeat(100)).unwrap();
    let error = client.emit_raw(&topic("t"), large, &Headers::new()).await.unwrap_err();
    assert!(matches!(error, EmitError::TooLarge { limit: 100, .. }), "{error:?}");
    let answer = async {
        assert_eq!(peer.number().await, 5);
        peer.send(&[Frame::Receipt { next: 1 }]).await;
    };
    let (emitted, ()) = soon(async { tokio::join!(emit(&client, 5), answer) }).await;
    emitted.unwrap();
}

#[tokio::test]
async fn an_event_larger_than_the_log_goes_alone() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client().publish_log_bytes(64)).await;
    let large = hub_client::encode(&"x".repeat(1000)).unwrap();
    let emitter = tokio::spawn({
        let (client, large) = (client.clone(), large.clone());
        async move {
            for _ in 0..3 {
                client.publish_raw(&topic("t"), &large, &Headers::new()).await.unwrap();
            }
        }
    });
    for next in 1..=3 {
        let Some(Sent::Event { payload, .. }) = peer.next().await else { panic!("an event") };
        assert_eq!((payload, client.pending()), (large.to_vec(), 1));
        peer.send(&[Frame::Receipt { next }]).await;
    }
    soon(emitter).await.unwrap();
    soon(client.flush()).await.unwrap();
}
