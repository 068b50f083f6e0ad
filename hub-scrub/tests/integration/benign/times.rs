//! Times: a stamp has as many digits as a telephone number or a number of a person, and often its dates too.

use super::random::Random;
use super::shape::Shape;
use jiff::Timestamp;
use serde_json::Value;

const TIMES: &[&str] = &["at", "timestamp", "created_at", "updatedAt", "time", "last_seen"];
const EPOCHS: &[&str] = &["timestamp", "ts", "created", "last_call", "expires", "mtime"];
const STAMPS: &[&str] = &["build", "version", "batch", "run", "snapshot", "release"];

/// Writes a time from 2020 to 2027 in a form of `strftime`.
pub(super) fn time(random: &mut Random, form: &str) -> String {
    let time = Timestamp::from_millisecond(random.milliseconds() as i64).unwrap();
    time.strftime(form).to_string()
}

fn offset(random: &mut Random) -> &'static str {
    random.pick(&["Z", "+00:00", "+02:00", "-05:00", "+05:30", "-0800", "+0900", "+02"])
}

pub(super) fn iso(random: &mut Random) -> String {
    let offset = offset(random);
    let micro = random.digits(6);
    match random.below(10) {
        0 => time(random, "%Y-%m-%dT%H:%M:%SZ"),
        1 => time(random, "%Y-%m-%dT%H:%M:%S") + offset,
        2 => format!("{}.{}{offset}", time(random, "%Y-%m-%dT%H:%M:%S"), &micro[..3]),
        3 => format!("{}.{micro}{offset}", time(random, "%Y-%m-%dT%H:%M:%S")),
        4 => format!("{}.{micro}789Z", time(random, "%Y-%m-%dT%H:%M:%S")),
        5 => format!("{},{}", time(random, "%Y-%m-%d %H:%M:%S"), &micro[..3]),
        6 => format!("{}.{micro}{offset}", time(random, "%Y-%m-%d %H:%M:%S")),
        7 => format!("{} {offset}", time(random, "%Y-%m-%d %H:%M:%S")),
        8 => time(random, "%Y-%m-%d %H:%M"),
        _ => time(random, "%Y%m%dT%H%M%S") + random.pick(&["Z", "+0200", ""]),
    }
}

fn local_form(random: &mut Random) -> String {
    let form = random.pick(&[
        "%d.%m.%Y %H:%M",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %I:%M %p",
        "%Y/%m/%d %H:%M:%S",
        "%d-%m-%Y",
        "%d %b %Y, %H:%M",
        "%b %e %H:%M:%S",
        "%d/%b/%Y:%H:%M:%S +0200",
        "%G-W%V-%u",
        "%Y-%j",
    ]);
    time(random, form)
}

fn stamp(random: &mut Random) -> String {
    let form = random.pick(&[
        "%Y%m%d%H%M",
        "%Y%m%d%H%M%S",
        "%Y%m%d-%H%M%S",
        "%Y%m%d.%H%M",
        "%y%m%d%H%M",
        "%Y%m%d",
    ]);
    time(random, form)
}

fn file_with_stamp(random: &mut Random) -> String {
    let (word, stamp) = (random.word(), stamp(random));
    let end = random.pick(&["tar.gz", "sql.gz", "log", "dump", "zip"]);
    match random.below(3) {
        0 => format!("backup_{stamp}.{end}"),
        1 => format!("/var/backups/{word}-{stamp}.{end}"),
        _ => format!("{word}.{stamp}.{end}"),
    }
}

/// Returns an ext timestamp whose eight bytes are text by chance, in the form of the command line. Bytes that spell
/// an address are one time of many, and readers would get another time if an action wrote into them.
fn timestamp_that_spells(random: &mut Random) -> Value {
    let bytes = match random.below(3) {
        0 => format!("{}@{}.io", random.text("abcdefgh", 2), random.text("xyz", 2)),
        1 => format!("1.{}.{}.{}", random.below(10), random.below(10), random.between(10, 99)),
        _ => format!("+49{}", random.digits(5)),
    };
    super::wire::ext(-1, bytes.as_bytes())
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::text("stamp of minutes", STAMPS, |r| time(r, "%Y%m%d%H%M")),
    Shape::text("stamp of seconds", STAMPS, |r| time(r, "%Y%m%d%H%M%S")),
    Shape::text("stamp of milliseconds", STAMPS, |r| time(r, "%Y%m%d%H%M%S") + &r.digits(3)),
    Shape::value("stamp as integer", STAMPS, |r| {
        time(r, "%Y%m%d%H%M").parse::<u64>().unwrap().into()
    }),
    Shape::text("stamp of any form", STAMPS, stamp),
    Shape::text(
        "file with a stamp",
        &["file", "path", "backup", "artifact", "key_name"],
        file_with_stamp,
    ),
    Shape::text("time of ISO 8601", TIMES, iso),
    Shape::text("interval of ISO 8601", &["interval", "period", "window"], |r| {
        format!("{}/{}", time(r, "%Y-%m-%dT%H:%M:%SZ"), time(r, "%Y-%m-%dT%H:%M:%SZ"))
    }),
    Shape::text("date of RFC 1123", &["date", "last-modified", "Expires"], |r| {
        time(r, "%a, %d %b %Y %H:%M:%S") + r.pick(&[" GMT", " +0000", " -0700"])
    }),
    Shape::text("time in another form", TIMES, local_form),
    Shape::value("epoch in seconds", EPOCHS, |r| (r.milliseconds() / 1000).into()),
    Shape::value("epoch in milliseconds", EPOCHS, |r| r.milliseconds().into()),
    Shape::value("epoch in microseconds", EPOCHS, |r| {
        (r.milliseconds() * 1000 + r.below(1000)).into()
    }),
    Shape::value("epoch in nanoseconds", EPOCHS, |r| {
        (r.milliseconds() * 1_000_000 + r.below(1_000_000)).into()
    }),
    Shape::value("epoch as float", EPOCHS, |r| {
        let seconds = r.milliseconds() as f64 / 1000.0;
        if r.one_in(4) { seconds.floor().into() } else { seconds.into() }
    }),
    Shape::text("epoch as text", EPOCHS, |r| {
        let ms = r.milliseconds();
        match r.below(5) {
            0 => (ms / 1000).to_string(),
            1 => ms.to_string(),
            2 => format!("{}.{:03}", ms / 1000, ms % 1000),
            3 => format!("{ms}{}", r.digits(3)),
            _ => format!("{ms}{}", r.digits(6)),
        }
    }),
    Shape::text("duration", &["duration", "elapsed", "uptime"], |r| match r.below(4) {
        0 => format!("PT{}H{}M{}.{}S", r.below(24), r.below(60), r.below(60), r.digits(3)),
        1 => format!("{:02}:{:02}:{:02}.{}", r.below(24), r.below(60), r.below(60), r.digits(6)),
        2 => format!("{}d {:02}h {:02}m", r.below(400), r.below(24), r.below(60)),
        _ => format!("{}.{}ms", r.below(10_000), r.digits(6)),
    }),
    Shape::value("ext timestamp whose bytes are text", TIMES, timestamp_that_spells),
];
