//! A frame on the wire: a 4-byte big-endian length, then that many bytes.

use thiserror::Error;

/// A frame that announces a length outside what was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("frame of {length} bytes, where 1 to {limit} are allowed")]
pub struct LengthError {
    /// The announced length in bytes.
    pub length: u32,
    /// The largest allowed length in bytes.
    pub limit: u32,
}

/// The first frame's body in `buffer`, or `None` if it is not complete yet.
///
/// The whole frame takes up `4 + body.len()` bytes.
///
/// # Errors
/// An announced length of zero or over `limit`, as soon as the four length bytes are there.
#[inline]
pub fn split(buffer: &[u8], limit: u32) -> Result<Option<&[u8]>, LengthError> {
    let Some((length, rest)) = buffer.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*length);
    if length == 0 || length > limit {
        return Err(LengthError { length, limit });
    }
    Ok(rest.get(..length as usize))
}

/// Appends one frame to `out`: `body` writes it, its length is filled in.
pub fn frame_with(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    // Callers build frames from parts that were checked against the frame limit.
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_returned_once_all_of_it_is_there() {
        let mut bytes = Vec::new();
        frame_with(&mut bytes, |out| out.extend_from_slice(b"abc"));
        for cut in 0..bytes.len() {
            assert_eq!(split(&bytes[..cut], 8), Ok(None));
        }
        assert_eq!(split(&bytes, 8), Ok(Some(&b"abc"[..])));
    }

    #[test]
    fn a_bad_length_is_refused_at_once() {
        assert_eq!(split(&[0, 0, 0, 9], 8), Err(LengthError { length: 9, limit: 8 }));
        assert_eq!(split(&[0; 4], 8), Err(LengthError { length: 0, limit: 8 }));
        assert!(split(&[0xff; 4], 1 << 20).is_err());
    }
}
