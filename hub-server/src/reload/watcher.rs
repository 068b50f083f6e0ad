//! Notices that a file has changed, and loads it. Without it, a changed file would have no effect until
//! somebody asks for a reload.

use super::report::{InForce, ReloadReport};
use super::requests::ReloadRequests;
use super::watched_file::{ATTEMPTS, FileSnapshot, WatchedFile, load};
use crate::supervise::panic_message;
use prometheus::IntCounterVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, sleep};

/// How often files are read. With the times below, a change is in force within a second. Watching
/// files would be less certain: volumes of Kubernetes change by a link, and some file systems
/// report no changes.
const EVERY: Duration = Duration::from_millis(800);
/// A changed file is loaded if it is unchanged for this time. A file that is saved in place is
/// empty or incomplete for a moment, and half a file may be valid.
const SETTLES: Duration = Duration::from_millis(100);

/// A file that is followed, and what is known of it.
struct FileWatcher<F> {
    file: F,
    /// The state of the file when it was loaded last.
    seen: FileSnapshot,
    /// Whether the file was missing at the last reading, and that is not reported yet.
    missing: bool,
}

/// What was loaded, or why nothing was.
type Loaded<F> = Result<<F as WatchedFile>::Loaded, String>;

impl<F: WatchedFile> FileWatcher<F> {
    /// Loads the file in its present state.
    fn load(&mut self) -> Loaded<F> {
        let (seen, loaded) = load(&mut self.file, load_or_why);
        (self.seen, self.missing) = (seen, false);
        loaded
    }

    /// The present state of the file, if it differs from the loaded one and is not likely to pass.
    fn change(&mut self) -> Option<FileSnapshot> {
        let now = FileSnapshot::of(&self.file);
        let waits = now == FileSnapshot::Missing && !self.missing && now != self.seen;
        self.missing = waits;
        (now != self.seen && !waits).then_some(now)
    }

    /// Loads the file if it is in this state both before and after loading.
    fn load_if(&mut self, wanted: FileSnapshot) -> Option<Loaded<F>> {
        if FileSnapshot::of(&self.file) != wanted {
            return None;
        }
        let loaded = load_or_why(&mut self.file);
        (FileSnapshot::of(&self.file) == wanted).then(|| {
            self.seen = wanted;
            loaded
        })
    }
}

/// Loads the file. A panic meanwhile, for example in a user's own scrubber, is an error of the
/// file.
fn load_or_why<F: WatchedFile>(file: &mut F) -> Loaded<F> {
    match catch_unwind(AssertUnwindSafe(|| file.load())) {
        Ok(loaded) => loaded.map_err(|error| error.to_string()),
        Err(panic) => {
            let path = file.path().display();
            Err(format!("loading {path} panicked: {}", panic_message(&*panic)))
        }
    }
}

/// Does `work` on another thread, because loading a rule file runs its tests.
async fn on_another_thread<F: WatchedFile, T: Send + 'static>(
    mut followed: FileWatcher<F>,
    work: impl FnOnce(&mut FileWatcher<F>) -> T + Send + 'static,
) -> Result<(FileWatcher<F>, T), JoinError> {
    let work = move || {
        let done = work(&mut followed);
        (followed, done)
    };
    spawn_blocking(work).await
}

/// Reads the file once, and loads it if it has changed.
async fn load_if_changed<F: WatchedFile>(
    mut followed: FileWatcher<F>,
) -> Result<(FileWatcher<F>, Option<Loaded<F>>), JoinError> {
    for _ in 0..ATTEMPTS {
        let change;
        (followed, change) = on_another_thread(followed, FileWatcher::change).await?;
        let Some(now) = change else { break };
        sleep(SETTLES).await;
        let loaded;
        (followed, loaded) = on_another_thread(followed, |followed| followed.load_if(now)).await?;
        if loaded.is_some() {
            return Ok((followed, loaded));
        }
    }
    Ok((followed, None))
}

/// Loads a file when it changes, and at once on SIGHUP or on request, because secrets may have
/// changed. `seen` is the state in which the file was loaded before. Calls `put_in_force` with what
/// was loaded. A file with an error changes nothing. `reloads` counts the reloads by outcome.
pub(crate) async fn follow<F: WatchedFile>(
    watched: F,
    seen: FileSnapshot,
    requests: &ReloadRequests,
    reloads: &IntCounterVec,
    put_in_force: impl Fn(F::Loaded) -> InForce,
) {
    let file = watched.path().display().to_string();
    let mut hangup = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::error!(%file, %error, "SIGHUP cannot reload the file"))
        .ok();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked = requests.register();
    let mut followed = FileWatcher { file: watched, seen, missing: false };
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
            true => on_another_thread(followed, |followed| Some(followed.load())).await,
            false => load_if_changed(followed).await,
        };
        let loaded;
        (followed, loaded) = match looked {
            Ok(looked) => looked,
            // Loading catches its own panics, so this happens only when the hub ends.
            Err(error) => {
                return tracing::error!(%file, %error, "the file is not followed any more");
            }
        };
        let Some(loaded) = loaded else { continue };
        let applied = loaded.and_then(|loaded| {
            let apply = AssertUnwindSafe(|| put_in_force(loaded));
            catch_unwind(apply).map_err(|panic| format!("panicked: {}", panic_message(&*panic)))
        });
        let outcome = ReloadReport { file: file.clone(), applied };
        match &outcome.applied {
            Ok(in_force) => tracing::info!(%file, %in_force, "taken over"),
            Err(error) => tracing::error!(%file, %error, "what was in force stays in force"),
        }
        reloads.with_label_values(&[outcome.name()]).inc();
        if let Some(asker) = answer {
            // The administrator who asked may be gone.
            let _ = asker.send(outcome);
        }
    }
}

/// The next signal. It never comes if signals are not available.
async fn next(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}
