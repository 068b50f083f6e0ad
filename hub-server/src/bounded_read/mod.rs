//! Reads files that may be anything: of any size, a pipe, a device, or a file on a file system that does
//! not answer. Without this module, one such file would take all memory, or hold the thread that
//! reads it for ever.
//!
//! Each access to a file runs on a thread of its own. Nothing waits for that thread longer than
//! [`PATIENCE`], and nothing waits for it when the process ends.
//!
//! - [`local`] reads a file in this process.
//! - [`mounts`] finds out whether a path leads to a remote file system.
//! - [`reader_process`] reads the files there in a process of their own.

mod local;
mod mounts;
mod reader_process;

pub(crate) use self::local::{FileStamp, MaxBytes};
use self::mounts::Mounts;
pub use self::reader_process::{read_for_hub, read_remote_files_with};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// A file system has this long to answer. A disk that has to start first needs less.
const PATIENCE: Duration = Duration::from_secs(5);
/// After an access that was not answered in time, the path is left alone for the first of these
/// times, and then for twice as long after each further one, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// At most this many accesses to one path may be unanswered at a time, because each holds a thread.
const MAX_UNANSWERED: usize = 64;

/// Holds the accesses to one path that were not answered in time.
#[derive(Debug)]
struct Unanswered {
    threads: usize,
    pause: Duration,
    /// The path is left alone until this time.
    until: Instant,
}

/// Holds the paths with unanswered accesses. The number of paths is that of the files that the hub
/// follows.
static UNANSWERED: Mutex<BTreeMap<PathBuf, Unanswered>> = Mutex::new(BTreeMap::new());

/// Reads a file.
///
/// # Errors
/// Returns an error if the file cannot be read, is no regular file or a link to one, has more bytes
/// than `most`, or if its file system does not answer.
pub(crate) fn read(path: &Path, most: MaxBytes) -> io::Result<Vec<u8>> {
    let file = path.to_owned();
    within(PATIENCE, path, move || match reader_for(&file) {
        Some(program) => reader_process::ask(program, &file, Some(most)).map(|(_, bytes)| bytes),
        None => local::read(&file, most),
    })?
}

/// Returns the stamp of a file.
///
/// # Errors
/// Returns the error of the operating system, or an error if the file system does not answer.
pub(crate) fn stamp(path: &Path) -> io::Result<FileStamp> {
    let file = path.to_owned();
    within(PATIENCE, path, move || match reader_for(&file) {
        Some(program) => reader_process::ask(program, &file, None).map(|(stamp, _)| stamp),
        None => local::stamp(&file),
    })?
}

/// Returns the program that has to read this file, if this process should not.
fn reader_for(path: &Path) -> Option<&'static Path> {
    reader_process::program().filter(|_| Mounts::current().is_remote(path))
}

/// Ends the pause of a path, so that the next access is made at once. An administrator who asks for
/// a reload has often just repaired the file system.
pub(crate) fn end_pause(path: &Path) {
    if let Some(unanswered) = UNANSWERED.lock().get_mut(path) {
        unanswered.until = Instant::now();
    }
}

/// Does `work`, an access to `path`, on another thread, and waits for it for at most `patience`. The
/// text of the error is always equal, so that a watcher reports it once.
fn within<T: Send + 'static>(
    patience: Duration,
    path: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let is_left_alone = |unanswered: &Unanswered| {
        unanswered.until > Instant::now() || unanswered.threads >= MAX_UNANSWERED
    };
    if UNANSWERED.lock().get(path).is_some_and(is_left_alone) {
        return Err(no_answer());
    }
    let (answer, answered) = sync_channel(1);
    let file = path.to_owned();
    thread::Builder::new().name("hub-file".to_owned()).spawn(move || {
        let done = work();
        let mut unanswered = UNANSWERED.lock();
        // Sending fails if nobody waits for the answer any more.
        if answer.send(done).is_err() {
            came_late(&mut unanswered, &file);
        }
    })?;
    match answered.recv_timeout(patience) {
        Ok(done) => return Ok(done),
        Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("reading it panicked")),
        Err(RecvTimeoutError::Timeout) => {}
    }
    let mut unanswered = UNANSWERED.lock();
    // The thread answers under this lock, so the answer came before, or it comes too late.
    if let Ok(done) = answered.try_recv() {
        return Ok(done);
    }
    drop(answered);
    let (first, longest) = PAUSES;
    let known = unanswered.entry(path.to_owned());
    let now = known.or_insert(Unanswered { threads: 0, pause: first / 2, until: Instant::now() });
    now.threads += 1;
    now.pause = (now.pause * 2).min(longest);
    now.until = Instant::now() + now.pause;
    Err(no_answer())
}

