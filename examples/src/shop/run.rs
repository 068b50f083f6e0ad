//! Opens the shop, waits for its end, closes it in order, and compares the counts of the services.
//!
//! The order matters. Orders come only when all services are ready, and services are stopped only
//! when the last mail was sent. Otherwise events would be under way, and the counts would differ.

use super::children::{Children, Process};
use super::ledger::{self, Ledger};
use super::sums;
use crate::events::EmailSent;
use crate::report::{Report, Summary};
use clap::Args;
use hub_client::{BoxError, Client, Emitter, Received};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The shop waits this long for the last mails before it closes without them.
const PATIENCE: Duration = Duration::from_secs(20);

/// Declares the options of `shop` without a command.
#[derive(Debug, Args)]
pub struct Arguments {
    /// End after N orders. Without this option and --for, the shop runs until Ctrl-C
    #[arg(long, value_name = "N")]
    orders: Option<u64>,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// How many orders come in a second. Fewer come if the service `payments` cannot keep up
    #[arg(long, value_name = "N", default_value = "3")]
    per_second: String,
    /// Use the hub at this address instead of starting one
    #[arg(long, value_name = "URL", env = "HUB_SERVER")]
    server: Option<String>,
}

/// Runs the shop to its end, and prints whether everything adds up.
pub async fn run(arguments: &Arguments) -> ExitCode {
    let report = Report::new("shop");
    // However `run_shop` ends, the child processes end with this program at the latest.
    match run_shop(arguments, &report).await {
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

/// Runs the shop. Returns everything that does not add up.
async fn run_shop(arguments: &Arguments, report: &Report) -> Result<Vec<String>, BoxError> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut children = Children::default();
    let opened = tokio::select! {
        opened = open(arguments, &mut children) => opened?,
        () = told(&mut term, &mut int) => return Err("the shop was stopped while it was starting".into()),
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
        () = told(&mut term, &mut int) => Err("a second signal ended the shop at once, without the totals".into()),
    }
}

/// Holds the connections to a shop in which all services are ready and orders come.
struct Opened {
    /// The shop counts the mails on this connection.
    watcher: Client,
    /// Holds the number of mails that were sent.
    mails: watch::Receiver<u64>,
    /// The hub's HTTP server has this address. It is `None` if the shop has not started the hub.
    http: Option<String>,
}

/// Starts the hub and all services, and waits until they are ready.
async fn open(arguments: &Arguments, children: &mut Children) -> Result<Opened, BoxError> {
    let (server, http) = match &arguments.server {
        Some(server) => (server.clone(), None),
        None => {
            children.start_hub()?;
            children.until(all_ready).await?;
            let line = children.all[0].ready.clone().unwrap_or_default();
            let word = |start: &str| {
                let found = line.split([' ', ',']).find(|word| word.starts_with(start));
                found.map(str::to_owned).ok_or(format!(
                    "the hub's first line does not contain an address that begins with {start}"
                ))
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
    for (name, command, more) in services {
        children.start_service(name, command, &server, more)?;
    }
    let watcher = Client::builder(&server).name("shop").connect().await?;
    let (mail_sent, mails) = watch::channel(0);
    let listener = watcher.on(move |_: Received<EmailSent>| mail_sent.send_modify(|n| *n += 1));
    listener.await?.detach();
    children.until(all_ready).await?;

    // `orders` starts last, because it would decline every order without `payments`.
    let orders = arguments.orders.map(|orders| orders.to_string());
    let mut more = vec!["--per-second", &arguments.per_second];
    more.extend(orders.iter().flat_map(|orders| ["--orders", orders]));
    children.start_service("orders", "orders", &server, &more)?;
    Ok(Opened { watcher, mails, http })
}

/// Waits for the last mails, stops the services and then the hub, and compares the counts.
async fn close(
    Opened { watcher, mut mails, http }: Opened,
    children: &mut Children,
    report: &Report,
) -> Result<Vec<String>, BoxError> {
    let orders = |process: &Process| process.name == "orders";
    let hub = |process: &Process| process.name == "hub";
    children.stop(orders).await?;

    // The mail is the last event of a paid order. When all mails were sent, no event is under way.
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
        report.say(format_args!(
            "the hub: {due} deliveries were due, {delivered} were made, {missing} are missing"
        ));
        if due != delivered || missing > 0 {
            wrong.push(format!("{due} deliveries were due at the hub, and {delivered} were made"));
        }
    }
    let gone = children.all.iter().filter(|process| !hub(process) && process.summary.is_none());
    wrong.extend(gone.map(|process| format!("{} ended without a summary", process.name)));
    Ok(wrong)
}

/// Waits until this program gets SIGTERM or SIGINT.
async fn told(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// Returns whether all processes have printed that they are ready.
fn all_ready(all: &[Process]) -> bool {
    all.iter().all(|process| process.ready.is_some())
}
