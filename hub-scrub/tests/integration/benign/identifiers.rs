//! Identifiers that programs draw: each has letters, digits and entropy enough to be a secret, or digits enough
//! to be a number of a person.

use super::random::{BASE36, BASE62, BASE64_URL, DIGITS, HEX, Random};
use super::shape::Shape;
use base64::Engine;

const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why some numbers without a word near cannot be told from cards.
const LIKE_CARDS: &str =
    "a third of the numbers begin as cards do, and a tenth of them have a right check digit";

/// The keys under which identifiers usually come.
const IDS: &[&str] = &["id", "request_id", "event_id", "correlationId", "order_id", "parent_id"];

/// Returns a UUID in lower case with hyphens. The bits that tell the time are those of a time in our years.
pub(super) fn uuid(random: &mut Random, version: u8) -> String {
    let ms = random.milliseconds();
    // Versions 1 and 6 count 100 ns since 1582.
    let ticks = (ms + 12_219_292_800_000) * 10_000 + random.below(10_000);
    let head = match version {
        1 => {
            let (low, mid, high) = (ticks & 0xffff_ffff, ticks >> 32 & 0xffff, ticks >> 48 & 0xfff);
            format!("{low:08x}{mid:04x}1{high:03x}")
        }
        6 => format!("{:012x}6{:03x}", ticks >> 12, ticks & 0xfff),
        7 => format!("{ms:012x}7{}", random.hex(3)),
        _ => format!("{}{version}{}", random.hex(12), random.hex(3)),
    };
    let variant = random.text("89ab", 1);
    let tail = random.hex(15);
    format!(
        "{}-{}-{}-{variant}{}-{}",
        &head[..8],
        &head[8..12],
        &head[12..],
        &tail[..3],
        &tail[3..]
    )
}

fn any_uuid(random: &mut Random) -> String {
    let version = random.pick(&[1, 3, 4, 5, 6, 7, 8]);
    uuid(random, version)
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(BASE36.as_bytes()[(number % 36) as usize]);
        number /= 36;
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

fn ulid(random: &mut Random) -> String {
    let ms = random.milliseconds();
    let digit = |place: u32| char::from(CROCKFORD.as_bytes()[(ms >> (5 * place) & 31) as usize]);
    (0..10).rev().map(digit).collect::<String>() + &random.text(CROCKFORD, 16)
}

/// Returns a Snowflake id: milliseconds since the service's own epoch, then a machine and a sequence.
fn snowflake(random: &mut Random) -> u64 {
    // Twitter and Discord.
    let epoch = random.pick(&[1_288_834_974_657, 1_420_070_400_000]);
    (random.milliseconds() - epoch) << 22 | random.below(1 << 22)
}

fn nanoid_of_another_alphabet(random: &mut Random) -> String {
    let readable = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";
    let alphabet = random.pick(&[BASE36, BASE62, readable, "0123456789ABCDEF", HEX, DIGITS]);
    let len = random.pick(&[10, 12, 16, 21]);
    match alphabet {
        // Sixteen digits are a shape of their own, because a card has as many.
        DIGITS => random.digits(10),
        _ => random.text(alphabet, len),
    }
}

fn stripe(random: &mut Random) -> String {
    let prefix = random.pick(&[
        "ch_3", "pi_3", "evt_1", "cus_", "price_1", "prod_", "sub_1", "in_1", "re_3", "txn_3",
    ]);
    match random.below(8) {
        0 => format!("acct_1{}", random.text(BASE62, 15)),
        1 => format!("req_{}", random.text(BASE62, 14)),
        _ => format!("{prefix}{}", random.text(BASE62, if prefix == "cus_" { 14 } else { 23 })),
    }
}

/// Returns a node id of GitHub, in the old form (base64 of a type and a number) or in the new one.
fn github_node(random: &mut Random) -> String {
    if random.one_in(2) {
        let (kind, number) = (random.pick(&["User", "Issue", "Commit"]), random.below(100_000_000));
        let node = format!("{:02}:{kind}{number}", kind.len());
        return base64::engine::general_purpose::STANDARD.encode(node);
    }
    let prefix = random.pick(&["PR_kwDO", "I_kwDO", "R_kgDO", "U_kgDO", "IC_kwDO", "CR_kwDO"]);
    format!("{prefix}{}", random.text(BASE64_URL, if prefix.contains("kg") { 6 } else { 14 }))
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::text("UUID v1", IDS, |r| uuid(r, 1)),
    Shape::text("UUID v3", IDS, |r| uuid(r, 3)),
    Shape::text("UUID v4", IDS, |r| uuid(r, 4)),
    Shape::text("UUID v5", IDS, |r| uuid(r, 5)),
    Shape::text("UUID v6", IDS, |r| uuid(r, 6)),
    Shape::text("UUID v7", IDS, |r| uuid(r, 7)),
    Shape::text("UUID v8", IDS, |r| uuid(r, 8)),
    Shape::text("UUID without hyphens", IDS, |r| any_uuid(r).replace('-', "")),
    Shape::text("UUID in upper case", IDS, |r| any_uuid(r).to_uppercase()),
    Shape::text("UUID in braces", IDS, |r| format!("{{{}}}", any_uuid(r))),
    Shape::text("UUID as URN", IDS, |r| format!("urn:uuid:{}", any_uuid(r))),
    Shape::text("ULID", IDS, ulid),
    // The first four of the 20 bytes are a time, so the first characters hardly change.
    Shape::text("KSUID", IDS, |r| format!("{}{}", r.pick(&["2", "3"]), r.text(BASE62, 26))),
    Shape::text("nanoid", IDS, |r| r.text(BASE64_URL, 21)),
    Shape::text("nanoid of another alphabet", IDS, nanoid_of_another_alphabet),
    Shape::text("cuid", IDS, |r| format!("c{}{}", base36(r.milliseconds()), r.text(BASE36, 16))),
    Shape::text("cuid2", IDS, |r| format!("{}{}", r.text(&BASE36[10..], 1), r.text(BASE36, 23))),
    Shape::text("MongoDB object id", &["_id", "oid", "document_id"], |r| {
        format!("{:08x}{}", r.milliseconds() / 1000, r.hex(16))
    }),
    Shape::value("Snowflake id as integer", IDS, |r| snowflake(r).into()),
    Shape::text("Snowflake id as text", &["id", "id_str", "channel_id", "guild_id"], |r| {
        snowflake(r).to_string()
    }),
    Shape::text(
        "id with a prefix, as Stripe's",
        &["id", "charge", "payment_intent", "customer"],
        stripe,
    ),
    Shape::text("node id of GitHub", &["node_id", "pull_request_id"], github_node),
    Shape::text("sixteen digits, nothing else", &["id", "ref", "value"], |r| r.digits(16))
        .by_chance(0.04, LIKE_CARDS),
];
