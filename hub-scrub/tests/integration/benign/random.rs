//! Draws from a seed: numbers, choices, and characters of an alphabet.

/// A small generator (SplitMix64), so that a seed tells every value.
pub struct Random(u64);

pub const DIGITS: &str = "0123456789";
pub const HEX: &str = "0123456789abcdef";
pub const BASE36: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
pub const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub const BASE64_URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes text in groups of `size` characters, with a sign between them. The text is ASCII.
pub fn grouped(text: &str, size: usize, sign: &str) -> String {
    let groups = text.as_bytes().chunks(size).map(|group| std::str::from_utf8(group).unwrap());
    groups.collect::<Vec<_>>().join(sign)
}

impl Random {
    /// Begins with a seed. `stream` tells apart what is drawn with one seed, so that a new shape does not change
    /// the values of the others.
    pub fn new(seed: u64, stream: &str) -> Random {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Random(stream.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, fold))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Returns a number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// Returns true once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// Returns `len` characters of an alphabet, which is ASCII.
    pub fn text(&mut self, alphabet: &str, len: usize) -> String {
        (0..len).map(|_| char::from(self.pick(alphabet.as_bytes()))).collect()
    }

    pub fn digits(&mut self, len: usize) -> String {
        self.text(DIGITS, len)
    }

    pub fn hex(&mut self, len: usize) -> String {
        self.text(HEX, len)
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Returns a number from `least` to `most`, with `places` digits behind the point.
    pub fn decimal(&mut self, least: i64, most: i64, places: usize) -> String {
        let whole = least + self.below((most - least) as u64) as i64;
        format!("{whole}.{}", self.digits(places))
    }

    /// Returns a word of the kind that services, hosts and packages are named with.
    pub fn word(&mut self) -> &'static str {
        self.pick(&[
            "api",
            "web",
            "billing",
            "orders",
            "search",
            "gateway",
            "checkout",
            "catalog",
            "worker",
            "ingest",
            "report",
            "stock",
            "frontend",
            "mailer",
            "proxy",
            "metrics",
            "scheduler",
            "shipping",
            "pricing",
            "images",
        ])
    }

    /// Returns a time from 2020 to 2027, in milliseconds since 1970.
    pub fn milliseconds(&mut self) -> u64 {
        self.between(1_577_836_800_000, 1_830_297_599_999)
    }
}
