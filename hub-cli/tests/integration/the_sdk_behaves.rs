//! Promise: the SDK does what `conformance/behaviour.json` says of every client. The runner in Python has
//! the cases, the proxy and the hubs. It starts this program again for each client of a case, and tells it
//! on its standard input what to call.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(clippy::print_stdout, reason = "the runner reads the standard output")]

use crate::support::HUB;

use hub_client::{
    Client, ConnectionEvent, Delivery, ERROR_REPLY, EmitError, Emitter, Headers, Message, Overflow,
    RequestError, Start, SubscribeError, SubscribeOptions, Subscription, TopicFilter, TopicName,
};
use hub_wire::Limits;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::io::BufRead;
use std::path::Path;
use std::pin::Pin;
use std::process::Command;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// With this variable, the program is the client of a case. It has the address that the client connects to.
const DRIVER: &str = "HUB_BEHAVIOUR_DRIVER";

/// The codes of refusals that the SDK's types make impossible to cause: it does not parse such names.
const BAD_TOPIC: u16 = 4;
const BAD_FILTER: u16 = 9;

#[test]
fn the_sdk_does_what_the_behaviour_file_says() {
    let program = std::env::current_exe().unwrap();
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/behave.py");
    let sdk = format!("{} the_sdk_behaves::driver --exact --nocapture", program.display());
    let run =
        Command::new("python3").arg(runner).args(["--hub", HUB, "--sdk", &sdk]).output().unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    assert!(text.contains(" 0 failed"), "{text}");
}

/// Serves the runner as the client of a case. Among the tests, it has nothing to do.
#[test]
fn driver() {
    let Ok(address) = std::env::var(DRIVER) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(drive(&address));
}

/// Writes one line for the runner.
fn say(line: &Value) {
    println!("\n{line}");
}

async fn drive(address: &str) {
    let client = Client::builder(&format!("hub://{address}"))
        .name(std::env::var("HUB_BEHAVIOUR_NAME").unwrap_or_else(|_| "sdk".to_owned()))
        .backoff_max(Duration::from_millis(200))
        .publish_log_bytes(64 << 20)
        .connect()
        .await
        .unwrap();
    let mut events = client.events();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event {
                ConnectionEvent::Connected { .. } => say(&json!({"state": "connected"})),
                ConnectionEvent::Lost { .. } => say(&json!({"state": "lost"})),
                ConnectionEvent::Closed { reason } => {
                    say(&json!({"state": "closed", "reason": reason}))
                }
                _ => {}
            }
        }
    });
    let mut driver = Driver { client, listeners: HashMap::new() };
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        driver.call(&serde_json::from_str(&line).unwrap()).await;
    }
}

/// Reads the lines of the runner in a thread of its own.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if !line.is_ok_and(|line| sender.send(line).is_ok()) {
                return;
            }
        }
    });
    lines
}

struct Driver {
    client: Client,
    listeners: HashMap<u64, (JoinHandle<()>, mpsc::UnboundedSender<()>)>,
}

/// What the runner gets as an answer: a value, or how the call failed.
type Answer = Result<Value, Value>;

impl Driver {
    async fn call(&mut self, call: &Value) {
        let id = call["id"].as_u64().unwrap();
        let client = self.client.clone();
        let text = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
        let answer: Pin<Box<dyn Future<Output = Answer> + Send>> = match call["do"]
            .as_str()
            .unwrap()
        {
            "on" => {
                let answer = self.on(id, &text("filter"), &call["options"]).await;
                Box::pin(std::future::ready(answer))
            }
            "done" => {
                if let Some((_, done)) = self.listeners.get(&call["on"].as_u64().unwrap()) {
                    let _ = done.send(());
                }
                return;
            }
            "off" => {
                if let Some((listener, _)) = self.listeners.remove(&call["on"].as_u64().unwrap()) {
                    listener.abort();
                }
                return;
            }
            "emit" => {
                let (payload, headers) = (unhex(&text("payload")), headers(&text("headers")));
                let topic = text("topic");
                Box::pin(async move { emit(&client, &topic, payload, headers).await })
            }
            "request" => {
                let (topic, payload) = (text("topic"), unhex(&text("payload")));
                Box::pin(async move { request(&client, &topic, payload).await })
            }
            "flush" => Box::pin(async move { flush(&client, id).await }),
            other => panic!("{other}"),
        };
        answer_when_done(id, answer).await;
    }

