//! Finds the offset of eight bytes that differ from message to message. They are the sender's time, or
//! the id of a request.
//!
//! The lengths of messages differ, so one offset from the start need not fit all of them. But in
//! every protocol, the part before these bytes or the part behind them has one length. Without this
//! module, each message would have to be searched when it is sent or received.

use crate::error::BenchError;

/// Holds an offset that fits all messages of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldOffset {
    /// The bytes begin this many bytes behind the start of the message.
    FromStart(usize),
    /// The bytes begin this many bytes before the end of the message.
    FromEnd(usize),
}

impl FieldOffset {
    /// Finds the offset of `mark` in all of `messages`.
    ///
    /// # Errors
    /// Returns an error if there is no message, if a message does not contain `mark`, or if neither
    /// the distance of `mark` from the start nor its distance from the end is equal in all messages.
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

    /// Reads the eight bytes. Returns `None` if the message is too short.
    pub(crate) fn read(self, message: &[u8]) -> Option<[u8; 8]> {
        message.get(self.at(message.len())?..)?.first_chunk().copied()
    }

    /// Writes `value` over the eight bytes. A message that is too short stays as it is.
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
