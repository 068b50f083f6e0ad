//! Finds the borders between frames, in bytes that consist of whole frames, and the keys of events.
//!
//! Queues cut runs at these borders. A cut at any other place would begin inside an event.

use hub_wire::{EventFrame, Limits, check_headers_of_hub};

/// Returns the length of the first frame of `bytes`, which consist of whole frames, or 0 if there is
/// no frame.
pub(super) fn frame_len(bytes: &[u8]) -> usize {
    bytes.first_chunk::<4>().map_or(0, |length| 4 + u32::from_be_bytes(*length) as usize)
}

/// Returns the offset of the end of each frame, in bytes that consist of whole frames.
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

/// Returns the header `key` of an EVENT frame, with its length in front, if the event has one.
pub(super) fn key_of(frame: &[u8]) -> Option<&[u8]> {
    let event = EventFrame::parse(frame.get(4..)?, &Limits::NONE).ok()?;
    check_headers_of_hub(event.headers?, &Limits::NONE).ok()?.key.map(str::as_bytes)
}
