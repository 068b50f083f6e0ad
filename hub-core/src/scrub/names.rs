//! A quick look at a key: most are none that a rule names, and need no hash.

/// What is left out where key names are compared.
const LEFT_OUT: &[u8] = b"_- ";

/// A set of names, told apart by their first and last letter: it may hold more than was put in.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameFilter {
    /// For each first letter, a bit for each last one.
    lasts: [u32; 32],
}

impl NameFilter {
    /// Whether a name could be in the set, without regard to case and to `_`, `-` and blanks.
    #[inline]
    pub(crate) fn may_have(&self, name: &[u8]) -> bool {
        let part = |byte: &&u8| !LEFT_OUT.contains(*byte);
        match (name.iter().find(part), name.iter().rfind(part)) {
            (Some(first), Some(last)) => {
                self.lasts[usize::from(first & 31)] >> (last & 31) & 1 == 1
            }
            // Only what is left out: that it is one is for the exact look to say.
            _ => true,
        }
    }
}

impl<'a> FromIterator<&'a [u8]> for NameFilter {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(names: I) -> NameFilter {
        let mut filter = NameFilter::default();
        for name in names {
            let part = |byte: &&u8| !LEFT_OUT.contains(*byte);
            if let (Some(first), Some(last)) = (name.iter().find(part), name.iter().rfind(part)) {
                filter.lasts[usize::from(first & 31)] |= 1 << (last & 31);
            }
        }
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::NameFilter;

    #[test]
    fn what_was_put_in_may_be_there_in_every_form() {
        let filter: NameFilter = [&b"cardnumber"[..], b"_x-", b"\xc3\xa9"].into_iter().collect();
        for name in ["cardNumber", "CARD_NUMBER", "_card number-", "x", "X_", "\u{e9}", "", "--"] {
            assert!(filter.may_have(name.as_bytes()), "{name}");
        }
        for name in ["card", "number", "cardnumbers", "y"] {
            assert!(!filter.may_have(name.as_bytes()), "{name}");
        }
    }
}
