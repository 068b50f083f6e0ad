//! Reads files on remote file systems in a process of their own. A process cannot end while one of its
//! threads waits for a file system whose server hangs, and SIGKILL does not change that. Without this
//! module, such a file system would keep a hub from ending.

use super::local::{self, FileStamp, MaxBytes};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

/// The first argument of a reader.
const ARGUMENT: &str = "__read-file-for-hub";
/// The line in front of the bytes is not longer than this.
const MAX_LINE: u64 = 4096;

/// Holds the program that reads. Without a program, the threads of this process read.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that reads files on remote file systems for this process, from now on. The
/// program has to call [`read_for_hub`] with its arguments before it does anything else.
pub fn read_remote_files_with(program: PathBuf) {
    // A second call comes from a second hub in the process, and names the same program.
    let _ = PROGRAM.set(program);
}

/// Reads a file if the arguments of this process say so, and returns the exit code. Returns `None`
/// if the process is no reader.
pub fn read_for_hub(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    // The reader ends with the hub.
    #[cfg(target_os = "linux")]
    let killed = rustix::process::Signal::KILL;
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(killed));
    let (most, path) = (arguments.next()?, PathBuf::from(arguments.next()?));
    let most = most.to_str().and_then(|most| most.parse().ok()).map(MaxBytes::fixed);
    let (line, bytes) = match local::stamp(&path) {
        Err(error) => (line_of_error(&error), Vec::new()),
        Ok(stamp) => match most.map(|most| local::read(&path, most)).transpose() {
            Ok(bytes) => (line_of(&stamp), bytes.unwrap_or_default()),
            Err(error) => (line_of_error(&error), Vec::new()),
        },
    };
    let mut out = io::stdout().lock();
    let written = out.write_all(line.as_bytes()).and_then(|()| out.write_all(&bytes));
    Some(if written.and_then(|()| out.flush()).is_ok() { ExitCode::SUCCESS } else { 1.into() })
}

/// Returns the program that is to read files on remote file systems, if there is one.
pub(super) fn program() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path)
}

/// Lets `program` read a file. With `most`, the result has the bytes of the file.
pub(super) fn ask(
    program: &Path,
    path: &Path,
    most: Option<MaxBytes>,
) -> io::Result<(FileStamp, Vec<u8>)> {
    let limit = most.map_or_else(|| "-".to_owned(), |most| most.bytes.to_string());
    let arguments = [OsStr::new(ARGUMENT), OsStr::new(&limit), path.as_os_str()];
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let mut answer = Vec::new();
    let bytes = most.map_or(0, |most| most.bytes);
    let read = match child.stdout.take() {
        Some(out) => out.take(bytes.saturating_add(MAX_LINE)).read_to_end(&mut answer),
        None => Ok(0),
    };
    child.wait()?;
    read?;
    let end = answer.iter().position(|byte| *byte == b'\n').unwrap_or(answer.len());
    let contents = answer.split_off((end + 1).min(answer.len()));
    let line = String::from_utf8_lossy(&answer);
    let line = line.trim_end();
    match stamp_of(line) {
        Some(stamp) => Ok((stamp, contents)),
        None => Err(error_of(line, most)),
    }
}

fn line_of(stamp: &FileStamp) -> String {
    let FileStamp { device, inode, bytes, modified: (seconds, nanos), is_file } = stamp;
    format!("ok {device} {inode} {bytes} {seconds} {nanos} {is_file}\n")
}

fn stamp_of(line: &str) -> Option<FileStamp> {
    let fields: Vec<&str> = line.strip_prefix("ok ")?.split(' ').collect();
    let [device, inode, bytes, seconds, nanos, is_file] = fields[..] else { return None };
    Some(FileStamp {
        device: device.parse().ok()?,
        inode: inode.parse().ok()?,
        bytes: bytes.parse().ok()?,
        modified: (seconds.parse().ok()?, nanos.parse().ok()?),
        is_file: is_file.parse().ok()?,
    })
}

/// The line has the number of the error for the operating system, and its text.
fn line_of_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::FileTooLarge => "too large\n".to_owned(),
        _ => format!("error {} {error}\n", error.raw_os_error().unwrap_or(0)),
    }
}

fn error_of(line: &str, most: Option<MaxBytes>) -> io::Error {
    if let (Some(most), "too large") = (most, line) {
        return most.exceeded();
    }
    let Some((number, text)) = line.strip_prefix("error ").and_then(|rest| rest.split_once(' '))
    else {
        return io::Error::other("the process that reads it has failed");
    };
    match number.parse() {
        Ok(0) | Err(_) => io::Error::new(io::ErrorKind::InvalidInput, text.to_owned()),
        Ok(number) => io::Error::from_raw_os_error(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_writes_is_read_back() {
        for bytes in [0, 7, u64::MAX] {
            let modified = (-1, 999_999_999);
            let stamp = FileStamp { device: 1, inode: bytes, bytes, modified, is_file: true };
            assert_eq!(stamp_of(line_of(&stamp).trim_end()), Some(stamp));
        }
        let most = MaxBytes { bytes: 9, key: "of_a_test" };
        for error in [
            io::Error::from_raw_os_error(2),
            io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe"),
            most.exceeded(),
        ] {
            let line = line_of_error(&error);
            let got = error_of(line.trim_end(), Some(most));
            assert_eq!((got.kind(), got.to_string()), (error.kind(), error.to_string()));
        }
        assert!(error_of("", None).to_string().contains("has failed"));
    }

    #[test]
    fn other_processes_are_no_readers() {
        assert!(read_for_hub(["hub", "serve"].map(OsString::from)).is_none());
        assert!(read_for_hub([]).is_none());
    }
}
