//! Promise: a future dropped at any await point leaves the client consistent. What was handed to
//! the client is emitted, and its outcome reported; what was not leaves no trace.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{
    Client, ConnectionEvent, EmitError, Emitter, Headers, Message, RequestError, SubscribeOptions,
};
use hub_wire::*;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use support::*;

/// Polls a future `polls` times, giving the other tasks a turn in between, and then drops it.
/// Returns its output if it came to that.
async fn cut<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let once = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx)));
        if let Poll::Ready(output) = once.await {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

async fn emit(client: &Client, number: u8) -> Result<(), EmitError> {
    client.emit_raw(&topic("t"), vec![number].into(), &Headers::new()).await
}

async fn publish(client: &Client, number: u8) -> Result<(), EmitError> {
    client.publish_raw(&topic("t"), &[number], &Headers::new()).await
}

async fn ask(client: &Client, timeout: Duration) -> Result<Message, RequestError> {
    client.request_raw(&topic("q"), vec![1].into(), Headers::new(), timeout).await
}

#[tokio::test]
async fn an_emit_dropped_while_it_waits_for_room_has_emitted_nothing() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client().publish_log_bytes(18)).await;
    publish(&client, 1).await.unwrap();
    for polls in 1..5 {
        assert!(cut(emit(&client, 2), polls).await.is_none());
        assert!(cut(publish(&client, 2), polls).await.is_none());
    }
    assert_eq!(peer.number().await, 1);
    peer.send(&[Frame::Receipt { next: 1 }]).await;
    peer.silent().await;
    assert_eq!(soon(client.flush()).await, Ok(()));
    // The room they waited for is there for others.
    publish(&client, 3).await.unwrap();
    assert_eq!(peer.number().await, 3);
}

#[tokio::test]
async fn an_emit_dropped_while_it_waits_for_the_receipt_is_emitted_and_its_refusal_reported() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    for number in 0..5 {
        assert!(cut(emit(&client, number), 1 + usize::from(number)).await.is_none());
    }
    for number in 0..5 {
        assert_eq!(peer.number().await, number);
    }
    let no = refused(RefusedWhat::Event, 3, RefusedCode::TooDeep);
    peer.send(&[Frame::Refused(no), Frame::Receipt { next: 5 }]).await;
    let number = event(&mut events, |event| match event {
        ConnectionEvent::Refused(refused) => Some(refused.number),
        _ => None,
    });
    assert_eq!(number.await, 3);
    let error = soon(client.flush()).await.unwrap_err();
    assert_eq!(error.refused.len(), 1);
}

#[tokio::test]
async fn a_dropped_flush_keeps_what_it_would_have_reported() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    publish(&client, 1).await.unwrap();
    publish(&client, 2).await.unwrap();
    assert_eq!((peer.number().await, peer.number().await), (1, 2));
    let no = refused(RefusedWhat::Event, 0, RefusedCode::TooDeep);
    peer.send(&[Frame::Refused(no), Frame::Receipt { next: 1 }]).await;
    peer.silent().await;
    for polls in 1..5 {
        assert!(cut(client.flush(), polls).await.is_none());
    }
    peer.send(&[Frame::Receipt { next: 2 }]).await;
    assert_eq!(soon(client.flush()).await.unwrap_err().refused.len(), 1);
}

#[tokio::test]
async fn a_subscribe_dropped_at_any_point_leaves_no_subscription() {
    for polls in 1..20 {
        let hub = FakeHub::start().await;
        let (client, mut peer) = hub.connect(hub.client()).await;
        let cut_off = cut(client.subscribe(filter("t"), SubscribeOptions::new()), polls).await;
        drop(cut_off);
        // Whatever it got to: the hub is told the end of what it was told the start of.
        peer.send(&[Frame::Ping { token: 98 }]).await;
        let mut open = Vec::new();
        let mut last = false;
        loop {
            match peer.next().await.unwrap() {
                Sent::Subscribe(subscribe) => {
                    open.push(subscribe.id);
                    peer.send(&[Frame::Subscribed { id: subscribe.id }]).await;
                }
                Sent::Unsubscribe(id) => open.retain(|known| *known != id),
                // What it sends because of SUBSCRIBED comes before the second PONG.
                Sent::Pong(_) if !last => {
                    last = true;
                    peer.send(&[Frame::Ping { token: 98 }]).await;
                }
                Sent::Pong(_) => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(open.is_empty(), "after {polls} polls");
        assert!(client.event_names().is_empty());
    }
}

#[tokio::test]
async fn a_subscribe_dropped_while_there_is_no_connection_is_not_restored() {
    let hub = FakeHub::start().await;
    let (client, peer) = hub.connect(hub.client()).await;
    drop(peer);
    let mut events = client.events();
    event(&mut events, |event| matches!(event, ConnectionEvent::Lost { .. }).then_some(())).await;
    for polls in 1..5 {
        let subscribe = client.subscribe(filter("t"), SubscribeOptions::new());
        assert!(cut(subscribe, polls).await.is_none());
    }
    let mut peer = hub.accept(0).await;
    // Those that had reached the connection may be asked for and taken back.
    let mut open = Vec::new();
    peer.send(&[Frame::Ping { token: 98 }]).await;
    loop {
        match peer.next().await.unwrap() {
            Sent::Subscribe(subscribe) => open.push(subscribe.id),
            Sent::Unsubscribe(id) => open.retain(|known| *known != id),
            _ => break,
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn a_dropped_request_leaves_nobody_waiting_and_others_are_answered() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let confirm = async { peer.confirm().await };
    let (cut_off, inbox) = soon(async { tokio::join!(cut(ask(&client, LONG), 3), confirm) }).await;
    assert!(cut_off.is_none());
    for polls in 1..10 {
        assert!(cut(ask(&client, LONG), polls).await.is_none());
    }
    let error = soon(ask(&client, Duration::from_millis(5))).await.unwrap_err();
    assert!(matches!(error, RequestError::TimedOut));
    let again = ask(&client, LONG);
    let answer = async {
        let mut number = 0;
        loop {
            let Some(Sent::Event { headers, .. }) = peer.next().await else { panic!("a request") };
            let id = Headers::parse(&headers, &Limits::default()).unwrap().id().unwrap().to_owned();
            number += 1;
            let run = RunFrame {
                topic: &inbox.filter,
                epoch: 1,
                first: number,
                count: 1,
                publisher: "other#2",
                time_ms: 1,
                subscriptions: SubscriptionIds::one(inbox.id),
                attempt: 1,
            };
            let re = Headers::new().with_re(id).encode();
            let payload = [number as u8];
            let event = EventFrame { topic: run.topic, payload: &payload, headers: re.as_deref() };
            peer.send(&[Frame::Run(run), Frame::Event(event)]).await;
        }
    };
    let mut again = pin!(again);
    let reply = tokio::select! {
        reply = &mut again => reply.unwrap(),
        () = answer => unreachable!(),
    };
    assert!(reply.payload[0] > 1);
}

#[tokio::test]
async fn a_dropped_connect_leaves_no_connection() {
    let hub = FakeHub::start().await;
    assert!(cut(hub.client().connect(), 3).await.is_none());
    // The next connection is another client's, and it works.
    let builder = hub.client().name("second");
    let second = async {
        loop {
            match hub.accept_any().await {
                Some(peer) if peer.hello.name.is_some() => return peer,
                _ => {} // the dropped one, which may have said HELLO
            }
        }
    };
    let (client, mut peer) = soon(async { tokio::join!(builder.connect(), second) }).await;
    let client = client.unwrap();
    publish(&client, 3).await.unwrap();
    assert_eq!(peer.number().await, 3);
}
