//! This module folds a text: it replaces full-width forms and letters that look like others, and removes
//! characters without a width.
//!
//! Without it, a card number in full-width digits would not be found.

use super::work::Work;

/// A byte costs this many reads when a text is searched for characters that would be folded.
const SEARCH_READS: usize = 4;
/// A byte of a text that is folded costs this many reads.
const FOLD_READS: usize = 10;

/// A `Folded` is a folded text, with the original offset of each of its bytes.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) text: String,
    /// The entry at the index of a byte of `text` is an offset in the original text. It is the offset of the
    /// character that was replaced, or otherwise of the byte itself.
    origin: Vec<usize>,
}

impl Folded {
    /// Folds `original`, and reuses the memory. Returns `false` if no character had to be folded.
    pub(super) fn fold(&mut self, original: &str, work: &mut Work) -> bool {
        work.add(original.len() * SEARCH_READS);
        if !has_folded(original) {
            return false;
        }
        work.add(original.len() * FOLD_READS);
        self.text.clear();
        self.origin.clear();
        for (at, c) in original.char_indices() {
            match fold(c) {
                None => {
                    self.text.push(c);
                    self.origin.extend(at..at + c.len_utf8());
                }
                Some(NOTHING) => {}
                Some(seen) => {
                    self.text.push(seen);
                    self.origin.push(at);
                }
            }
        }
        true
    }

    /// Returns the range in the original text of the folded range `start..end`, which must not be empty.
    pub(super) fn original(&self, original: &str, start: usize, end: usize) -> (usize, usize) {
        let last = self.origin[end - 1];
        let width = original.get(last..).and_then(|rest| rest.chars().next());
        (self.origin[start], last + width.map_or(1, char::len_utf8))
    }
}

/// Returns whether any character would be folded. ASCII is skipped in steps of 16 bytes.
fn has_folded(text: &str) -> bool {
    let steps = text.as_bytes().chunks(16).enumerate().filter(|(_, step)| !step.is_ascii());
    for (i, step) in steps {
        for (j, _) in step.iter().enumerate().filter(|(_, b)| **b >= 0xc0) {
            let c = text.get(i * 16 + j..).and_then(|rest| rest.chars().next());
            if c.and_then(fold).is_some() {
                return true;
            }
        }
    }
    false
}

/// Returns a text with its characters folded, or `None` if none of them has to be.
pub(super) fn folded(text: &str) -> Option<String> {
    let chars = || text.chars().map(|c| fold(c).unwrap_or(c)).filter(|c| *c != NOTHING);
    has_folded(text).then(|| chars().collect())
}

/// [`fold`] returns this for a character that is not visible.
const NOTHING: char = '\0';

