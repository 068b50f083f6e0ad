//! Starts the hub and the whole shop as separate processes, shows what they do, and at the end
//! does the sums: what was emitted must have been received, once.
//!
//! `cargo build -p hub-cli -p hub-examples && cargo run -p hub-examples --bin shop`

use clap::Parser;
use hub_client::{BoxError, Client, Emitter, Received};
use hub_examples::events::EmailSent;
use hub_examples::report::{Report, Summary};
use hub_examples::shop::children::{Children, Process};
use hub_examples::shop::ledger::{self, Ledger};
use hub_examples::shop::sums;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long nothing may happen while the shop settles.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Parser)]
#[command(about = "A shop of small services that talk through the hub. Ctrl-C ends it.")]
struct Arguments {
    /// End after so many orders
    #[arg(long)]
    orders: Option<u64>,
    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// How many orders come in a second, if payments can keep up
    #[arg(long, default_value = "3")]
    per_second: String,
    /// Use the hub at this address, instead of starting one
    #[arg(long, env = "HUB_SERVER")]
    server: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let report = Report::new("shop");
    // Whatever happens in `run`, its children end when it does.
    match run(&Arguments::parse(), &report).await {
        Ok(wrong) if wrong.is_empty() => {
            report.say("\nEverything adds up.");
            ExitCode::SUCCESS
        }
        Ok(wrong) => {
            report.say(format_args!("\nThis does not add up:\n  {}", wrong.join("\n  ")));
            ExitCode::FAILURE
        }
        Err(error) => {
            report.say(format_args!("shop: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments, report: &Report) -> Result<Vec<String>, BoxError> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut children = Children::default();
    let opened = tokio::select! {
        opened = open(arguments, &mut children) => opened?,
        () = told(&mut term, &mut int) => return Err("stopped while starting".into()),
    };
    let closing_time = async {
        match arguments.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = children.ended() => {
            let ended = ended?;
            if ended.name != "orders" {
                return Err(ended.early().into());
            }
        }
        () = told(&mut term, &mut int) => {}
        () = closing_time => {}
    }
    tokio::select! {
        wrong = close(opened, &mut children, report) => wrong,
        () = told(&mut term, &mut int) => Err("told twice to stop".into()),
    }
}

/// What is known of an open shop.
struct Opened {
    watcher: Client,
    mails: watch::Receiver<u64>,
    http: Option<String>,
}

async fn open(arguments: &Arguments, children: &mut Children) -> Result<Opened, BoxError> {
    let (server, http) = match &arguments.server {
        Some(server) => (server.clone(), None),
        None => {
            children.start_hub()?;
            children.until(all_ready).await?;
            let line = children.all[0].ready.clone().unwrap_or_default();
            let word = |start: &str| {
                let found = line.split([' ', ',']).find(|word| word.starts_with(start));
                found.map(str::to_owned).ok_or(format!("no {start} in the hub's first line"))
            };
            (word("hub://")?, Some(word("http://")?))
        }
    };
    let services: [(&str, &str, &[&str]); 5] = [
        ("payments", "payments", &[]),
        ("email-1", "email", &["--name", "email-1"]),
        ("email-2", "email", &["--name", "email-2"]),
        ("analytics", "analytics", &[]),
        ("audit", "audit", &[]),
    ];
    for (name, binary, more) in services {
        children.start_service(name, binary, &server, more)?;
    }
    let watcher = Client::builder(&server).name("shop").connect().await?;
    let (mail_sent, mails) = watch::channel(0);
    let listener = watcher.on(move |_: Received<EmailSent>| mail_sent.send_modify(|n| *n += 1));
    listener.await?.detach();
    children.until(all_ready).await?;

    // The customers come when everybody is at work.
    let orders = arguments.orders.map(|orders| orders.to_string());
    let mut more = vec!["--per-second", &arguments.per_second];
    more.extend(orders.iter().flat_map(|orders| ["--orders", orders]));
    children.start_service("orders", "orders", &server, &more)?;
    Ok(Opened { watcher, mails, http })
}

async fn close(
    Opened { watcher, mut mails, http }: Opened,
    children: &mut Children,
    report: &Report,
) -> Result<Vec<String>, BoxError> {
    let orders = |process: &Process| process.name == "orders";
    let hub = |process: &Process| process.name == "hub";
    children.stop(orders).await?;

    // The last thing that happens to an order is its mail.
    let summary = children.all.iter().find_map(|process| process.summary.as_ref());
    let paid = summary.map_or(0, |summary| summary.orders.len() as u64);
    let settled = async {
        tokio::select! {
            ended = children.until(|_| false) => ended,
            all = mails.wait_for(|sent| *sent >= paid) => all.map(drop).map_err(BoxError::from),
        }
    };
    if let Ok(settled) = tokio::time::timeout(PATIENCE, settled).await {
        settled?;
    }
    watcher.drain().await?;
    children.stop(|process| !hub(process) && !orders(process)).await?;
    let books = match http {
        Some(http) => Some(ledger::read(&http).await?),
        None => None,
    };
    children.stop(hub).await?;

    let summaries = children.all.iter().filter_map(|process| process.summary.clone());
    let summaries: Vec<Summary> = summaries.collect();
    report.say(format_args!("\n{}", sums::table(&summaries)));
    let mut wrong = sums::wrong(&summaries);
    if let Some(Ledger { due, delivered, missing }) = books {
        report.say(format_args!("the hub: {due} due = {delivered} delivered + {missing} missing"));
        if due != delivered || missing > 0 {
            wrong.push(format!("{due} deliveries were due at the hub, {delivered} were made"));
        }
    }
    let gone = children.all.iter().filter(|process| !hub(process) && process.summary.is_none());
    wrong.extend(gone.map(|process| format!("{} left no summary", process.name)));
    Ok(wrong)
}

async fn told(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

fn all_ready(all: &[Process]) -> bool {
    all.iter().all(|process| process.ready.is_some())
}
