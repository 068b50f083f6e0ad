//! Promise: services that know only `hub-client` and their own types find one another through the
//! hub: `on`, `once`, `many`, streams, queue groups, requests and answers.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use hub_client::{
    Client, Emitter, Event, Received, RequestError, ServeOptions, SubscribeOptions, TopicFilter,
};
use hub_server::RunningHub;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.{region}.placed")]
struct OrderPlaced {
    region: String,
    number: u64,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "payments.charge", reply = Charged)]
struct Charge {
    cents: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Charged {
    receipt: String,
}

fn order(number: u64) -> OrderPlaced {
    OrderPlaced { region: "eu".into(), number }
}

async fn client(hub: &RunningHub) -> Client {
    Client::connect(&hub.url()).await.unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took too long")
}

#[tokio::test]
async fn listeners_get_typed_events_from_another_client() {
    let hub = RunningHub::on_free_ports().unwrap();
    let (shop, billing) = (client(&hub).await, client(&hub).await);
    let (sender, mut seen) = mpsc::unbounded_channel();
    let listener = billing
        .on(move |order: Received<OrderPlaced>| {
            sender.send((order.message.topic.to_string(), order.number)).unwrap();
        })
        .await
        .unwrap();
    let next = billing.once::<OrderPlaced>().await.unwrap();
    let (sender, mut first_two) = mpsc::unbounded_channel();
    let two = billing.many(2, move |order: Received<OrderPlaced>| {
        sender.send(order.number).unwrap();
    });
    let two = two.await.unwrap();
    let mut stream = billing.stream::<OrderPlaced>().await.unwrap();
    assert_eq!(billing.listener_count(&TopicFilter::parse("orders.*.placed").unwrap()), 4);

    for number in 1..=3 {
        shop.emit(&order(number)).await.unwrap();
    }
    assert_eq!(within(next).await.unwrap().number, 1);
    within(two.finished()).await;
    for number in 1..=3 {
        assert_eq!(within(seen.recv()).await, Some(("orders.eu.placed".to_owned(), number)));
        assert_eq!(within(stream.next()).await.unwrap().unwrap().number, number);
    }
    assert_eq!((first_two.recv().await, first_two.recv().await), (Some(1), Some(2)));
    assert_eq!(first_two.recv().await, None);
    within(listener.stop()).await;
    drop(stream);
    assert!(billing.event_names().is_empty());
    within(async { tokio::join!(shop.drain(), billing.drain()) }).await.1.unwrap();
}

#[tokio::test]
async fn a_request_is_answered_by_one_member_of_the_group_and_several_at_once() {
    let hub = RunningHub::on_free_ports().unwrap();
    let (shop, one, two) = (client(&hub).await, client(&hub).await, client(&hub).await);
    let mut handles = Vec::new();
    for (name, server) in [("one", &one), ("two", &two)] {
        let options = ServeOptions::new().group("payments").concurrency(4);
        let answer = move |charge: Received<Charge>| async move {
            match charge.cents {
                13 => Err(format!("{name} has no change")),
                cents => Ok(Charged { receipt: format!("{name} {cents}") }),
            }
        };
        handles.push(server.serve(options, answer).await.unwrap());
    }
    let asks = (0..10).map(|cents| {
        let shop = shop.clone();
        tokio::spawn(async move { shop.request(&Charge { cents }).await.unwrap().receipt })
    });
    let mut receipts = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        receipts.push(within(ask).await.unwrap());
    }
    assert!(receipts.iter().any(|receipt| receipt.starts_with("one")), "{receipts:?}");
    assert!(receipts.iter().any(|receipt| receipt.starts_with("two")), "{receipts:?}");
    let failed = within(shop.request(&Charge { cents: 13 })).await.unwrap_err();
    assert!(matches!(&failed, RequestError::Failed { message } if message.ends_with("no change")));

    handles.drain(..).for_each(drop);
    within(async { tokio::join!(one.drain(), two.drain()) }).await.0.unwrap();
    let nobody = within(shop.request(&Charge { cents: 1 })).await.unwrap_err();
    assert!(matches!(nobody, RequestError::NoSubscriber), "{nobody:?}");
}

#[tokio::test]
async fn members_of_a_group_share_what_is_emitted() {
    let hub = RunningHub::on_free_ports().unwrap();
    let shop = client(&hub).await;
    let (sender, mut seen) = mpsc::unbounded_channel();
    let mut members = Vec::new();
    for _ in 0..2 {
        let (email, sender) = (client(&hub).await, sender.clone());
        let options = SubscribeOptions::new().group("email");
        let listener = email.on_with(options, move |order: Received<OrderPlaced>| {
            sender.send(order.number).unwrap();
        });
        members.push((listener.await.unwrap(), email));
    }
    for number in 0..20 {
        shop.publish(&order(number)).await.unwrap();
    }
    shop.flush().await.unwrap();
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(within(seen.recv()).await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (0..20).collect::<Vec<_>>());
}
