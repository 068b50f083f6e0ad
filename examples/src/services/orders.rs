//! This service shows how to emit typed events, and how to ask another service and wait for its
//! answer.
//!
//! The service makes up orders, requests a payment for each from `payments`, and publishes whether the
//! order was paid. All other services react to these events, so nothing happens in the shop without
//! this service.
//!
//! `cargo run -p hub-examples -- orders --orders 3` runs the service alone, at the hub that `hub serve`
//! starts. Without `payments`, the hub answers each request at once that nobody is subscribed.

use crate::events::{Charge, OrderDeclined, OrderPaid, OrderPlaced, Payment};
use crate::report::Report;
use crate::service::{Connection, Service};
use clap::Args;
use hub_client::{BoxError, Client, Emitter, Event, RequestError, with_causes};
use std::time::Duration;
use tokio::task::JoinSet;

/// At most this many orders are open at a time. Further orders would only wait at `payments`.
const AT_A_TIME: usize = 64;

/// Declares the options of `shop orders`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// End after N orders. Without this option, the service runs until it is stopped
    #[arg(long, value_name = "N")]
    orders: Option<u64>,
    /// How many orders the service makes up in a second
    #[arg(long, default_value_t = 3.0, value_name = "N", value_parser = positive)]
    per_second: f64,
}

/// Runs the service until it is asked to stop.
///
/// # Errors
/// Returns an error if there is no hub, or if it no longer accepts the events of this service.
pub async fn run(arguments: Arguments) -> Result<(), BoxError> {
    let mut service = Service::start("orders", &arguments.connection).await?;
    let (hub, report) = (service.hub.clone(), service.report.clone());
    service.ready("takes orders");

    let mut customers = tokio::time::interval(Duration::from_secs_f64(1.0 / arguments.per_second));
    let mut open = JoinSet::new();
    for order in 1..=arguments.orders.unwrap_or(u64::MAX) {
        tokio::select! {
            () = service.stopped() => break,
            _ = customers.tick() => {}
        }
        // Each order has a task of its own, so that an order that waits for its payment does not
        // delay other orders. The bound keeps this process from growing when `payments` is slow.
        open.spawn(handle(hub.clone(), report.clone(), order));
        while let Some(done) = match open.len() {
            AT_A_TIME.. => open.join_next().await,
            _ => open.try_join_next(),
        } {
            note(&report, done?);
        }
    }
    while let Some(done) = open.join_next().await {
        note(&report, done?);
    }
    service.finish().await
}

/// Places one order, requests its payment, and publishes whether it was paid.
async fn handle(hub: Client, report: Report, order: u64) -> Result<(), BoxError> {
    let customer = format!("customer{}@example.org", order % 17);
    let cents = 500 + order * 7919 % 20_000;

    // `emit` returns when the hub has accepted the event. Then the event has its number, and is in the
    // queue of every subscriber.
    hub.emit(&OrderPlaced { order, customer: customer.clone(), cents }).await?;
    report.emitted(OrderPlaced::TOPIC);
    report.say(format_args!("order {order} is placed: {cents} cents"));

    // A request is an event to which another service replies. If no service is subscribed to the
    // topic of the request, the request fails at once.
    let answer = hub.request(&Charge { order, cents }).await;
    if !matches!(answer, Err(RequestError::NoSubscriber)) {
        report.emitted(Charge::TOPIC);
    }
    let payment = answer.unwrap_or_else(|error| Payment::Declined { reason: error.to_string() });

    match payment {
        Payment::Charged { receipt } => {
            hub.emit(&OrderPaid { order, customer, cents, receipt }).await?;
            report.emitted(OrderPaid::TOPIC);
            report.finished(order);
        }
        Payment::Declined { reason } => {
            report.say(format_args!("order {order} is declined: {reason}"));
            hub.emit(&OrderDeclined { order, reason }).await?;
            report.emitted(OrderDeclined::TOPIC);
        }
    }
    Ok(())
}

/// Counts a fault if an order could not be handled.
fn note(report: &Report, outcome: Result<(), BoxError>) {
    if let Err(error) = outcome {
        report.fault(with_causes(&*error));
    }
}

/// Reads a number of orders in a second.
fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("it must be a number from 0.001 to 10000".to_owned()),
    }
}
