//! Where eight bytes stand that differ from message to message: the sender's time, or the id of a
//! request.
//!
//! The lengths of messages differ, so a fixed offset need not fit all of them. What stands behind or
//! before the bytes is of one length in every protocol, though. Without this module each message that
//! is sent or received would have to be searched.

use crate::error::BenchError;

/// A place that all messages of a set share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldOffset {
    /// So many bytes behind the message's start.
    FromStart(usize),
    /// So many bytes before the message's end.
    FromEnd(usize),
}

impl FieldOffset {
    /// Finds `mark` in all of `messages`.
    ///
    /// # Errors
    /// A message is without it, or the messages have it in offsets of different distance from both
    /// their start and their end.
    pub(crate) fn of(
        mark: &[u8],
        messages: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<FieldOffset, BenchError> {
        let missing = || BenchError::Plan("a message without a place for time or id".into());
        let (mut from_start, mut from_end) = (Vec::new(), Vec::new());
        for message in messages {
            let message = message.as_ref();
            let at = message.windows(8).position(|bytes| bytes == mark).ok_or_else(missing)?;
            from_start.push(at);
            from_end.push(message.len() - at);
        }
        let one = |all: &[usize]| {
            let first = *all.first()?;
            all.iter().all(|at| *at == first).then_some(first)
        };
        let place = one(&from_start).map(FieldOffset::FromStart);
        place.or_else(|| one(&from_end).map(FieldOffset::FromEnd)).ok_or_else(missing)
    }

    fn at(self, length: usize) -> Option<usize> {
        match self {
            FieldOffset::FromStart(at) => Some(at),
            FieldOffset::FromEnd(distance) => length.checked_sub(distance),
        }
    }

    /// What stands there; `None` if the message is too short.
    pub(crate) fn read(self, message: &[u8]) -> Option<[u8; 8]> {
        message.get(self.at(message.len())?..)?.first_chunk().copied()
    }

    /// Puts `value` there. A message that is too short is left as it is.
    pub(crate) fn write(self, message: &mut [u8], value: [u8; 8]) {
        let place = self.at(message.len()).and_then(|at| message.get_mut(at..)?.first_chunk_mut());
        if let Some(place) = place {
            *place = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &[u8] = b"--mark--";

    #[test]
    fn a_place_is_counted_from_the_end_that_all_messages_share() {
        let front = [&b"a--mark--"[..], b"b--mark--and more"];
        assert_eq!(FieldOffset::of(MARK, front).unwrap(), FieldOffset::FromStart(1));
        let back = [&b"short --mark--\r\n"[..], b"a longer one --mark--\r\n"];
        let place = FieldOffset::of(MARK, back).unwrap();
        assert_eq!(place, FieldOffset::FromEnd(10));
        for message in back {
            let mut message = message.to_vec();
            place.write(&mut message, *b"01234567");
            assert_eq!(place.read(&message), Some(*b"01234567"));
            assert!(message.ends_with(b"01234567\r\n"));
        }
    }

    #[test]
    fn messages_that_share_no_place_are_an_error() {
        assert!(FieldOffset::of(MARK, [&b"nothing"[..]]).is_err());
        assert!(FieldOffset::of(MARK, [&b"a--mark--"[..], b"bb--mark--c"]).is_err());
        assert_eq!(FieldOffset::FromEnd(10).read(b"short"), None);
    }
}
