//! Notices that a file has changed, and loads it. Without this module, a changed file would have no
//! effect until somebody asks for a reload.

use super::report::{InForce, ReloadReport};
use super::requests::RequestsForFile;
use super::stale_files::StandingRefusal;
use super::watched_file::{ATTEMPTS, FileSnapshot, Observation, WatchedFile, load};
use crate::bounded_read;
use crate::supervise::panic_message;
use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGauge};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
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
    /// Loads the file in its present state, and asks its file system anew if it did not answer
    /// before.
    fn load_anew(&mut self) -> Loaded<F> {
        self.file.files().into_iter().for_each(|path| bounded_read::end_pause(path));
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

/// Does `work` on another thread. Loading a rule file runs its tests, and clients would wait
/// meanwhile. A file system may never answer, so the hub does not wait for the thread when it stops.
async fn on_another_thread<F: WatchedFile, T: Send + 'static>(
    followed: &Arc<Mutex<FileWatcher<F>>>,
    work: impl FnOnce(&mut FileWatcher<F>) -> T + Send + 'static,
) -> io::Result<T> {
    let (answer, answered) = oneshot::channel();
    let followed = followed.clone();
    std::thread::Builder::new().name("hub-reload".to_owned()).spawn(move || {
        let done = work(&mut followed.lock());
        // The hub may have stopped meanwhile.
        let _ = answer.send(done);
    })?;
    answered.await.map_err(|_| io::Error::other("reading it panicked"))
}

/// Reads the file, and loads it if it has changed. A file that is written meanwhile is tried again
/// a few times.
async fn load_if_changed<F: WatchedFile>(
    followed: &Arc<Mutex<FileWatcher<F>>>,
) -> io::Result<Option<Loaded<F>>> {
    for _ in 0..ATTEMPTS {
        let Some(now) = on_another_thread(followed, FileWatcher::change).await? else { break };
        sleep(SETTLES).await;
        let loaded = on_another_thread(followed, |followed| followed.load_if(now)).await?;
        if loaded.is_some() {
            return Ok(loaded);
        }
    }
    Ok(None)
}

/// Holds the metrics of one kind of file.
pub(crate) struct ReloadMetrics<'a> {
    /// Counts the reloads by outcome.
    pub(crate) reloads: &'a IntCounterVec,
    /// Is 1 while the file is stale.
    pub(crate) stale: IntGauge,
}

/// Loads a file when it changes, and at once on SIGHUP or on request, because secrets that the file
/// names may have changed. `seen` is the state in which the file was loaded before. The watcher
/// calls `put_in_force` with what was loaded. A file with an error changes nothing, and is reported
/// at once and then again for as long as that lasts.
pub(crate) async fn follow<F: WatchedFile>(
    watched: F,
    seen: FileSnapshot,
    mut requests: RequestsForFile,
    metrics: ReloadMetrics<'_>,
    put_in_force: impl Fn(F::Loaded) -> InForce,
) {
    let file = watched.path().display().to_string();
    let mut hangup = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::error!(%file, %error, "SIGHUP cannot reload the file"))
        .ok();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let followed = Arc::new(Mutex::new(FileWatcher { file: watched, seen, missing: false }));
    let mut refusal: Option<StandingRefusal> = None;
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
            true => on_another_thread(&followed, |followed| Some(followed.load_anew())).await,
            false => load_if_changed(&followed).await,
        };
        let loaded = match looked {
            Ok(loaded) => loaded,
            // There was no thread, for example. This is reported like a file that cannot be read.
            Err(error) => {
                let why = format!("cannot look at {file}: {error}");
                let known = refusal.as_ref().is_some_and(|refusal| refusal.why == why);
                if let Some(mut followed) = followed.try_lock() {
                    followed.seen = FileSnapshot::Unreadable(why.clone());
                }
                (forced || !known).then_some(Err(why))
            }
        };
        let Some(loaded) = loaded else {
            if let Some(refusal) = &mut refusal
                && refusal.is_due(Instant::now())
            {
                let error = &refusal.why;
                tracing::error!(%file, %error, "the file still cannot be used; what was in force before stays in force");
            }
            continue;
        };
        let applied = loaded.and_then(|loaded| {
            let apply = AssertUnwindSafe(|| put_in_force(loaded));
            catch_unwind(apply).map_err(|panic| format!("panicked: {}", panic_message(&*panic)))
        });
        let outcome = ReloadReport { file: file.clone(), applied };
        refusal = match &outcome.applied {
            Ok(in_force) => {
                tracing::info!(%file, %in_force, "taken over");
                None
            }
            Err(error) => {
                tracing::error!(%file, %error, "what was in force stays in force");
                Some(StandingRefusal::new(error.clone(), Instant::now()))
            }
        };
        metrics.stale.set(i64::from(refusal.is_some()));
        metrics.reloads.with_label_values(&[outcome.name()]).inc();
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
    use std::cell::Cell;
    use std::fs;
    use std::path::{Path, PathBuf};

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

    /// Is a file on a file system that hangs until the access with this number is made.
    struct Hangs {
        path: PathBuf,
        accesses: Cell<usize>,
        until: usize,
    }

    impl WatchedFile for Hangs {
        type Loaded = String;
        type Error = io::Error;

        fn path(&self) -> &Path {
            &self.path
        }

        fn files(&self) -> Vec<&PathBuf> {
            vec![&self.path]
        }

        fn text(&self) -> io::Result<String> {
            self.accesses.set(self.accesses.get() + 1);
            if self.accesses.get() < self.until {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "hangs"));
            }
            // Until here, the stamp of the file could not be had either.
            if !self.path.exists() {
                fs::write(&self.path, "back").unwrap();
            }
            fs::read_to_string(&self.path)
        }

        fn load(&mut self) -> io::Result<String> {
            self.text()
        }
    }

    /// The file is in force after the first look that is answered. A look begins [`EVERY`], and waits for the
    /// file to settle. A file system that answers in the middle of a look costs that look one more wait, and no
    /// time before it.
    #[test]
    fn a_file_that_hung_is_in_force_within_a_second() {
        assert!(EVERY + SETTLES < Duration::from_secs(1) && SETTLES * 3 < EVERY);
        let folder = tempfile::TempDir::new().unwrap();
        for until in 1..8 {
            let path = folder.path().join(until.to_string());
            let file = Hangs { path, accesses: Cell::new(0), until };
            let seen = FileSnapshot::Unreadable("hangs".to_owned());
            let mut watcher = FileWatcher { file, seen, missing: false };
            for access in 1..until {
                assert!(watcher.change().is_none(), "{access} is not answered");
            }
            // The first observation is without a stamp, so it counts as a file that is being written.
            let first = watcher.change().expect("it is there");
            assert!(watcher.load_if(first).is_none());
            let second = watcher.change().expect("it is there");
            assert_eq!(watcher.load_if(second).expect("it stayed").unwrap(), "back");
            assert!(watcher.change().is_none());
        }
    }
}
