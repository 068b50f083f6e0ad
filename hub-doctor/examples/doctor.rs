//! Examines the way to a hub and prints the report, as a service can do for its own connection.
//!
//! ```sh
//! cargo run -p hub-doctor --example doctor -- hub://127.0.0.1:4820
//! cargo run -p hub-doctor --example doctor -- hubs://events.internal --json ca.pem
//! ```

use hub_client::Credentials;
use hub_doctor::{Options, examine, text};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args: Vec<_> = std::env::args().skip(1).collect();
    let json = args.iter().any(|arg| arg == "--json");
    args.retain(|arg| arg != "--json");
    let url = args.first().map_or("hub://127.0.0.1:4820", String::as_str);
    let mut options = Options::new(url.parse()?);
    options.tls.ca = args.get(1).map(Into::into);
    options.credentials = std::env::var("HUB_TOKEN").ok().map(Credentials::Token);
    let report = examine(&options)?;
    let out = if json { format!("{}\n", report.json()) } else { text(&report) };
    std::io::stdout().write_all(out.as_bytes())?;
    Ok(report.exit_code().into())
}
