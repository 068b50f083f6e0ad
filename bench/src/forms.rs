//! Requests and replies, encoded beforehand, into which each use puts its own id and time.
//!
//! Without the id a reply could not be told from another, and without the time a request's latency
//! would be unknown.

use crate::dialect::ID_MARK;
use crate::error::BenchError;
use crate::payload::MARK;
use crate::place::Place;

/// Where id and time stand in all messages of a set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    id: Place,
    stamp: Place,
}

impl Places {
    pub(crate) fn of(messages: &[impl AsRef<[u8]>]) -> Result<Places, BenchError> {
        Ok(Places {
            id: Place::of(ID_MARK.as_bytes(), messages)?,
            stamp: Place::of(&MARK, messages)?,
        })
    }

    /// The id and the time of a message.
    pub(crate) fn read(self, message: &[u8]) -> Option<([u8; 8], [u8; 8])> {
        self.id.read(message).zip(self.stamp.read(message))
    }
}

/// Different messages that are sent in turn.
pub(crate) struct Forms {
    messages: Vec<Vec<u8>>,
    places: Places,
    next: usize,
}

impl Forms {
    /// # Errors
    /// There is no message, or one has no place for id and time.
    pub(crate) fn new(messages: Vec<Vec<u8>>) -> Result<Forms, BenchError> {
        let places = Places::of(&messages)?;
        Ok(Forms { messages, places, next: 0 })
    }

    /// Appends the next message to `out`.
    pub(crate) fn append(&mut self, id: [u8; 8], stamp: [u8; 8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.messages[self.next]);
        self.places.id.write(&mut out[start..], id);
        self.places.stamp.write(&mut out[start..], stamp);
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
        let mut forms = Forms::new(vec![form(b""), form(b"longer")]).unwrap();
        for _ in 0..3 {
            let mut out = b"before".to_vec();
            forms.append(*b"00000007", 9_u64.to_be_bytes(), &mut out);
            let found = forms.places.read(&out[6..]).unwrap();
            assert_eq!(found, (*b"00000007", 9_u64.to_be_bytes()));
        }
        assert!(Forms::new(vec![b"neither".to_vec()]).is_err());
    }
}