/// Returns the ASCII character that readers see in `c`, or [`NOTHING`]. Returns `None` if `c` stays itself.
///
/// It folds the decimal digits of the common scripts (Unicode, general category Nd), full-width
/// forms, the mathematical alphabets, letters of Cyrillic and Greek that look like Latin ones
/// (Unicode confusables of one letter), spaces, dashes, points, and characters without a width.
fn fold(c: char) -> Option<char> {
    if c.is_ascii() {
        return None;
    }
    let offset = |first: u32, to: u8, count: u32| {
        let place = (c as u32 - first) % count;
        char::from_u32(u32::from(to) + place)
    };
    match c {
        // Full-width forms.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
        // No width: soft hyphen, joiners, marks of direction, variation selectors, tags, BOM.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}' => Some(NOTHING),
        // Spaces.
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Some(' ')
        }
        // Dashes, points, colons, at.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
        '\u{2024}' | '\u{3002}' | '\u{ff61}' | '\u{fe52}' | '\u{b7}' | '\u{30fb}' => Some('.'),
        '\u{2236}' | '\u{a789}' | '\u{fe55}' | '\u{2d0}' => Some(':'),
        '\u{fe6b}' => Some('@'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        // Digits.
        '\u{660}'..='\u{669}' => offset(0x660, b'0', 10),
        '\u{6f0}'..='\u{6f9}' => offset(0x6f0, b'0', 10),
        '\u{966}'..='\u{96f}' => offset(0x966, b'0', 10),
        '\u{9e6}'..='\u{9ef}' => offset(0x9e6, b'0', 10),
        '\u{a66}'..='\u{a6f}' => offset(0xa66, b'0', 10),
        '\u{ae6}'..='\u{aef}' => offset(0xae6, b'0', 10),
        '\u{be6}'..='\u{bef}' => offset(0xbe6, b'0', 10),
        '\u{c66}'..='\u{c6f}' => offset(0xc66, b'0', 10),
        '\u{e50}'..='\u{e59}' => offset(0xe50, b'0', 10),
        '\u{1040}'..='\u{1049}' => offset(0x1040, b'0', 10),
        '\u{17e0}'..='\u{17e9}' => offset(0x17e0, b'0', 10),
        '\u{1d7ce}'..='\u{1d7ff}' => offset(0x1d7ce, b'0', 10),
        '\u{1fbf0}'..='\u{1fbf9}' => offset(0x1fbf0, b'0', 10),
        '\u{2070}' | '\u{2080}' | '\u{24ea}' => Some('0'),
        '\u{b9}' => Some('1'),
        '\u{b2}' => Some('2'),
        '\u{b3}' => Some('3'),
        '\u{2074}'..='\u{2079}' => offset(0x2074, b'4', 6),
        '\u{2081}'..='\u{2089}' => offset(0x2081, b'1', 9),
        '\u{2460}'..='\u{2468}' => offset(0x2460, b'1', 9),
        // Mathematical alphabets: 13 times capitals and small letters.
        '\u{1d400}'..='\u{1d6a3}' => match (c as u32 - 0x1d400) % 52 {
            place @ 0..26 => char::from_u32(u32::from(b'A') + place),
            place => char::from_u32(u32::from(b'a') + place - 26),
        },
        _ => looks_like(c),
    }
}

/// The letters of Greek and Cyrillic are from the first of these to the last.
const LETTERS: [u16; 2] = [0x370, 0x52f];

/// Each Cyrillic or Greek letter here is followed by the Latin letter that it looks like.
const DRAWN: &[u8] = "аaеeоoрpсcуyхxіiјjѕsһhԁdԛqԝwАAВBЕEКKМMНHОOРPСCТTУYХXІIЈJЅSԚQԜWҮYοoνvΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX".as_bytes();

/// The entry at the offset of a letter from the first one is the Latin letter that it looks like, or 0. Without
/// the table, each letter of a Russian text would be compared with all of the letters.
const LOOKS_LIKE: [u8; (LETTERS[1] - LETTERS[0]) as usize + 1] = {
    let mut table = [0; (LETTERS[1] - LETTERS[0]) as usize + 1];
    let mut i = 0;
    while i < DRAWN.len() {
        // A letter beyond ASCII has two bytes here.
        let letter = (DRAWN[i] as u16 & 0x1f) << 6 | DRAWN[i + 1] as u16 & 0x3f;
        table[(letter - LETTERS[0]) as usize] = DRAWN[i + 2];
        i += 3;
    }
    table
};

/// Returns the Latin letter that a Cyrillic or Greek letter looks like.
fn looks_like(c: char) -> Option<char> {
    let place = (c as u32).checked_sub(LETTERS[0].into())?;
    match LOOKS_LIKE.get(place as usize) {
        None | Some(0) => None,
        Some(latin) => Some(char::from(*latin)),
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    /// The prefilter relies on this with `Masks::odd`.
    #[test]
    fn no_folded_character_has_the_lead_of_an_ordinary_one() {
        for c in ('\u{80}'..=char::MAX).filter(|c| fold(*c).is_some()) {
            let lead = c.to_string().as_bytes()[0];
            assert!(matches!(lead, 0xc2 | 0xcb..=0xe3 | 0xea..), "{c:?}");
        }
    }
}
