//! Names with the signs of addresses: `@` without a mailbox, colons without IPv6, and URLs without a password.

use super::identifiers::uuid;
use super::random::{BASE62, BASE64_URL, Random, grouped};
use super::shape::Shape;

fn version(random: &mut Random) -> String {
    format!("{}.{}.{}", random.below(20), random.below(30), random.below(20))
}

/// Returns `user@host` forms in which nobody gets mail.
fn no_mailbox(random: &mut Random) -> String {
    let (word, other, version) = (random.word(), random.word(), version(random));
    match random.below(14) {
        0 => format!("user@{}.service", random.between(100, 65_000)),
        1 => format!("git@github.com:example/{word}.git"),
        2 => format!("root@ip-10-0-{}-{}", random.below(256), random.below(256)),
        3 => format!("{word}-pad@{version}"),
        4 => format!("{word}-pad@{version}.tgz"),
        5 => format!("@scope/{word}@{version}"),
        6 => format!("{word}@2x.png"),
        7 => "icon@1.5x.png".into(),
        8 => format!("{word}@sha256:{}", random.hex(64)),
        9 => format!("git@gitlab.example.com:{other}/{word}"),
        10 => format!("getty@tty{}.service", random.below(9)),
        11 => format!("{word}@{other}.socket"),
        12 => format!("/node_modules/.pnpm/{word}@{version}_{other}@{}/index.js", random.below(30)),
        _ => format!("actions/{word}@v{}", random.below(9)),
    }
}

fn message_id(random: &mut Random) -> String {
    match random.below(3) {
        0 => format!("<{}.{}@mail.example.com>", random.text(BASE62, 12), random.digits(10)),
        1 => format!("<{}@smtp-{}.example.net>", random.hex(24), random.below(9)),
        _ => format!("<CA+{}@mail.gmail.com>", random.text(BASE64_URL, 44)),
    }
}

fn code_path(random: &mut Random) -> String {
    let (word, number) = (random.word(), random.below(9));
    match random.below(12) {
        0 => format!("e2e::{word}"),
        1 => "e2e::add".into(),
        2 => "a::b".into(),
        3 => "std::collections::HashMap".into(),
        4 => format!("{word}::v{number}::{word}_{}::run", random.below(99)),
        5 => format!("com.example.{word}.Foo${number}"),
        6 => format!(
            "lib{word}.so.{number}.{}.{}.{}",
            random.below(9),
            random.below(9),
            random.below(99)
        ),
        7 => format!("{word}::tests::case_{number}"),
        8 => format!("core::ops::function::FnOnce::call_once::h{}", random.hex(16)),
        9 => format!("<alloc::vec::Vec<u64> as {word}::b2b::Sink<{number}>>::add"),
        10 => format!("Abc::De{number}::fad"),
        _ => format!("_ZN4core3ptr{}drop_in_place17h{}E", random.below(99), random.hex(16)),
    }
}

/// Returns the address of a network card, or an EUI-64, in one of its usual forms.
fn hardware(random: &mut Random, bytes: usize) -> String {
    let hex = random.hex(2 * bytes);
    match random.below(4) {
        0 => grouped(&hex, 2, ":"),
        1 => grouped(&hex.to_uppercase(), 2, "-"),
        2 => grouped(&hex, 4, "."),
        _ => grouped(&hex.to_uppercase(), 2, ":"),
    }
}

fn url(random: &mut Random) -> String {
    let word = random.word();
    match random.below(9) {
        0 => format!(
            "https://nvd.example.gov/vuln/detail/CVE-{}-{}",
            random.between(1999, 2026),
            random.between(1000, 99_999)
        ),
        1 => format!(
            "https://shop.example.com/{word}/{}?page={}",
            random.below(99_999_999),
            random.below(99)
        ),
        2 => format!("https://example.com/{word}/{}", uuid(random, 4)),
        3 => format!("https://cdn.example.com/assets/{word}.{}.js", random.hex(20)),
        4 => format!("https://registry.example.com/{word}/-/{word}-{}.tgz", version(random)),
        5 => format!("https://github.com/example/{word}/commit/{}", random.hex(40)),
        6 => format!(
            "https://docs.example.com/d/{}/edit#gid={}",
            random.text(BASE64_URL, 44),
            random.digits(9)
        ),
        7 => format!(
            "https://example.com/search?q={word}&ts={}&v={}",
            random.milliseconds(),
            random.hex(8)
        ),
        _ => format!("https://video.example.com/watch?v={}", random.text(BASE64_URL, 11)),
    }
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::text(
        "name with @ that is no mailbox",
        &["unit", "package", "remote", "file", "image"],
        no_mailbox,
    ),
    Shape::text(
        "message id of a mail",
        &["message_id", "in_reply_to", "references", "Message-ID"],
        message_id,
    ),
    Shape::text("path of code", &["function", "module", "target", "symbol", "class"], code_path),
    Shape::text("MAC address", &["mac", "mac_address", "hwaddr"], |r| hardware(r, 6)),
    Shape::text("EUI-64", &["eui64", "dev_eui", "device_eui"], |r| hardware(r, 8)),
    Shape::text("CVE id", &["cve", "vulnerability", "advisory"], |r| {
        format!("CVE-{}-{}", r.between(1999, 2026), r.between(1000, 99_999))
    }),
    Shape::text("URL", &["url", "href", "link", "referrer", "html_url"], url),
    Shape::text("domain", &["host", "server", "upstream"], |r| {
        format!(
            "{}-{}.{}.svc.cluster.local:{}",
            r.word(),
            r.below(99),
            r.word(),
            r.between(1024, 65_535)
        )
    }),
    Shape::text("host that is named after its address", &["host", "hostname", "node"], |r| {
        format!("ip-10-{}-{}-{}.ec2.internal", r.below(256), r.below(256), r.below(256))
    }),
    Shape::text("topic or routing key", &["topic", "routing_key", "channel", "subject"], |r| {
        format!(
            "{}.{}.v{}.{}",
            r.word(),
            r.word(),
            r.below(9),
            r.pick(&["created", "updated", "failed"])
        )
    }),
];
