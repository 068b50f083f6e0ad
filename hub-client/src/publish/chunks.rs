//! Keeps encoded EVENT frames in contiguous buffers, from the oldest frame without a receipt to the
//! newest. With a buffer for each event, a write to the socket would need a slice for each event.

use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;

/// A chunk is complete when it reaches this size in bytes, or when the connection wants to send it.
pub(crate) const CHUNK: usize = 64 << 10;

/// Holds neighbouring EVENT frames.
#[derive(Debug)]
struct Chunk {
    /// The first event of the chunk has this index. Indexes count the events of this client. Unlike
    /// publish numbers, they never begin again.
    first: u64,
    count: u32,
    bytes: Bytes,
    /// The chunk uses this much of the log's capacity.
    weight: usize,
}

/// Holds the frames of the log. This type knows nothing of receipts, waiting callers or publish
/// numbers.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// These chunks are complete. The oldest chunk is the first.
    sealed: VecDeque<Chunk>,
    /// This many of the complete chunks were given to the connection.
    taken: usize,
    open: Vec<u8>,
    open_count: u32,
    open_weight: usize,
    /// The next event gets this index.
    next: u64,
}

impl Chunks {
    /// Returns the index that the next event gets.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the index of the first event that was not given to the connection.
    pub(crate) fn taken_to(&self) -> u64 {
        self.sealed.get(self.taken).map_or(self.next - u64::from(self.open_count), |c| c.first)
    }

    /// Returns whether there are frames to take.
    pub(crate) fn has_more(&self) -> bool {
        self.taken < self.sealed.len() || self.open_count > 0
    }

    /// Returns the buffer to which the caller appends one frame. The caller then calls
    /// [`Chunks::appended`], which counts the frame.
    pub(crate) fn open(&mut self) -> &mut Vec<u8> {
        &mut self.open
    }

    /// Counts the frame that was just appended. Returns its index, and whether a chunk became full.
    pub(crate) fn appended(&mut self, weight: usize) -> (u64, bool) {
        let index = self.next;
        self.next += 1;
        self.open_count += 1;
        self.open_weight += weight;
        let full = self.open.len() >= CHUNK;
        if full {
            self.seal();
        }
        (index, full)
    }

    /// Completes the open chunk, unless it is empty.
    fn seal(&mut self) {
        if self.open_count == 0 {
            return;
        }
        // The next chunk will probably be as large as this chunk. So a buffer does not grow again
        // and again at a high rate of events, and does not take 64 KiB for a single event at a low
        // rate.
        let capacity = (self.open.len() + self.open.len() / 8).min(CHUNK + CHUNK / 8);
        let bytes = std::mem::replace(&mut self.open, Vec::with_capacity(capacity)).into();
        let count = std::mem::take(&mut self.open_count);
        let weight = std::mem::take(&mut self.open_weight);
        let first = self.next - u64::from(count);
        self.sealed.push_back(Chunk { first, count, bytes, weight });
    }

    /// Passes the next frames to `part`, about `budget` bytes of them.
    pub(crate) fn take(&mut self, budget: usize, mut part: impl FnMut(Bytes)) {
        let mut bytes = 0;
        while bytes < budget {
            if self.taken == self.sealed.len() {
                self.seal();
            }
            let Some(chunk) = self.sealed.get(self.taken) else { return };
            bytes += chunk.bytes.len();
            self.taken += 1;
            part(chunk.bytes.clone());
        }
    }

    /// Frees the chunks of which every event is before `index`. Returns the weight that became
    /// free.
    pub(crate) fn release(&mut self, index: u64) -> usize {
        let mut freed = 0;
        while let Some(front) = self.sealed.front()
            && front.first + u64::from(front.count) <= index
            && self.taken > 0
        {
            freed += front.weight;
            self.sealed.pop_front();
            self.taken -= 1;
        }
        freed
    }

    /// Takes one event out that was not given to the connection. `weight` is the weight of the event.
    /// The indexes of all later events become smaller by one. Returns the weight that became free, or
    /// `None` if the event was given to the connection already.
    ///
    /// The call copies the chunk of the event, so it is for events that are given up, and not for the
    /// path of each event.
    pub(crate) fn withdraw(&mut self, index: u64, weight: usize) -> Option<usize> {
        if index < self.taken_to() || index >= self.next {
            return None;
        }
        let mut freed = weight;
        let first_open = self.next - u64::from(self.open_count);
        if index >= first_open {
            let frame = frame_at(&self.open, (index - first_open) as usize);
            self.open.drain(frame);
            self.open_count -= 1;
            self.open_weight -= weight;
        } else {
            let after = self.sealed.partition_point(|chunk| chunk.first <= index);
            let chunk = &mut self.sealed[after - 1];
            let frame = frame_at(&chunk.bytes, (index - chunk.first) as usize);
            let rest = [&chunk.bytes[..frame.start], &chunk.bytes[frame.end..]].concat();
            chunk.bytes = rest.into();
            chunk.count -= 1;
            let here = weight.min(chunk.weight);
            chunk.weight -= here;
            let (empty, left) = (chunk.count == 0, chunk.weight);
            // The weight of a part that was split off is with a chunk behind it, see `rewind`.
            let mut elsewhere = weight - here;
            for later in self.sealed.range_mut(after..) {
                let there = elsewhere.min(later.weight);
                later.weight -= there;
                elsewhere -= there;
                later.first -= 1;
            }
            if empty {
                self.sealed.remove(after - 1);
                match (after - 1).checked_sub(1).and_then(|before| self.sealed.get_mut(before)) {
                    Some(before) => before.weight += left,
                    None => freed += left,
                }
            }
        }
        self.next -= 1;
        Some(freed)
    }

