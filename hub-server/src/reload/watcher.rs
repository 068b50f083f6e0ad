//! Notices that a file has changed, and loads it. Without this module, a changed file would have no
//! effect until somebody asks for a reload.

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

/// Each file is read at this interval. Together with the time in which a change settles, a change
/// is in force within a second. Notifications of the file system would be less certain: the files
/// in a volume of Kubernetes change because a link is replaced, and some file systems report no
/// changes.
const EVERY: Duration = Duration::from_millis(800);
/// A changed file is loaded if nobody has written it for this time. A file that is saved in place is
/// empty or incomplete for a moment, and half a file may be valid.
const SETTLES: Duration = Duration::from_millis(100);

/// Follows one file, and holds what is known of it.
struct FileWatcher<F> {
    file: F,
    /// The file was in this state when it was loaded last.
    seen: FileSnapshot,
    /// Is true if the last reading was the first one that found the file missing. The next reading
    /// reports that, unless the file is back.
    missing: bool,
}

/// Holds what was loaded, or the reason why nothing was.
type Loaded<F> = Result<<F as WatchedFile>::Loaded, String>;

impl<F: WatchedFile> FileWatcher<F> {
    /// Loads the file in its present state.
    fn load(&mut self) -> Loaded<F> {
        let (seen, loaded) = load(&mut self.file, load_or_why);
        (self.seen, self.missing) = (seen, false);
        loaded
    }

    /// Returns the present state of the file if it differs from the state that was loaded. A file
    /// that is missing for the first time is not returned yet, because a program may be replacing
    /// it.
    fn change(&mut self) -> Option<Observation> {
        let observed = Observation::of(&self.file);
        let now = &observed.snapshot;
        let waits = *now == FileSnapshot::Missing && !self.missing && *now != self.seen;
        self.missing = waits;
        (*now != self.seen && !waits).then_some(observed)
    }

    /// Loads the file. Returns `None` if the file was written since this observation or during the
    /// load.
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

/// Loads the file. A panic during the load, for example in a user's own scrubber, counts as an
/// error of the file.
fn load_or_why<F: WatchedFile>(file: &mut F) -> Loaded<F> {
    match catch_unwind(AssertUnwindSafe(|| file.load())) {
        Ok(loaded) => loaded.map_err(|error| error.to_string()),
        Err(panic) => {
            let path = file.path().display();
            Err(format!("loading {path} panicked: {}", panic_message(&*panic)))
        }
    }
}

/// Does `work` on another thread, because loading a rule file runs its tests, and clients would
/// wait meanwhile.
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

/// Reads the file, and loads it if it has changed. A file that is written meanwhile is tried again
/// a few times.
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

/// Loads a file when it changes, and at once on SIGHUP or on request, because secrets that the file
/// names may have changed. `seen` is the state in which the file was loaded before. The watcher
/// calls `put_in_force` with what was loaded. A file with an error changes nothing. `reloads`
/// counts the reloads by outcome.
pub(crate) async fn follow<F: WatchedFile>(
    watched: F,
    seen: FileSnapshot,
    mut requests: RequestsForFile,
    reloads: &IntCounterVec,
    put_in_force: impl Fn(F::Loaded) -> InForce,
) {
    let file = watched.path().display().to_string();
    let mut hangup = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::error!(%file, %error, "SIGHUP cannot reload the file"))
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
            true => on_another_thread(followed, |followed| Some(followed.load())).await,
            false => load_if_changed(followed).await,
        };
        let loaded;
        (followed, loaded) = match looked {
            Ok(looked) => looked,
            // Loading catches its own panics, so this error occurs only when the hub ends.
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

/// Returns the next signal. The future never resolves if signals are not available.
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

    /// Is a file in which every text is right.
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

    /// Writes until the last write has another time than `before`, because the file system counts
    /// time in steps.
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
        // A save begins, so the file is empty. Later another save begins.
        fs::write(&path, "").unwrap();
        let empty = watcher.change().expect("a change");
        write_later(&path, "whole", &fs::metadata(&path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(watcher.load_if(empty).is_none(), "the beginning of a save was taken");
        // The save ends, and nobody writes the file any more.
        fs::write(&path, "whole").unwrap();
        let whole = watcher.change().expect("a change");
        assert_eq!(watcher.load_if(whole).expect("it stayed").unwrap(), "whole");
        assert!(watcher.change().is_none());
    }
}
