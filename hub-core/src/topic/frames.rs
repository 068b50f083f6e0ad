//! Where one frame ends and the next begins, in bytes that are known to be whole frames.
//!
//! Runs are cut at these places. Without it, a part of a run could begin inside an event.

/// The length of the first frame of `bytes`, which are whole frames.
pub(super) fn frame_len(bytes: &[u8]) -> usize {
    bytes.first_chunk::<4>().map_or(0, |length| 4 + u32::from_be_bytes(*length) as usize)
}

/// The ends of the frames of which `bytes` consist.
pub(super) fn frame_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let more = end < bytes.len();
        more.then(|| {
            end += frame_len(&bytes[end..]);
            end
        })
    })
}
