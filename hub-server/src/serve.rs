//! This module is the composition root: it loads the files, connects the modules of a hub, runs the
//! hub, and drains it. No other module knows all modules. Otherwise the walls between the modules
//! would fall.

use crate::admin;
use crate::config::{Config, ConfigFile, Switch};
use crate::directory::Directory;
use crate::directory::load_shedding::keep_within_budget;
use crate::http::{self, HttpState};
use crate::hub::Hub;
use crate::limits::ClientLimits;
use crate::limits::sockets::SocketBudget;
use crate::net::listener::{BeginSession, Listener};
use crate::policy::access_file::AccessFile;
use crate::policy::hashing::Hashing;
use crate::policy::rule_file::RuleFile;
use crate::policy::scrub_threads::ScrubThreads;
use crate::policy::tls::files::TlsFiles;
use crate::policy::tls::in_force::CurrentCertificate;
use crate::put_in_force::{PutInForce, follow};
pub use crate::serve_error::ServeError;
use crate::session::Session;
use crate::startup_files::{StartupFiles, load_files};
use crate::stop_signals::told_to_stop;
use crate::supervise::keep_running;
use crate::telemetry::busy_threads::BusyThreads;
use actix_rt::{Arbiter, System};
use futures_util::FutureExt;
use futures_util::future::join_all;
use hub_scrub::Scrubber;
use std::future::poll_fn;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// When the hub has drained, answers of HTTP that are in progress have this long to end.
const HTTP_STOP: Duration = Duration::from_millis(500);

/// Names the addresses on which a hub listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// Clients connect to this address.
    pub clients: SocketAddr,
    /// The HTTP server listens on this address.
    pub http: SocketAddr,
}

/// Runs a hub until SIGTERM or SIGINT, and then drains it. A second signal ends the process at
/// once. The process also ends if it has not stopped a second after `drain_ms`.
///
/// Prints one line on stdout when the hub is ready. If `config` was loaded from a file, `file`
/// names that file, and the limits follow the file while the hub runs.
///
/// # Errors
/// Returns an error if the hub cannot start.
pub fn run_until_signal(config: Config, file: Option<ConfigFile>) -> Result<(), ServeError> {
    hub_allocator::keep_large_apart();
    survive_hangup().map_err(ServeError::Start)?;
    let (hub, http) = schemes(&config);
    let ready = move |at: Addresses| {
        let version = env!("CARGO_PKG_VERSION");
        let (clients, probes) = (at.clients, at.http);
        let line =
            format!("hub {version} ready: clients {hub}://{clients}, http {http}://{probes}\n");
        // The hub serves its clients even if nobody reads stdout.
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    };
    let stop = told_to_stop(Duration::from_millis(config.drain_ms));
    run_from(Startup { config, file, scrubbers: Vec::new() }, ready, stop)
}

/// Returns the URL schemes for clients and for HTTP.
pub(crate) fn schemes(config: &Config) -> (&'static str, &'static str) {
    (
        if config.tls_cert.is_empty() { "hub" } else { "hubs" },
        if config.http_tls == Switch::On { "https" } else { "http" },
    )
}

/// Keeps SIGHUP from ending this process from now on. The watchers of files reload on SIGHUP, and
/// the signal does nothing before the watchers run. Call this function before files are read,
/// because reading may take long.
///
/// # Errors
/// Returns the error of the operating system if the signal cannot be handled.
pub fn survive_hangup() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    // After this registration, SIGHUP never ends the process.
    signal(SignalKind::hangup()).map(drop)
}

/// Runs a hub in this thread until `stop` resolves, and then drains it. Calls `ready` with the
/// addresses on which the hub listens. The rule file may name `scrubbers`.
///
/// # Errors
/// Returns an error if the hub cannot start.
pub fn run(
    config: Config,
    scrubbers: Vec<Arc<dyn Scrubber>>,
    ready: impl FnOnce(Addresses),
    stop: impl Future<Output = ()> + 'static,
) -> Result<(), ServeError> {
    run_from(Startup { config, file: None, scrubbers }, ready, stop)
}

/// Holds the inputs with which a hub is started.
pub(crate) struct Startup {
    pub config: Config,
    pub file: Option<ConfigFile>,
    pub scrubbers: Vec<Arc<dyn Scrubber>>,
}

