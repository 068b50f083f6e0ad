//! Promise: whatever happens on the way between clients and the hub (connections cut, reset, half
//! closed, stalled, late, one byte at a time), each event comes to the hub once, in its publisher's
//! order; each subscriber sees the same order, every number once, as an event or in a GAP that
//! names it; and the hub's ledger balances.
//!
//! A model test: publishers and subscribers go through proxies with random faults; a witness that
//! nothing happens to hears everything. `HUB_TEST_SEED` repeats a run, `HUB_TEST_EVENTS` makes it
//! longer. The hub keeps little history and short queues, so that events are dropped.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::proxy;

use hub_client::{
    Client, Delivery, Emitter, Headers, Overflow, SubscribeOptions, Subscription, TopicFilter,
    TopicName, encode,
};
use hub_server::{Config, RunningHub};
use proxy::{Fault, Proxy, Random};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PUBLISHERS: u64 = 3;
const TOPICS: u64 = 3;
/// For a machine under load; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(100);

/// What an event is told apart by: its publisher, and its number there.
type Id = (u64, u64);

fn hub() -> RunningHub {
    let mut config = Config {
        max_frame_bytes: 16 * 1024,
        queue_bytes: 64 * 1024,
        history_topic_bytes: 16 * 1024,
        overflow_grace_ms: 5,
        ..Config::default()
    };
    config.listen.set_port(0);
    config.http.set_port(0);
    RunningHub::start(config.validate().unwrap()).unwrap()
}

async fn client(address: SocketAddr, name: String) -> Client {
    let client = Client::builder(&format!("hub://{address}"))
        .name(name.clone())
        .backoff_min(Duration::from_millis(1))
        .backoff_max(Duration::from_millis(20))
        // A stall must not look like a dead hub; a connection whose other half ended must.
        .keepalive(Duration::from_secs(2))
        .publish_log_bytes(20_000)
        .patience(PATIENCE)
        .connect()
        .await
        .unwrap();
    if std::env::var_os("HUB_TEST_EVENTS_SHOWN").is_some() {
        let mut events = client.events();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                eprintln!("{name}: {event:?}");
            }
        });
    }
    client
}

async fn publish(client: Client, name: u64, events: u64, mut random: Random) {
    let headers = Headers::new();
    for n in 0..events {
        let topic = TopicName::parse(&format!("t.{}", random.next() % TOPICS)).unwrap();
        let payload = encode(&((name, n), "x".repeat(random.below(400)))).unwrap();
        if random.next().is_multiple_of(40) {
            client.emit_raw(&topic, payload, &headers).await.unwrap();
        } else {
            client.publish_raw(&topic, &payload, &headers).await.unwrap();
        }
    }
    client.flush().await.unwrap();
    client.close().await;
}

/// What a subscriber saw of a topic: each number's event, or none where a GAP named it.
type Seen = BTreeMap<u64, Option<Id>>;

/// Takes what comes until everything has been said of all `total` events and `done` is set.
async fn see(
    mut subscription: Subscription,
    mut pauses: Option<Random>,
    done: Arc<AtomicBool>,
    totals: Arc<all::Totals>,
) -> HashMap<String, Seen> {
    let mut topics: HashMap<String, Seen> = HashMap::new();
    loop {
        if done.load(Ordering::Acquire) && totals.reached(&topics) {
            return topics;
        }
        let next = tokio::time::timeout(Duration::from_millis(50), subscription.next());
        let Ok(delivery) = next.await else { continue };
        let delivery = delivery.expect("the subscription goes on");
        match delivery {
            Delivery::Message(message) => {
                let (id, _): (Id, String) = message.decode().unwrap();
                let seen = topics.entry(message.topic.to_string()).or_default();
                let due = seen.last_key_value().map_or(1, |(last, _)| last + 1);
                assert_eq!(message.seq, due, "{} has this event next", message.topic);
                seen.insert(message.seq, Some(id));
            }
            Delivery::Gap(gap) => {
                let seen = topics.entry(gap.topic.clone()).or_default();
                let due = seen.last_key_value().map_or(1, |(last, _)| last + 1);
                assert_eq!(gap.from, due, "the place of {gap:?}");
                let to = gap.to.unwrap_or_else(|| panic!("{gap:?} has no end"));
                seen.extend((gap.from..=to).map(|number| (number, None)));
            }
        }
        if let Some(random) = &mut pauses
            && random.next().is_multiple_of(150)
        {
            tokio::time::sleep(Duration::from_millis(random.next() % 60)).await;
        }
    }
}

