//! Promise: the log of a service says what happens to its connection and to its listeners, with the
//! whole chain of causes, although the service reads neither errors nor connection events.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{Emitter, Message, SubscribeOptions};
use hub_wire::*;
use std::fmt::{self, Write};
use std::io;
use std::sync::{Arc, Mutex};
use support::*;
use tracing::field::{Field, Visit};

/// Keeps each event of the log as one line of text.
#[derive(Clone, Default)]
struct KeptLog(Arc<Mutex<Vec<String>>>);

impl KeptLog {
    fn has(&self, parts: &[&str]) -> bool {
        let lines = self.0.lock().unwrap();
        lines.iter().any(|line| parts.iter().all(|part| line.contains(part)))
    }

    /// Waits until a line has all of these parts.
    async fn tells(&self, parts: &[&str]) {
        for _ in 0..2000 {
            if self.has(parts) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("no line has {parts:?}: {:#?}", self.0.lock().unwrap());
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl tracing::Subscriber for KeptLog {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut line = Line(format!("SPAN {}", span.metadata().name()));
        span.record(&mut line);
        self.0.lock().unwrap().push(line.0);
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[derive(Debug, thiserror::Error)]
#[error("the order was not billed")]
struct NotBilled(#[source] io::Error);

#[tokio::test]
async fn what_nobody_reads_is_in_the_log_with_its_causes() {
    let log = KeptLog::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client().name("billing")).await;
    log.tells(&["SPAN hub_client", "billing", "hub://127.0.0.1"]).await;
    log.tells(&["INFO", "connected", "test#1"]).await;

    let failing = |_: Message| Err::<(), _>(NotBilled(io::Error::other("the printer burns")));
    let on = client.on_filter(filter("t"), SubscribeOptions::new().capacity(2), failing);
    let (_, subscribe) = soon(async { tokio::join!(on, peer.confirm()) }).await;
    peer.run(1, 2, &[subscribe.id]).await;
    log.tells(&["ERROR", "topic=\"t\"", "seq=1", "the order was not billed: the printer burns"])
        .await;
    log.tells(&["WARN", "a listener is slow", "filter=\"t\""]).await;
    peer.send(&[Frame::Gap(gap(3, Some(7), GapReason::Overflow, &[subscribe.id]))]).await;
    log.tells(&["WARN", "events of t are missing from number 3: overflow"]).await;

    client.publish_raw(&topic("t"), &[1], &hub_client::Headers::new()).await.unwrap();
    assert_eq!(peer.number().await, 1);
    peer.send(&[Frame::Refused(refused(RefusedWhat::Event, 0, RefusedCode::TooDeep))]).await;
    log.tells(&["WARN", "refused", "too_deep", "because"]).await;

    let close = |code| Frame::Close(Close { code, reason: "because".into(), retry_after_ms: None });
    peer.send(&[close(CloseCode::Internal)]).await;
    log.tells(&["WARN", "the connection is lost", "internal (because)"]).await;
    let mut peer = hub.accept(1).await;
    log.tells(&["INFO", "connected", "resumed=true"]).await;
    peer.send(&[close(CloseCode::Unauthorized)]).await;
    log.tells(&["ERROR", "ended for good", "code=\"unauthorized\"", "unauthorized (because)"])
        .await;
    log.tells(&["ERROR", "the connection ended for good", "filter=t"]).await;
}
