//! Holds the parts that all commands which connect to a hub share: the options, the connection, the
//! handling of signals, and the notes on stderr.
//!
//! Without this module, the commands would have different options for the same thing, and would
//! react to Ctrl-C and to a lost connection in different ways.

use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, builder::NonEmptyStringValueParser};
use hub_client::{
    Client, ConnectionEvent, ConnectionEvents, Credentials, Headers, Options, TlsOptions, TopicName,
};
use std::env::VarError;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A command may take this long to end in good order after a signal. Then the process ends at once.
const ENDING: Duration = Duration::from_secs(12);

/// Declares the options for connecting, which every command that talks to a hub has.
pub(crate) fn args() -> [Arg; 7] {
    let args = [
        Arg::new("server")
            .long("server")
            .global(true)
            .env("HUB_SERVER")
            .value_name("URL")
            .default_value("hub://127.0.0.1:4820")
            .help("The address of the hub. It begins with hubs:// if the hub uses TLS"),
        Arg::new("name")
            .long("name")
            .global(true)
            .value_name("NAME")
            .value_parser(NonEmptyStringValueParser::new())
            .help("The name of this client. Subscribers see it as a part of the publisher of its events"),
        Arg::new("token-file")
            .long("token-file")
            .global(true)
            .env("HUB_TOKEN_FILE")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("A file with the access token of this client. Without it, the client uses the token in the environment variable HUB_TOKEN, if there is one"),
        file(
            "ca",
            "HUB_CA",
            "A file with the CAs that may have issued the hub's certificate (PEM). Without it, the client trusts the CAs that the system trusts",
        ),
        file("cert", "HUB_CERT", "A file with the certificate that this client shows to the hub (PEM)"),
        file("key", "HUB_KEY", "A file with the private key of the certificate of --cert (PEM)"),
        Arg::new("tls-name")
            .long("tls-name")
            .global(true)
            .env("HUB_TLS_NAME")
            .value_name("NAME")
            .help("The name that the hub's certificate must contain. Without it, this is the host of the hub's address"),
    ];
    args.map(|arg| arg.help_heading("Options for connecting"))
}

/// Makes an option whose value is the path of a file.
fn file(name: &'static str, env: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .global(true)
        .env(env)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help(help)
}

/// Returns the TLS options that the command line and the environment set.
pub(crate) fn tls(args: &ArgMatches) -> TlsOptions {
    // An environment variable with an empty value counts as not set.
    let set = |path: &PathBuf| !path.as_os_str().is_empty();
    let file = |name| args.get_one::<PathBuf>(name).cloned().filter(set);
    let mut tls = TlsOptions::default();
    (tls.ca, tls.certificate, tls.key) = (file("ca"), file("cert"), file("key"));
    tls.server_name = args.get_one::<String>("tls-name").cloned().filter(|name| !name.is_empty());
    tls
}

/// Declares the option that adds headers to events.
pub(crate) fn header_arg() -> Arg {
    Arg::new("header")
        .long("header")
        .value_name("KEY=VALUE")
        .action(clap::ArgAction::Append)
        .help("Add a header to each event. The option can be repeated. The hub knows the headers id, key, type, trace, reply and re, and checks their types")
}

/// Connects as the options say.
pub(crate) async fn connect(args: &ArgMatches) -> Result<Client, Failure> {
    let url = args.get_one::<String>("server").map_or("", String::as_str);
    let mut options = Options::default();
    options.tls = tls(args);
    let mut builder = Client::builder(url).options(options);
    if let Some(name) = args.get_one::<String>("name") {
        builder = builder.name(name);
    }
    if let Some(token) = token(args)? {
        builder = builder.credentials(Credentials::Token(token));
    }
    builder.connect().await.map_err(|error| {
        let failure = Failure::from(error);
        Failure::new(failure.exit, format!("{url}: {}", failure.message))
    })
}

/// Returns the access token of this client, if it has one. There is no flag for the token, because
/// other users of the machine can see the flags of a process.
pub(crate) fn token(args: &ArgMatches) -> Result<Option<String>, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let Some(file) = args.get_one::<PathBuf>("token-file") else {
        return match std::env::var("HUB_TOKEN") {
            Ok(token) => Ok(Some(token).filter(|token| !token.is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            // Without this error, the client would connect as anonymous.
            Err(VarError::NotUnicode(_)) => Err(usage("HUB_TOKEN is not UTF-8".to_owned())),
        };
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| usage(format!("{}: {error}", file.display())))?;
    match text.trim_start_matches('\u{feff}').trim() {
        "" => Err(usage(format!("{} has no token in it", file.display()))),
        token => Ok(Some(token.to_owned())),
    }
}

/// Runs a command to its end.
///
/// The connection lives on a thread of its own, and the command runs on the calling thread. So a
/// command that waits for its stdout to be read keeps the connection alive.
pub(crate) fn run<F>(command: F) -> ExitCode
where
    F: Future<Output = Result<Exit, Failure>>,
{
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let outcome = match runtime {
        Err(error) => Err(error.into()),
        Ok(runtime) => {
            let outcome = runtime.block_on(command);
            // A thread may still wait for stdin, and that wait cannot be interrupted.
            runtime.shutdown_background();
            outcome
        }
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            note(format_args!("error: {}", failure.message));
            failure.exit.into()
        }
    }
}

