//! Promise: `drain` lets listeners handle what has arrived, sends what they emit, waits for the
//! receipts, and says goodbye. `close` does not wait. Dropping the last clone drains too.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{
    Client, ConnectionEvent, DrainError, EmitError, Emitter, Headers, Message, SubscribeError,
    SubscribeOptions,
};
use hub_wire::*;
use std::time::Duration;
use support::*;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// Says the hub's goodbye when the client has said its own.
async fn goodbye(mut peer: Peer) {
    assert_eq!(peer.next().await, Some(Sent::Close(CloseCode::Normal)));
    let close = Close { code: CloseCode::Normal, reason: "bye".into(), retry_after_ms: None };
    peer.send(&[Frame::Close(close)]).await;
    peer.stream.shutdown().await.unwrap();
    assert_eq!(peer.next().await, None, "the client ends in good order");
}

#[tokio::test]
async fn the_hub_hears_of_all_that_listeners_finish_during_a_drain() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let slow = async |_: Message| tokio::time::sleep(Duration::from_millis(3)).await;
    let on = client.on_filter(filter("t"), SubscribeOptions::new().group("g"), slow);
    let (_, subscribe) = soon(async { tokio::join!(on, peer.confirm()) }).await;
    peer.run(1, 20, &[subscribe.id]).await;
    let hub_side = async {
        assert_eq!(peer.next().await, Some(Sent::Unsubscribe(subscribe.id)));
        let Some(Sent::Ping(token)) = peer.next().await else { panic!("no PING") };
        peer.send(&[Frame::Pong { token }]).await;
        assert_eq!(peer.next().await, Some(Sent::Close(CloseCode::Normal)));
        let taken = peer.taken[&subscribe.id].taken;
        assert_eq!(taken, 20, "what the hub does not hear of goes to other members of the group");
        peer.stream.shutdown().await.unwrap();
    };
    let (drained, ()) = soon(async { tokio::join!(client.drain(), hub_side) }).await;
    assert_eq!(drained, Ok(()));
}

