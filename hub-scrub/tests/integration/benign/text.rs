//! Text with a structure of its own: files, styles, queries, dumps.

use super::random::{BASE64, Random, grouped};
use super::shape::Shape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Returns a file in base64, which begins with the bytes that tell its kind.
fn file(random: &mut Random) -> String {
    let magic: &[u8] = random.pick(&[
        &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..],
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        b"%PDF-1.7\n",
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"PK\x03\x04\x14\0\0\0\x08\0",
    ]);
    let len = random.between(40, 400) as usize;
    STANDARD.encode([magic, &random.bytes(len)].concat())
}

fn data_url(random: &mut Random) -> String {
    let kind =
        random.pick(&["image/png", "image/svg+xml", "font/woff2", "application/octet-stream"]);
    format!("data:{kind};base64,{}", file(random))
}

/// Nearly all browsers say that they are this one.
const KIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";

fn user_agent(random: &mut Random) -> String {
    let major = random.between(90, 145);
    let (build, patch) = (random.between(1000, 7000), random.below(200));
    match random.below(8) {
        0 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/{major}.0.0.0 Safari/537.36"
        ),
        1 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KIT} Chrome/{major}.0.{build}.{patch} \
            Safari/537.36 Edg/{major}.0.{build}.{patch}"
        ),
        2 => format!(
            "Mozilla/5.0 (X11; Linux x86_64; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"
        ),
        3 => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
            Gecko) Version/17.{} Mobile/15E148 Safari/604.1",
            random.below(7),
            random.below(7)
        ),
        4 => format!(
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) {KIT} Chrome/{major}.0.0.0 Mobile \
            Safari/537.36"
        ),
        5 => format!("curl/8.{}.{}", random.below(12), random.below(3)),
        6 => format!("okhttp/4.{}.0", random.below(13)),
        _ => format!(
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/{major}.0.{build}.{patch}"
        ),
    }
}

fn path_data(random: &mut Random) -> String {
    let mut number = |most| random.decimal(0, most, 3);
    let mut path = format!("M{} {}", number(24), number(24));
    for _ in 0..6 {
        path += &format!(
            "c{} {} {}-{} {}-{}",
            number(9),
            number(9),
            number(9),
            number(9),
            number(9),
            number(9)
        );
    }
    path + "z"
}

fn sizes(random: &mut Random) -> String {
    match random.below(3) {
        0 => random
            .pick(&[
                "320 640 1280",
                "320 640 1024 1280",
                "480 800 1200 1920",
                "16 32 48 64 128 256",
            ])
            .to_owned(),
        1 => "(max-width: 600px) 480px, (max-width: 1200px) 800px, 1600px".to_owned(),
        _ => format!(
            "img-320.jpg 320w, img-640.jpg 640w, img-{0}.jpg {0}w",
            random.between(700, 3000)
        ),
    }
}

fn colour(random: &mut Random) -> String {
    let mut byte = || random.below(256);
    let (red, green, blue) = (byte(), byte(), byte());
    match random.below(5) {
        0 => format!("#{red:02x}{green:02x}{blue:02x}"),
        1 => format!("rgb({red}, {green}, {blue})"),
        2 => format!("rgba({red},{green},{blue},.{})", random.below(99)),
        3 => format!("rgb({red} {green} {blue} / 50%)"),
        _ => format!("hsl({} {}% {}%)", random.below(360), random.below(100), random.below(100)),
    }
}

fn cron(random: &mut Random) -> String {
    let (minute, hour) = (random.below(60), random.below(24));
    match random.below(3) {
        0 => format!("{minute} {hour} * * 1-5"),
        1 => format!("*/{minute} * * * *"),
        _ => format!("0 {minute} {hour} 1 1 ? 2026"),
    }
}

fn sql(random: &mut Random) -> String {
    let (word, id) = (random.word(), random.between(1, 9_999_999));
    match random.below(4) {
        0 => format!(
            "SELECT id, total FROM {word} WHERE id IN ({id}, {}, {}) LIMIT 100 OFFSET {}",
            id + 1,
            id + 17,
            random.below(100_000)
        ),
        1 => format!(
            "UPDATE {word} SET stock = stock - {} WHERE sku = 'KX-{}-{}'",
            random.below(9),
            random.below(9000),
            random.below(90)
        ),
        2 => format!(
            "INSERT INTO {word} VALUES ({id}, 'open', {}.{}, '2026-08-23 00:05:00+02')",
            random.below(900),
            random.digits(2)
        ),
        _ => format!(
            "DELETE FROM {word} WHERE created < 1747731000 AND shard BETWEEN {} AND {}",
            random.below(64),
            random.between(64, 128)
        ),
    }
}

/// Returns lines of a dump in hexadecimal, as `xxd` and `hexdump -C` write them.
fn hex_dump(random: &mut Random) -> String {
    let mut lines = Vec::new();
    let plain = random.one_in(2);
    for line in 0..random.between(1, 4) {
        // With an `@`, the column of text would spell an address by chance, which has to be found.
        let no_at = |byte: u8| if byte == b'@' { b'A' } else { byte };
        let bytes: Vec<u8> = random.bytes(16).into_iter().map(no_at).collect();
        let print = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        let text: String = bytes.iter().map(print).collect();
        let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        lines.push(match plain {
            true => format!(
                "{:08x}: {}  {text}",
                line * 16,
                pairs.chunks(2).map(<[String]>::concat).collect::<Vec<_>>().join(" ")
            ),
            false => format!(
                "{:08x}  {}  {}  |{text}|",
                line * 16,
                pairs[..8].join(" "),
                pairs[8..].join(" ")
            ),
        });
    }
    lines.join("\n")
}

/// Returns a public key or a certificate in PEM. The bytes are random, but for those with which each begins.
fn pem(random: &mut Random) -> String {
    let (title, begin, len) = random.pick(&[
        ("PUBLIC KEY", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", 348),
        ("CERTIFICATE", "MIIDdzCCAl+gAwIBAgIE", 800),
        ("PUBLIC KEY", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", 88),
    ]);
    let body = format!("{begin}{}", random.text(BASE64, len));
    let lines = grouped(&body, 64, "\n");
    format!("-----BEGIN {title}-----\n{lines}\n-----END {title}-----\n")
}

pub(super) const SHAPES: &[Shape] = &[
    // Without this one, a fault of the surroundings would be charged to every shape.
    Shape::text("a plain word", &["status", "state", "phase"], |r| r.word().to_owned()),
    Shape::text("file in base64", &["content", "body", "thumbnail", "attachment"], file),
    Shape::text("data URL", &["src", "icon", "logo"], data_url),
    Shape::text("user agent", &["user_agent", "userAgent", "agent"], user_agent),
    Shape::text("path data of SVG", &["d", "path", "shape"], path_data),
    Shape::text("sizes of images", &["sizes", "srcset", "widths"], sizes),
    Shape::text("colour", &["color", "background", "fill"], colour),
    Shape::text("cron expression", &["schedule", "cron"], cron),
    Shape::text("SQL", &["query", "statement", "sql"], sql),
    Shape::text("dump in hexadecimal", &["dump", "packet", "frame"], hex_dump),
    Shape::text("public key or certificate", &["certificate", "public_key", "cert", "pem"], pem),
    Shape::text("public key of SSH", &["ssh_public_key", "authorized_key", "public_key"], |r| {
        format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} deploy", r.text(BASE64, 43))
    }),
    Shape::text("Content-Type with a boundary", &["content-type", "Content-Type"], |r| {
        format!("multipart/form-data; boundary=----WebKitFormBoundary{}", r.text(&BASE64[..62], 16))
    }),
];
