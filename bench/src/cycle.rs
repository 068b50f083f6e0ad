//! Encodes the messages of a publisher beforehand, in chunks that it writes as a whole.
//!
//! Encoding while a load runs would measure the generator instead of the server. A publisher
//! therefore writes the chunks of a cycle one after the other, and then begins again.

use crate::dialect::Dialect;
use crate::payload::{DIFFERENT, Payload};

/// Holds messages that are written together.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    /// Holds the offset at which each message ends in `bytes`.
    ends: Vec<usize>,
}

impl Chunk {
    /// Returns the bytes of all messages.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many messages the chunk has.
    pub(crate) fn count(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Returns each message by itself.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

/// Holds every message of a payload at least once. The messages go to the topics in turn.
#[derive(Debug)]
pub(crate) struct Cycle {
    chunks: Vec<Chunk>,
}

impl Cycle {
    /// Encodes at least as many messages as the payload has, and further messages until the last
    /// chunk is about as full as `size` bytes allow. Each topic gets equally many messages. A
    /// message that is larger than `size` has a chunk of its own. `topics` must not be empty,
    /// because otherwise the loop would not end.
    pub(crate) fn new(
        dialect: &dyn Dialect,
        topics: &[String],
        payload: &Payload,
        size: usize,
    ) -> Cycle {
        let mut messages = payload.messages().iter().cycle();
        let (mut chunks, mut chunk) = (Vec::new(), Chunk::default());
        let (mut count, mut encoded) = (0, Vec::new());
        let enough = DIFFERENT.min(payload.messages().len());
        loop {
            let mut round = 0;
            for (topic, message) in topics.iter().zip(&mut messages) {
                encoded.clear();
                dialect.publish(topic, message, &mut encoded);
                if !chunk.bytes.is_empty() && chunk.bytes.len() + encoded.len() > size {
                    chunks.push(std::mem::take(&mut chunk));
                }
                chunk.bytes.extend_from_slice(&encoded);
                chunk.ends.push(chunk.bytes.len());
                round += encoded.len();
                count += 1;
            }
            if count >= enough && chunk.bytes.len() + round > size {
                chunks.push(chunk);
                return Cycle { chunks };
            }
        }
    }

    /// Returns the chunks in the order in which they are written.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Returns all messages in the order in which they are sent.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().flat_map(Chunk::messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Nats, Raw};
    use std::collections::HashSet;

    const SIZE: usize = 64 << 10;

    #[test]
    fn a_cycle_has_every_message_and_full_chunks() {
        for payload in [Payload::bin(16), Payload::bin(128), Payload::map(1024)] {
            let cycle = Cycle::new(&Nats, &["a".to_owned()], &payload, SIZE);
            let different: HashSet<&[u8]> = cycle.messages().collect();
            assert!(different.len() >= 512, "{payload}: {}", different.len());
            for chunk in cycle.chunks() {
                let (len, count) = (chunk.bytes().len(), chunk.count() as usize);
                assert!(len <= SIZE && len + 2 * len / count > SIZE, "{payload}: {len} {count}");
            }
        }
    }

    #[test]
    fn topics_come_in_turn_also_from_one_cycle_to_the_next() {
        let topics: Vec<String> = (0..7).map(|topic| format!("t{topic}")).collect();
        let cycle = Cycle::new(&Nats, &topics, &Payload::bin(128), SIZE);
        for (index, message) in cycle.messages().enumerate() {
            let head = format!("PUB t{} 128\r\n", index % 7);
            assert!(message.starts_with(head.as_bytes()));
        }
        assert_eq!(cycle.messages().count() % 7, 0);
    }

    #[test]
    fn a_message_or_round_larger_than_a_chunk_is_sent_all_the_same() {
        let cycle = Cycle::new(&Raw, &["a".to_owned()], &Payload::bin(20_000), 1000);
        assert!(cycle.chunks().iter().all(|chunk| chunk.count() == 1));
        assert_eq!(cycle.messages().count(), 512);
        let topics: Vec<String> = (0..600).map(|topic| format!("t{topic:03}")).collect();
        let cycle = Cycle::new(&Nats, &topics, &Payload::bin(100), 1000);
        assert_eq!(cycle.messages().count(), 600);
    }
}
