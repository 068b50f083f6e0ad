//! Knows the keys of the events of a run by digests, for queues that keep the newest event of each key.
//!
//! Without the digests, each queue with the policy `latest` would read every waiting event again whenever
//! it makes room. One event for a few hundred such queues would keep its thread for half a second.

use super::frames::{frame_ends, key_of};
use super::held_bytes::HeldBytes;
use bytes::Bytes;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

/// Stands for a key. Two keys have one digest with a probability of 2^-128, and no client can search for
/// such keys, because the hashers are seeded at random.
type Digest = u128;

static HASHERS: LazyLock<[RandomState; 2]> =
    LazyLock::new(|| [RandomState::new(), RandomState::new()]);

/// Returns the digest of the header `key` of an EVENT frame. All events without that header have one
/// digest.
pub(super) fn digest_of(frame: &[u8]) -> Digest {
    let key = key_of(frame).unwrap_or_default();
    let [high, low] = HASHERS.each_ref().map(|hasher| Digest::from(hasher.hash_one(key)));
    high << 64 | low
}

/// Holds the digests of the keys of neighbouring events of a topic. All parts of a run share them.
#[derive(Debug)]
pub struct RunKeys {
    /// The first digest belongs to the event with this number.
    first: u64,
    digests: Bytes,
}

impl RunKeys {
    /// Reads the keys of the events in these EVENT frames. The digests count as held bytes.
    pub(super) fn of(first: u64, frames: &[u8], held: &Arc<HeldBytes>) -> Self {
        let (mut digests, mut start) = (Vec::new(), 0);
        for end in frame_ends(frames) {
            digests.extend(digest_of(&frames[start..end]).to_ne_bytes());
            start = end;
        }
        RunKeys { first, digests: held.hold(digests) }
    }

    /// Returns the digest of the key of the event with this number.
    pub(super) fn of_event(&self, number: u64) -> Option<Digest> {
        let (digests, _) = self.digests.as_chunks::<{ size_of::<Digest>() }>();
        let digest = digests.get(usize::try_from(number.checked_sub(self.first)?).ok()?)?;
        Some(Digest::from_ne_bytes(*digest))
    }
}
