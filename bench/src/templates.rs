//! Holds requests and replies that are encoded beforehand. Each use of a message puts a new id and time
//! into it.
//!
//! Without the id, one reply could not be told from another. Without the time, the latency of a
//! request would be unknown.

use crate::dialect::ID_MARK;
use crate::error::BenchError;
use crate::field_offset::FieldOffset;
use crate::payload::MARK;

/// Says where the id and the time are in all messages of a set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldOffsets {
    id: FieldOffset,
    stamp: FieldOffset,
}

impl FieldOffsets {
    pub(crate) fn of(messages: &[impl AsRef<[u8]>]) -> Result<FieldOffsets, BenchError> {
        Ok(FieldOffsets {
            id: FieldOffset::of(ID_MARK.as_bytes(), messages)?,
            stamp: FieldOffset::of(&MARK, messages)?,
        })
    }

    /// Returns the id and the time of a message.
    pub(crate) fn read(self, message: &[u8]) -> Option<([u8; 8], [u8; 8])> {
        self.id.read(message).zip(self.stamp.read(message))
    }
}

/// Holds different messages that are sent in turn.
pub(crate) struct MessageTemplates {
    messages: Vec<Vec<u8>>,
    offsets: FieldOffsets,
    next: usize,
}

impl MessageTemplates {
    /// Finds the places of the id and the time in all messages.
    ///
    /// # Errors
    /// Returns an error if there is no message, or if a message has no place for id and time.
    pub(crate) fn new(messages: Vec<Vec<u8>>) -> Result<MessageTemplates, BenchError> {
        let offsets = FieldOffsets::of(&messages)?;
        Ok(MessageTemplates { messages, offsets, next: 0 })
    }

    /// Appends the next message to `out`, with this id and time.
    pub(crate) fn append(&mut self, id: [u8; 8], stamp: [u8; 8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.messages[self.next]);
        self.offsets.id.write(&mut out[start..], id);
        self.offsets.stamp.write(&mut out[start..], stamp);
        self.next = (self.next + 1) % self.messages.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_carries_id_and_time_where_the_reader_finds_them() {
        let form =
            |rest: &[u8]| [b"PUB x ", ID_MARK.as_bytes(), b" 8\r\n", rest, &MARK, b"\r\n"].concat();
        let mut forms = MessageTemplates::new(vec![form(b""), form(b"longer")]).unwrap();
        for _ in 0..3 {
            let mut out = b"before".to_vec();
            forms.append(*b"00000007", 9_u64.to_be_bytes(), &mut out);
            let found = forms.offsets.read(&out[6..]).unwrap();
            assert_eq!(found, (*b"00000007", 9_u64.to_be_bytes()));
        }
        assert!(MessageTemplates::new(vec![b"neither".to_vec()]).is_err());
    }
}