pub(crate) fn run_from(
    start: Startup,
    ready: impl FnOnce(Addresses),
    stop: impl Future<Output = ()> + 'static,
) -> Result<(), ServeError> {
    let Startup { config, file: config_file, scrubbers } = start;
    let bind = |address| {
        TcpListener::bind(address).map_err(|source| ServeError::Listen { address, source })
    };
    let StartupFiles { rules, access, tls } = load_files(&config, scrubbers)?;
    let (clients, http) = (bind(config.listen)?, bind(config.http)?);
    let at = Addresses {
        clients: clients.local_addr().map_err(ServeError::Start)?,
        http: http.local_addr().map_err(ServeError::Start)?,
    };
    System::new().block_on(async move {
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let arbiters: Vec<_> = (0..threads).map(|_| Arbiter::new()).collect();
        let handles: Vec<_> = arbiters.iter().map(Arbiter::handle).collect();
        let (drain_ms, http_tls) = (config.drain_ms, config.http_tls);
        let directory = Directory::new(&config, handles.clone()).map_err(ServeError::Random)?;
        let held = directory.registry.ledger().held().clone();
        let limits = Arc::new(ClientLimits::new(&config, held));
        let hashing = Hashing::start(limits.clone()).map_err(ServeError::Start)?;
        let scrubbing = ScrubThreads::start(threads).map_err(ServeError::Start)?;
        let hub = Hub::new(config, Arc::new(directory), limits, hashing, scrubbing);
        let registry = prometheus::Registry::new();
        hub.metrics.register(&registry)?;
        registry.register(Box::new(BusyThreads::watch(&handles)))?;
        let state = HttpState { registry, ready: hub.ready.clone() };
        let stale_files = match hub.config.ready_needs_files {
            Switch::On => Some(hub.metrics.stale_files.clone()),
            Switch::Off => None,
        };
        if let Some((setup, files, seen)) = tls {
            TlsFiles::put_in_force(&hub, setup);
            actix_rt::spawn(follow(hub.clone(), files, seen));
        }
        let http_tls = match http_tls {
            Switch::Off => None,
            Switch::On => Some(
                CurrentCertificate::config(hub.policy.tls.clone())
                    .map_err(|error| ServeError::Start(std::io::Error::other(error)))?,
            ),
        };
        if let Some((set, file, seen)) = rules {
            RuleFile::put_in_force(&hub, set);
            actix_rt::spawn(follow(hub.clone(), file, seen));
        }
        if let Some((access, file, seen)) = access {
            AccessFile::put_in_force(&hub, access);
            actix_rt::spawn(follow(hub.clone(), file, seen));
        }
        if let Some(file) = config_file.filter(ConfigFile::can_be_followed) {
            let seen = file.seen();
            actix_rt::spawn(follow(hub.clone(), file, seen));
        }
        // The HTTP server starts only after the access file is in force and every file is followed.
        // Otherwise the admin API would apply no access file, and a reload would leave files out.
        let admin = admin::routes(hub.clone());
        let sockets = SocketBudget::of_this_process(hub.start.max_connections);
        let http = http::serve_within(http, state, stale_files, http_tls, admin, sockets.clone())
            .map_err(ServeError::Start)?;
        let watched = hub.clone();
        actix_rt::spawn(keep_running("the watch over memory", move || {
            let (directory, limits) = (watched.directory.clone(), watched.limits.clone());
            keep_within_budget(directory, limits).map(Ok)
        }));
        let forgetful = hub.clone();
        actix_rt::spawn(keep_running("what forgets clients that stay away", move || {
            forget_old(forgetful.clone()).map(Ok)
        }));
        let listener = Arc::new(listener(&hub, sockets));
        let accepting = actix_rt::spawn(keep_running("the listener", move || {
            let (listener, arbiters, socket) =
                (listener.clone(), handles.clone(), clients.try_clone());
            async move { listener.accept(socket?, arbiters).await }
        }));
        let mut stop = pin!(stop);
        // The first poll of `stop` registers for signals. If it came after `ready`, a signal that
        // is sent as soon as the hub says that it is ready could end the process without a drain.
        let stopped = poll_fn(|task| Poll::Ready(stop.as_mut().poll(task).is_ready())).await;
        hub.ready.store(true, Ordering::Release);
        ready(at);
        if !stopped {
            stop.await;
        }
        hub.ready.store(false, Ordering::Release);
        accepting.abort();
        drain(&hub, Duration::from_millis(drain_ms)).await;
        match tokio::time::timeout(HTTP_STOP, http.stop()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the HTTP server did not end as it should"),
            Err(_) => tracing::warn!("answers of HTTP were cut off"),
        }
        arbiters.iter().for_each(|arbiter| {
            arbiter.stop();
        });
        Ok(())
    })
}

/// Creates the listener for clients, which begins a session for each connection.
fn listener(hub: &Hub, sockets: SocketBudget) -> Listener {
    let handles = hub.handles();
    let next_session = move || -> BeginSession {
        let handles = handles.clone();
        let connection = handles.directory.sessions.next_connection();
        Box::new(move |socket, permit| {
            Session::new(handles, connection, socket, permit).start_in_turns();
        })
    };
    Listener::new(
        hub.policy.clone(),
        hub.limits.clone(),
        sockets,
        hub.metrics.clone(),
        hub.config.retry_after_ms,
        Box::new(next_session),
    )
}

/// Forgets old instances from time to time, for as long as the hub runs.
async fn forget_old(hub: Arc<Hub>) {
    let mut tick = tokio::time::interval(hub.directory.instances.forget_every());
    loop {
        tick.tick().await;
        hub.directory.instances.forget_old();
    }
}

/// Drains the hub in two steps. First, all sessions stop reading and publish the events that they
/// took in. Then all sessions close. With a single step, an event could come to a subscriber that
/// has already got CLOSE.
async fn drain(hub: &Hub, patience: Duration) {
    let until = Instant::now() + patience;
    hub.directory.stopping.store(true, Ordering::Release);
    let there = &hub.directory.sessions;
    let sessions = there.all();
    let stopped = join_all(sessions.iter().map(|session| session.stop_reading()));
    if tokio::time::timeout(patience / 2, stopped).await.is_err() {
        tracing::warn!("not every session stopped reading in time");
    }
    for session in &sessions {
        session.begin_close();
    }
    while !there.is_empty() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if !there.is_empty() {
        tracing::warn!(connections = there.len(), "not everything was delivered in time");
    }
}
