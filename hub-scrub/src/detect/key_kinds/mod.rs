//! A kind of content that a key names by its last words, whatever the content looks like.
//!
//! Without kinds, every rule file would list the names of keys by itself: a password has no form by which a
//! detector could find it.

mod declaration;
mod declared;
mod secret_names;

use super::key_names::KeyNames;
use crate::model::ValueHead;
use declaration::KeyKindDeclaration;
use declared::DECLARATIONS;
use std::str::FromStr;
use std::sync::LazyLock;

/// A `KeyKind` is a kind of content that keys name by their last words, such as `secret`. Rules look for it with
/// `named`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyKind(u8);

/// `KeyKinds` is a set of kinds. Bit `n` stands for the kind with the number `n`.
pub(crate) type KeyKinds = u32;

/// A `Meaning` says of which kinds a key with some name is, and of which it is not.
#[derive(Debug, Clone, Copy, Default)]
struct Meaning {
    is: KeyKinds,
    is_not: KeyKinds,
}

/// The table has the names of all kinds.
static NAMES: LazyLock<KeyNames<Meaning>> = LazyLock::new(|| {
    let mut names: Vec<(&str, Meaning)> = Vec::new();
    for kind in KeyKind::all() {
        let declaration = kind.declaration();
        let is = Meaning { is: kind.bit(), is_not: 0 };
        let is_not = Meaning { is: 0, is_not: kind.bit() };
        names.extend(declaration.names.iter().map(|name| (*name, is)));
        names.extend(declaration.except.iter().map(|name| (*name, is_not)));
    }
    KeyNames::merged(names, |one, other| Meaning {
        is: one.is | other.is,
        is_not: one.is_not | other.is_not,
    })
});

/// Keys with these names have the content itself.
static VALUES: LazyLock<KeyNames<()>> =
    LazyLock::new(|| KeyNames::new(declared::VALUES.iter().map(|name| (*name, ()))));

/// Keys with these names say something about a value beside them, and have no sensitive content themselves.
static DESCRIBING: LazyLock<KeyNames<()>> =
    LazyLock::new(|| KeyNames::new(secret_names::DESCRIBING.iter().map(|name| (*name, ()))));

impl KeyKind {
    /// Returns all kinds, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = KeyKind> {
        const { assert!(DECLARATIONS.len() <= KeyKinds::BITS as usize) };
        (0..DECLARATIONS.len() as u8).map(KeyKind)
    }

    /// Returns the declaration of the kind.
    fn declaration(self) -> &'static KeyKindDeclaration {
        &DECLARATIONS[usize::from(self.0)]
    }

    /// Returns the name of the kind in rule files.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.declaration().name
    }

    /// Returns what keys of this kind name, for people.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.declaration().about
    }

    /// Returns keys that are of this kind.
    #[must_use]
    pub fn examples(self) -> &'static [&'static str] {
        self.declaration().examples
    }

    /// Returns keys that look similar and are not of this kind.
    #[must_use]
    pub fn counter_examples(self) -> &'static [&'static str] {
        self.declaration().counter_examples
    }

    /// Returns whether a key is of this kind.
    #[must_use]
    pub fn is_named_by(self, key: &str) -> bool {
        KeyKind::of_key(key.as_bytes()) & self.bit() != 0
    }

    /// Returns the kind with this number.
    pub(crate) fn numbered(number: u32) -> KeyKind {
        KeyKind(number as u8)
    }

    /// Returns the number of the kind.
    pub(crate) fn number(self) -> usize {
        usize::from(self.0)
    }

    /// Returns the bit of the kind in a set of kinds.
    pub(crate) fn bit(self) -> KeyKinds {
        1 << self.0
    }

    /// Returns whether a value under a key of this kind is of this kind. A container never is, but what is inside
    /// it may be.
    pub(crate) fn fits(self, value: &ValueHead<'_>) -> bool {
        (self.declaration().fits)(value)
    }

    /// Returns the kinds of a key.
    #[inline]
    pub(crate) fn of_key(key: &[u8]) -> KeyKinds {
        let mut decided = Meaning::default();
        NAMES.each(key, |meaning| {
            let open = !(decided.is | decided.is_not);
            decided.is |= meaning.is & open;
            decided.is_not |= meaning.is_not & open;
        });
        decided.is
    }

    /// Returns whether a key with these last letters could be of any kind.
    #[inline]
    pub(crate) fn may_be_named_by(key: &[u8]) -> bool {
        NAMES.may_have(key)
    }

    /// Returns whether a key names a secret or several secrets.
    pub(crate) fn names_secret(key: &[u8]) -> bool {
        const SECRETS: KeyKinds = 1 << declared::SECRET_NUMBER
            | 1 << declared::SECRETS_NUMBER
            | 1 << declared::AUTHORIZATION_NUMBER;
        KeyKind::of_key(key) & SECRETS != 0
    }

    /// Returns the kinds of the entry with the name `key` in a map whose own key names content of the kinds `around`.
    /// If `is_element` is true, the map is an element of an array, so it describes one of several things.
    pub(crate) fn inside(around: KeyKinds, key: &[u8], is_element: bool) -> KeyKinds {
        if around == 0 || VALUES.find(key).is_some() {
            return around;
        }
        let each = KeyKind::all().filter(|kind| kind.declaration().collective);
        let collective = each.fold(0, |all, kind| all | kind.bit());
        let each = if is_element { 0 } else { around & collective };
        if each == 0 || DESCRIBING.find(key).is_some() { 0 } else { each }
    }
}

impl FromStr for KeyKind {
    type Err = ();

    fn from_str(name: &str) -> Result<KeyKind, ()> {
        KeyKind::all().find(|kind| kind.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::KeyKind;

    #[test]
    fn each_kind_keeps_the_word_of_its_examples() {
        for kind in KeyKind::all() {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert!(!kind.examples().is_empty() && !kind.counter_examples().is_empty());
            for key in kind.examples() {
                assert!(kind.is_named_by(key), "{key}");
            }
            for key in kind.counter_examples() {
                assert!(!kind.is_named_by(key), "{key}");
            }
        }
    }

    /// An exception that ends with no name of its kind would have no effect.
    #[test]
    fn every_exception_is_one() {
        let fold = |name: &str| name.replace([' ', '-', '_'], "");
        for declaration in KeyKind::all().map(KeyKind::declaration) {
            for except in declaration.except {
                let is_exception_of =
                    |name: &&str| fold(except).ends_with(&fold(name)) && fold(except) != fold(name);
                assert!(declaration.names.iter().any(is_exception_of), "{except}");
            }
        }
    }
}
