//! Promise: when the hub restarted, or has forgotten this client, the client knows for which
//! events nobody can say whether they arrived. They are reported, or sent again: as was chosen.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{Client, ConnectionEvent, EmitError, Emitter, Headers, OnRestart};
use hub_wire::*;
use support::*;

async fn publish(client: &Client, numbers: std::ops::Range<u8>) {
    for number in numbers {
        client.publish_raw(&topic("t"), &[number], &Headers::new()).await.unwrap();
    }
}

/// A client with events 0 to 4 at the hub, of which 0 and 1 are receipted; then the connection is lost.
async fn lost_after_five(hub: &FakeHub, on_restart: OnRestart) -> Client {
    let (client, mut peer) = hub.connect(hub.client().on_restart(on_restart)).await;
    publish(&client, 0..5).await;
    for number in 0..5 {
        assert_eq!(peer.number().await, number);
    }
    peer.send(&[Frame::Receipt { next: 2 }]).await;
    peer.silent().await;
    client
}

async fn connected(client: &Client) -> bool {
    event(&mut client.events(), |event| match event {
        ConnectionEvent::Connected { resumed, .. } => Some(*resumed),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn with_the_same_hub_only_what_it_has_not_received_is_sent_again() {
    for received in 2..=5_u8 {
        let hub = FakeHub::start().await;
        let client = lost_after_five(&hub, OnRestart::Report).await;
        let mut peer = hub.accept(received.into()).await;
        for number in received..5 {
            assert_eq!(peer.number().await, number);
        }
        assert!(connected(&client).await);
        publish(&client, 5..7).await;
        assert_eq!((peer.number().await, peer.number().await), (5, 6));
        // Numbers go on: this one is for event 5.
        let no = refused(RefusedWhat::Event, 5, RefusedCode::TooDeep);
        peer.send(&[Frame::Refused(no), Frame::Receipt { next: 7 }]).await;
        let error = soon(client.flush()).await.unwrap_err();
        assert_eq!((error.refused.len(), error.outcome_unknown), (1, 0));
    }
}

#[tokio::test]
async fn after_a_restart_what_was_sent_and_not_receipted_is_reported_as_unknown() {
    let mut hub = FakeHub::start().await;
    let client = lost_after_five(&hub, OnRestart::Report).await;
    hub.id = [2; 16];
    let mut events = client.events();
    let mut peer = hub.accept(0).await;
    let unknown = event(&mut events, |event| match event {
        ConnectionEvent::OutcomeUnknown { events } => Some(*events),
        _ => None,
    });
    assert_eq!(unknown.await, 3);
    publish(&client, 7..8).await;
    assert_eq!(peer.number().await, 7);
    peer.send(&[Frame::Receipt { next: 1 }]).await;
    let error = soon(client.flush()).await.unwrap_err();
    assert_eq!((error.outcome_unknown, error.refused.len()), (3, 0));
    assert_eq!(client.flush().await, Ok(()));
}

#[tokio::test]
async fn who_waits_in_emit_is_told_that_the_outcome_is_unknown() {
    let mut hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let emit = tokio::spawn({
        let client = client.clone();
        async move { client.emit_raw(&topic("t"), vec![1].into(), &Headers::new()).await }
    });
    assert_eq!(peer.number().await, 1);
    drop(peer);
    hub.id = [2; 16];
    let _peer = hub.accept(0).await;
    let error = soon(emit).await.unwrap().unwrap_err();
    assert!(matches!(error, EmitError::OutcomeUnknown) && error.can_retry(), "{error:?}");
    assert_eq!(client.flush().await, Ok(()), "the waiter was told");
}

#[tokio::test]
async fn after_a_restart_everything_without_a_receipt_is_sent_again_if_so_chosen() {
    let mut hub = FakeHub::start().await;
    let client = lost_after_five(&hub, OnRestart::Resend).await;
    hub.id = [2; 16];
    let mut peer = hub.accept(0).await;
    assert!(!connected(&client).await);
    for number in 2..5 {
        assert_eq!(peer.number().await, number);
    }
    // Counting began anew: number 1 is the second of them.
    let no = refused(RefusedWhat::Event, 1, RefusedCode::TooDeep);
    peer.send(&[Frame::Refused(no), Frame::Receipt { next: 3 }]).await;
    let error = soon(client.flush()).await.unwrap_err();
    assert_eq!((error.outcome_unknown, error.refused.len()), (0, 1));
}

#[tokio::test]
async fn a_hub_that_forgot_the_client_is_as_one_that_restarted() {
    let hub = FakeHub::start().await;
    let client = lost_after_five(&hub, OnRestart::Report).await;
    let mut peer = hub.accept(0).await;
    assert!(!connected(&client).await);
    peer.silent().await;
    let error = soon(client.flush()).await.unwrap_err();
    assert_eq!(error.outcome_unknown, 3);
}

#[tokio::test]
async fn a_hub_that_claims_more_than_was_sent_is_not_believed() {
    let hub = FakeHub::start().await;
    let client = lost_after_five(&hub, OnRestart::Resend).await;
    let mut peer = hub.accept(6).await;
    assert!(!connected(&client).await);
    assert_eq!(peer.number().await, 2);
    drop(client);
}

#[tokio::test]
async fn what_was_never_sent_is_sent_after_a_restart_without_question() {
    let mut hub = FakeHub::start().await;
    let (client, peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    drop(peer);
    event(&mut events, |event| matches!(event, ConnectionEvent::Lost { .. }).then_some(())).await;
    publish(&client, 0..3).await;
    hub.id = [2; 16];
    let mut peer = hub.accept(0).await;
    for number in 0..3 {
        assert_eq!(peer.number().await, number);
    }
    peer.send(&[Frame::Receipt { next: 3 }]).await;
    assert_eq!(soon(client.flush()).await, Ok(()));
}

#[tokio::test]
async fn a_client_that_ends_says_what_it_did_not_send() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client().reconnect(false)).await;
    publish(&client, 0..2).await;
    assert_eq!((peer.number().await, peer.number().await), (0, 1));
    peer.send(&[Frame::Receipt { next: 1 }]).await;
    peer.silent().await;
    drop(peer);
    let mut events = client.events();
    event(&mut events, |event| matches!(event, ConnectionEvent::Closed { .. }).then_some(())).await;
    assert_eq!(events.next().await, None);
    let error = client.flush().await.unwrap_err();
    assert_eq!((error.outcome_unknown, error.not_sent), (1, 0));
    let error = client.emit_raw(&topic("t"), vec![1].into(), &Headers::new()).await.unwrap_err();
    assert!(matches!(error, EmitError::Ended(_)));
}
