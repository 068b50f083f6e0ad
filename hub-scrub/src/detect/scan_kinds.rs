//! This module groups the searches of the built-ins in one set by what starts them.
//!
//! Without it, the scan would have to check at each byte which built-ins are wanted.

use super::built_ins::{DECLARATIONS, SIGN_SEARCHES};
use super::cluster::LONGEST_FIRST_GROUP;
use super::declaration::{RunSearch, Search, SignSearch, StartSearch, Trigger};
use super::kinds::BuiltIn;
use super::number_search::NumberSearch;
use super::secret_formats::SecretFormats;
use fearless_simd::Level;
use memchr::memmem::Finder;
use std::iter;

/// `ScanKinds` has the searches of the wanted built-ins, in the order of their declarations.
#[derive(Debug, Clone)]
pub(super) struct ScanKinds {
    /// Bit `n` stands for the built-in with the discriminant `n`.
    pub(super) kinds: u64,
    /// Bit `n` stands for the trigger with the discriminant `n`.
    triggers: u16,
    /// The processor has these vector instructions.
    pub(super) level: Level,
    /// The entry at index `n` has the searches for numbers that may begin with a group of `n` digits.
    pub(super) numbers: [Vec<(BuiltIn, NumberSearch)>; LONGEST_FIRST_GROUP + 1],
    /// These searches start where this number of letters is alone in front of a digit.
    pub(super) letters: Vec<(BuiltIn, u32, StartSearch)>,
    /// These searches start at this sign. There are at most [`SIGN_SEARCHES`] of them.
    pub(super) signs: Vec<(BuiltIn, u8, SignSearch)>,
    /// In the entry at a byte, bit `i` is set if the byte may follow the sign of `signs[i]`.
    pub(super) signs_before: [u8; 256],
    pub(super) runs: Vec<(BuiltIn, RunSearch)>,
    pub(super) formats: SecretFormats,
    pub(super) begins: Vec<Begin>,
    pub(super) has_numbers: bool,
    pub(super) has_runs: bool,
}

/// A `Begin` is a search that starts wherever a text has certain bytes.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    pub(super) kind: BuiltIn,
    pub(super) begin: Finder<'static>,
    /// Texts of fewer bytes are not searched.
    pub(super) shortest: usize,
    pub(super) search: StartSearch,
}

impl ScanKinds {
    /// Groups the searches of the wanted built-ins.
    pub(super) fn new(wanted: impl Iterator<Item = BuiltIn>) -> ScanKinds {
        const { assert!(DECLARATIONS.len() <= 64 && SIGN_SEARCHES <= 8) };
        let mut kinds = ScanKinds {
            kinds: wanted.fold(0, |bits, kind| bits | 1_u64 << kind as u32),
            triggers: 0,
            level: Level::new(),
            numbers: Default::default(),
            letters: Vec::new(),
            signs: Vec::with_capacity(SIGN_SEARCHES),
            signs_before: [0; 256],
            runs: Vec::new(),
            formats: SecretFormats::new(iter::empty()),
            begins: Vec::new(),
            has_numbers: false,
            has_runs: false,
        };
        let mut formats = Vec::new();
        for declaration in DECLARATIONS {
            let kind = declaration.kind;
            if kinds.kinds >> kind as u32 & 1 == 0 {
                continue;
            }
            kinds.triggers |= 1 << declaration.trigger as u16;
            for search in declaration.searches {
                match *search {
                    Search::Number(search) => {
                        for (len, searches) in kinds.numbers.iter_mut().enumerate() {
                            searches.extend(search.may_begin(len).then_some((kind, search)));
                        }
                    }
                    Search::Letters(count, search) => kinds.letters.push((kind, count, search)),
                    Search::Sign(sign, may_follow, search) => {
                        let bit = kinds.signs.len();
                        for (b, signs) in (0..=u8::MAX).zip(&mut kinds.signs_before) {
                            *signs |= u8::from(may_follow(b)) << bit;
                        }
                        kinds.signs.push((kind, sign, search));
                    }
                    Search::Run(search) => kinds.runs.push((kind, search)),
                    Search::Prefix(of_kind) => formats.push((kind, of_kind)),
                    Search::Begin { begin, shortest, search } => {
                        let begin = Finder::new(begin);
                        kinds.begins.push(Begin { kind, begin, shortest, search });
                    }
                }
            }
        }
        kinds.formats = SecretFormats::new(formats.into_iter());
        kinds.has_numbers = kinds.numbers.iter().any(|searches| !searches.is_empty());
        kinds.has_runs = kinds.formats.any() || !kinds.runs.is_empty();
        kinds
    }

    /// Returns whether any of the built-ins has this trigger.
    #[inline]
    pub(super) fn has(&self, trigger: Trigger) -> bool {
        self.triggers >> trigger as u16 & 1 == 1
    }

    /// Returns whether any built-in is wanted.
    pub(super) fn any(&self) -> bool {
        self.kinds != 0
    }
}
