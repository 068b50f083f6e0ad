//! Makes orders as a shop would send them. No two orders have equal fields, values and items, so a
//! processor cannot learn their branches.

use super::fields::Fields;
use super::words::{self, CITIES, FAMILY_NAMES, GIVEN_NAMES, STREETS, TITLES, pick};
use fastrand::Rng;
use hub_wire::Packer;

/// At least this many bytes stay free for the note, whose text fills up the order.
const NOTE: usize = 12;
/// An order of fewer bytes than this has neither an address nor items.
const LARGE: usize = 300;
/// A customer can order an item in these colours.
const COLOURS: &[&str] = &["red", "bleu", "grün", "white", "negro", "żółty"];

/// Makes an order. The map has exactly `size` bytes, unless `size` is less than about 80.
pub(super) fn order(random: &mut Rng, size: usize) -> Fields {
    let mut order = Fields::default();
    order.add("order", |pack| _ = pack.uint(random.u64(1..10_000_000)));
    order.add("customer", |pack| _ = pack.str(&format!("c-{}", random.u32(100..1_000_000))));
    order.add("total", |pack| price(random, pack));
    let mut optional: [u32; 10] = std::array::from_fn(|number| number as u32);
    random.shuffle(&mut optional);
    // The room varies, so that orders of one size differ in the number of their fields.
    let room = size.saturating_sub(NOTE + random.usize(..16));
    for number in optional {
        let field = optional_field(random, number);
        if order.size() + field.size() <= room {
            order.append(&field);
        }
    }
    if size >= LARGE {
        if random.u8(..4) > 0 {
            order.add("address", |pack| address(random).write(pack));
        }
        add_items(random, &mut order, size);
    }
    add_note(random, &mut order, size);
    order
}

fn optional_field(random: &mut Rng, number: u32) -> Fields {
    let mut field = Fields::default();
    match number {
        0 => {
            field.add("currency", |pack| _ = pack.str(pick(random, &["EUR", "CHF", "PLN", "SEK"])))
        }
        1 => field.add("express", |pack| _ = pack.bool(random.bool())),
        2 => field.add("city", |pack| _ = pack.str(pick(random, CITIES))),
        3 => field.add("name", |pack| _ = pack.str(&name(random))),
        4 => field.add("status", |pack| _ = pack.str(pick(random, &["new", "paid", "shipped"]))),
        5 => field.add("placed", |pack| time(random, pack)),
        6 => field.add("coupon", |pack| match random.u8(..3) {
            0 => _ = pack.str(&format!("SAVE{}", random.u8(5..50))),
            _ => _ = pack.nil(),
        }),
        7 => field.add("kg", |pack| {
            let kg = f32::from(random.u16(1..400)) / 10.0;
            pack.raw(&[0xca]).raw(&kg.to_be_bytes());
        }),
        8 => field.add("gift", |pack| _ = pack.bool(random.bool())),
        _ => field.add("shop", |pack| _ = pack.uint(random.u64(1..400))),
    }
    field
}

fn name(random: &mut Rng) -> String {
    format!("{} {}", pick(random, GIVEN_NAMES), pick(random, FAMILY_NAMES))
}

fn price(random: &mut Rng, pack: &mut Packer<'_>) {
    let price = f64::from(random.u32(99..50_000)) / 100.0;
    pack.raw(&[0xcb]).raw(&price.to_be_bytes());
}

/// Writes a time of the year 2026 as a MessagePack timestamp of 32 bits.
fn time(random: &mut Rng, pack: &mut Packer<'_>) {
    let seconds = random.u32(1_767_225_600..1_798_761_600);
    pack.raw(&[0xd6, 0xff]).raw(&seconds.to_be_bytes());
}

fn address(random: &mut Rng) -> Fields {
    let mut address = Fields::default();
    let street = format!("{} {}", pick(random, STREETS), random.u16(1..300));
    address.add("street", |pack| _ = pack.str(&street));
    address.add("zip", |pack| _ = pack.str(&random.u16(1000..9999).to_string()));
    address.add("city", |pack| _ = pack.str(pick(random, CITIES)));
    if random.bool() {
        address.add("country", |pack| _ = pack.str(pick(random, &["CH", "PL", "NL", "PT"])));
    }
    if random.bool() {
        address.add("care_of", |pack| _ = pack.str(&name(random)));
    }
    address
}

fn item(random: &mut Rng) -> Fields {
    let mut item = Fields::default();
    item.add("sku", |pack| _ = pack.str(&format!("SKU-{:06}", random.u32(..1_000_000))));
    item.add("title", |pack| _ = pack.str(pick(random, TITLES)));
    item.add("quantity", |pack| _ = pack.uint(random.u64(1..200)));
    item.add("price", |pack| price(random, pack));
    if random.u8(..3) == 0 {
        item.add("colour", |pack| _ = pack.str(pick(random, COLOURS)));
    }
    if random.u8(..4) == 0 {
        let boxes = random.u32(1..4);
        item.add("boxes", |pack| {
            pack.array(boxes);
            (0..boxes).for_each(|_| _ = pack.uint(random.u64(..70_000)));
        });
    }
    item
}

/// Adds as many items as fit into the order.
fn add_items(random: &mut Rng, order: &mut Fields, size: usize) {
    const KEY_AND_COUNT: usize = 11;
    let room = size.saturating_sub(order.size() + KEY_AND_COUNT + NOTE);
    let (mut items, mut count) = (Vec::new(), 0);
    loop {
        let item = item(random);
        if items.len() + item.size() > room {
            break;
        }
        item.write(&mut Packer(&mut items));
        count += 1;
    }
    order.add("items", |pack| _ = pack.array(count).raw(&items));
}

/// Adds a note with as many bytes as the order lacks to have `size` bytes.
fn add_note(random: &mut Rng, order: &mut Fields, size: usize) {
    const KEY: usize = 5;
    let Some(room) = size.checked_sub(order.size() + KEY) else { return };
    let Some(length) = room.checked_sub(if room <= 32 { 1 } else { 2 }) else { return };
    order.add("note", |pack| _ = pack.str(&words::text(random, length.min(255))));
}
