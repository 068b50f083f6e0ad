//! Promise: whatever the hub sends, the client neither panics nor hangs nor allocates by a length
//! it was told. It says what was wrong, and connects again.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{
    Client, ConnectError, ConnectionEvent, Emitter, Headers, LostReason, SubscribeOptions,
};
use hub_wire::*;
use std::time::Duration;
use support::*;

async fn lost(client: &Client, act: impl Future<Output = ()>) -> LostReason {
    let mut events = client.events();
    act.await;
    event(&mut events, |event| match event {
        ConnectionEvent::Lost { reason } => Some(reason.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn bytes_that_are_not_the_protocol_end_the_connection_and_the_next_one_works() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let sub = client.subscribe(filter("t"), SubscribeOptions::new());
    let (sub, _) = soon(async { tokio::join!(sub, peer.confirm()) }).await;
    let _sub = sub.unwrap();
    let mut cut_run = run_bytes("t", 1, 1, 2, &[1]);
    cut_run.truncate(run_bytes("t", 1, 1, 1, &[1]).len());
    cut_run.extend(Frame::Gap(gap(9, Some(9), GapReason::Overflow, &[1])).to_bytes());
    let event = |topic, payload: &[u8]| {
        let mut bytes = Frame::Run(RunFrame {
            topic: "t",
            epoch: 1,
            first: 1,
            count: 1,
            publisher: "",
            time_ms: 0,
            subscriptions: SubscriptionIds::one(1),
            attempt: 1,
        })
        .to_bytes();
        let head = bytes.len();
        EventFrame { topic, payload, headers: None }.write(&mut bytes);
        (bytes, head)
    };
    let (another_topic, _) = event("u", &[1]);
    let (bad_payload, head) = event("t", &[0xdd, 255, 255, 255, 255]);
    let no_run = bad_payload[head..].to_vec();
    let last_number = Frame::Run(RunFrame {
        topic: "t",
        epoch: 1,
        first: u64::MAX,
        count: 2,
        publisher: "",
        time_ms: 0,
        subscriptions: SubscriptionIds::one(1),
        attempt: 1,
    });
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("length 0", vec![0; 4]),
        ("huge length", vec![0xff; 4]),
        ("no frame", vec![0, 0, 0, 1, 0xc0]),
        ("cut values", vec![0, 0, 0, 2, 0x92, 8]),
        ("EVENT without RUN", no_run),
        ("GAP in a run", cut_run),
        ("another topic", another_topic),
        ("bad payload", bad_payload),
        ("receipt of nothing", Frame::Receipt { next: 1 }.to_bytes()),
        ("a client's frame", Frame::Unsubscribe { id: 1, drain: false }.to_bytes()),
        ("numbers that do not exist", last_number.to_bytes()),
        ("RUN on a filter", run_bytes("a.*", 1, 1, 0, &[1])),
    ];
    for (what, bytes) in bad {
        let reason = lost(&client, peer.raw(&bytes)).await;
        assert!(matches!(reason, LostReason::Protocol(_)), "{what}: {reason:?}");
        peer = hub.accept(0).await;
        peer.confirm().await;
    }
    let reason = lost(&client, async { drop(peer) }).await;
    assert_eq!(reason, LostReason::Ended);
}

#[tokio::test]
async fn an_unknown_frame_is_reported_and_ignored() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    peer.raw(&[0, 0, 0, 2, 0x91, 0x70]).await;
    let what = event(&mut events, |event| match event {
        ConnectionEvent::Violation(what) => Some(what.clone()),
        _ => None,
    });
    assert_eq!(what.await, "a frame of the unknown type 112");
    peer.silent().await;
}

#[tokio::test]
async fn a_silent_hub_is_asked_and_then_given_up() {
    let hub = FakeHub::start().await;
    let builder = hub.client().keepalive(Duration::from_millis(20));
    let (client, mut peer) = hub.connect(builder).await;
    let asked = async { assert!(matches!(peer.next().await, Some(Sent::Ping(_)))) };
    let reason = lost(&client, asked).await;
    assert!(matches!(reason, LostReason::Silent(_)), "{reason:?}");
    // One that answers is kept; on a busy machine, an answer may come too late.
    let mut peer = hub.accept(0).await;
    let mut answered = 0;
    while answered < 5 {
        match peer.next().await {
            Some(Sent::Ping(token)) => {
                peer.send(&[Frame::Pong { token }]).await;
                answered += 1;
            }
            None => (peer, answered) = (hub.accept(0).await, 0),
            other => panic!("{other:?}"),
        }
    }
}

/// A HELLO on a connection that this client gave up arrives after the next one's.
#[tokio::test]
async fn who_is_replaced_by_itself_comes_back_and_who_is_replaced_by_another_does_not() {
    let hub = FakeHub::start().await;
    let builder = hub.client().connect_timeout(Duration::from_secs(2));
    let (client, peer) = hub.connect(builder).await;
    let mut events = client.events();
    drop(peer);
    let unheard = hub.accept_silently().await;
    let replaced = Frame::Close(Close {
        code: CloseCode::Replaced,
        reason: "a newer connection of this client took over".into(),
        retry_after_ms: None,
    });
    hub.accept(0).await.send(std::slice::from_ref(&replaced)).await;
    drop(unheard);
    hub.accept(0).await.send(&[replaced]).await;
    let reason = event(&mut events, |event| match event {
        ConnectionEvent::Closed { reason } => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.await.contains("replaced"));
}

#[tokio::test]
async fn a_hub_that_says_when_to_come_back_is_heard_and_one_that_says_never_too() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let close = |code, retry_after_ms| {
        Frame::Close(Close { code, reason: "because".into(), retry_after_ms })
    };
    peer.send(&[close(CloseCode::GoingAway, Some(30))]).await;
    event(&mut events, |event| matches!(event, ConnectionEvent::Draining(_)).then_some(())).await;
    let delay = event(&mut events, |event| match event {
        ConnectionEvent::Reconnecting { attempt: 1, delay } => Some(*delay),
        _ => None,
    });
    assert!(delay.await >= Duration::from_millis(30));
    peer = hub.accept(0).await;
    peer.send(&[close(CloseCode::Replaced, None)]).await;
    let reason = event(&mut events, |event| match event {
        ConnectionEvent::Closed { reason } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason.await, "the hub closed the connection: replaced (because)");
    let error = client.subscribe(filter("t"), SubscribeOptions::new()).await.unwrap_err();
    let hub_client::SubscribeError::Ended(why) = error else { panic!("{error:?}") };
    assert_eq!(why.code(), Some(CloseCode::Replaced));
}

/// Something on the way ended one direction, or held HELLO up: the hub takes it for this client's doing.
#[tokio::test]
async fn a_goodbye_that_was_not_said_and_a_hello_that_was_late_are_lost_connections() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    for code in [CloseCode::Normal, CloseCode::HandshakeTimeout] {
        let close = Close { code, reason: "because".into(), retry_after_ms: None };
        assert!(ConnectError::Closed(close.clone()).can_retry());
        peer.send(&[Frame::Close(close)]).await;
        peer = hub.accept(0).await;
    }
    client.publish_raw(&topic("t"), &[7], &Headers::new()).await.unwrap();
    assert_eq!(peer.number().await, 7);
}

#[tokio::test]
async fn what_answers_must_be_a_hub() {
    let error = |change: fn(&mut Welcome)| async move {
        let hub = FakeHub::start().await;
        let accept = hub.accept_with(change);
        let (client, _peer) = soon(async { tokio::join!(hub.client().connect(), accept) }).await;
        client.unwrap_err()
    };
    let version = error(|welcome| welcome.version = 2).await;
    assert!(matches!(version, ConnectError::Protocol(_)), "{version:?}");
    let inbox = error(|welcome| welcome.inbox = "a b".into()).await;
    assert!(matches!(inbox, ConnectError::Protocol(_)), "{inbox:?}");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("hub://{}", listener.local_addr().unwrap());
    let mute = Client::builder(&url).connect_timeout(Duration::from_millis(20)).connect().await;
    assert!(matches!(mute, Err(ConnectError::TimedOut)), "{mute:?}");
    drop(listener);
    let gone = Client::connect(&url).await;
    assert!(matches!(gone, Err(ConnectError::Io(_))), "{gone:?}");
    let name = Client::builder(&url).name("a b").connect().await;
    assert!(matches!(name, Err(ConnectError::Name)), "{name:?}");
    let url = Client::connect("http://x").await;
    assert!(matches!(url, Err(ConnectError::Url(_))), "{url:?}");
}
