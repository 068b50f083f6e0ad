//! This module finds telephone numbers.
//!
//! Without it, telephone numbers would pass.

use super::check_digits::luhn;
use super::cluster::{Cluster, OTHER, PAREN};
use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::number_search::NumberSearch;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::Phone`].
pub(super) const PHONE: Declaration = Declaration {
    kind: BuiltIn::Phone,
    name: "phone",
    words: &[
        "phone",
        "tel",
        "tél",
        "call",
        "mobile",
        "mobil",
        "móvil",
        "cell",
        "cellulare",
        "fax",
        "telefon",
        "telefono",
        "teléfono",
        "telefone",
        "telefoon",
        "téléphone",
        "mobiel",
        "rufnummer",
        "sms",
        "whatsapp",
        "handy",
        "contact",
        "dial",
        "hotline",
        "gsm",
        "portable",
        "celular",
        "ring",
        "ruf",
        "appel",
        "bel",
        "dzwoń",
        "numer",
        "номер",
        "телефон",
        "тел",
        "звон",
        "电话",
        "手机",
        "致电",
        "联系",
        "電話",
        "携帯",
        "連絡",
    ],
    trigger: Trigger::Digits,
    ambiguous_integers: &[9, 10, 11],
    certain_integers: &[],
    searches: &[Search::Number(NumberSearch::Own(|_| true, find))],
    check: None,
    examples: &["+49 30 901820", "(212) 555-0187", "call 6123456789"],
};

/// Each entry has a country code, and the least and the most digits of its national numbers, from the
/// plans that the ITU lists (E.164). Numbers with other country codes may have 4 to 12 digits.
#[rustfmt::skip]
const NATIONAL: [(u32, usize, usize); 40] = [
    (1, 10, 10), (7, 10, 10), (20, 8, 10), (27, 9, 9), (30, 10, 10), (31, 9, 9), (32, 8, 9),
    (33, 9, 9), (34, 9, 9), (36, 8, 9), (39, 6, 11), (40, 9, 9), (41, 9, 9), (43, 4, 13),
    (44, 9, 10), (45, 8, 8), (46, 7, 10), (47, 8, 8), (48, 9, 9), (49, 5, 12), (51, 8, 9),
    (52, 10, 10), (54, 10, 11), (55, 10, 11), (56, 9, 9), (57, 8, 10), (60, 8, 10), (61, 9, 9),
    (62, 7, 12), (63, 8, 10), (64, 8, 10), (65, 8, 8), (66, 8, 9), (81, 9, 10), (82, 8, 10),
    (84, 9, 10), (86, 9, 11), (90, 10, 10), (91, 10, 10), (98, 10, 10),
];

/// To try the forms of a telephone number at a group costs this many reads.
const PHONE_READS: usize = 120;

/// Finds a telephone number that begins at the group `first`.
fn find(cluster: &Cluster<'_>, first: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let plus = cluster.plus_before(first);
    let (before, inside) = (cluster.sep(first), cluster.sep(first + 1));
    // The group is inside a longer number, such as an ISBN, or inside a fraction.
    if matches!(before, b'.' | b'/' | b'-') || (before != 0 && before == inside && !plus) {
        return None;
    }
    if cluster.total < 7 {
        return None;
    }
    work.add(PHONE_READS);
    // In `(030) 1234567` and `+(49) 30 1234567`, the parenthesis closes directly behind the first
    // group.
    let group = cluster.groups()[first];
    let closed = cluster.bytes.get(group.end()) == Some(&b')');
    let open = closed && cluster.byte_before(group.start) == Some(b'(');
    let mut start = group.start - usize::from(open);
    let plus = cluster.byte_before(start) == Some(b'+');
    start -= usize::from(plus);
    let number = PhoneCandidate { cluster, first, joined: joined(cluster, first), open, plus };
    let (count, certain) = number.international().or_else(|| number.national())?;
    if (!certain || count == 1) && is_part_of_name(cluster.bytes, start) {
        return None;
    }
    // In `(+49) 30 1234567`, the parentheses belong to the match.
    let around = plus && closed && count > 1 && cluster.byte_before(start) == Some(b'(');
    let end = extension(cluster.bytes, cluster.groups()[first + count - 1].end())?;
    Some(Match { start: start - usize::from(around), end, certain })
}

/// Returns whether a number at `start` is the end of a name such as `SO-2026123456`.
fn is_part_of_name(bytes: &[u8], start: usize) -> bool {
    matches!(bytes[..start], [.., a, b'-' | b'_' | b'/'] if a.is_ascii_alphanumeric())
}

/// Returns how many groups from the group `first` on may belong to one number.
fn joined(cluster: &Cluster<'_>, first: usize) -> usize {
    let rest = first + 1..cluster.groups().len();
    let end = |sep| matches!(sep, OTHER) || sep == b'.' && cluster.sep(first + 1) != b'.';
    1 + rest.clone().position(|i| end(cluster.sep(i))).unwrap_or(rest.len())
}

/// Returns the offset behind the extension (`x123`, ` ext. 4`), or `end` if there is none. Returns `None`
/// if a letter follows the number directly.
fn extension(bytes: &[u8], end: usize) -> Option<usize> {
    let rest = &bytes[end..];
    let trimmed = rest.strip_prefix(b" ").unwrap_or(rest);
    for word in [&b"extension "[..], b"ext. ", b"ext.", b"ext ", b"ext", b"x"] {
        let matches = trimmed.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
        let digits = |rest: &[u8]| rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let len = if matches { digits(&trimmed[word.len()..]) } else { 0 };
        if (1..=6).contains(&len) {
            return Some(end + (rest.len() - trimmed.len()) + word.len() + len);
        }
    }
    (!rest.first().is_some_and(u8::is_ascii_alphabetic)).then_some(end)
}

struct PhoneCandidate<'a, 'b> {
    cluster: &'a Cluster<'b>,
    first: usize,
    joined: usize,
    /// If this is true, the first group is in parentheses.
    open: bool,
    /// If this is true, a `+` is in front of the first group.
    plus: bool,
}

impl PhoneCandidate<'_, '_> {
    fn len(&self, i: usize) -> usize {
        self.cluster.groups().get(self.first + i).map_or(0, |group| group.len)
    }

    fn sep(&self, i: usize) -> u8 {
        if i < self.joined { self.cluster.sep(self.first + i) } else { 0 }
    }

    fn total(&self, count: usize) -> usize {
        (0..count).map(|i| self.len(i)).sum()
    }

    fn begins_with(&self, digits: &[u8]) -> bool {
        self.cluster.bytes[self.cluster.groups()[self.first].start..].starts_with(digits)
    }

    /// Returns whether the number can end after `count` groups: nothing is joined behind them, or only by a
    /// separator that ends a number.
    fn ends(&self, count: usize) -> bool {
        let behind = self.cluster.sep(self.first + count);
        behind == 0 || !matches!(behind, b'-' | b'.' | b'/')
    }

    /// Matches `+49 30 1234567` and `0049 30 1234567`, with or without `(0)`. Returns the number of
    /// groups, and whether the match is certain.
    fn international(&self) -> Option<(usize, bool)> {
        let zeros = !self.plus && self.begins_with(b"00");
        if !self.plus && !zeros {
            return None;
        }
        // There is room for 15 digits (E.164), `00` and the `(0)`.
        let mut digits = [0; 18];
        for count in (1..=self.joined.min(8)).rev() {
            let Some(all) = self.cluster.digits(self.first, count, &mut digits) else { continue };
            let number = if zeros { all.get(2..)? } else { all };
            let trunk = (1..count).any(|i| self.is_trunk(i));
            let trunk_missing = zeros && !trunk && has_trunk(number);
            if !trunk_missing
                && is_e164(number, usize::from(trunk))
                && (self.ends(count) || count == self.joined)
            {
                // Plain digits may also be the number of an article.
                return Some((count, self.plus || count > 1));
            }
        }
        None
    }

    /// Returns whether group `i` is a `(0)`, which is dialled only inside the country.
    fn is_trunk(&self, i: usize) -> bool {
        let group = self.cluster.groups()[self.first + i];
        let bytes = self.cluster.bytes;
        bytes[group.start] == b'0'
            && self.cluster.byte_before(group.start) == Some(b'(')
            && bytes[group.start..].iter().take(6).any(|b| *b == b')')
    }

    /// Matches numbers without a country code. Returns the number of groups, and whether the match
    /// is certain.
    fn national(&self) -> Option<(usize, bool)> {
        if let Some(count) = self.north_american() {
            return Some((count, true));
        }
        if self.open {
            return self.area_in_parentheses();
        }
        // No telephone number begins with three zeros. Nor is `000-12-3456` a social security
        // number.
        let zeros = self.begins_with(b"000");
        let trunk =
            self.begins_with(b"0") && !zeros || self.begins_with(b"8") && self.sep(1) == PAREN;
        let most = if trunk { 12 } else { 11 };
        for count in (1..=self.joined.min(6)).rev() {
            let total = self.total(count);
            // Numbers in Stockholm have this form: 08-58 35 50.
            let short =
                total == 8 && trunk && count > 2 && (self.sep(1), self.sep(2)) == (b'-', b' ');
            if !(short || (9..=most).contains(&total)) || !self.ends(count) || self.is_date(count) {
                continue;
            }
            if count == 1 {
                // Numbers that are not telephone numbers seldom begin with 0.
                return Some((1, trunk && total > 9 && !self.begins_with(b"00")));
            }
            let more = (1..count).all(|i| self.len(i) > 1);
            if trunk && more && (1..=5).contains(&self.len(0)) {
                return Some((count, true));
            }
            if self.is_shape(count, &[2, 3, 2, 2], b"   ")
                || self.is_shape(count, &[2, 4, 4], b" -")
                || self.is_shape(count, &[2, 5, 4], b" -")
                || self.is_polish_mobile(count)
            {
                return Some((count, true));
            }
            let pieces = (1..=4).contains(&self.len(0)) && more;
            return pieces.then_some((count, false));
        }
        None
    }

    /// Matches `(NPA) NXX-XXXX` and `NPA-NXX-XXXX`, also with points or spaces and with a 1 in
    /// front.
    fn north_american(&self) -> Option<usize> {
        let one = usize::from(self.len(0) == 1 && self.begins_with(b"1") && self.joined > 3);
        let lengths = [0, 1, 2].map(|i| self.len(one + i));
        let parenthesis = matches!(self.sep(one + 1), PAREN);
        let (in_area, in_line) = (self.sep(one + 1), self.sep(one + 2));
        if lengths == [3, 3, 4] && one + 3 <= self.joined {
            let same = in_area == in_line || parenthesis && !matches!(in_line, b'/' | OTHER);
            let area = self.cluster.groups()[self.first + one].start;
            let exchange = self.cluster.groups()[self.first + one + 1].start;
            let two_to_nine = |at: usize| (b'2'..=b'9').contains(&self.cluster.bytes[at]);
            let issued = two_to_nine(area) && two_to_nine(exchange);
            let whole = self.ends(one + 3) && self.cluster.sep(self.first) != in_line;
            return (same && issued && whole).then_some(one + 3);
        }
        None
    }

    /// Matches `(030) 1234567`: two to six digits in parentheses, and then four to nine.
    fn area_in_parentheses(&self) -> Option<(usize, bool)> {
        if !(2..=6).contains(&self.len(0)) {
            return None;
        }
        (2..=self.joined.min(5)).rev().find_map(|count| {
            let rest = self.total(count) - self.len(0);
            let right = (4..=9).contains(&rest) && (8..=12).contains(&self.total(count));
            (right && self.ends(count)).then_some((count, true))
        })
    }

    /// Returns whether the groups have these lengths and separators, as printed numbers of Poland and
    /// Brazil do.
    fn is_shape(&self, count: usize, lengths: &[usize], seps: &[u8]) -> bool {
        count == lengths.len()
            && lengths.iter().enumerate().all(|(i, len)| self.len(i) == *len)
            && seps.iter().enumerate().all(|(i, sep)| self.sep(i + 1) == *sep)
    }

    /// Matches `601 234 567` with a prefix that Poland's numbering plan gives to mobile numbers.
    /// French company numbers and Canadian insurance numbers are written like that too, but they
    /// pass Luhn's check. Amounts may have a fraction.
    fn is_polish_mobile(&self, count: usize) -> bool {
        const PREFIXES: [[u8; 2]; 13] = [
            [4, 5],
            [5, 0],
            [5, 1],
            [5, 3],
            [5, 7],
            [6, 0],
            [6, 6],
            [6, 9],
            [7, 2],
            [7, 3],
            [7, 8],
            [7, 9],
            [8, 8],
        ];
        if !self.is_shape(count, &[3, 3, 3], b"  ") {
            return false;
        }
        let mut digits = [0; 9];
        let Some(number) = self.cluster.digits(self.first, count, &mut digits) else {
            return false;
        };
        let end = self.cluster.groups()[self.first + count - 1].end();
        let fraction = matches!(self.cluster.bytes[end..], [b',', b'0'..=b'9', ..]);
        PREFIXES.iter().any(|prefix| number.starts_with(prefix)) && !luhn(number) && !fraction
    }

    /// Returns whether the groups begin with a date or a year.
    fn is_date(&self, count: usize) -> bool {
        let lengths = [0, 1, 2].map(|i| self.len(i));
        let same = self.sep(1) == self.sep(2) && count > 2;
        let day_first = same && matches!(lengths, [1 | 2, 1 | 2, 4]);
        day_first
            || same
                && matches!(lengths, [4, 1 | 2, 1 | 2])
                && matches!(self.sep(1), b'-' | b'/' | b'.')
    }
}

/// Returns whether the digits are a country code and a national number. The first `trunk` digits of the
/// latter do not count.
fn is_e164(number: &[u8], trunk: usize) -> bool {
    let Some(code) = country_code(number) else { return false };
    let known = NATIONAL.binary_search_by_key(&code, |&(code, _, _)| code);
    let (least, most) = known.map_or((4, 12), |i| (NATIONAL[i].1, NATIONAL[i].2));
    let digits = digits_of(code);
    let national = number.len().saturating_sub(digits + trunk);
    (least..=most).contains(&national)
}

/// Returns how many digits a country code has.
fn digits_of(code: u32) -> usize {
    1 + usize::from(code > 9) + usize::from(code > 99)
}

/// Returns whether the national number begins with 0, as only those of Italy do.
fn has_trunk(number: &[u8]) -> bool {
    let Some(code) = country_code(number) else { return false };
    let digits = digits_of(code);
    code != 39 && number.get(digits) == Some(&0)
}

/// Returns the country code with which the digits begin (ITU-T E.164, assigned codes).
fn country_code(number: &[u8]) -> Option<u32> {
    let [a, b, c, ..] = *number else { return None };
    let (one, two) = (u32::from(a), u32::from(a) * 10 + u32::from(b));
    let three = two * 10 + u32::from(c);
    match two {
        10..=19 | 70..=79 => Some(one),
        20
        | 27
        | 30..=34
        | 36
        | 39..=41
        | 43..=49
        | 51..=58
        | 60..=66
        | 81
        | 82
        | 84
        | 86
        | 90..=95
        | 98 => Some(two),
        21..=26 | 29 | 35 | 37 | 38 | 42 | 50 | 59 | 67..=69 | 80 | 85 | 87 | 88 | 96 | 97 | 99 => {
            Some(three)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::NATIONAL;

    #[test]
    fn the_table_is_sorted() {
        assert!(NATIONAL.is_sorted_by_key(|&(code, _, _)| code));
    }
}
