//! This module finds telephone numbers.
//!
//! Without it, telephone numbers would pass.

use super::cluster::{Cluster, OTHER, PAREN};
use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::number_plan::{has_trunk, is_e164};
use super::number_search::NumberSearch;
use super::others::NUMBERED;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::Phone`].
pub(super) const PHONE: Declaration = Declaration {
    kind: BuiltIn::Phone,
    name: "phone",
    words: &[
        "phone",
        "phones",
        "telephone",
        "tel",
        "tél",
        "call",
        "calls",
        "calling",
        "mobile",
        "mobil",
        "móvil",
        "cell",
        "cellphone",
        "cellular",
        "cellulare",
        "fax",
        "telefon",
        "telefonnummer",
        "telefono",
        "teléfono",
        "telefone",
        "telefoon",
        "telefoonnummer",
        "téléphone",
        "mobiel",
        "mobilnummer",
        "mobiltelefon",
        "handynummer",
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
        "appelez",
        "bel",
        "dzwoń",
        "numer",
        "номер",
        "телефон",
        "тел",
        "звон",
        "звоните",
        "电话",
        "手机",
        "致电",
        "联系",
        "電話",
        "携帯",
        "連絡",
    ],
    keys: &[
        "phone",
        "telephone",
        "tel",
        "mobile",
        "cell",
        "fax",
        "msisdn",
        "whatsapp",
        "sms",
        "telefon",
        "telefono",
        "telefone",
        "telefoon",
        "handy",
        "mobil",
        "movil",
        "celular",
        "rufnummer",
        "telefonnummer",
        "mobilnummer",
        "phonenumber",
        "phoneno",
        "mobileno",
        "cellphone",
        "mobilephone",
        "homephone",
        "workphone",
        "landline",
        "hotline",
        "caller",
        "callee",
        "mobile phone",
        "cell phone",
        "phone home",
        "phone work",
        "phone mobile",
        "caller id",
        "contact phone",
        "sms to",
        "call from",
        "call to",
    ],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[9, 10, 11],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Own(|_| true, find))],
    check: None,
    examples: &["+49 30 901820", "(212) 555-0187", "call 6123456789"],
};

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
    if cluster.total < 7 || is_part_of_time(cluster.bytes, cluster.groups()[first].start) {
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
    let (count, evidence) = number.international().or_else(|| number.national())?;
    if (evidence == Evidence::SHAPE || count == 1) && is_part_of_name(cluster.bytes, start) {
        return None;
    }
    // In `(+49) 30 1234567`, the parentheses belong to the match.
    let around = plus && closed && count > 1 && cluster.byte_before(start) == Some(b'(');
    let end = extension(cluster.bytes, cluster.groups()[first + count - 1].end())?;
    Some(Match { start: start - usize::from(around), end, evidence })
}

/// Returns whether a number at `start` is the seconds of a time, as in `10:21:30.022-0800`.
fn is_part_of_time(bytes: &[u8], start: usize) -> bool {
    matches!(bytes[..start], [.., d, b':'] if d.is_ascii_digit())
}

/// Returns whether a number at `start` is the end of a name such as `SO-2026123456`.
fn is_part_of_name(bytes: &[u8], start: usize) -> bool {
    matches!(bytes[..start], [.., a, b'-' | b'_' | b'/'] if a.is_ascii_alphanumeric())
}

/// Returns how many groups from the group `first` on may belong to one number.
fn joined(cluster: &Cluster<'_>, first: usize) -> usize {
    let rest = first + 1..cluster.groups().len();
    let end = |sep| sep == OTHER || (sep == b'.') != (cluster.sep(first + 1) == b'.');
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
    /// groups, and what speaks for the match.
    fn international(&self) -> Option<(usize, Evidence)> {
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
            let zip = zeros && self.is_shape(count, &[5, 4], b"-");
            if !trunk_missing
                && !zip
                && is_e164(number, usize::from(trunk))
                && (self.ends(count) || count == self.joined)
            {
                // Plain digits may also be the number of an article.
                let evidence = match (self.plus, count) {
                    (true, _) => Evidence::OWN_FORM,
                    (false, 1) => Evidence::SHAPE,
                    (false, _) => Evidence::FORM,
                };
                return Some((count, evidence));
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

    /// Matches numbers without a country code. Returns the number of groups, and what speaks for the match.
    fn national(&self) -> Option<(usize, Evidence)> {
        if let Some(found) = self.north_american() {
            return Some(found);
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
                // Ten digits that begin with 1 are the seconds of a time until 2033, and no telephone number.
                let time = total == 10 && self.begins_with(b"1");
                return (!time).then_some((1, Evidence::SHAPE));
            }
            let more = (1..count).all(|i| self.len(i) > 1);
            // A `02165-7978` is a ZIP code, `0588.4166.9169` the address of a network card, and the 0 of
            // `0 36000 29145` stands in front of a bar code.
            let zip = self.is_shape(count, &[5, 4], b"-");
            let mac = self.is_shape(count, &[4, 4, 4], b"..");
            let area = (2..=5).contains(&self.len(0)) || self.sep(1) == PAREN;
            if trunk && more && !zip && !mac && area {
                return Some((count, Evidence::FORM));
            }
            // São Paulo's numbers are written like that, and little else is.
            if self.is_shape(count, &[2, 4, 4], b" -") || self.is_shape(count, &[2, 5, 4], b" -") {
                return Some((count, Evidence::FORM));
            }
            let pieces = (1..=4).contains(&self.len(0)) && more;
            return pieces.then_some((count, Evidence::SHAPE));
        }
        None
    }

    /// Matches `(NPA) NXX-XXXX` and `NPA-NXX-XXXX`, also with points or spaces and with a 1 in
    /// front.
    fn north_american(&self) -> Option<(usize, Evidence)> {
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
            // Three numbers in a row, such as the widths of an image, may have these groups too.
            let written = parenthesis || in_line == b'-' || in_line == b'.' || one == 1;
            let evidence = if written { Evidence::FORM } else { Evidence::SHAPE };
            return (same && issued && whole).then_some((one + 3, evidence));
        }
        None
    }

    /// Matches `(030) 1234567`: two to six digits in parentheses, and then four to nine.
    fn area_in_parentheses(&self) -> Option<(usize, Evidence)> {
        if !(2..=6).contains(&self.len(0)) {
            return None;
        }
        (2..=self.joined.min(5)).rev().find_map(|count| {
            let rest = self.total(count) - self.len(0);
            let right = (4..=9).contains(&rest) && (8..=12).contains(&self.total(count));
            (right && self.ends(count)).then_some((count, Evidence::FORM))
        })
    }

    /// Returns whether the groups have exactly these lengths and separators.
    fn is_shape(&self, count: usize, lengths: &[usize], seps: &[u8]) -> bool {
        count == lengths.len()
            && lengths.iter().enumerate().all(|(i, len)| self.len(i) == *len)
            && seps.iter().enumerate().all(|(i, sep)| self.sep(i + 1) == *sep)
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
