//! What is sold, sent and registered: numbers with check digits of their own, which cards and numbers of persons
//! have too. Their keys say what they are.

use super::random::{BASE36, Random, grouped};
use super::shape::Shape;

/// Appends the check digit of GS1 (GTIN, EAN, UPC, ITF): weights 3 and 1 from the right.
fn gs1(body: String) -> String {
    let weighted = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 });
    let sum: u32 = weighted.sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// Appends the check digit of Luhn.
fn luhn(body: String) -> String {
    let weighted = body.bytes().rev().enumerate().map(|(place, digit)| {
        let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
        digit / 10 + digit % 10
    });
    let sum: u32 = weighted.sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn isbn10(random: &mut Random) -> String {
    let body = random.digits(9);
    let weighted =
        body.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight);
    let sum: u32 = weighted.sum();
    let check = match (11 - sum % 11) % 11 {
        10 => "X".to_owned(),
        digit => digit.to_string(),
    };
    match random.below(2) {
        0 => format!("{body}{check}"),
        _ => format!("{}-{}-{}-{check}", &body[..1], &body[1..4], &body[4..]),
    }
}

fn isbn13(random: &mut Random) -> String {
    let isbn = gs1(format!("97{}{}", random.pick(&["8", "9"]), random.digits(9)));
    match random.below(2) {
        0 => isbn,
        _ => format!(
            "{}-{}-{}-{}-{}",
            &isbn[..3],
            &isbn[3..4],
            &isbn[4..7],
            &isbn[7..12],
            &isbn[12..]
        ),
    }
}

fn gtin(random: &mut Random) -> String {
    let len = random.pick(&[7, 11, 12, 13]);
    gs1(random.digits(len))
}

fn order(random: &mut Random) -> String {
    match random.below(7) {
        0 => format!("SO-2026-{}", random.digits(6)),
        1 => format!("ORD0{}", random.digits(9)),
        2 => format!("{}-{}-{}", random.digits(3), random.digits(7), random.digits(7)),
        3 => format!("#{}", random.between(1000, 999_999)),
        4 => format!("INV/2026/{:05}", random.below(100_000)),
        // A leading zero, and as many digits as telephone numbers have.
        5 => format!("0{}", random.digits(9)),
        _ => {
            let len = random.between(8, 11) as usize;
            format!("0{}", random.digits(len))
        }
    }
}

fn sku(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("{}-{}-{}", random.text("ABCKQRX", 2), random.below(9000), random.below(90)),
        1 => format!("{}-{}", random.digits(5), random.digits(4)),
        2 => format!("{}.{}.{}", random.digits(3), random.digits(3), random.digits(2)),
        _ => random.text(BASE36, 10).to_uppercase(),
    }
}

fn tracking(random: &mut Random) -> String {
    match random.below(8) {
        0 => format!("1Z{}", random.text(BASE36, 16).to_uppercase()),
        1 => random.digits(12),
        2 => random.digits(15),
        3 => format!("96{}", random.digits(20)),
        4 => random.digits(10),
        5 => format!("JJD{}", random.digits(18)),
        6 => format!("JD01{}", random.digits(16)),
        _ => format!(
            "94{} {} {} {} {} {}",
            random.digits(2),
            random.digits(4),
            random.digits(4),
            random.digits(4),
            random.digits(4),
            random.digits(2)
        ),
    }
}

/// Returns an IBAN in which one digit is wrong, in groups or in one piece. It is no IBAN, and the digits in its
/// middle are no telephone number.
fn broken_iban(random: &mut Random) -> String {
    // The IBAN ends with 00 if its check digits are right.
    let number = format!("{}{}", random.digits(17), random.between(1, 9));
    let remainder = |check: &str| {
        // D and E count as 13 and 14, and the country comes last.
        let digits = format!("{number}1314{check}");
        digits.bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97)
    };
    let right = 98 - remainder("00");
    let wrong = (right + random.between(1, 9) as u32) % 97;
    let iban = format!("DE{wrong:02}{number}");
    if random.one_in(2) { iban } else { grouped(&iban, 4, " ") }
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::text("EAN-8", &["ean", "barcode", "gtin", "ean8"], |r| gs1(r.digits(7))),
    Shape::text("EAN-13", &["ean", "barcode", "gtin", "ean13"], |r| gs1(r.digits(12))),
    Shape::text("UPC", &["upc", "barcode", "gtin12", "upc_code"], |r| {
        let lead = r.pick(&["0", "0", "", "6", "7", "8"]);
        gs1(format!("{lead}{}", r.digits(11 - lead.len())))
    }),
    Shape::text("ITF-14", &["itf14", "gtin14", "case_gtin", "barcode"], |r| gs1(r.digits(13))),
    Shape::value("article number as integer", &["ean", "upc", "gtin", "barcode"], |r| {
        gtin(r).parse::<u64>().unwrap().into()
    }),
    Shape::text("ISBN-10", &["isbn", "isbn10"], isbn10),
    Shape::text("ISBN-13", &["isbn", "isbn13"], isbn13),
    Shape::text("SKU", &["sku", "article", "part_number", "mpn"], sku),
    Shape::text(
        "order number",
        &["order", "order_number", "invoice", "orderNumber", "reference"],
        order,
    ),
    Shape::text(
        "order number of 16 digits",
        &["order", "order_number", "order_id", "orderNumber"],
        |r| format!("4{}", r.digits(15)),
    ),
    Shape::value("order number as integer", &["order", "order_number", "order_id"], |r| {
        let len = r.between(9, 13) as usize;
        format!("{}{}", r.between(1, 9), r.digits(len - 1)).parse::<u64>().unwrap().into()
    }),
    Shape::text(
        "tracking number",
        &["tracking_number", "tracking", "trackingNumber", "shipment"],
        tracking,
    ),
    Shape::text("IMEI", &["imei", "device_imei"], |r| {
        let lead = r.pick(&["01", "35", "86", "99"]);
        luhn(format!("{lead}{}", r.digits(12)))
    }),
    Shape::text("ICCID", &["iccid", "sim_iccid"], |r| luhn(format!("89{}", r.digits(17)))),
    Shape::text(
        "ZIP code with four more digits",
        &["zip", "postal_code", "zip_code", "postcode"],
        |r| format!("{}-{}", r.digits(5), r.digits(4)),
    ),
    Shape::text(
        "IBAN with wrong check digits",
        &["reference", "end_to_end_id", "remittance"],
        broken_iban,
    ),
];
