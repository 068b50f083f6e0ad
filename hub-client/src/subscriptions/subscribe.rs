//! Makes the SUBSCRIBE frames of a subscription. Positions that do not fit into one frame are sent in
//! parts. Otherwise a client that follows very many topics could not come back to all of them.

use hub_core::emitter::SubscribeOptions;
use hub_wire::{Frame, Position, Start, Subscribe, TopicFilter, TopicPositions, Window};

/// The events on their way to one listener have at most this many bytes.
const WINDOW_BYTES: u64 = 4 << 20;

/// The positions of one SUBSCRIBE may count for this many bytes at a hub, in all its parts.
const MOST_POSITIONS: usize = 15 << 20;
/// A position takes at most this many bytes in a frame, beside the name of its topic.
const POSITION_IN_FRAME: usize = 21;
/// A part of a SUBSCRIBE may be longer by this many bytes than without its positions.
const PART: usize = 32;

/// Makes a SUBSCRIBE. If its positions do not fit into `limit` bytes, it has several parts. Positions
/// beyond what a hub takes are left out. For them, the hub sends events that the client has already
/// seen, and the client drops those events.
pub(super) fn subscribe_frames(
    id: u64,
    filter: &TopicFilter,
    options: &SubscribeOptions,
    start: Start,
    events: Option<u64>,
    keep: bool,
    limit: usize,
) -> Vec<u8> {
    let mut subscribe = Subscribe {
        id,
        filter: filter.as_str().to_owned(),
        overflow: options.overflow,
        group: options.group.clone(),
        start,
        // Without `positions`, a subscription that has got no event yet could not tell what it
        // missed.
        positions: options.group.is_none(),
        window: events.map(|events| Window { events, bytes: WINDOW_BYTES }),
        ack: options.acknowledge.as_ref().map(|terms| terms.terms().clone()),
        observe: options.observe,
        more: false,
        keep,
    };
    let mut frames = Frame::Subscribe(subscribe.clone()).to_bytes();
    let Start::After(seen) = &mut subscribe.start else { return frames };
    if frames.len() - 4 <= limit {
        return frames;
    }
    let seen = std::mem::take(seen);
    let room = limit.saturating_sub(Frame::Subscribe(subscribe.clone()).to_bytes().len() + PART);
    frames.clear();
    let (mut part, mut in_part, mut in_all) = (TopicPositions::default(), 0, 0);
    for (topic, position) in seen.iter() {
        in_all += topic.len() + Position::COUNTS_FOR;
        if in_all > MOST_POSITIONS {
            break;
        }
        let size = topic.len() + POSITION_IN_FRAME;
        if in_part + size > room && !part.is_empty() {
            let start = Start::After(std::mem::take(&mut part));
            Frame::Subscribe(Subscribe { start, more: true, ..subscribe.clone() })
                .write(&mut frames);
            in_part = 0;
        }
        in_part += size;
        part.insert(topic, position);
    }
    Frame::Subscribe(Subscribe { start: Start::After(part), ..subscribe }).write(&mut frames);
    frames
}
