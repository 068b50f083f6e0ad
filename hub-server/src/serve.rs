//! This module is the composition root: it loads the files, connects the modules of a hub, runs the
//! hub, and drains it. No other module knows all modules. Otherwise the walls between the modules
//! would fall.

use crate::admin;
use crate::config::{Config, ConfigFile, Switch};
use crate::directory::load_shedding::{LoadShedding, keep_within_budget};
use crate::http::{self, HttpState};
use crate::hub::Hub;
use crate::net::listener::{BeginSession, Listener};
use crate::policy::access_file::{AccessFile, AccessFileError};
use crate::policy::hashing::Hashing;
use crate::policy::rule_file::{RuleFile, RulesError};
use crate::policy::tls::files::{TlsError, TlsFiles};
use crate::policy::tls::in_force::CurrentCertificate;
use crate::put_in_force::{PutInForce, follow};
use crate::reload::watched_file::{self, FileSnapshot, WatchedFile};
use crate::session::Session;
use crate::supervise::keep_running;
use actix::Actor;
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
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// States why a hub does not run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The hub cannot listen on an address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The hub was configured to listen on this address.
        address: SocketAddr,
        /// The operating system returned this error.
        source: std::io::Error,
    },
    /// The operating system did not give the hub a thread, a socket or another resource.
    #[error("cannot start")]
    Start(#[source] std::io::Error),
    /// The rule file cannot be used.
    #[error("cannot use the rules")]
    Rules(#[from] RulesError),
    /// The access file cannot be used.
    #[error("cannot use the access file")]
    Access(#[from] AccessFileError),
    /// The TLS files cannot be used.
    #[error("cannot use TLS")]
    Tls(#[from] TlsError),
    /// The metrics cannot be registered.
    #[error("cannot register the metrics")]
    Metrics(#[from] prometheus::Error),
    /// The operating system gave no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Names the addresses on which a hub listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// Clients connect to this address.
    pub clients: SocketAddr,
    /// The HTTP server listens on this address.
    pub http: SocketAddr,
}

/// Runs a hub until SIGTERM or SIGINT, and then drains it. A second signal ends the process at
/// once.
///
/// Prints one line on stdout when the hub is ready. If `config` was loaded from a file, `file`
/// names that file, and the limits follow the file while the hub runs.
///
/// # Errors
/// Returns an error if the hub cannot start.
pub fn run_until_signal(config: Config, file: Option<ConfigFile>) -> Result<(), ServeError> {
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
    run_from(Startup { config, file, scrubbers: Vec::new() }, ready, told_to_stop())
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

async fn told_to_stop() {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    tracing::info!("draining; another signal ends at once");
    actix_rt::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        std::process::exit(1);
    });
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
    let rules = RuleFile::new(&config.rules, scrubbers).map(load).transpose()?;
    let access = AccessFile::new(&config.access).map(load).transpose()?;
    let tls = TlsFiles::new(&config).map(load).transpose()?;
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
        let hashing = Hashing::start().map_err(ServeError::Start)?;
        let hub = Hub::new(config, handles.clone(), hashing).map_err(ServeError::Random)?;
        let registry = prometheus::Registry::new();
        hub.metrics.register(&registry)?;
        let state = HttpState { registry, ready: hub.ready.clone() };
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
        let http = http::serve(http, state, http_tls, admin).map_err(ServeError::Start)?;
        let watched = hub.clone();
        let load_shedding = LoadShedding {
            grace: Duration::from_millis(hub.config.memory_grace_ms),
            queue_bytes: hub.config.queue_bytes,
        };
        actix_rt::spawn(keep_running("the watch over memory", move || {
            let (directory, limits) = (watched.directory.clone(), watched.limits.clone());
            keep_within_budget(directory, limits, load_shedding).map(Ok)
        }));
        let forgetful = hub.clone();
        actix_rt::spawn(keep_running("what forgets clients that stay away", move || {
            forget_old(forgetful.clone()).map(Ok)
        }));
        let listener = Arc::new(listener(&hub));
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
        if let Err(error) = http.stop().await {
            tracing::error!(%error, "the HTTP server did not end as it should");
        }
        arbiters.iter().for_each(|arbiter| {
            arbiter.stop();
        });
        Ok(())
    })
}

/// Loads a file. Returns the loaded contents, the file, and the state in which the file was read.
fn load<F: WatchedFile>(mut file: F) -> Result<(F::Loaded, F, FileSnapshot), F::Error> {
    let (seen, loaded) = watched_file::load(&mut file, F::load);
    Ok((loaded?, file, seen))
}

/// Creates the listener for clients, which begins a session for each connection.
fn listener(hub: &Hub) -> Listener {
    let handles = hub.handles();
    let next_session = move || -> BeginSession {
        let handles = handles.clone();
        let connection = handles.directory.sessions.next_connection();
        Box::new(move |socket, permit| {
            Session::new(handles, connection, socket, permit).start();
        })
    };
    Listener::new(
        hub.policy.clone(),
        hub.limits.clone(),
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
