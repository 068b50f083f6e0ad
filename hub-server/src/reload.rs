//! Takes over files that change while the hub runs: the rules of the scrub, who may do what, and
//! certificates.

use crate::access::{Access, AccessError, Folder};
use crate::hub::Hub;
use crate::jwks::Fetches;
use crate::metrics::Metrics;
use crate::session::AccessChanged;
use futures_util::future::join_all;
use parking_lot::{Mutex, RwLock};
use prometheus::IntCounterVec;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

/// How often files are looked at. Reading them is sure where watching them is not: volumes of
/// Kubernetes change by a link, and some file systems tell nobody.
const EVERY: Duration = Duration::from_secs(1);

/// A file, perhaps with others that it names.
pub(crate) trait Source: Send + Sized + 'static {
    type Loaded: Send;
    type Error: Display + Send;

    fn path(&self) -> &Path;

    /// Everything on which what is loaded depends; `None` while a part of it cannot be read.
    fn text(&self) -> Option<String>;

    /// Reads and checks it.
    fn load(&mut self) -> Result<Self::Loaded, Self::Error>;

    /// Puts it into force.
    fn apply(hub: &Arc<Hub>, loaded: Self::Loaded);

    /// Where it is counted, by outcome.
    fn reloads(metrics: &Metrics) -> &IntCounterVec;
}

/// What became of a file.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    file: String,
    /// Why it was not taken over.
    error: Option<String>,
}

impl Outcome {
    pub(crate) fn is_applied(&self) -> bool {
        self.error.is_none()
    }

    /// In one word.
    fn name(&self) -> &'static str {
        if self.is_applied() { "applied" } else { "refused" }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "file": self.file, "outcome": self.name(), "error": self.error })
    }
}

/// Asks all who follow a file to load it now.
#[derive(Debug, Default)]
pub(crate) struct Reloads(Mutex<Vec<mpsc::UnboundedSender<oneshot::Sender<Outcome>>>>);

impl Reloads {
    fn register(&self) -> mpsc::UnboundedReceiver<oneshot::Sender<Outcome>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.lock().push(sender);
        receiver
    }

    /// Loads everything, and says what became of each file.
    pub(crate) async fn all(&self) -> Vec<Outcome> {
        let ask = |follower: &mpsc::UnboundedSender<_>| {
            let (answer, answered) = oneshot::channel();
            follower.send(answer).is_ok().then_some(answered)
        };
        let answers: Vec<_> = self.0.lock().iter().filter_map(ask).collect();
        join_all(answers).await.into_iter().flatten().collect()
    }
}

/// Loads a source when it changes, and on SIGHUP or when asked, for secrets that changed. `text` is
/// what it was when it was loaded. What is wrong changes nothing.
pub(crate) async fn follow<S: Source>(hub: Arc<Hub>, mut source: S, mut text: Option<String>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut tick = tokio::time::interval(EVERY);
    let mut asked = hub.reloads.register();
    loop {
        let mut answer = None;
        let forced = tokio::select! {
            _ = tick.tick() => false,
            _ = hangup.recv() => true,
            Some(asker) = asked.recv() => {
                answer = Some(asker);
                true
            }
        };
        // Not on this thread: a rule file runs its own tests.
        let look = spawn_blocking(move || {
            let now = source.text();
            // While it is being replaced there may be no file.
            let changed = now.is_some() && now != text;
            let loaded = (changed || forced).then(|| source.load());
            (source, now.or(text), loaded)
        });
        let Ok((looked_at, now, loaded)) = look.await else { return };
        (source, text) = (looked_at, now);
        let Some(loaded) = loaded else { continue };
        let file = source.path().display().to_string();
        let error = match loaded {
            Ok(loaded) => {
                S::apply(&hub, loaded);
                tracing::info!(%file, "taken over");
                None
            }
            Err(error) => {
                tracing::error!(%file, %error, "what was in force stays in force");
                Some(error.to_string())
            }
        };
        let outcome = Outcome { file, error };
        S::reloads(&hub.metrics).with_label_values(&[outcome.name()]).inc();
        if let Some(asker) = answer {
            // Whoever asked may have gone.
            let _ = asker.send(outcome);
        }
    }
}

/// Why an access file is not used.
#[derive(Debug, Error)]
pub enum AccessFileError {
    /// It cannot be read.
    #[error("cannot read the access file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is wrong.
    #[error(transparent)]
    Wrong(AccessError),
}

/// The access file.
#[derive(Debug)]
pub(crate) struct AccessFile {
    path: PathBuf,
    /// The files that it names.
    named: Vec<PathBuf>,
}

impl AccessFile {
    pub(crate) fn new(path: &str) -> Option<Self> {
        (!path.is_empty()).then(|| AccessFile { path: path.into(), named: Vec::new() })
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }
}

impl Source for AccessFile {
    type Loaded = Access;
    type Error = AccessFileError;

    fn path(&self) -> &Path {
        &self.path
    }

    fn text(&self) -> Option<String> {
        let files = std::iter::once(&self.path).chain(&self.named);
        files.map(|file| std::fs::read_to_string(file).ok()).collect()
    }

    fn load(&mut self) -> Result<Access, AccessFileError> {
        let text = std::fs::read_to_string(&self.path)
            .map_err(|source| AccessFileError::Read { path: self.path.clone(), source })?;
        let folder = self.folder();
        let access = Access::load(&text, &self.path.to_string_lossy(), &Folder(folder.clone()))
            .map_err(AccessFileError::Wrong)?;
        self.named = access.files().map(|file| folder.join(file)).collect();
        Ok(access)
    }

    fn apply(hub: &Arc<Hub>, access: Access) {
        access.take_over_keys(&hub.access.current());
        hub.access.replace(access);
        Fetches::follow(hub);
        for session in &hub.sessions {
            session.do_send(AccessChanged);
        }
    }

    fn reloads(metrics: &Metrics) -> &IntCounterVec {
        &metrics.access_reloads
    }
}

/// Where sessions find out who may do what.
#[derive(Debug)]
pub(crate) struct AccessInForce(RwLock<Arc<Access>>);

impl AccessInForce {
    pub(crate) fn new(access: Access) -> Self {
        AccessInForce(RwLock::new(Arc::new(access)))
    }

    pub(crate) fn current(&self) -> Arc<Access> {
        self.0.read().clone()
    }

    fn replace(&self, access: Access) {
        *self.0.write() = Arc::new(access);
    }
}
