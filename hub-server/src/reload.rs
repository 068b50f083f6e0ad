//! Takes over files that change while the hub runs: the rules of the scrub, who may do what,
//! certificates, and limits.

use crate::access::{Access, AccessError, Folder};
use crate::hub::Hub;
use crate::jwks::Fetches;
use crate::metrics::Metrics;
use crate::session::AccessChanged;
use crate::supervise::panic_message;
use crate::text;
use futures_util::future::join_all;
use parking_lot::{Mutex, RwLock};
use prometheus::IntCounterVec;
use std::fmt::{self, Display};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, sleep};

/// How often files are looked at: with what follows, a change is in force within a second. Reading
/// them is sure where watching them is not: volumes of Kubernetes change by a link, and some file
/// systems tell nobody.
const EVERY: Duration = Duration::from_millis(800);
/// A file that changed is taken when it is still the same after this: a file that is saved in place
/// is empty, or half of it, for a moment, and half of a file may be right as it is.
const SETTLES: Duration = Duration::from_millis(100);
/// How often it is read, at one look, for two readings that agree.
const ATTEMPTS: usize = 3;

/// A file, perhaps with others that it names.
pub(crate) trait Source: Send + Sized + 'static {
    type Loaded: Send;
    type Error: Display + Send;

    fn path(&self) -> &Path;

    /// Everything on which what is loaded depends, or why a part of it cannot be read.
    fn text(&self) -> io::Result<String>;

    /// Reads and checks it.
    fn load(&mut self) -> Result<Self::Loaded, Self::Error>;

    /// Puts it into force, and says what that is.
    fn apply(hub: &Arc<Hub>, loaded: Self::Loaded) -> InForce;

    /// Where it is counted, by outcome.
    fn reloads(metrics: &Metrics) -> &IntCounterVec;
}

/// What a source was like at a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    /// It may be being replaced.
    Missing,
    /// With the cause, since another one is news.
    Unreadable(String),
}

impl Seen {
    pub(crate) fn of(source: &impl Source) -> Self {
        match source.text() {
            Ok(text) => Seen::Text(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Missing,
            Err(error) => Seen::Unreadable(error.to_string()),
        }
    }
}

/// Loads a source, and says what it was like then.
pub(crate) fn load<S: Source, T>(source: &mut S, mut load: impl FnMut(&mut S) -> T) -> (Seen, T) {
    let mut seen = Seen::of(source);
    for _ in 1..ATTEMPTS {
        let loaded = load(source);
        // Only now is it known which files it names.
        let after = Seen::of(source);
        if after == seen {
            return (seen, loaded);
        }
        seen = after;
    }
    let loaded = load(source);
    (seen, loaded)
}

/// What a file has put into force.
#[derive(Debug, Clone)]
pub(crate) enum InForce {
    /// All that is in it: `3 rules`.
    All(String),
    /// Of a configuration, the keys that are different from when the hub was started, without
    /// their values: it may have changed again just before somebody asks.
    Keys {
        applied: Vec<&'static str>,
        /// These stay as they were.
        needs_restart: Vec<&'static str>,
    },
}

impl Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (applied, needs_restart) = match self {
            InForce::All(what) => return f.write_str(what),
            InForce::Keys { applied, needs_restart } => (applied, needs_restart),
        };
        match &applied[..] {
            [] => f.write_str("as at the start")?,
            keys => write!(f, "changed since the start: {}", keys.join(", "))?,
        }
        match &needs_restart[..] {
            [] => Ok(()),
            keys => write!(f, "; only a restart changes {}", keys.join(", ")),
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    file: String,
    /// What came into force, or why nothing did.
    applied: Result<InForce, String>,
}

impl Outcome {
    pub(crate) fn is_applied(&self) -> bool {
        self.applied.is_ok()
    }

    /// In one word.
    fn name(&self) -> &'static str {
        if self.is_applied() { "applied" } else { "refused" }
    }

