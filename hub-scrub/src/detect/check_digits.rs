//! This module computes check digits.
//!
//! Without it, every number of the right length would count as a card or an identification number.

/// Returns whether digits pass Luhn's algorithm. `digits` are values, and not ASCII.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().map(|(i, &d)| luhn_part(i, d)).sum();
    sum.is_multiple_of(10)
}

fn luhn_part(from_right: usize, digit: u8) -> u32 {
    let digit = u32::from(digit);
    match from_right % 2 {
        0 => digit,
        _ if digit > 4 => 2 * digit - 9,
        _ => 2 * digit,
    }
}

/// Returns the number that the characters form, modulo 97, with letters as 10 to 35.
pub(super) fn mod97(upper: &[u8]) -> u32 {
    // A remainder takes longer than everything else here, so it is taken only before the number overflows.
    const LARGE: u64 = 1 << 50;
    let rest = upper.iter().fold(0_u64, |rest, &b| {
        let rest = if rest < LARGE { rest } else { rest % 97 };
        match b {
            b'0'..=b'9' => rest * 10 + u64::from(b - b'0'),
            _ => rest * 100 + u64::from(b.wrapping_sub(b'A')) + 10,
        }
    });
    (rest % 97) as u32
}

/// Returns the sum of the digits, each times its weight.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(&d, w)| u32::from(d) * w).sum()
}

/// Returns whether the last digit is GS1's check digit. The weights are 3 and 1 from the right.
pub(super) fn gs1(digits: &[u8]) -> bool {
    let weight = |i: usize| if i.is_multiple_of(2) { 1 } else { 3 };
    let parts = digits.iter().rev().enumerate();
    parts.map(|(i, &d)| u32::from(d) * weight(i)).sum::<u32>().is_multiple_of(10)
}

/// Returns whether the characters pass ISO 7064 MOD 11-2.
pub(super) fn mod11_2(upper: &[u8]) -> bool {
    let Some((&last, body)) = upper.split_last() else { return false };
    if body.is_empty() || !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let rest = body.iter().fold(0, |rest, &b| (rest + u32::from(b - b'0')) * 2 % 11);
    match (12 - rest) % 11 {
        10 => last == b'X',
        digit => u32::from(last) == u32::from(b'0') + digit,
    }
}

/// Returns whether digits pass the Verhoeff algorithm. It multiplies in the dihedral group of order 10, and
/// permutes the digits by their position.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTATION: [[u8; 10]; 8] = permutations();
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0, |sum, (i, &d)| dihedral(sum, PERMUTATION[i % 8][usize::from(d)]));
    sum == 0
}

/// Returns the product of two elements of the group. 0 to 4 are rotations, and 5 to 9 are reflections.
const fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

const fn permutations() -> [[u8; 10]; 8] {
    let step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let mut table = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]; 8];
    let mut row = 1;
    while row < 8 {
        let mut i = 0;
        while i < 10 {
            table[row][i] = step[table[row - 1][i] as usize];
            i += 1;
        }
        row += 1;
    }
    table
}
