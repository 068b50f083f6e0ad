//! A recipe is a message in a few words. Without it, the corpus would have to hold the messages themselves.

use super::Random;
use base64::Engine;
use hub_wire::Packer;
use std::fmt;
use std::str::FromStr;

/// A `Shape` is how the text of a message is spread over its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// The message is one string.
    Text,
    /// The message is an array of strings of up to 31 bytes.
    Short,
    /// The message is an array of strings of up to 250 bytes.
    Middle,
    /// The message is a map whose keys are of up to 31 bytes.
    Keys,
    /// The message is a map of maps: each text is a key and a value.
    Maps,
    /// The message is an array of `bin` of up to 250 bytes.
    Bin,
    /// The message is a `bin` that has the text in base64.
    Base64,
    /// The message is an array of ext values of up to 250 bytes.
    Ext,
    /// The message is an array of `bin` that are UTF-8 but for their last byte.
    Broken,
    /// The message is an array of floats without a fraction, under a key of the text.
    Floats,
    /// The message is an array of integers with as many digits as the text has characters, under a key of the
    /// text.
    Numbers,
    /// The message is an array of strings of up to 31 bytes, under a key that is half of the message.
    LongKey,
    /// The message is an array of arrays, 32 of them inside one another, with strings of up to 31 bytes.
    Nested,
}

pub const SHAPES: [(&str, Shape); 13] = [
    ("text", Shape::Text),
    ("short", Shape::Short),
    ("middle", Shape::Middle),
    ("keys", Shape::Keys),
    ("maps", Shape::Maps),
    ("bin", Shape::Bin),
    ("base64", Shape::Base64),
    ("ext", Shape::Ext),
    ("broken", Shape::Broken),
    ("floats", Shape::Floats),
    ("numbers", Shape::Numbers),
    ("long_key", Shape::LongKey),
    ("nested", Shape::Nested),
];

/// A `Recipe` is a message in a few words: a text that is repeated, and the values that it fills.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipe {
    pub shape: Shape,
    pub unit: String,
}

impl fmt::Display for Recipe {
    /// Writes the recipe as a line of a corpus: the shape, and the text as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = SHAPES.iter().find(|(_, shape)| *shape == self.shape).unwrap().0;
        write!(f, "{name} {}", serde_json::to_string(&self.unit).unwrap())
    }
}

impl FromStr for Recipe {
    type Err = String;

    fn from_str(line: &str) -> Result<Recipe, String> {
        let (name, unit) = line.split_once(' ').ok_or("no text")?;
        let shape = SHAPES.iter().find(|(known, _)| *known == name).ok_or("no such shape")?.1;
        Ok(Recipe { shape, unit: serde_json::from_str(unit).map_err(|e| e.to_string())? })
    }
}

/// Returns the recipes of a corpus. Lines that begin with `#` are comments.
pub fn corpus() -> Vec<Recipe> {
    let lines = include_str!("corpus.txt").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| line.parse().unwrap()).collect()
}

impl Recipe {
    /// Returns the message of about `size` bytes.
    pub fn message(&self, size: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(size + 64);
        let mut pack = Packer(&mut out);
        match self.shape {
            Shape::Text => drop(pack.str(&self.text(size))),
            Shape::Base64 => {
                let text = self.text(size / 4 * 3);
                pack.bin(base64::engine::general_purpose::STANDARD.encode(text).as_bytes());
            }
            Shape::Ext | Shape::Broken => {
                let text = self.text(size);
                let chunks = chunks(&text, 250);
                pack.array(chunks.len() as u32);
                for chunk in chunks {
                    let body = chunk.as_bytes();
                    match self.shape {
                        Shape::Ext => {
                            pack.raw(&[0xc7, body.len() as u8, 5]).raw(body);
                        }
                        _ => drop(pack.bin(&[body, &[0xff]].concat())),
                    }
                }
            }
            Shape::Floats => {
                let key: String = self.unit.chars().take(100).collect();
                let count = size / 9;
                pack.map(1).str(&key).array(count as u32);
                let mut random = Random(self.unit.len() as u64);
                for _ in 0..count {
                    let number = (random.next() >> 11) as f64;
                    pack.raw(&[0xcb]).raw(&number.to_be_bytes());
                }
            }
            Shape::Short | Shape::Middle | Shape::Bin => {
                let len = if self.shape == Shape::Short { 31 } else { 250 };
                let text = self.text(size);
                let chunks = chunks(&text, len);
                pack.array(chunks.len() as u32);
                for chunk in chunks {
                    match self.shape {
                        Shape::Bin => pack.bin(chunk.as_bytes()),
                        _ => pack.str(chunk),
                    };
                }
            }
            Shape::Keys | Shape::Maps => {
                let text = self.text(size);
                let chunks = chunks(&text, 31);
                pack.map(chunks.len() as u32);
                for chunk in chunks {
                    pack.str(chunk);
                    match self.shape {
                        Shape::Keys => pack.nil(),
                        _ => pack.map(1).str("password").str(chunk),
                    };
                }
            }
            Shape::Numbers => {
                let digits = self.unit.chars().count().clamp(1, 19) as u32;
                let count = size / 9;
                let key: String = self.unit.chars().take(100).collect();
                pack.map(1).str(&key).array(count as u32);
                let mut random = Random(self.unit.len() as u64);
                for _ in 0..count {
                    pack.uint(random.next() % 10_u64.pow(digits));
                }
            }
            Shape::LongKey => {
                let text = self.text(size / 2);
                pack.map(1).str(&text);
                let chunks = chunks(&text, 31);
                pack.array(chunks.len() as u32);
                for chunk in chunks {
                    pack.str(chunk);
                }
            }
            Shape::Nested => {
                let text = self.text(size);
                let chunks = chunks(&text, 31);
                pack.array(chunks.len().div_ceil(32) as u32);
                for group in chunks.chunks(32) {
                    for (i, chunk) in group.iter().enumerate() {
                        pack.array(if i + 1 < group.len() { 2 } else { 1 }).str(chunk);
                    }
                }
            }
        }
        out
    }

    /// Returns the text over and over, in `size` bytes.
    fn text(&self, size: usize) -> String {
        let mut text = self.unit.repeat(size / self.unit.len() + 1);
        text.truncate(text.floor_char_boundary(size));
        text
    }
}

/// Returns a text in pieces of at most `len` bytes.
fn chunks(text: &str, len: usize) -> Vec<&str> {
    let mut rest = text;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.floor_char_boundary(len.min(rest.len())));
        chunks.push(chunk);
        rest = behind;
    }
    chunks
}