    /// Returns the index behind the last event of which every byte was sent. Of the bytes that were
    /// taken, `unsent` bytes were not sent.
    pub(crate) fn sent_to(&self, mut unsent: usize) -> u64 {
        for chunk in self.sealed.iter().take(self.taken).rev() {
            if unsent == 0 {
                return chunk.first + u64::from(chunk.count);
            }
            if unsent < chunk.bytes.len() {
                let sent = chunk.bytes.len() - unsent;
                return chunk.first
                    + ends(&chunk.bytes).take_while(|end| *end <= sent).count() as u64;
            }
            unsent -= chunk.bytes.len();
        }
        self.sealed.front().map_or(self.taken_to(), |chunk| chunk.first)
    }

    /// Frees the chunks of which every event is before `done`, and goes back to the event with the
    /// index `next`. From there on, everything is taken again. Returns the weight that became free.
    pub(crate) fn rewind(&mut self, done: u64, next: u64) -> usize {
        self.seal();
        self.taken = self.sealed.len();
        let freed = self.release(done);
        self.taken = self.sealed.partition_point(|chunk| chunk.first < next);
        let Some(last) = self.taken.checked_sub(1) else { return freed };
        let chunk = &mut self.sealed[last];
        let taken = (next - chunk.first) as u32;
        if taken < chunk.count {
            let end = ends(&chunk.bytes).nth(taken as usize - 1).unwrap_or(0);
            let before = Chunk {
                first: chunk.first,
                count: taken,
                bytes: chunk.bytes.split_to(end),
                weight: 0, // the other part has all of the weight, and is released later
            };
            chunk.first = next;
            chunk.count -= taken;
            self.sealed.insert(last, before);
        }
        freed
    }
}

/// Returns where the frame with this number is, counted from 0.
fn frame_at(bytes: &[u8], number: usize) -> Range<usize> {
    let start = number.checked_sub(1).map_or(0, |before| ends(bytes).nth(before).unwrap_or(0));
    start..ends(bytes).nth(number).unwrap_or(bytes.len())
}

/// Returns the end of each frame in `bytes`.
fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let length = bytes.get(end..)?.first_chunk::<4>()?;
        end += 4 + u32::from_be_bytes(*length) as usize;
        Some(end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::frame_with;

    /// Returns chunks with frames of 5 to 8 bytes, each of which holds its index.
    fn filled(count: u8) -> Chunks {
        let mut chunks = Chunks::default();
        for n in 0..count {
            frame_with(chunks.open(), |out| out.resize(out.len() + 1 + usize::from(n) % 4, n));
            chunks.appended(1);
            if n % 3 == 2 {
                chunks.seal();
            }
        }
        chunks
    }

    fn taken(chunks: &mut Chunks) -> Vec<u8> {
        let mut bytes = Vec::new();
        chunks.take(usize::MAX, |part| bytes.extend_from_slice(&part));
        bytes
    }

    #[test]
    fn after_a_loss_at_any_byte_the_whole_frames_before_it_count_as_sent() {
        let total = taken(&mut filled(20)).len();
        for sent in 0..=total {
            let mut chunks = filled(20);
            let bytes = taken(&mut chunks);
            let whole = ends(&bytes).take_while(|end| *end <= sent).count() as u64;
            assert_eq!(chunks.sent_to(total - sent), whole, "after {sent} bytes");
            chunks.rewind(whole, whole);
            let again = taken(&mut chunks);
            let start = ends(&bytes).take(whole as usize).last().unwrap_or(0);
            assert_eq!(again, &bytes[start..], "after {sent} bytes");
        }
    }

    #[test]
    fn rewinding_frees_what_is_done_and_gives_out_what_is_next() {
        for (done, next) in (0..=20).flat_map(|next| (0..=next).map(move |done| (done, next))) {
            let mut chunks = filled(20);
            taken(&mut chunks);
            let freed = chunks.rewind(done, next);
            assert_eq!(freed as u64, if done == 20 { 20 } else { done / 3 * 3 });
            assert_eq!(chunks.taken_to(), next);
            let first = taken(&mut chunks).get(4).copied();
            assert_eq!(first, (next < 20).then_some(next as u8));
            assert_eq!(chunks.release(20), 20 - freed, "weight is freed once");
        }
    }

    #[test]
    fn an_event_that_was_not_taken_can_be_withdrawn_and_the_others_stay() {
        for (taken_first, index) in
            [0, 1, 25].into_iter().flat_map(|t| (0..20).map(move |i| (t, i)))
        {
            let mut chunks = filled(20);
            chunks.take(taken_first, |_| ());
            let before = chunks.taken_to();
            let mut numbers: Vec<u8> = (before as u8..20).collect();
            let withdrawn = chunks.withdraw(index, 1);
            assert_eq!(withdrawn, (index >= before).then_some(1), "{index} after {before}");
            numbers.retain(|number| u64::from(*number) != index);
            let bytes = taken(&mut chunks);
            let starts = std::iter::once(0).chain(ends(&bytes)).take(numbers.len());
            assert_eq!(starts.map(|at| bytes[at + 4]).collect::<Vec<_>>(), numbers);
            let next = chunks.next();
            assert_eq!(next, before + numbers.len() as u64);
            assert_eq!((chunks.taken_to(), chunks.release(next) as u64), (next, next));
            assert_eq!(chunks.withdraw(next - 1, 1), None);
        }
    }

    #[test]
    fn what_was_not_taken_is_not_released() {
        let mut chunks = filled(9);
        assert_eq!(chunks.release(9), 0);
        chunks.take(1, |_| ());
        assert_eq!((chunks.release(9), chunks.taken_to()), (3, 3));
    }
}
