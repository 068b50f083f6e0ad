//! The program `shop` runs the whole shop. With a command, it runs one service.
//!
//! The shop starts this program again for each service. If each service were a program of its own, a
//! first build would have to link seven programs.

use clap::{Parser, Subcommand};
use hub_client::BoxError;
use hub_examples::services::{analytics, audit, email, orders, payments};
use hub_examples::shop;
use std::process::ExitCode;

/// A shop of small services that exchange events through the hub. Ctrl-C ends it.
///
/// Without a command, this program starts a hub and all services, each in a process of its own. At the
/// end, it checks that no event is missing. With a command, this program runs one service.
#[derive(Parser)]
#[command(name = "shop", args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(flatten)]
    shop: shop::Arguments,
    #[command(subcommand)]
    service: Option<Service>,
}

/// Lists the services that this program can run.
#[derive(Subcommand)]
enum Service {
    /// Make up orders and request a payment for each
    Orders(orders::Arguments),
    /// Answer the requests for payments
    Payments(payments::Arguments),
    /// Thank the customers who have paid
    Email(email::Arguments),
    /// Count all events and add up the paid orders
    Analytics(analytics::Arguments),
    /// Check the event numbers of all topics, and print the gaps
    Audit(audit::Arguments),
}

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let CommandLine { shop, service } = CommandLine::parse();
    match service {
        None => return Ok(shop::run(&shop).await),
        Some(Service::Orders(arguments)) => orders::run(arguments).await?,
        Some(Service::Payments(arguments)) => payments::run(arguments).await?,
        Some(Service::Email(arguments)) => email::run(arguments).await?,
        Some(Service::Analytics(arguments)) => analytics::run(arguments).await?,
        Some(Service::Audit(arguments)) => audit::run(arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}
