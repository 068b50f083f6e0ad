//! Holds the parts that all services share. A service connects, prints what happens to the connection,
//! and ends in good order.
//!
//! Without this module, each service would repeat the handling of signals and of connection events,
//! and a reader would have to search for the part that the service is an example of.

use crate::report::Report;
use hub_client::{BoxError, Client, ConnectionEvent, Emitter, with_causes};
use std::io::Read;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Declares the options that every service has.
#[derive(Debug, Clone, clap::Args)]
pub struct Connection {
    /// The address of the hub
    #[arg(long, value_name = "URL", env = "HUB_SERVER", default_value = "hub://127.0.0.1:4820")]
    pub server: String,
    /// End also when stdin ends, so that this process does not outlive the process that started it
    #[arg(long)]
    pub exit_with_stdin: bool,
}

/// Holds the connection and the report of a running service.
#[derive(Debug)]
pub struct Service {
    /// The service talks to the hub through this client. The SDK connects again when the connection
    /// is lost.
    pub hub: Client,
    /// The report counts and prints what the service does.
    pub report: Report,
    stop: Stop,
}

impl Service {
    /// Connects to the hub. Waits up to 30 seconds for a hub that is not there yet.
    ///
    /// # Errors
    /// Returns an error if there is no hub within that time, or if the process is asked to stop
    /// before there is a connection.
    pub async fn start(name: &str, connection: &Connection) -> Result<Service, BoxError> {
        let mut stop = Stop::new(connection.exit_with_stdin)?;
        let builder = Client::builder(&connection.server).name(name);
        let hub = tokio::select! {
            connected = builder.patience(Duration::from_secs(30)).connect() => connected?,
            () = stop.wait() => return Err("the service was stopped before it could connect to a hub".into()),
        };
        let report = Report::new(name);
        tokio::spawn(tell_connection(hub.clone(), report.clone()));
        tokio::spawn(tell_faults(hub.clone(), report.clone()));
        Ok(Service { hub, report, stop })
    }

    /// Prints that the service is ready. The shop starts `orders` only when all other services have
    /// printed this line.
    pub fn ready(&self, what: &str) {
        self.report.say(format_args!("ready: {what}"));
    }

    /// Waits until the process is asked to stop.
    pub async fn stopped(&mut self) {
        self.stop.wait().await;
    }

    /// Handles the events that have already come, and waits until the hub has confirmed all events
    /// that the service emitted.
    ///
    /// # Errors
    /// Returns an error if the hub did not accept an event, or if draining took too long.
    pub async fn drain(&self) -> Result<(), BoxError> {
        let drained = self.hub.drain().await;
        if let Err(error) = &drained {
            self.report.fault(with_causes(error));
        }
        Ok(drained?)
    }

    /// Drains, and prints the summary of the service.
    ///
    /// # Errors
    /// Returns an error if draining failed or stdout cannot be written. The summary is printed even if
    /// draining failed.
    pub async fn finish(&self) -> Result<(), BoxError> {
        let drained = self.drain().await;
        self.report.print()?;
        drained
    }
}

/// Waits for a reason to stop, which is SIGTERM, Ctrl-C or, with `--exit-with-stdin`, the end of stdin.
#[derive(Debug)]
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    stdin: Option<oneshot::Receiver<()>>,
}

impl Stop {
    fn new(with_stdin: bool) -> std::io::Result<Stop> {
        let (ended, end) = oneshot::channel();
        if with_stdin {
            // Nobody waits for this thread. If a thread of the runtime read stdin, the runtime would
            // wait for that read before it ends, and the process would not end.
            std::thread::spawn(move || {
                let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
                let _ = ended.send(());
            });
        }
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            stdin: with_stdin.then_some(end),
        })
    }

    /// Waits until the service is asked to stop.
    async fn wait(&mut self) {
        let stdin = async {
            match &mut self.stdin {
                Some(end) => drop(end.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = stdin => {}
        }
    }
}

/// Prints what happens to the connection. If it is unknown whether events arrived, that counts as a
/// fault.
async fn tell_connection(hub: Client, report: Report) {
    let mut events = hub.events();
    drop(hub);
    while let Some(event) = events.next().await {
        match event {
            ConnectionEvent::Connected { publisher, .. } => {
                report.say(format_args!("connected as {publisher}"));
            }
            ConnectionEvent::Lost { reason } => {
                report.say(format_args!("the connection was lost: {reason}"));
            }
            ConnectionEvent::OutcomeUnknown { events } => {
                report.fault(format_args!("it is unknown whether {events} events arrived"));
            }
            _ => {}
        }
    }
}

/// Prints and counts the errors of the listeners.
async fn tell_faults(hub: Client, report: Report) {
    let mut errors = hub.errors();
    drop(hub);
    while let Some(error) = errors.next().await {
        report.fault(with_causes(&error));
    }
}