/// Notes that an access was answered late. The file system answers again, so the pause of the path
/// is over.
fn came_late(unanswered: &mut BTreeMap<PathBuf, Unanswered>, path: &Path) {
    if let Some(now) = unanswered.get_mut(path) {
        now.threads -= 1;
        (now.pause, now.until) = (PAUSES.0 / 2, Instant::now());
        if now.threads == 0 {
            unanswered.remove(path);
        }
    }
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "its file system does not answer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const SHORT: Duration = Duration::from_millis(20);

    /// Starts an access that is answered when a value is sent. Returns what the caller got.
    fn hang(path: &Path) -> (Sender<u8>, io::Result<u8>) {
        let (send, receive): (_, Receiver<u8>) = channel();
        (send, within(SHORT, path, move || receive.recv().unwrap_or(0)))
    }

    #[test]
    fn an_access_without_an_answer_ends_and_is_not_repeated_at_once() {
        let path = Path::new("/of/a/test/that/hangs");
        let (first, got) = hang(path);
        assert_eq!(got.unwrap_err().to_string(), no_answer().to_string());
        // The second access does not even begin.
        let refused = within(SHORT, path, || panic!("a fault that this test is about"));
        let refused: io::Result<()> = refused;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let others = within(Duration::from_secs(60), Path::new("/of/a/test"), || 7);
        assert_eq!(others.unwrap(), 7, "another path has no pause");
        // On request, the path is tried again, and the late answer of the first access takes
        // nothing away from the second one.
        end_pause(path);
        let (second, got) = hang(path);
        assert!(got.is_err());
        assert_eq!(UNANSWERED.lock()[path].threads, 2);
        first.send(1).unwrap();
        second.send(2).unwrap();
        while UNANSWERED.lock().contains_key(path) {
            thread::yield_now();
        }
        assert_eq!(within(Duration::from_secs(60), path, || 8).unwrap(), 8);
    }

    #[test]
    fn the_threads_that_hang_are_bounded() {
        let path = Path::new("/of/a/test/that/hangs/often");
        let mut hanging = Vec::new();
        for _ in 0..MAX_UNANSWERED + 5 {
            end_pause(path);
            let (send, receive): (_, Receiver<u8>) = channel();
            hanging.push(send);
            let got = within(Duration::ZERO, path, move || receive.recv());
            assert!(got.is_err());
        }
        assert_eq!(UNANSWERED.lock()[path].threads, MAX_UNANSWERED);
        drop(hanging);
        while UNANSWERED.lock().contains_key(path) {
            thread::yield_now();
        }
    }

    #[test]
    fn only_files_within_the_limit_are_read() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [b'a'; 100]).unwrap();
        let limit = MaxBytes { bytes: 100, key: "of_a_test" };
        assert_eq!(read(&path, limit).unwrap().len(), 100);
        let error = read(&path, MaxBytes { bytes: 99, ..limit }).unwrap_err().to_string();
        assert!(error.contains("more than 99 bytes") && error.contains("`of_a_test`"), "{error}");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for (path, cause) in [
            (pipe.as_path(), "is a pipe"),
            (Path::new("/dev/zero"), "a device"),
            (folder.path(), "Is a directory"),
            (Path::new("/of/a/test/of/nothing"), "No such file"),
        ] {
            let error = read(path, limit).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }
}
