//! Finds out whether a path leads to a file system whose server may hang, without touching that file
//! system. A question to the file system itself, such as its type, could hang.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// File systems whose types begin like this have a server: another program or another machine.
const REMOTE: [&str; 14] = [
    "fuse",
    "nfs",
    "cifs",
    "smb",
    "9p",
    "ceph",
    "afs",
    "virtiofs",
    "lustre",
    "glusterfs",
    "gpfs",
    "beegfs",
    "orangefs",
    "autofs",
];
/// At most this many links are followed, as the system does.
const MAX_LINKS: usize = 40;

/// Holds the mounted file systems, in the order in which they were mounted.
pub(super) struct Mounts(Vec<Mount>);

struct Mount {
    point: PathBuf,
    is_remote: bool,
}

impl Mounts {
    /// Returns the mounts of this process. There are none if the system does not tell them.
    pub(super) fn current() -> Self {
        Mounts::parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
    }

    /// Reads the format of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
    fn parse(table: &[u8]) -> Self {
        let mount = |line: &[u8]| {
            let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
            let dash = fields.iter().position(|field| *field == b"-")?;
            let kind = String::from_utf8_lossy(fields.get(dash + 1)?);
            let point = PathBuf::from(OsString::from_vec(unescape(fields.get(4)?)));
            // If the root itself hangs, the hub hangs whatever reads its files.
            let is_remote = point != Path::new("/") && REMOTE.iter().any(|r| kind.starts_with(r));
            Some(Mount { point, is_remote })
        };
        Mounts(table.split(|byte| *byte == b'\n').filter_map(mount).collect())
    }

    /// Returns whether the path, or a link on the way to its file, is on a remote file system.
    pub(super) fn is_remote(&self, path: &Path) -> bool {
        if !self.0.iter().any(|mount| mount.is_remote) {
            return false;
        }
        let Ok(path) = std::path::absolute(path) else { return false };
        let mut links = 0;
        let (mut done, mut rest) = (PathBuf::from("/"), components(&path));
        while let Some(next) = rest.pop() {
            match next.as_os_str().to_str() {
                Some("..") => {
                    done.pop();
                    continue;
                }
                _ => done.push(next),
            }
            if self.is_on_remote(&done) {
                return true;
            }
            // The path is local so far, so this question is answered.
            let Ok(target) = std::fs::read_link(&done) else { continue };
            links += 1;
            if links > MAX_LINKS {
                return false;
            }
            done.pop();
            if target.is_absolute() {
                done = PathBuf::from("/");
            }
            rest.extend(components(&target));
        }
        false
    }

    /// Returns whether a path without links is on a remote file system. Of several mounts at one
    /// point, the last one counts.
    fn is_on_remote(&self, path: &Path) -> bool {
        let above = self.0.iter().filter(|mount| path.starts_with(&mount.point));
        let nearest = above.max_by_key(|mount| mount.point.components().count());
        nearest.is_some_and(|mount| mount.is_remote)
    }
}

/// Returns the components of a path, the last one first.
fn components(path: &Path) -> Vec<PathBuf> {
    let usual =
        path.components().filter(|at| matches!(at, Component::Normal(_) | Component::ParentDir));
    usual.map(|at| PathBuf::from(at.as_os_str())).rev().collect()
}

/// Replaces the octal escapes of the table, such as `\040` for a space.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let octal = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok();
        match after.get(..3).filter(|_| *first == b'\\').and_then(octal) {
            Some(byte) => {
                out.push(byte);
                rest = &after[3..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_remote_if_it_or_a_link_leads_to_a_remote_file_system() {
        let folder = tempfile::TempDir::new().unwrap();
        let here = std::fs::canonicalize(folder.path()).unwrap();
        let table = format!(
            "22 1 8:1 / / rw - ext4 /dev/sda rw\n\
             30 22 0:9 / {0}/a\\040b rw shared:1 - nfs4 host:/x rw\n\
             31 22 0:9 / {0}/c rw - fuse.sshfs host:/y rw\n\
             32 31 0:9 / {0}/c/local rw - tmpfs none rw\n\
             33 22 0:9 / {0}/over rw - cifs none rw\n\
             34 22 0:9 / {0}/over rw - ext4 none rw\n",
            here.display()
        );
        let mounts = Mounts::parse(table.as_bytes());
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, here.join(name)).unwrap();
        };
        std::fs::create_dir(here.join("d")).unwrap();
        link("c/file", "relative");
        link(here.join("a b/file").to_str().unwrap(), "absolute");
        link("../relative", "d/twice");
        link("loop", "loop");
        for remote in ["a b/file", "c", "c/x/y", "d/../c/x", "relative", "absolute", "d/twice"] {
            assert!(mounts.is_remote(&here.join(remote)), "{remote}");
        }
        assert!(mounts.is_remote(&here.join("c/local/x")), "the way leads over a remote one");
        for local in ["a", "cc", "over/x", "d/x", "loop", "missing"] {
            assert!(!mounts.is_remote(&here.join(local)), "{local}");
        }
        assert!(!Mounts::parse(b"").is_remote(&here.join("c")));
        let root = Mounts::parse(b"22 1 8:1 / / rw - fuse.overlay x rw\n");
        assert!(!root.is_remote(&here.join("c")));
    }
}
