//! Holds the parts of a SUBSCRIBE whose `after` does not fit into one frame, within a bound. Without the
//! bound, a client could fill the memory of the hub with positions.

use hub_wire::{Position, RefusedCode, Start, Subscribe, TopicPositions};

/// The positions of one SUBSCRIBE may take this many bytes. The bound is far above what one frame can
/// have, and only one SUBSCRIBE of a connection is collected at a time.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Returns how many bytes the positions of a SUBSCRIBE take.
pub(super) fn start_bytes(start: &Start) -> usize {
    match start {
        Start::After(positions) => positions.bytes(),
        Start::Live | Start::Last => 0,
    }
}

/// Holds the parts of a SUBSCRIBE that have come so far.
#[derive(Debug)]
pub(super) struct SubscribeParts {
    pub(super) id: u64,
    filter: String,
    after: TopicPositions,
    /// The positions count for this many bytes towards [`MOST_BYTES`].
    counted: usize,
}

impl SubscribeParts {
    pub(super) fn of(part: &Subscribe) -> Self {
        let (id, filter) = (part.id, part.filter.clone());
        SubscribeParts { id, filter, after: TopicPositions::default(), counted: 0 }
    }

    /// Returns the positions of all parts.
    pub(super) fn into_start(self) -> Start {
        Start::After(self.after)
    }

    /// Returns how many bytes the positions take that have come so far.
    pub(super) fn bytes(&self) -> usize {
        self.after.bytes()
    }

    /// Adds the positions of a part, or returns why the part is refused.
    pub(super) fn add(&mut self, part: &Subscribe) -> Result<(), (RefusedCode, &'static str)> {
        if part.filter != self.filter {
            return Err((RefusedCode::BadOption, "the parts of a SUBSCRIBE have one filter"));
        }
        let Start::After(positions) = &part.start else {
            return Err((RefusedCode::BadOption, "each part of a SUBSCRIBE has `after`"));
        };
        for (topic, position) in positions.iter() {
            self.counted += Position::COUNTS_FOR + topic.len();
            if self.counted > MOST_BYTES {
                let message = "the positions of this SUBSCRIBE take too much memory";
                return Err((RefusedCode::BadOption, message));
            }
            if !self.after.insert(topic, position) {
                let message = "a topic stands in two parts of `after`";
                return Err((RefusedCode::BadOption, message));
            }
        }
        Ok(())
    }
}