    async fn on(&mut self, id: u64, filter: &str, wanted: &Value) -> Answer {
        let filter = TopicFilter::parse(filter).map_err(|_| json!({"code": BAD_FILTER}))?;
        // The runner counts on a window like that of the small client.
        let mut options = SubscribeOptions::new().capacity(256);
        if let Some(group) = wanted["group"].as_str() {
            options = options.group(group);
        }
        if wanted["start"] == "last" {
            options = options.start(Start::Last);
        }
        if let Some(name) = wanted["overflow"].as_str() {
            let named = Overflow::ALL.iter().find(|overflow| overflow.name() == name);
            options = options.overflow(*named.unwrap());
        }
        let subscription = self.client.subscribe(filter, options).await.map_err(not_subscribed)?;
        let (done, finished) = mpsc::unbounded_channel();
        let listener = tokio::spawn(listen(id, subscription, finished));
        self.listeners.insert(id, (listener, done));
        Ok(Value::Null)
    }
}

/// Lets a call begin before the next one does, so that events keep their order, and answers when it is
/// done.
async fn answer_when_done(id: u64, mut answer: Pin<Box<dyn Future<Output = Answer> + Send>>) {
    let say_answer = move |answer| match answer {
        Ok(value) => say(&json!({"id": id, "ok": value})),
        Err(error) => say(&json!({"id": id, "error": error})),
    };
    match std::future::poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await {
        Poll::Ready(answer) => say_answer(answer),
        Poll::Pending => drop(tokio::spawn(async move { say_answer(answer.await) })),
    }
}

/// Takes each delivery to the runner, and waits until its handler is done.
async fn listen(id: u64, mut subscription: Subscription, mut done: mpsc::UnboundedReceiver<()>) {
    while let Some(delivery) = subscription.next().await {
        say(&match delivery {
            Delivery::Message(message) => json!({"on": id, "event": event(&message)}),
            Delivery::Gap(gap) => {
                let last = gap.to;
                let gap = json!([gap.topic, gap.from, last, gap.reason.number()]);
                json!({"on": id, "gap": gap})
            }
        });
        if done.recv().await.is_none() {
            return;
        }
    }
}

fn event(message: &Message) -> Value {
    json!({
        "topic": message.topic.as_str(), "number": message.seq, "publisher": &*message.publisher,
        "time_ms": message.time_ms, "payload": hex(&message.payload),
        "headers": hex(&message.headers.encode().unwrap_or_else(|| vec![0x80])),
    })
}

async fn emit(client: &Client, topic: &str, payload: Vec<u8>, headers: Headers) -> Answer {
    let topic = TopicName::parse(topic).map_err(|_| json!({"code": BAD_TOPIC}))?;
    match client.emit_raw(&topic, payload.into(), &headers).await {
        Ok(()) => Ok(Value::Null),
        Err(EmitError::Refused(refusal)) => Err(json!({"code": refusal.0.code.number()})),
        Err(error) => Err(json!({"lost": error.to_string()})),
    }
}

async fn request(client: &Client, topic: &str, payload: Vec<u8>) -> Answer {
    let topic = TopicName::parse(topic).map_err(|_| json!({"code": BAD_TOPIC}))?;
    let patience = Duration::from_secs(60);
    match client.request_raw(&topic, payload.into(), Headers::new(), patience).await {
        Ok(reply) => {
            Ok(json!({"event": event(&reply), "failed": reply.headers.kind() == Some(ERROR_REPLY)}))
        }
        Err(RequestError::NoSubscriber) => Err(json!({"code": 8})),
        Err(RequestError::Refused(refusal)) => Err(json!({"code": refusal.0.code.number()})),
        Err(error) => Err(json!({"lost": error.to_string()})),
    }
}

/// Waits until all that was emitted has its receipt, and all that was due has come: a new subscription
/// is in place only behind it.
async fn flush(client: &Client, id: u64) -> Answer {
    let _ = client.flush().await; // whoever emitted a refused event knows
    let behind = TopicFilter::parse(&format!("behaviour.behind.{id}")).unwrap();
    client.subscribe(behind, SubscribeOptions::new()).await.map_err(not_subscribed)?;
    Ok(Value::Null)
}

fn not_subscribed(error: SubscribeError) -> Value {
    match error {
        SubscribeError::Refused(refusal) => json!({"code": refusal.0.code.number()}),
        error => json!({"lost": error.to_string()}),
    }
}

/// Makes headers, which the hub may refuse.
fn headers(map: &str) -> Headers {
    let map = unhex(map);
    if let Ok(headers) = Headers::parse(&map, &Limits::default()) {
        return headers;
    }
    let entries: BTreeMap<String, Value> = hub_client::decode(&map).unwrap();
    let add = |headers: Headers, (key, value): (String, Value)| headers.with(key, &value).unwrap();
    entries.into_iter().fold(Headers::new(), add)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}
