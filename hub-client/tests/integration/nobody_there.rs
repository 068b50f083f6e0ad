//! Promise: a request is answered, or fails at once when nobody is there, or when its time is
//! over. Late answers harm nobody.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{Client, Emitter, Headers, Message, RequestError};
use hub_wire::*;
use std::time::Duration;
use support::*;
use tokio::task::JoinHandle;

type Answer = JoinHandle<Result<Message, RequestError>>;

fn ask(client: &Client, timeout: Duration) -> Answer {
    let client = client.clone();
    tokio::spawn(async move {
        client.request_raw(&topic("q"), vec![1].into(), Headers::new(), timeout).await
    })
}

/// The next frame, which is a request: its id and where its answer goes.
async fn asked(peer: &mut Peer) -> (String, String) {
    let Some(Sent::Event { topic, headers, .. }) = peer.next().await else { panic!("a request") };
    assert_eq!(topic, "q");
    let headers = Headers::parse(&headers, &Limits::default()).unwrap();
    (headers.id().unwrap().to_owned(), headers.reply().unwrap().to_string())
}

async fn answer(peer: &mut Peer, inbox: &str, seq: u64, re: &str, payload: u8) {
    answer_for(1, peer, inbox, seq, re, payload).await;
}

async fn answer_for(id: u64, peer: &mut Peer, inbox: &str, seq: u64, re: &str, payload: u8) {
    let run = RunFrame {
        topic: inbox,
        epoch: 1,
        first: seq,
        count: 1,
        publisher: "other#2",
        time_ms: 1,
        subscriptions: SubscriptionIds::one(id),
        attempt: 1,
    };
    let headers = Headers::new().with_re(re).encode();
    let payload = [payload];
    let event = EventFrame { topic: inbox, payload: &payload, headers: headers.as_deref() };
    peer.send(&[Frame::Run(run), Frame::Event(event)]).await;
}

#[tokio::test]
async fn requests_share_one_inbox_and_get_their_own_answers_in_any_order() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let first = ask(&client, LONG);
    assert_eq!(peer.confirm().await.filter, "$inbox.1");
    let (first_id, inbox) = asked(&mut peer).await;
    let second = ask(&client, LONG);
    let (second_id, _) = asked(&mut peer).await;
    assert_ne!(first_id, second_id);
    peer.send(&[Frame::Receipt { next: 2 }]).await;
    answer(&mut peer, &inbox, 1, &second_id, 22).await;
    answer(&mut peer, &inbox, 2, &first_id, 11).await;
    assert_eq!(soon(first).await.unwrap().unwrap().payload[..], [11]);
    assert_eq!(soon(second).await.unwrap().unwrap().payload[..], [22]);
}

#[tokio::test]
async fn an_answer_may_overtake_the_receipt() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let request = ask(&client, LONG);
    peer.confirm().await;
    let (id, inbox) = asked(&mut peer).await;
    answer(&mut peer, &inbox, 1, &id, 5).await;
    assert_eq!(soon(request).await.unwrap().unwrap().payload[..], [5]);
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let request = ask(&client, Duration::from_secs(3600));
    peer.confirm().await;
    asked(&mut peer).await;
    let nobody = refused(RefusedWhat::Event, 0, RefusedCode::NoSubscriber);
    peer.send(&[Frame::Refused(nobody)]).await;
    let error = soon(request).await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::NoSubscriber), "{error:?}");
    let request = ask(&client, LONG);
    asked(&mut peer).await;
    let no = refused(RefusedWhat::Event, 1, RefusedCode::Forbidden);
    peer.send(&[Frame::Refused(no)]).await;
    let error = soon(request).await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn time_runs_out_and_a_late_or_second_answer_is_dropped() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let late = ask(&client, Duration::from_millis(20));
    peer.confirm().await;
    let (late_id, inbox) = asked(&mut peer).await;
    let error = soon(late).await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::TimedOut), "{error:?}");
    answer(&mut peer, &inbox, 1, &late_id, 1).await;
    let request = ask(&client, LONG);
    let (id, _) = asked(&mut peer).await;
    answer(&mut peer, &inbox, 2, "nonsense", 2).await;
    answer(&mut peer, &inbox, 3, &id, 3).await;
    answer(&mut peer, &inbox, 4, &id, 4).await;
    assert_eq!(soon(request).await.unwrap().unwrap().payload[..], [3]);
}

#[tokio::test]
async fn a_lost_connection_fails_open_requests_because_the_inbox_is_gone() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let request = ask(&client, LONG);
    peer.confirm().await;
    asked(&mut peer).await;
    drop(peer);
    let error = soon(request).await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::OutcomeUnknown), "{error:?}");
    let request = ask(&client, LONG);
    let mut peer = hub
        .accept_with(|welcome| {
            welcome.received = 1;
            welcome.inbox = "$inbox.2".into();
        })
        .await;
    let subscribe = peer.confirm().await;
    assert_eq!(subscribe.filter, "$inbox.2");
    let (id, inbox) = asked(&mut peer).await;
    assert_eq!(inbox, "$inbox.2");
    answer_for(subscribe.id, &mut peer, &inbox, 1, &id, 7).await;
    assert_eq!(soon(request).await.unwrap().unwrap().payload[..], [7]);
}

#[tokio::test]
async fn a_closed_client_fails_requests() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let request = ask(&client, LONG);
    peer.confirm().await;
    asked(&mut peer).await;
    let hang_up = async {
        peer.ended().await;
        drop(peer);
    };
    soon(async { tokio::join!(client.close(), hang_up) }).await;
    let error = soon(request).await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::Closed | RequestError::OutcomeUnknown), "{error:?}");
    let error = soon(ask(&client, LONG)).await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::Closed), "{error:?}");
}
