//! Promise: an emit waits no longer than its bound, or its caller, wants. Its error says whether the
//! event was sent, and an event that was not sent is never published later.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{
    Client, ConnectionEvent, EmitError, Emitter, Headers, RequestError, SubscribeOptions,
};
use hub_wire::*;
use std::time::Duration;
use support::*;

async fn emit(client: &Client, number: u8) -> Result<(), EmitError> {
    client.emit_raw(&topic("t"), vec![number].into(), &Headers::new()).await
}

async fn lost(client: &Client) {
    let mut events = client.events();
    event(&mut events, |event| {
        let gone = [matches!(event, ConnectionEvent::Lost { .. }), !client.is_connected()];
        gone.contains(&true).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_could_not_be_sent_is_taken_back_and_what_was_sent_is_not() {
    let hub = FakeHub::start().await;
    let bounded = hub.client().emit_timeout(Duration::from_millis(30));
    let (client, mut peer) = hub.connect(bounded).await;
    assert!(matches!(emit(&client, 1).await, Err(EmitError::TimedOut)), "it was sent");
    assert_eq!(peer.number().await, 1);
    peer.send(&[Frame::Receipt { next: 1 }]).await;
    peer.silent().await;
    drop(peer);
    lost(&client).await;
    // Each emit that is given up stands before one that is not.
    for number in [2, 3, 4, 5] {
        if number % 2 == 0 {
            let error = emit(&client, number).await.unwrap_err();
            assert!(matches!(error, EmitError::NotSent) && error.can_retry(), "{error:?}");
        } else {
            client.publish_raw(&topic("t"), &[number], &Headers::new()).await.unwrap();
        }
    }
    assert_eq!(client.pending(), 2);
    let mut peer = hub.accept(1).await;
    assert_eq!((peer.number().await, peer.number().await), (3, 5));
    peer.send(&[Frame::Receipt { next: 3 }]).await;
    assert_eq!(soon(client.flush()).await, Ok(()));
    peer.silent().await;
}

#[tokio::test]
async fn an_emit_that_its_caller_gives_up_is_not_published_later() {
    let hub = FakeHub::start().await;
    let (client, peer) = hub.connect(hub.client()).await;
    drop(peer);
    lost(&client).await;
    let given_up = tokio::time::timeout(Duration::from_millis(5), emit(&client, 1)).await;
    assert!(given_up.is_err());
    let (q, time) = (topic("q"), Duration::from_millis(5));
    let request = client.request_raw(&q, vec![9].into(), Headers::new(), time);
    assert!(matches!(request.await, Err(RequestError::TimedOut)));
    let last = emit(&client, 2);
    let hub = async {
        let mut peer = hub.accept(0).await;
        loop {
            match peer.next().await {
                Some(Sent::Event { payload, .. }) => {
                    assert_eq!(payload, [2]);
                    peer.send(&[Frame::Receipt { next: 1 }]).await;
                    return peer;
                }
                Some(Sent::Subscribe(_)) => {} // the inbox of the request
                other => panic!("{other:?}"),
            }
        }
    };
    let (published, mut peer) = soon(async { tokio::join!(last, hub) }).await;
    published.unwrap();
    peer.silent().await;
}

#[tokio::test]
async fn a_flush_is_over_when_what_it_waits_for_was_taken_back() {
    let hub = FakeHub::start().await;
    let (client, peer) = hub.connect(hub.client()).await;
    drop(peer);
    lost(&client).await;
    let given_up = tokio::time::timeout(Duration::from_millis(20), emit(&client, 1));
    let flush = async {
        tokio::task::yield_now().await;
        client.flush().await
    };
    let (given_up, flushed) = soon(async { tokio::join!(given_up, flush) }).await;
    assert!(given_up.is_err());
    assert_eq!(flushed, Ok(()));
}

#[tokio::test]
async fn stop_handles_what_is_on_its_way() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (seen, mut came) = tokio::sync::mpsc::unbounded_channel();
    let listener = move |message: hub_client::Message| seen.send(message.seq).unwrap();
    let on = client.on_filter(filter("t"), SubscribeOptions::new(), listener);
    let (handle, subscribe) = soon(async { tokio::join!(on, peer.confirm()) }).await;
    let hub = async {
        assert_eq!(peer.next().await, Some(Sent::Unsubscribe(subscribe.id)));
        let Some(Sent::Ping(token)) = peer.next().await else { panic!("no PING") };
        peer.run(1, 3, &[subscribe.id]).await;
        peer.send(&[Frame::Pong { token }]).await;
        peer.taken(subscribe.id, 3).await;
        peer
    };
    let (_, mut peer) = soon(async { tokio::join!(handle.unwrap().stop(), hub) }).await;
    for number in 1..=3 {
        assert_eq!(came.recv().await, Some(number));
    }
    assert_eq!(came.recv().await, None);
    assert!(client.event_names().is_empty());
    peer.silent().await;
}
