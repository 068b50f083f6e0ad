//! Numbers that are counted or measured, and versions.

use super::random::Random;
use super::shape::Shape;
use serde_json::{Value, json};

/// Writes a number with a sign between each three digits.
fn thousands(number: u64, sign: &str) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push_str(sign);
        }
        out.push(digit);
    }
    out
}

/// Returns a number of two to ten digits. Each number of digits is as frequent as the others.
fn count(random: &mut Random) -> u64 {
    let most = 10_u64.pow(random.between(2, 10) as u32);
    random.between(most / 10, most - 1)
}

fn money(random: &mut Random) -> String {
    let (amount, cents) = (count(random) % 10_000_000, random.digits(2));
    match random.below(12) {
        0 => format!("${}.{cents}", thousands(amount, ",")),
        1 => format!("{},{cents} €", thousands(amount, ".")),
        2 => format!("{},{cents} zł", thousands(amount, " ")),
        3 => format!("CHF {}.{cents}", thousands(amount, "'")),
        4 => format!("EUR {amount}.{cents}"),
        5 => format!("{amount}.{cents} USD"),
        6 => format!("¥{}", thousands(amount, ",")),
        7 => format!("-£{}.{cents}", thousands(amount, ",")),
        8 => format!("({}.{cents})", thousands(amount, ",")),
        9 => format!("{},{cents} kr", thousands(amount, "\u{a0}")),
        10 => format!(
            "₹{},{:02},{:03}.{cents}",
            random.between(1, 99),
            random.below(100),
            random.below(1000)
        ),
        _ => format!("{amount}.{cents}"),
    }
}

fn semantic_version(random: &mut Random) -> String {
    let version = format!("{}.{}.{}", random.below(20), random.below(60), random.below(200));
    let date = format!("2026{:02}{:02}", random.between(1, 12), random.between(1, 28));
    match random.below(6) {
        0 => format!("{version}-rc.{}", random.below(9)),
        1 => format!("{version}-beta.{}+build.{}", random.below(9), random.below(9999)),
        2 => format!("v{version}"),
        3 => format!("{version}-0.{date}{}-{}", random.digits(6), random.hex(12)),
        4 => format!("^{version} || >={version}"),
        _ => version,
    }
}

fn four_parts(random: &mut Random) -> String {
    let mut part = |most| random.below(most);
    format!("{}.{}.{}.{}", part(30), part(20), part(100), part(256))
}

fn point(random: &mut Random) -> (f64, f64) {
    let mut degrees = |most: u64| (random.below(2 * most * 10_000_000) as f64 / 1e7) - most as f64;
    (degrees(90), degrees(180))
}

fn coordinates(random: &mut Random) -> Value {
    let (lat, lon) = point(random);
    let (other_lat, other_lon) = point(random);
    match random.below(8) {
        0 => json!({ "lat": lat, "lon": lon }),
        1 => json!([lon, lat]),
        2 => format!("{lat:.6},{lon:.6}").into(),
        3 => format!("{lat:.7}, {lon:.7}").into(),
        4 => format!("POINT ({lon:.6} {lat:.6})").into(),
        5 => format!("LINESTRING ({lon:.5} {lat:.5}, {other_lon:.5} {other_lat:.5})").into(),
        6 => random.text("0123456789bcdefghjkmnpqrstuvwxyz", 9).into(),
        _ => {
            let (degree, minute) = (random.below(90), random.below(60));
            format!("{degree}°{minute:02}'{:02}.{}\"N", random.below(60), random.digits(2)).into()
        }
    }
}

fn content_range(random: &mut Random) -> String {
    let total = random.between(1_000_000, 99_999_999);
    let begin = random.below(total - 10);
    format!("bytes {begin}-{}/{total}", random.between(begin, total - 1))
}

fn extent(random: &mut Random) -> String {
    let mut pixels = || random.between(10, 4096);
    let (a, b, c) = (pixels(), pixels(), pixels());
    match random.below(6) {
        0 => format!("{a}x{b}"),
        1 => format!("{a} x {b} x {c} mm"),
        2 => format!("{}-{}-{}", a % 100, b % 100, c % 100),
        3 => format!("{a}x{b}+{c}+0"),
        4 => format!("0 0 {a} {b}"),
        _ => "320 640 1280".into(),
    }
}

fn list(random: &mut Random) -> Value {
    let len = random.between(3, 24);
    let floats = random.one_in(2);
    let mut number = || -> Value {
        match floats {
            true => (random.below(2_000_000_000) as f64 / 1e9 - 1.0).into(),
            false => count(random).into(),
        }
    };
    (0..len).map(|_| number()).collect()
}

fn list_as_text(random: &mut Random) -> String {
    let sign = random.pick(&[", ", ",", "; ", "|"]);
    let len = random.between(3, 12);
    (0..len).map(|_| random.below(10_000).to_string()).collect::<Vec<_>>().join(sign)
}

fn ports(random: &mut Random) -> String {
    let mut port =
        || random.pick(&[22, 80, 443, 3000, 5432, 6379, 8080, 8443, 9090, 27_017, 50_051]);
    let (a, b, c) = (port(), port(), port());
    match random.below(4) {
        0 => format!("{a},{b},{c}"),
        1 => format!("{a} {b} {c}"),
        2 => format!("{a}-{b}"),
        _ => format!("{a}:{b}/tcp"),
    }
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::text("amount of money", &["total", "amount", "price", "balance", "subtotal"], money),
    Shape::value("amount as number", &["total", "amount_cents", "price"], |r| {
        if r.one_in(2) { count(r).into() } else { (count(r) as f64 / 100.0).into() }
    }),
    Shape::text("number with thousands", &["rows", "visits", "bytes", "population"], |r| {
        let sign = r.pick(&[",", ".", " ", "'", "\u{202f}", "_"]);
        thousands(count(r), sign)
    }),
    Shape::value("count", &["count", "size", "bytes", "offset", "sequence"], |r| count(r).into()),
    Shape::text("decimal fraction", &["value", "ratio", "score"], |r| r.decimal(-100, 100, 14)),
    Shape::text("percentage", &["share", "cpu", "progress"], |r| {
        let places = r.between(1, 8) as usize;
        r.decimal(0, 101, places) + r.pick(&["%", " %"])
    }),
    Shape::text("semantic version", &["version", "app_version", "engine"], semantic_version),
    Shape::text(
        "version of four parts",
        &["version", "firmware_version", "assembly_version", "file_version"],
        four_parts,
    ),
    Shape::value("coordinates", &["location", "position", "geo", "coordinates"], coordinates),
    Shape::text("content range", &["content-range", "range"], content_range),
    Shape::text("extent", &["size", "dimensions", "resolution", "viewBox"], extent),
    Shape::value("list of numbers", &["vector", "embedding", "samples", "buckets", "matrix"], list),
    Shape::text("list of numbers as text", &["ids", "values", "histogram"], list_as_text),
    Shape::text("ports", &["ports", "port_range", "expose"], ports),
];
