//! Divides bytes into frames. On the wire, a frame is a big-endian length of 4 bytes, and then that
//! many bytes.
//!
//! The length is compared with the limit as soon as its 4 bytes are there. Otherwise a peer could
//! make the hub collect 4 GiB for one frame.

use thiserror::Error;

/// States that the announced length of a frame is zero or above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("frame of {length} bytes, where 1 to {limit} are allowed")]
pub struct LengthError {
    /// The frame announces this many bytes.
    pub length: u32,
    /// A frame may have at most this many bytes.
    pub limit: u32,
}

/// Returns the body of the first frame in `buffer`, or `None` if the frame is not complete yet.
///
/// The whole frame has `4 + body.len()` bytes.
///
/// # Errors
/// An announced length of zero or above `limit` is an error as soon as the 4 bytes of the length are
/// there.
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

/// Appends one frame to `out`. `body` writes the body of the frame, and this function fills in its
/// length.
pub fn frame_with(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    // No length is too large, because callers build frames from parts that are within the frame limit.
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