/// How many events each topic has.
mod all {
    use super::{HashMap, Seen};
    use std::sync::OnceLock;

    #[derive(Default)]
    pub(super) struct Totals(pub(super) OnceLock<HashMap<String, u64>>);

    impl Totals {
        pub(super) fn reached(&self, seen: &HashMap<String, Seen>) -> bool {
            self.0.get().is_some_and(|totals| {
                totals.iter().all(|(topic, total)| {
                    seen.get(topic).and_then(|seen| seen.last_key_value()).map(|(last, _)| last)
                        == Some(total)
                })
            })
        }
    }
}

/// The witness: every event of every topic, in its order. Ends when it has `events`.
async fn witness(mut subscription: Subscription, events: u64) -> HashMap<String, Vec<Id>> {
    let mut topics: HashMap<String, Vec<Id>> = HashMap::new();
    for _ in 0..events {
        match subscription.next().await {
            Some(Delivery::Message(message)) => {
                let (id, _): (Id, String) = message.decode().unwrap();
                let topic = topics.entry(message.topic.to_string()).or_default();
                topic.push(id);
                assert_eq!(message.seq, topic.len() as u64, "{}", message.topic);
            }
            other => panic!("{other:?}, for the witness"),
        }
    }
    topics
}

/// Each publisher's events came once, and in its order on each topic.
fn came_once(topics: &HashMap<String, Vec<Id>>, events: u64) {
    let mut numbers: HashMap<u64, Vec<u64>> = HashMap::new();
    for (topic, ids) in topics {
        let mut last: HashMap<u64, u64> = HashMap::new();
        for (publisher, n) in ids {
            let before = last.insert(*publisher, *n);
            assert!(before < Some(*n), "{topic}: {publisher}'s events are out of order");
            numbers.entry(*publisher).or_default().push(*n);
        }
    }
    for publisher in 0..PUBLISHERS {
        let mut numbers = numbers.remove(&publisher).unwrap_or_default();
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..events), "publisher {publisher}: {numbers:?}");
    }
}

fn metrics(hub: &RunningHub) -> HashMap<String, u64> {
    let mut socket = TcpStream::connect(hub.http()).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    lines
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse::<f64>().ok()? as u64)))
        .collect()
}

/// Due, and what became of it: delivered, dropped, pending.
fn ledger(hub: &RunningHub) -> (u64, [u64; 3]) {
    let all = metrics(hub);
    let dropped = all.iter().filter(|(name, _)| name.starts_with("hub_deliveries_dropped_total"));
    let dropped = dropped.map(|(_, count)| count).sum();
    let get = |name: &str| all[name];
    let settled = [get("hub_deliveries_total"), dropped, get("hub_deliveries_pending")];
    (get("hub_deliveries_due_total"), settled)
}

