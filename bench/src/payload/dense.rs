//! Makes maps of many small values of random types, with about 6.4 bytes for each value. Such maps make
//! a server that checks MessagePack do the most work for each byte.
//!
//! Every sixth field is a text of Latin letters with accents, which a check of UTF-8 cannot skip as
//! ASCII.

use super::fields::Fields;
use super::words;
use fastrand::Rng;
use hub_wire::Packer;

/// One of this many fields is a text with accents.
const ACCENTS: u32 = 6;
/// Integers have either at most eight digits or twenty digits. Otherwise a hub with rules would find
/// payment cards and national identity numbers in them.
const EIGHT_DIGITS: u64 = 100_000_000;
const TWENTY_DIGITS: u64 = 10_000_000_000_000_000_000;
const KEYS: &[&str] = &["id", "qty", "x", "lat", "ref", "flag", "t", "unit", "sum", "max"];

/// Makes a map of about `size` bytes.
pub(super) fn dense(random: &mut Rng, size: usize) -> Fields {
    let mut map = Fields::default();
    let first = random.u32(..ACCENTS);
    for number in 0.. {
        let key = format!("{}{number:02x}", words::pick(random, KEYS));
        let mut field = Fields::default();
        field.add(&key, |pack| match (first + number) % ACCENTS {
            0 => _ = pack.str(&words::accented(random)),
            _ => value(random, pack),
        });
        if map.size() + field.size() / 2 > size {
            break;
        }
        map.append(&field);
    }
    map
}

/// Writes a value of a random type with random content.
fn value(random: &mut Rng, pack: &mut Packer<'_>) {
    match random.u8(..16) {
        0 => pack.nil(),
        1 => pack.bool(random.bool()),
        2 => pack.uint(random.u64(..0x80)),
        3 => pack.raw(&[random.u8(0xe0..)]),
        4 => pack.uint(random.u64(0x80..0x100)),
        5 => pack.uint(random.u64(0x100..0x1_0000)),
        6 => pack.uint(random.u64(0x1_0000..EIGHT_DIGITS)),
        7 => pack.uint(random.u64(TWENTY_DIGITS..)),
        8 => pack.raw(&[0xd0]).raw(&random.i8(-128..-32).to_be_bytes()),
        9 => pack.raw(&[0xd1]).raw(&random.i16(i16::MIN..-128).to_be_bytes()),
        10 => pack.raw(&[0xd3]).raw(&random.i64(-(EIGHT_DIGITS as i64)..0).to_be_bytes()),
        11 => pack.raw(&[0xca]).raw(&random.f32().to_be_bytes()),
        12 => pack.raw(&[0xcb]).raw(&random.f64().to_be_bytes()),
        13 => {
            let length = random.usize(1..37);
            pack.str(&words::plain(random, length))
        }
        14 => {
            let mut bytes = vec![0; random.usize(..32)];
            random.fill(&mut bytes);
            pack.bin(&bytes)
        }
        _ => {
            let count = random.u32(..4);
            pack.array(count);
            (0..count).for_each(|_| _ = pack.uint(random.u64(..0x1_0000)));
            pack
        }
    };
}