    /// The keys that a restart would change.
    pub(crate) fn needs_restart(&self) -> &[&'static str] {
        match &self.applied {
            Ok(InForce::Keys { needs_restart, .. }) => needs_restart,
            _ => &[],
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut shown = serde_json::json!({
            "file": self.file,
            "outcome": self.name(),
            "in_force": self.applied.as_ref().ok().map(ToString::to_string),
            "error": self.applied.as_ref().err(),
        });
        if let Ok(InForce::Keys { applied, needs_restart }) = &self.applied {
            (shown["applied"], shown["needs_restart"]) =
                (applied.clone().into(), needs_restart.clone().into());
        }
        shown
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

/// A source, and what is known of it.
struct Followed<S> {
    source: S,
    /// What it was when it was loaded last.
    seen: Seen,
    /// Whether it was missing at the last look, and that was not said yet.
    missing: bool,
}

/// What was loaded, or why not.
type Loaded<S> = Result<<S as Source>::Loaded, String>;

impl<S: Source> Followed<S> {
    /// Loads it as it is.
    fn load(&mut self) -> Loaded<S> {
        let (seen, loaded) = load(&mut self.source, load_or_why);
        (self.seen, self.missing) = (seen, false);
        loaded
    }

    /// What it is, if that is neither what was loaded nor likely to pass.
    fn change(&mut self) -> Option<Seen> {
        let now = Seen::of(&self.source);
        let waits = now == Seen::Missing && !self.missing && now != self.seen;
        self.missing = waits;
        (now != self.seen && !waits).then_some(now)
    }

    /// Loads it if it is this, before and behind.
    fn load_if(&mut self, wanted: Seen) -> Option<Loaded<S>> {
        if Seen::of(&self.source) != wanted {
            return None;
        }
        let loaded = load_or_why(&mut self.source);
        (Seen::of(&self.source) == wanted).then(|| {
            self.seen = wanted;
            loaded
        })
    }
}

/// A panic while it is loaded, in a scrubber of the user's own perhaps, is an error of that file.
fn load_or_why<S: Source>(source: &mut S) -> Loaded<S> {
    match catch_unwind(AssertUnwindSafe(|| source.load())) {
        Ok(loaded) => loaded.map_err(|error| error.to_string()),
        Err(panic) => {
            let path = source.path().display();
            Err(format!("loading {path} panicked: {}", panic_message(&*panic)))
        }
    }
}

/// Not on this thread: a rule file runs its own tests.
async fn away<S: Source, T: Send + 'static>(
    mut followed: Followed<S>,
    work: impl FnOnce(&mut Followed<S>) -> T + Send + 'static,
) -> Result<(Followed<S>, T), JoinError> {
    let work = move || {
        let done = work(&mut followed);
        (followed, done)
    };
    spawn_blocking(work).await
}

/// One look at a source: what is loaded, if it has changed.
async fn look<S: Source>(
    mut followed: Followed<S>,
) -> Result<(Followed<S>, Option<Loaded<S>>), JoinError> {
    for _ in 0..ATTEMPTS {
        let change;
        (followed, change) = away(followed, Followed::change).await?;
        let Some(now) = change else { break };
        sleep(SETTLES).await;
        let loaded;
        (followed, loaded) = away(followed, |followed| followed.load_if(now)).await?;
        if loaded.is_some() {
            return Ok((followed, loaded));
        }
    }
    Ok((followed, None))
}

/// Loads a source when it changes, and at once on SIGHUP or when asked, for secrets that changed.
/// `seen` is what it was when it was loaded. What is wrong changes nothing.
pub(crate) async fn follow<S: Source>(hub: Arc<Hub>, source: S, seen: Seen) {
    let file = source.path().display().to_string();
    let mut hangup = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::error!(%file, %error, "no reload on SIGHUP"))
        .ok();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked = hub.reloads.register();
    let mut followed = Followed { source, seen, missing: false };
    loop {
        let mut answer = None;
        let forced = tokio::select! {
            _ = tick.tick() => false,
            Some(_) = next(&mut hangup) => true,
            Some(asker) = asked.recv() => {
                answer = Some(asker);
                true
            }
        };
        let looked = match forced {
            true => away(followed, |followed| Some(followed.load())).await,
            false => look(followed).await,
        };
        let loaded;
        (followed, loaded) = match looked {
            Ok(looked) => looked,
            // Loading catches its own panics, and nobody cancels it but the end of the hub.
            Err(error) => return tracing::error!(%file, %error, "not followed any more"),
        };
        let Some(loaded) = loaded else { continue };
        let applied = loaded.and_then(|loaded| {
            let apply = AssertUnwindSafe(|| S::apply(&hub, loaded));
            catch_unwind(apply).map_err(|panic| format!("panicked: {}", panic_message(&*panic)))
        });
        let outcome = Outcome { file: file.clone(), applied };
        match &outcome.applied {
            Ok(in_force) => tracing::info!(%file, %in_force, "taken over"),
            Err(error) => tracing::error!(%file, %error, "what was in force stays in force"),
        }
        S::reloads(&hub.metrics).with_label_values(&[outcome.name()]).inc();
        if let Some(asker) = answer {
            // Whoever asked may have gone.
            let _ = asker.send(outcome);
        }
    }
}

/// The next signal, if signals come at all.
async fn next(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Why an access file is not used.
#[derive(Debug, Error)]
pub enum AccessFileError {
    /// It cannot be read.
    #[error("cannot read the access file {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says, or the line that is not UTF-8.
        cause: io::Error,
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

    fn text(&self) -> io::Result<String> {
        std::iter::once(&self.path).chain(&self.named).map(|file| text::read(file)).collect()
    }

    fn load(&mut self) -> Result<Access, AccessFileError> {
        let text = text::read(&self.path)
            .map_err(|cause| AccessFileError::Read { path: self.path.clone(), cause })?;
        let folder = self.folder();
        let access = Access::load(&text, &self.path.to_string_lossy(), &Folder(folder.clone()))
            .map_err(AccessFileError::Wrong)?;
        self.named = access.files().map(|file| folder.join(file)).collect();
        Ok(access)
    }

    fn apply(hub: &Arc<Hub>, access: Access) -> InForce {
        let in_force = access.summary();
        access.take_over_keys(&hub.access.current());
        hub.access.replace(access);
        Fetches::follow(hub);
        for session in &hub.sessions {
            session.do_send(AccessChanged);
        }
        InForce::All(in_force)
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
