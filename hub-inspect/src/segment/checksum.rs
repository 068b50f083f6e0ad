//! The checksum of a segment, over the segment and the addresses of its IP header.
//!
//! A network card often computes the checksum after the packet has been captured. Without telling this
//! case from damage, each segment that a machine captures of itself would look damaged.

use std::net::IpAddr;

/// What the checksum of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The checksum is right.
    Good,
    /// The field holds the sum over the addresses only: the sender left the rest to the network card.
    LeftToCard,
    /// The checksum is wrong.
    Bad {
        /// The checksum should have this value.
        expected: u16,
    },
    /// The capture does not hold the whole segment.
    Unverified,
}

impl Checksum {
    /// Returns the name that the output uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Checksum::Good => "good",
            Checksum::LeftToCard => "left to the card",
            Checksum::Bad { .. } => "bad",
            Checksum::Unverified => "unverified",
        }
    }
}

/// Verifies the checksum of `segment`, whose field has the value `field`.
pub(super) fn verify(source: IpAddr, destination: IpAddr, segment: &[u8], field: u16) -> Checksum {
    const TCP: u64 = 6;
    let length = segment.len() as u64;
    // The sum of the pseudo header: addresses, protocol, and the length of the segment.
    let pseudo =
        sum_address(source) + sum_address(destination) + TCP + (length >> 16) + (length & 0xffff);
    let total = fold(pseudo + sum(segment));
    if total == 0xffff {
        return Checksum::Good;
    }
    if field == fold(pseudo) {
        return Checksum::LeftToCard;
    }
    // Without the field, the sum is the complement of what the field should hold.
    Checksum::Bad { expected: !fold(u64::from(total) + u64::from(!field)) }
}

fn sum_address(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    }
}

/// Adds up big-endian numbers of 16 bits. The result still has to be folded.
fn sum(bytes: &[u8]) -> u64 {
    let chunks = bytes.chunks_exact(4);
    let rest = chunks.remainder();
    // 2^32 numbers of 32 bits fit into 64 bits. The order of the bytes does not matter for the sum, as
    // long as the result is swapped in the same way.
    let mut total = 0_u64;
    for chunk in chunks {
        // With the check for overflow of a plain sum, the compiler would add number by number.
        total =
            total.wrapping_add(u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).into());
    }
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    total += u64::from(u32::from_ne_bytes(last));
    u64::from(u16::from_be(fold(total)))
}

/// Folds a sum to 16 bits, with the carries added at the lower end.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 in its simplest form.
    fn naive(bytes: &[u8]) -> u16 {
        let mut total = 0_u32;
        for pair in bytes.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            total = (total & 0xffff) + (total >> 16);
        }
        total as u16
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_the_rfc(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(fold(sum(&bytes)), naive(&bytes));
        }

        #[test]
        fn a_checksum_is_verified(
            mut segment in prop::collection::vec(any::<u8>(), 20..200),
            flip in 0usize..200,
            addresses: ([u8; 16], [u8; 16]),
        ) {
            let (source, destination) = (addresses.0.into(), addresses.1.into());
            let field = |segment: &[u8]| u16::from_be_bytes([segment[16], segment[17]]);
            segment[16..18].fill(0);
            let mut pseudo = [&addresses.0[..], &addresses.1[..]].concat();
            pseudo.extend((segment.len() as u32).to_be_bytes());
            pseudo.extend([0, 0, 0, 6]);
            let partial = naive(&pseudo);
            pseudo.extend(&segment);
            let right = !naive(&pseudo);
            segment[16..18].copy_from_slice(&right.to_be_bytes());
            prop_assert_eq!(verify(source, destination, &segment, field(&segment)), Checksum::Good);
            segment[16..18].copy_from_slice(&partial.to_be_bytes());
            let left = verify(source, destination, &segment, field(&segment));
            prop_assert!(left == Checksum::LeftToCard || right == partial);
            segment[16..18].copy_from_slice(&(right ^ 0x0100).to_be_bytes());
            let bad = verify(source, destination, &segment, field(&segment));
            let told = bad == Checksum::Bad { expected: right };
            prop_assert!(told || right ^ 0x0100 == partial);
            segment[16..18].copy_from_slice(&right.to_be_bytes());
            let place = flip % segment.len();
            segment[place] ^= 0x40;
            let damaged = verify(source, destination, &segment, field(&segment));
            prop_assert!(damaged != Checksum::Good);
        }
    }
}
