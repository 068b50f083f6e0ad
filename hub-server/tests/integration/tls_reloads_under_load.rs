//! Certificates are replaced a thousand times while events flow: no connection ends, and no event is
//! lost. Alone in its file, since a signal reaches all hubs of a process.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_client::{ConnectionEvent, Emitter, Headers, Overflow, SubscribeOptions};
use hub_server::RunningHub;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{id_in, metric, numbered, wait_until};
use tls_support::{HERE, Secured, filter, message, soon, topic};

fn reloads(hub: &RunningHub, outcome: &str) -> u64 {
    metric(hub, &format!("hub_tls_reloads_total{{outcome=\"{outcome}\"}}"))
}

/// SIGHUP, which reaches all hubs of this process. They must run already.
fn hang_up() {
    let process = std::process::id().to_string();
    assert!(Command::new("kill").args(["-HUP", &process]).status().unwrap().success());
}

/// Reloads while events flow: by default 1,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_times_under_load_without_a_loss() {
    let times: u64 = std::env::var("HUB_TEST_RELOADS").map_or(1_000, |n| n.parse().unwrap());
    let secured = Secured::new();
    let subscriber = soon(secured.client().connect()).await.unwrap();
    let publisher = soon(secured.client().connect()).await.unwrap();
    let (mut a, mut b) = (subscriber.events(), publisher.events());
    for events in [&mut a, &mut b] {
        assert!(matches!(events.next().await, Some(ConnectionEvent::Connected { .. })));
    }
    let options = SubscribeOptions::new().overflow(Overflow::Block);
    let mut subscription = subscriber.subscribe(filter("t"), options).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let sending = {
        let (publisher, done) = (publisher.clone(), done.clone());
        tokio::spawn(async move {
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                for _ in 0..20 {
                    let payload = numbered(sent, 200);
                    publisher.publish_raw(&topic("t"), &payload, &Headers::new()).await.unwrap();
                    sent += 1;
                }
                publisher.flush().await.unwrap();
            }
            sent
        })
    };
    let receiving = tokio::spawn(async move {
        let mut next = 0;
        loop {
            let got = message(&mut subscription).await;
            if got.payload.len() < 100 {
                return next;
            }
            assert_eq!(id_in(&got.payload), next, "an event is missing");
            next += 1;
        }
    });
    let pairs = [secured.ca.issue(&HERE), secured.ca.issue(&HERE)];
    // The first is noticed without a signal; so it is known that the hub listens for signals.
    secured.files.keep("hub", &pairs[0]);
    wait_until("the first is taken over", || reloads(&secured.hub, "applied") >= 1);
    let before = reloads(&secured.hub, "applied");
    let mut now = before;
    while now < before + times {
        // Key and certificate in one file would be replaced at once; these are not, and in between
        // do not fit together. That is refused, and changes nothing.
        secured.files.keep("hub", &pairs[(now % 2) as usize]);
        hang_up();
        let client = if now.is_multiple_of(50) {
            Some(secured.client().connect().await.unwrap())
        } else {
            None
        };
        let old = now;
        wait_until("it is taken over", || {
            now = reloads(&secured.hub, "applied");
            now > old
        });
        if let Some(client) = client {
            soon(client.drain()).await.unwrap();
        }
    }
    done.store(true, Ordering::Relaxed);
    let sent = soon(sending).await.unwrap();
    publisher.emit_raw(&topic("t"), vec![0xc0].into(), &Headers::new()).await.unwrap();
    assert_eq!(soon(receiving).await.unwrap(), sent);
    assert!(sent > times / 10, "there was hardly any load: {sent}");
    soon(publisher.drain()).await.unwrap();
    soon(subscriber.drain()).await.unwrap();
    for events in [&mut a, &mut b] {
        while let Some(event) = soon(events.next()).await {
            assert!(!matches!(event, ConnectionEvent::Lost { .. }), "{event:?}");
        }
    }
}
