//! Sees that a file has changed, and loads it.

use super::report::{InForce, ReloadReport};
use super::requests::RequestsForFile;
use super::watched_file::{ATTEMPTS, FileSnapshot, Observation, WatchedFile, load};
use crate::supervise::panic_message;
use prometheus::IntCounterVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, sleep};

/// How often files are looked at: with what follows, a change is in force within a second. Reading
/// them is sure where watching them is not: volumes of Kubernetes change by a link, and some file
/// systems tell nobody.
const EVERY: Duration = Duration::from_millis(800);
/// A file that changed is taken when nobody has written it for this long: a file that is saved in place
/// is empty, or half of it, for a moment, and half of a file may be right as it is.
const SETTLES: Duration = Duration::from_millis(100);

/// A file that is followed, and what is known of it.
struct FileWatcher<F> {
    file: F,
    /// What it was when it was loaded last.
    seen: FileSnapshot,
    /// Whether it was missing at the last look, and that was not said yet.
    missing: bool,
}

/// What was loaded, or why not.
type Loaded<F> = Result<<F as WatchedFile>::Loaded, String>;

impl<F: WatchedFile> FileWatcher<F> {
    /// Loads it as it is.
    fn load(&mut self) -> Loaded<F> {
        let (seen, loaded) = load(&mut self.file, load_or_why);
        (self.seen, self.missing) = (seen, false);
        loaded
    }

    /// What it is, if that is neither what was loaded nor likely to pass.
    fn change(&mut self) -> Option<Observation> {
        let observed = Observation::of(&self.file);
        let now = &observed.snapshot;
        let waits = *now == FileSnapshot::Missing && !self.missing && *now != self.seen;
        self.missing = waits;
        (*now != self.seen && !waits).then_some(observed)
    }

    /// Loads the file if nobody has written it since it was observed, nor writes it meanwhile.
    fn load_if(&mut self, observed: Observation) -> Option<Loaded<F>> {
        if Observation::of(&self.file) != observed {
            return None;
        }
        let loaded = load_or_why(&mut self.file);
        (Observation::of(&self.file) == observed).then(|| {
            self.seen = observed.snapshot;
            loaded
        })
    }
}

/// A panic while it is loaded, in a scrubber of the user's own perhaps, is an error of that file.
fn load_or_why<F: WatchedFile>(file: &mut F) -> Loaded<F> {
    match catch_unwind(AssertUnwindSafe(|| file.load())) {
        Ok(loaded) => loaded.map_err(|error| error.to_string()),
        Err(panic) => {
            let path = file.path().display();
            Err(format!("loading {path} panicked: {}", panic_message(&*panic)))
        }
    }
}

/// Not on this thread: a rule file runs its own tests.
async fn away<F: WatchedFile, T: Send + 'static>(
    mut followed: FileWatcher<F>,
    work: impl FnOnce(&mut FileWatcher<F>) -> T + Send + 'static,
) -> Result<(FileWatcher<F>, T), JoinError> {
    let work = move || {
        let done = work(&mut followed);
        (followed, done)
    };
    spawn_blocking(work).await
}

/// One look at a file: what is loaded, if it has changed.
async fn look<F: WatchedFile>(
    mut followed: FileWatcher<F>,
) -> Result<(FileWatcher<F>, Option<Loaded<F>>), JoinError> {
    for _ in 0..ATTEMPTS {
        let change;
        (followed, change) = away(followed, FileWatcher::change).await?;
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

/// Loads a file when it changes, and at once on SIGHUP or on request, for secrets that changed.
/// `seen` is the state in which it was loaded before, and `put_in_force` is handed what was loaded. A
/// file that is wrong changes nothing. `reloads` counts what became of it, by outcome.
pub(crate) async fn follow<F: WatchedFile>(
    watched: F,
    seen: FileSnapshot,
    mut requests: RequestsForFile,
    reloads: &IntCounterVec,
    put_in_force: impl Fn(F::Loaded) -> InForce,
) {
    let file = watched.path().display().to_string();
    let mut hangup = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::error!(%file, %error, "no reload on SIGHUP"))
        .ok();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut followed = FileWatcher { file: watched, seen, missing: false };
    loop {
        let mut answer = None;
        let forced = tokio::select! {
            _ = tick.tick() => false,
            Some(_) = next(&mut hangup) => true,
            Some(asker) = requests.recv() => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    /// A file of which any text is right.
    struct Plain(PathBuf);

    impl WatchedFile for Plain {
        type Loaded = String;
        type Error = io::Error;

        fn path(&self) -> &Path {
            &self.0
        }

        fn files(&self) -> Vec<&PathBuf> {
            vec![&self.0]
        }

        fn text(&self) -> io::Result<String> {
            fs::read_to_string(&self.0)
        }

        fn load(&mut self) -> io::Result<String> {
            self.text()
        }
    }

    /// The file system counts time in steps: writes until the last write is at another time than `before`.
    fn write_later(path: &Path, text: &str, before: &fs::Metadata) {
        while fs::metadata(path).unwrap().modified().unwrap() == before.modified().unwrap() {
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn a_file_that_was_written_meanwhile_is_not_taken_although_it_reads_as_before() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let file = Plain(path.clone());
        let seen = FileSnapshot::of(&file);
        let mut watcher = FileWatcher { file, seen, missing: false };
        // The save begins: the file is empty. Later another save begins.
        fs::write(&path, "").unwrap();
        let empty = watcher.change().expect("a change");
        write_later(&path, "whole", &fs::metadata(&path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(watcher.load_if(empty).is_none(), "the beginning of a save was taken");
        // Nobody writes it any more.
        fs::write(&path, "whole").unwrap();
        let whole = watcher.change().expect("a change");
        assert_eq!(watcher.load_if(whole).expect("it stayed").unwrap(), "whole");
        assert!(watcher.change().is_none());
    }
}