#[tokio::test]
async fn what_has_arrived_is_handled_and_what_handlers_emit_is_receipted() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (handled, mut seen) = mpsc::unbounded_channel();
    let echo = client.clone();
    let listener = move |message: Message| {
        let (echo, handled) = (echo.clone(), handled.clone());
        async move {
            // Waiting: the drain must wait for this, too.
            tokio::time::sleep(Duration::from_millis(1)).await;
            echo.publish_raw(&topic("echo"), &message.payload, &Headers::new()).await?;
            handled.send(message.seq)?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }
    };
    let on = client.on_filter(filter("t"), SubscribeOptions::new(), listener);
    let (listener, _) = soon(async { tokio::join!(on, peer.confirm()) }).await;
    let listener = listener.unwrap();
    peer.run(1, 10, &[1]).await;
    let hub_side = async {
        let mut echoes = Vec::new();
        let mut late = false;
        loop {
            match peer.next().await.unwrap() {
                Sent::Unsubscribe(1) => {
                    // On its way when the client unsubscribed.
                    peer.run(11, 1, &[1]).await;
                    late = true;
                }
                Sent::Ping(token) => peer.send(&[Frame::Pong { token }]).await,
                Sent::Event { payload, .. } => {
                    echoes.push(payload[0]);
                    if echoes.len() == 11 {
                        break;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(late);
        assert_eq!(echoes, (1..=11).collect::<Vec<u8>>());
        peer.send(&[Frame::Receipt { next: 11 }]).await;
        goodbye(peer).await;
    };
    let (drained, ()) = soon(async { tokio::join!(client.drain(), hub_side) }).await;
    assert_eq!(drained, Ok(()));
    soon(listener.finished()).await;
    let mut all = Vec::new();
    while let Ok(seq) = seen.try_recv() {
        all.push(seq);
    }
    assert_eq!(all, (1..=11).collect::<Vec<u64>>());
    let error = client.subscribe(filter("t"), SubscribeOptions::new()).await.unwrap_err();
    assert!(matches!(error, SubscribeError::Closed));
}

#[tokio::test]
async fn a_drain_reports_refusals_and_events_that_got_no_receipt() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    client.publish_raw(&topic("t"), &[1], &Headers::new()).await.unwrap();
    let refuse = async {
        let Some(Sent::Ping(token)) = skip_event(&mut peer).await else { panic!("a PING") };
        let no = refused(RefusedWhat::Event, 0, RefusedCode::TooDeep);
        peer.send(&[Frame::Refused(no), Frame::Receipt { next: 1 }, Frame::Pong { token }]).await;
        goodbye(peer).await;
    };
    let (drained, ()) = soon(async { tokio::join!(client.drain(), refuse) }).await;
    let Err(DrainError::Flush(error)) = drained else { panic!("{drained:?}") };
    assert_eq!(error.refused.len(), 1);

    let builder = hub.client().drain_timeout(Duration::from_millis(50));
    let (client, mut peer) = hub.connect(builder).await;
    client.publish_raw(&topic("t"), &[1], &Headers::new()).await.unwrap();
    assert!(matches!(peer.next().await, Some(Sent::Event { .. })), "it is on its way");
    let silence = async {
        while let Some(frame) = peer.next().await {
            if let Sent::Ping(token) = frame {
                peer.send(&[Frame::Pong { token }]).await;
            }
        }
        drop(peer);
    };
    let (drained, ()) = soon(async { tokio::join!(client.drain(), silence) }).await;
    assert_eq!(drained, Err(DrainError::TimedOut));
    assert_eq!(client.flush().await.unwrap_err().outcome_unknown, 1);
}

async fn skip_event(peer: &mut Peer) -> Option<Sent> {
    match peer.next().await {
        Some(Sent::Event { .. }) => peer.next().await,
        other => other,
    }
}

#[tokio::test]
async fn close_is_immediate_and_tells_those_who_wait() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let emit = tokio::spawn({
        let client = client.clone();
        async move { client.emit_raw(&topic("t"), vec![1].into(), &Headers::new()).await }
    });
    assert_eq!(peer.number().await, 1);
    soon(async { tokio::join!(client.close(), goodbye(peer)) }).await;
    let error = soon(emit).await.unwrap().unwrap_err();
    assert!(matches!(error, EmitError::OutcomeUnknown), "{error:?}");
    event(&mut events, |event| matches!(event, ConnectionEvent::Closed { .. }).then_some(())).await;
    soon(client.close()).await;
    let drained = soon(client.drain()).await;
    assert!(drained.is_ok(), "an ended client has nothing left: {drained:?}");
}

#[tokio::test]
async fn a_client_can_be_closed_while_it_has_no_connection() {
    let hub = FakeHub::start().await;
    let (client, peer) = hub.connect(hub.client().backoff_min(LONG).backoff_max(LONG)).await;
    drop(peer);
    let mut events = client.events();
    event(&mut events, |event| matches!(event, ConnectionEvent::Lost { .. }).then_some(())).await;
    soon(client.close()).await;
}

#[tokio::test]
async fn dropping_the_last_clone_sends_what_is_left_and_says_goodbye() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let subscribe = client.subscribe(filter("t"), SubscribeOptions::new());
    let (subscription, _) = soon(async { tokio::join!(subscribe, peer.confirm()) }).await;
    let mut subscription = subscription.unwrap();
    for number in 0..3 {
        client.publish_raw(&topic("t"), &[number], &Headers::new()).await.unwrap();
    }
    let clone: Client = client.clone();
    drop(client);
    for number in 0..2 {
        assert_eq!(peer.number().await, number);
    }
    drop(clone);
    assert_eq!(peer.number().await, 2);
    peer.send(&[Frame::Receipt { next: 3 }]).await;
    goodbye(peer).await;
    event(&mut events, |event| matches!(event, ConnectionEvent::Closed { .. }).then_some(())).await;
    assert_eq!(soon(subscription.next()).await, None);
}
