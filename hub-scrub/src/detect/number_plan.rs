//! The codes of countries and the lengths of their telephone numbers.
//!
//! Without them, every row of digits behind a `+` would be a telephone number.

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

/// Returns whether the digits are a country code and a national number. The first `trunk` digits of the
/// latter do not count.
pub(super) fn is_e164(number: &[u8], trunk: usize) -> bool {
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
pub(super) fn has_trunk(number: &[u8]) -> bool {
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
