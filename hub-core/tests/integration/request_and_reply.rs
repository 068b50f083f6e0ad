//! Claim: a request gets a reply, or an error that states why there is none. The error comes at once if the
//! topic has no subscriber, it quotes the message if the other side failed, and it comes after the time-out
//! in any case.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use common::{Crowd, log, settle, take};
use hub_core::Event;
use hub_core::emitter::{
    EmitError, Emitter, Headers, ListenerFault, LocalHub, Message, Received, RequestError,
    RequestOptions, ServeOptions, encode,
};
use hub_wire::{RefusedCode, TopicName};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "payments.charge", reply = Charged)]
struct Charge {
    cents: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Charged {
    cents: i64,
}

async fn charge(request: Received<Charge>) -> Result<Charged, String> {
    match request.cents {
        0 => panic!("nothing to charge"),
        cents if cents < 0 => Err("cannot charge less than nothing".to_owned()),
        cents => Ok(Charged { cents }),
    }
}

#[tokio::test]
async fn a_request_gets_its_own_answer() {
    let hub = LocalHub::default();
    let options = ServeOptions::new().concurrency(8);
    let _handle = hub.serve(options, charge).await.unwrap();
    let requests = (1..=100).map(|cents| {
        let hub = hub.clone();
        async move { (cents, hub.request(&Charge { cents }).await) }
    });
    for (cents, answer) in futures_util::future::join_all(requests).await {
        assert_eq!(answer.unwrap(), Charged { cents });
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_said_at_once() {
    let hub = LocalHub::default();
    let before = tokio::time::Instant::now();
    let answer = hub.request(&Charge { cents: 1 }).await;
    assert!(matches!(answer, Err(RequestError::NoSubscriber)));
    let handle = hub.serve(ServeOptions::new(), charge).await.unwrap();
    hub.off(handle);
    let answer = hub.request(&Charge { cents: 1 }).await;
    assert!(matches!(&answer, Err(error @ RequestError::NoSubscriber) if error.can_retry()));
    assert_eq!(before.elapsed(), Duration::ZERO);

    let by_hand = Headers::new().with_reply(TopicName::parse("answers").unwrap());
    let Err(EmitError::Refused(refusal)) = hub.emit_with(&Charge { cents: 1 }, by_hand).await
    else {
        panic!("a request that nobody answers was taken")
    };
    assert_eq!(refusal.0.code, RefusedCode::NoSubscriber);
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time_is_an_error_and_a_late_answer_does_no_harm() {
    let hub = LocalHub::default();
    let (seen, mut requests) = log();
    let topic = TopicName::parse(Charge::TOPIC).unwrap();
    let _handle = hub.on_topic(&topic, move |m: Message| seen.send(m).unwrap()).await.unwrap();
    let options = RequestOptions { timeout: Duration::from_secs(3), ..Default::default() };
    let before = tokio::time::Instant::now();
    let answer = hub.request_with(&Charge { cents: 1 }, options).await;
    assert!(matches!(answer, Err(RequestError::TimedOut)));
    assert_eq!(before.elapsed(), Duration::from_secs(3));
    let request = requests.recv().await.unwrap();
    let (reply, id) = (request.headers.reply().unwrap(), request.headers.id().unwrap());
    let late = encode(&Charged { cents: 1 }).unwrap();
    hub.emit_raw(reply, late, &Headers::new().with_re(id)).await.unwrap();
}

#[tokio::test]
async fn a_handler_that_fails_is_an_answer_and_a_report() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let _handle = hub.serve(ServeOptions::new(), charge).await.unwrap();
    for (cents, said) in [(-1, "cannot charge less than nothing"), (0, "the handler panicked")] {
        let Err(RequestError::Failed { message }) = hub.request(&Charge { cents }).await else {
            panic!("not failed")
        };
        assert_eq!(message, said);
    }
    assert!(matches!(errors.next().await.unwrap().fault, ListenerFault::Failed(_)));
    assert!(matches!(errors.next().await.unwrap().fault, ListenerFault::Panicked(_)));

    let topic = TopicName::parse(Charge::TOPIC).unwrap();
    let time = Duration::from_secs(1);
    let garbled = encode("x").unwrap();
    let answer = hub.request_raw(&topic, garbled, Headers::new(), time).await.unwrap();
    assert_eq!(answer.headers.kind(), Some("hub.error"));
    assert!(matches!(errors.next().await.unwrap().fault, ListenerFault::Undecodable { .. }));
    assert_eq!(hub.request(&Charge { cents: 5 }).await.unwrap(), Charged { cents: 5 });
}

#[tokio::test]
async fn an_answer_names_the_request_by_its_id() {
    let hub = LocalHub::default();
    let _handle = hub.serve(ServeOptions::new(), charge).await.unwrap();
    let topic = TopicName::parse(Charge::TOPIC).unwrap();
    let payload = encode(&Charge { cents: 1 }).unwrap();
    let headers = Headers::new().with_id("order-7");
    let time = Duration::from_secs(1);
    let answer = hub.request_raw(&topic, payload, headers, time).await.unwrap();
    assert_eq!(answer.headers.re(), Some("order-7"));
}

#[tokio::test]
async fn no_more_requests_are_worked_on_at_a_time_than_allowed() {
    let hub = LocalHub::default();
    let crowd = Crowd::default();
    let handler = {
        let crowd = crowd.clone();
        move |request: Received<Charge>| {
            let crowd = crowd.clone();
            async move {
                let _inside = crowd.enter();
                settle().await;
                Ok::<_, String>(Charged { cents: request.cents })
            }
        }
    };
    let _handle = hub.serve(ServeOptions::new().concurrency(3), handler).await.unwrap();
    let requests = (0..20).map(|cents| {
        let hub = hub.clone();
        async move { hub.request(&Charge { cents }).await.unwrap() }
    });
    futures_util::future::join_all(requests).await;
    assert_eq!(crowd.most(), 3);
}

#[tokio::test]
async fn members_of_a_group_share_the_requests() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let mut handles = Vec::new();
    for name in ["a", "b"] {
        let seen = seen.clone();
        let handler = move |request: Received<Charge>| {
            seen.send((name, request.cents)).unwrap();
            async move { Ok::<_, String>(Charged { cents: request.cents }) }
        };
        let options = ServeOptions::new().group("tills");
        handles.push(hub.serve(options, handler).await.unwrap());
    }
    for cents in 0..4 {
        hub.request(&Charge { cents }).await.unwrap();
    }
    assert_eq!(take(&mut log, 4).await, [("a", 0), ("b", 1), ("a", 2), ("b", 3)]);
}

#[tokio::test]
async fn stopping_answers_what_was_begun() {
    let hub = LocalHub::default();
    let (begun, mut log) = log();
    let handler = move |request: Received<Charge>| {
        let begun = begun.clone();
        async move {
            begun.send(()).unwrap();
            settle().await;
            Ok::<_, String>(Charged { cents: request.cents })
        }
    };
    let handle = hub.serve(ServeOptions::new(), handler).await.unwrap();
    let request = tokio::spawn({
        let hub = hub.clone();
        async move { hub.request(&Charge { cents: 3 }).await }
    });
    log.recv().await.unwrap();
    handle.stop().await;
    assert_eq!(request.await.unwrap().unwrap(), Charged { cents: 3 });
}

#[tokio::test]
async fn closing_the_hub_ends_open_requests() {
    let hub = LocalHub::default();
    let never = |_: Received<Charge>| std::future::pending::<Result<Charged, String>>();
    let _handle = hub.serve(ServeOptions::new(), never).await.unwrap();
    let request = tokio::spawn({
        let hub = hub.clone();
        async move { hub.request(&Charge { cents: 3 }).await }
    });
    settle().await;
    hub.close();
    assert!(matches!(request.await.unwrap(), Err(RequestError::Closed)));
    assert!(matches!(hub.request(&Charge { cents: 3 }).await, Err(RequestError::Closed)));
}