async fn run(faults: &'static [Fault], most: u64, bytes: u64) {
    let seed = Random::seed("HUB_TEST_SEED");
    let events =
        std::env::var("HUB_TEST_EVENTS").map_or(1_500, |events| events.parse::<u64>().unwrap());
    eprintln!("HUB_TEST_SEED={seed} HUB_TEST_EVENTS={events}");
    let mut random = Random(seed);
    let hub = hub();
    let filter = || TopicFilter::parse("t.*").unwrap();
    let direct = client(hub.clients(), "witness".to_owned()).await;
    let options = SubscribeOptions::new().overflow(Overflow::Block);
    let heard = direct.subscribe(filter(), options).await.unwrap();
    let heard = tokio::spawn(witness(heard, PUBLISHERS * events));

    let done = Arc::new(AtomicBool::new(false));
    let totals = Arc::new(all::Totals::default());
    let (mut proxies, mut subscribers, mut seeing) = (Vec::new(), Vec::new(), Vec::new());
    for (n, overflow) in
        [Overflow::Block, Overflow::DropOldest, Overflow::DropNewest, Overflow::Block]
            .into_iter()
            .enumerate()
    {
        let seed = random.next();
        let proxy = Proxy::with_faults(hub.clients(), faults, most, bytes, seed).await;
        let subscriber = client(proxy.address, format!("subscriber-{n}")).await;
        let options = SubscribeOptions::new().overflow(overflow).capacity(200);
        let subscription = subscriber.subscribe(filter(), options).await.unwrap();
        let pauses = (overflow != Overflow::Block).then(|| Random(random.next()));
        seeing.push(tokio::spawn(see(subscription, pauses, done.clone(), totals.clone())));
        subscribers.push(subscriber);
        proxies.push(proxy);
    }
    let mut publishing = Vec::new();
    for name in 0..PUBLISHERS {
        let seed = random.next();
        let proxy = Proxy::with_faults(hub.clients(), faults, most, bytes, seed).await;
        let publisher = client(proxy.address, format!("publisher-{name}")).await;
        publishing.push(tokio::spawn(publish(publisher, name, events, Random(random.next()))));
        proxies.push(proxy);
    }
    let soon = async |what: &str, task: tokio::task::JoinHandle<_>| {
        let timed = tokio::time::timeout(PATIENCE, task).await;
        timed.unwrap_or_else(|_| panic!("HUB_TEST_SEED={seed}: {what} took too long")).unwrap()
    };
    for publishing in publishing {
        let timed = tokio::time::timeout(PATIENCE, publishing).await;
        timed.unwrap_or_else(|_| panic!("HUB_TEST_SEED={seed}: publishing hangs")).unwrap();
    }
    let order = soon("the witness", heard).await;
    came_once(&order, events);
    let sizes = order.iter().map(|(topic, ids)| (topic.clone(), ids.len() as u64));
    totals.0.set(sizes.collect()).unwrap();
    done.store(true, Ordering::Release);
    for (n, seeing) in seeing.into_iter().enumerate() {
        let timed = tokio::time::timeout(PATIENCE, seeing).await;
        let seen = timed.unwrap_or_else(|_| panic!("HUB_TEST_SEED={seed}: subscriber {n} hangs"));
        let mut missing = 0;
        for (topic, seen) in seen.unwrap() {
            let ids = &order[&topic];
            assert_eq!(seen.len(), ids.len());
            for (number, id) in seen {
                match id {
                    Some(id) => assert_eq!(id, ids[number as usize - 1], "{topic} {number}"),
                    None => missing += 1,
                }
            }
        }
        eprintln!("subscriber {n}: {missing} of {} in gaps", PUBLISHERS * events);
    }
    let mut count: HashMap<Fault, u64> = HashMap::new();
    for fault in proxies.iter().flat_map(Proxy::struck) {
        *count.entry(fault).or_default() += 1;
    }
    let connections: u64 = proxies.iter().map(Proxy::connections).sum();
    eprintln!("{connections} connections, {count:?}");
    assert!(faults.iter().all(|fault| count.contains_key(fault)), "each fault struck: {count:?}");
    for subscriber in subscribers {
        subscriber.close().await;
    }
    direct.close().await;
    // Connections whose end the hub has not noticed yet hold what waits for them.
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let (due, settled) = ledger(&hub);
        assert_eq!(due, settled.iter().sum::<u64>(), "the ledger: {settled:?}");
        if settled[2] == 0 {
            eprintln!("due {due} = delivered {} + dropped {}", settled[0], settled[1]);
            break;
        }
        assert!(std::time::Instant::now() < until, "{} are pending for ever", settled[2]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_fault_there_is() {
    run(&Fault::ALL, 25, 30_000).await;
}

#[tokio::test]
async fn with_connections_that_are_reset_and_half_closed() {
    run(&[Fault::Reset, Fault::HalfClose], 15, 40_000).await;
}
