//! Reads from the hub's metrics how many events were due to subscribers and how many it delivered.
//!
//! The services count what they emitted and received. Without the hub's own numbers, nobody would notice
//! that the hub lost an event that no service counts.

use hub_client::BoxError;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Counts deliveries to all subscribers since the hub started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// This many deliveries were due.
    pub(super) due: u64,
    /// This many deliveries were made.
    pub(super) delivered: u64,
    /// This many deliveries were dropped, and their events announced as missing.
    pub(super) missing: u64,
}

/// Reads the ledger of the hub at `http`, such as `http://127.0.0.1:4821`. If the ledger does not add
/// up, a delivery may be under way. The function then reads the ledger again, for at most five seconds.
///
/// # Errors
/// Returns an error if the hub has no page of metrics, or if the page does not have these numbers.
pub(super) async fn read(http: &str) -> Result<Ledger, BoxError> {
    let address = http.trim_start_matches("http://").trim_end_matches('/');
    for _ in 0..50 {
        let ledger = parse(&get(address, "/metrics").await?)?;
        if ledger.due == ledger.delivered + ledger.missing {
            return Ok(ledger);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    parse(&get(address, "/metrics").await?)
}

/// Fetches a page over HTTP.
async fn get(address: &str, path: &str) -> Result<String, BoxError> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let ok = answer.lines().next().is_some_and(|status| status.contains(" 200 "));
    if ok {
        Ok(answer)
    } else {
        Err(format!("the hub does not have the page http://{address}{path}").into())
    }
}

/// Reads the three sums from a page of metrics.
fn parse(page: &str) -> Result<Ledger, BoxError> {
    Ok(Ledger {
        due: sum(page, "hub_deliveries_due_total")?,
        delivered: sum(page, "hub_deliveries_total")?,
        missing: sum(page, "hub_deliveries_dropped_total")?,
    })
}

/// Returns the sum of a metric over all its labels.
fn sum(page: &str, metric: &str) -> Result<u64, BoxError> {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        rest.starts_with([' ', '{']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
    });
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return Err(format!("the hub's metrics do not contain {metric}").into());
    }
    Ok(values.iter().sum::<f64>() as u64)
}
