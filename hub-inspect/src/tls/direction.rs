//! One direction of a TLS connection: which key is in force, and which record comes next.

use super::cipher::{Cipher, Suite, next_secret};
use super::handshake::Messages;
use super::key_log::Secret;
use super::records::Records;

/// After lost bytes, the number of the next record is looked for among so many.
const MAX_SKIPPED: u64 = 4096;
/// So many bytes are opened in vain in a direction at most. Otherwise a hostile capture could make each of
/// its bytes cost as much as a whole record.
const MAX_IN_VAIN: usize = 64 << 20;

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pub(super) records: Records,
    pub(super) messages: Messages,
    /// The key in force, once it was needed.
    pub(super) cipher: Option<Cipher>,
    /// What the key was derived from, in TLS 1.3.
    pub(super) secret: Option<Secret>,
    /// Whether the side has said that what follows is encrypted (TLS 1.2).
    pub(super) changed: bool,
    /// Whether the handshake of the side is complete.
    pub(super) finished: bool,
    /// Whether the number of the next record is unknown.
    pub(super) lost: bool,
    in_vain: usize,
}

impl Direction {
    /// Opens the record at the front, with its number. Writes the content to `out`, and returns its type.
    pub(super) fn open(&mut self, length: usize, out: &mut Vec<u8>) -> Option<u8> {
        let cipher = self.cipher.as_mut()?;
        let record = self.records.unread().get(..length)?;
        let numbers = if self.lost { MAX_SKIPPED } else { 1 };
        for number in cipher.next..cipher.next.saturating_add(numbers) {
            if let Some(kind) = cipher.open(record, number, out) {
                cipher.next = number + 1;
                self.lost = false;
                return Some(kind);
            }
            self.in_vain += length;
            if self.in_vain > MAX_IN_VAIN {
                break;
            }
        }
        None
    }

    /// Whether it is still worth looking for the next record.
    pub(super) fn may_find(&self) -> bool {
        self.in_vain <= MAX_IN_VAIN
    }

    /// Changes to the next key of TLS 1.3.
    pub(super) fn update_key(&mut self, suite: &'static Suite) {
        self.secret = self.secret.and_then(|secret| next_secret(suite, &secret));
        self.cipher = self.secret.and_then(|secret| Cipher::of_secret(suite, &secret));
    }
}
