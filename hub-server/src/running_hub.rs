//! Runs a hub in a thread of its own. Tests, and services that contain a hub, start and stop it
//! with one call. Without this module, each of them would need a runtime and a channel for the end
//! of the hub.

use crate::config::{Config, ConfigFile};
use crate::serve::{Addresses, ServeError, Startup, run_from, schemes};
use hub_scrub::Scrubber;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Controls a hub that runs in a thread of its own, for tests and for services that contain a hub.
/// The hub stops when this value is dropped.
#[derive(Debug)]
pub struct RunningHub {
    at: Addresses,
    scheme: &'static str,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<Result<(), ServeError>>>,
}

impl RunningHub {
    /// Starts a hub and returns when it is ready.
    ///
    /// # Errors
    /// Returns the reason why the hub cannot start.
    pub fn start(config: Config) -> Result<Self, ServeError> {
        RunningHub::start_with(config, Vec::new())
    }

    /// Starts a hub whose rule file may name `scrubbers`, and returns when the hub is ready.
    ///
    /// # Errors
    /// Returns the reason why the hub cannot start.
    pub fn start_with(
        config: Config,
        scrubbers: Vec<Arc<dyn Scrubber>>,
    ) -> Result<Self, ServeError> {
        RunningHub::begin(Startup { config, file: None, scrubbers })
    }

    /// Starts a hub whose limits follow `file`, from which `config` was loaded, and returns when
    /// the hub is ready.
    ///
    /// # Errors
    /// Returns the reason why the hub cannot start.
    pub fn start_following(config: Config, file: ConfigFile) -> Result<Self, ServeError> {
        RunningHub::begin(Startup { config, file: Some(file), scrubbers: Vec::new() })
    }

    fn begin(start: Startup) -> Result<Self, ServeError> {
        let (scheme, _) = schemes(&start.config);
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let ready = move |at| {
                let _ = ready.send(at);
            };
            run_from(start, ready, async move {
                let _ = stopped.await;
            })
        });
        match is_ready.recv() {
            Ok(at) => Ok(RunningHub { at, scheme, stop: Some(stop), thread: Some(thread) }),
            // The hub ended before it was ready, and the result of its thread contains the reason.
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => Err(ServeError::Start(std::io::Error::other("the hub's thread panicked"))),
            },
        }
    }

    /// Starts a hub with the default configuration on free ports of the loopback address, and
    /// returns when the hub is ready.
    ///
    /// # Errors
    /// Returns the reason why the hub cannot start.
    pub fn on_free_ports() -> Result<Self, ServeError> {
        let mut config = Config::default();
        config.listen.set_port(0);
        config.http.set_port(0);
        RunningHub::start(config)
    }

    /// Returns the address on which the hub accepts clients.
    #[must_use]
    pub fn clients(&self) -> SocketAddr {
        self.at.clients
    }

    /// Returns the address of the HTTP server.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.at.http
    }

    /// Returns the URL with which clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.at.clients)
    }

    /// Stops the hub. The hub first delivers the events that it has accepted, and this function
    /// returns when the hub has ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for RunningHub {
    fn drop(&mut self) {
        self.end();
    }
}
