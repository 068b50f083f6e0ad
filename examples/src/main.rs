//! The program `shop`: without a command it runs the whole shop, and with a command one service.
//!
//! It is one program, so that a first build links only one. The shop starts this program again for
//! each service.

use clap::{Parser, Subcommand};
use hub_client::BoxError;
use hub_examples::services::{analytics, audit, email, orders, payments};
use hub_examples::shop;
use std::process::ExitCode;

/// A shop of small services that talk through the hub. Ctrl-C ends it.
///
/// Without a command, this starts a hub and all services, each in a process of its own, and checks
/// at the end that no event is missing. With a command, it runs one service.
#[derive(Parser)]
#[command(name = "shop", args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(flatten)]
    shop: shop::Arguments,
    #[command(subcommand)]
    service: Option<Service>,
}

#[derive(Subcommand)]
enum Service {
    /// Makes up orders and has them paid
    Orders(orders::Arguments),
    /// Charges customers
    Payments(payments::Arguments),
    /// Thanks customers who have paid
    Email(email::Arguments),
    /// Counts all events and keeps the total of the paid orders
    Analytics(analytics::Arguments),
    /// Checks the numbers of all events, and prints the gaps
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