/// Prints a line on stderr with one write, because several of these commands often share a
/// terminal. A closed stderr is no reason to fail.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Returns a future that resolves at the first SIGINT or SIGTERM. A second signal ends the process at
/// once. The process also ends if an orderly end takes longer than [`ENDING`], for example because
/// nobody reads stdout.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()> + Unpin, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
        };
        next().await;
        let _ = tell.send(());
        let _ = tokio::time::timeout(ENDING, next()).await;
        std::process::exit(Exit::Error as i32);
    });
    Ok(Box::pin(async move {
        let _ = told.await;
    }))
}

/// Prints on stderr what happens to the connection.
pub(crate) async fn tell(mut events: ConnectionEvents) {
    let mut lost = false;
    while let Some(event) = events.next().await {
        match event {
            ConnectionEvent::Lost { reason } => {
                lost = true;
                note(format_args!("The connection was lost: {reason}"));
            }
            ConnectionEvent::Connected { .. } if lost => {
                lost = false;
                note("The client is connected again.");
            }
            ConnectionEvent::SubscriptionLost { filter, refused } => {
                note(format_args!("The subscription to {filter} was lost: {}", refused.message));
            }
            ConnectionEvent::LeftUnhandled { filter, events } => {
                note(format_args!("{events} events of {filter} arrived and were not handled."));
            }
            ConnectionEvent::Violation(what) => {
                note(format_args!("The hub violated the protocol: {what}"))
            }
            _ => {}
        }
    }
}

/// Closes the connection, and waits until its last events are printed.
pub(crate) async fn end(client: Client, teller: JoinHandle<()>) {
    client.close().await;
    // The events end with the connection, so this bound matters only if stderr is stuck.
    let _ = tokio::time::timeout(Duration::from_secs(1), teller).await;
}

/// Waits until there was no connection for `patience`, or until the client will not connect again, and
/// returns the failure that says so.
pub(crate) async fn given_up(client: &Client, patience: Duration) -> Failure {
    let mut events = client.events();
    let mut deadline = None;
    loop {
        let event = match deadline {
            None => events.next().await,
            Some(at) => match tokio::time::timeout_at(at, events.next()).await {
                Ok(event) => event,
                Err(_) => {
                    let waited = patience.as_secs_f64();
                    let message = format!("the hub did not come back for {waited} s");
                    return Failure::new(Exit::Lost, message);
                }
            },
        };
        match event {
            Some(ConnectionEvent::Connected { .. }) => deadline = None,
            Some(ConnectionEvent::Lost { reason }) => {
                note(format_args!("The connection was lost: {reason}"));
                deadline = deadline.or_else(|| Some(tokio::time::Instant::now() + patience));
            }
            Some(ConnectionEvent::Closed { reason }) => {
                return Failure::new(Exit::of_end(&client.closed().await), reason);
            }
            None => return Failure::new(Exit::Lost, "the connection has ended"),
            Some(_) => {}
        }
    }
}

/// Returns the headers that the options ask for. Headers that the hub knows get their own types. The
/// value of any other header is a string.
pub(crate) fn headers(args: &ArgMatches) -> Result<Headers, Failure> {
    let mut headers = Headers::new();
    for given in args.get_many::<String>("header").into_iter().flatten() {
        let bad = |why: &str| Failure::new(Exit::Usage, format!("header {given:?}: {why}"));
        let (key, value) =
            given.split_once('=').ok_or_else(|| bad("it does not have the form KEY=VALUE"))?;
        headers = match key {
            "id" => headers.with_id(value),
            "key" => headers.with_key(value),
            "type" => headers.with_kind(value),
            "trace" => headers.with_trace(value),
            "re" => headers.with_re(value),
            "reply" => headers
                .with_reply(TopicName::parse(value).map_err(|error| bad(&error.to_string()))?),
            "" => return Err(bad("the key is empty")),
            other => headers.with(other, value).map_err(|error| bad(&error.to_string()))?,
        };
    }
    Ok(headers)
}
