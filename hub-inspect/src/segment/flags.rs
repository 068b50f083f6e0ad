//! The flags of a segment, by name.
//!
//! The report names flags as the standards do. A number would have to be looked up in a table by
//! everyone who reads it.

use std::fmt;

/// The flags of a segment: the nine flags, and above them the three reserved bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// The sender has no more data.
    pub const FIN: Flags = Flags(0x001);
    /// The segment synchronises sequence numbers.
    pub const SYN: Flags = Flags(0x002);
    /// The sender resets the connection.
    pub const RST: Flags = Flags(0x004);
    /// The receiver should pass the data on to its program at once.
    pub const PSH: Flags = Flags(0x008);
    /// The acknowledgement number is valid.
    pub const ACK: Flags = Flags(0x010);
    /// The urgent pointer is valid.
    pub const URG: Flags = Flags(0x020);
    /// The sender has seen congestion on the way (RFC 3168).
    pub const ECE: Flags = Flags(0x040);
    /// The sender has reduced its congestion window (RFC 3168).
    pub const CWR: Flags = Flags(0x080);
    /// A sum that protects the two flags above (RFC 3540). Newer stacks call the bit AE.
    pub const NS: Flags = Flags(0x100);

    /// The nine flags with their names, from the highest bit on.
    pub const NAMED: [(Flags, &'static str); 9] = [
        (Flags::NS, "NS"),
        (Flags::CWR, "CWR"),
        (Flags::ECE, "ECE"),
        (Flags::URG, "URG"),
        (Flags::ACK, "ACK"),
        (Flags::PSH, "PSH"),
        (Flags::RST, "RST"),
        (Flags::SYN, "SYN"),
        (Flags::FIN, "FIN"),
    ];

    /// Returns whether any of the other flags is set here.
    #[inline]
    #[must_use]
    pub fn any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns whether the flag FIN is set.
    #[inline]
    #[must_use]
    pub fn fin(self) -> bool {
        self.any(Flags::FIN)
    }

    /// Returns whether the flag SYN is set.
    #[inline]
    #[must_use]
    pub fn syn(self) -> bool {
        self.any(Flags::SYN)
    }

    /// Returns whether the flag RST is set.
    #[inline]
    #[must_use]
    pub fn rst(self) -> bool {
        self.any(Flags::RST)
    }

    /// Returns whether the flag ACK is set.
    #[inline]
    #[must_use]
    pub fn ack(self) -> bool {
        self.any(Flags::ACK)
    }

    /// Returns the three reserved bits.
    #[must_use]
    pub fn reserved(self) -> u16 {
        self.0 >> 9
    }

    /// Returns the names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Flags::NAMED.into_iter().filter(move |(flag, _)| self.any(*flag)).map(|(_, name)| name)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        for name in self.names() {
            write!(f, "{space}{name}")?;
            space = " ";
        }
        if self.reserved() != 0 {
            write!(f, "{space}reserved={:03b}", self.reserved())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;

    #[test]
    fn flags_are_shown_by_name() {
        assert_eq!((Flags::SYN | Flags::ACK).to_string(), "ACK SYN");
        assert_eq!(Flags(0x1ff).to_string(), "NS CWR ECE URG ACK PSH RST SYN FIN");
        assert_eq!(Flags(0xa00).to_string(), "reserved=101");
        assert_eq!(Flags(0).to_string(), "");
    }
}
