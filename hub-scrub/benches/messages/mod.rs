//! Messages for the benchmarks, made from a seed: text of about 600 bytes as services send it (orders,
//! log lines, tickets, sign-ins), and bytes without structure.
//!
//! A benchmark goes over at least 512 of them. With one message alone the processor learns which way
//! its branches go, and the benchmark shows a speed that no real load sees.

use hub_wire::Packer;

/// A small generator, so that every run has the same messages.
pub(crate) struct Random(u64);

impl Random {
    /// Begins with `seed`.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

const WORDS: &[&str] = &[
    "the",
    "customer",
    "asked",
    "for",
    "a",
    "delivery",
    "on",
    "Monday",
    "morning",
    "because",
    "nobody",
    "is",
    "at",
    "home",
    "before",
    "and",
    "package",
    "was",
    "left",
    "with",
    "neighbour",
    "please",
    "check",
    "warehouse",
    "stock",
    "item",
    "returned",
    "damaged",
    "invoice",
    "sent",
    "again",
    "thanks",
    "order",
    "payment",
    "accepted",
    "retry",
    "timeout",
    "upstream",
    "service",
    "unavailable",
];
const NAMES: &[&str] =
    &["Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov"];
const CITIES: &[&str] = &["Amsterdam", "New York", "Lyon", "Leipzig", "Kraków", "Porto", "Malmö"];
const STREETS: &[&str] =
    &["Main St", "Rue de la Paix", "Hauptstraße", "Keizersgracht", "Market Square"];

/// A message: keys and text values.
pub(crate) type Message = Vec<(&'static str, String)>;

/// `count` messages. One in `every` holds one to three sensitive values; 0: none does.
pub(crate) fn messages(count: usize, every: u64, seed: u64) -> Vec<Message> {
    let mut random = Random::new(seed);
    (0..count).map(|_| message(&mut random, every)).collect()
}

/// The message as one text.
pub(crate) fn as_json(message: &Message) -> String {
    let fields: Vec<String> =
        message.iter().map(|(key, text)| format!("\"{key}\":\"{text}\"")).collect();
    format!("{{{}}}", fields.join(","))
}

/// The message as it comes to the hub.
pub(crate) fn as_msgpack(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut pack = Packer(&mut bytes);
    pack.map(message.len() as u32);
    for (key, text) in message {
        pack.str(key).str(text);
    }
    bytes
}

fn sentence(random: &mut Random, words: u64) -> String {
    (0..words).map(|_| random.pick(WORDS)).collect::<Vec<_>>().join(" ")
}

fn message(random: &mut Random, every: u64) -> Message {
    let r = |random: &mut Random, n| random.below(n);
    let day = format!("2026-{:02}-{:02}", r(random, 12) + 1, r(random, 28) + 1);
    let time = format!("{:02}:{:02}:{:02}", r(random, 24), r(random, 60), r(random, 60));
    let hex = format!("{:016x}{:016x}", random.next(), random.next());
    let uuid =
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]);
    let mut message: Message = vec![
        ("id", uuid),
        ("type", random.pick(&["order.placed", "ticket.opened", "user.signed_in"]).into()),
        ("at", format!("{day}T{time}.{:03}Z", r(random, 1000))),
        ("order", format!("SO-{}-{:06}", 2026, r(random, 1_000_000))),
        ("name", random.pick(NAMES).into()),
        ("street", format!("{} {}", r(random, 300) + 1, random.pick(STREETS))),
        ("city", format!("{:05} {}", r(random, 99_999), random.pick(CITIES))),
        ("total", format!("{}.{:02} EUR", r(random, 900), r(random, 100))),
        (
            "sku",
            format!("{}-{}-{}", random.pick(&["AB", "KX", "QR"]), r(random, 9000), r(random, 90)),
        ),
        ("agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".into()),
        (
            "url",
            format!("https://shop.example.com/orders/{}?page={}", r(random, 99_999), r(random, 9)),
        ),
        ("trace", format!("{:016x}", random.next())),
        ("weight", format!("{}.{} kg", r(random, 30), r(random, 10))),
    ];
    let words = 14 + r(random, 12);
    message.push(("note", sentence(random, words)));
    if every > 0 && r(random, every) == 0 {
        for _ in 0..=r(random, 3) {
            let (before, behind) = (sentence(random, 3), sentence(random, 2));
            let n = random.next();
            let value = match r(random, 7) {
                0 => "4111 1111 1111 1111".into(),
                1 => "NL91ABNA0417164300".into(),
                2 => format!("user{}@mail.example.org", n % 1000),
                3 => format!("+31 20 {:07}", n % 10_000_000),
                4 => format!("10.{}.{}.7", n % 256, (n >> 8) % 256),
                5 => format!("{}-45-{:04}", 100 + n % 500, 1 + (n >> 9) % 9999),
                _ => "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P".into(),
            };
            message.push(("detail", format!("{before} {value} {behind}")));
        }
    }
    message
}

/// `count` different values of `size` random bytes.
pub(crate) fn random_bytes(count: usize, size: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    (0..count).map(|_| (0..size).map(|_| random.next() as u8).collect()).collect()
}
