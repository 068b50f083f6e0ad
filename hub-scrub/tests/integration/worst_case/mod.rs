//! Messages that could be costly to scrub, made of what detectors react to, and a search for the costliest.
//!
//! A list of hostile texts has only what somebody thought of. The search draws texts from everything that
//! detectors declare, and changes the costliest of them again and again.

#![allow(clippy::unwrap_used, reason = "a tool for tests says so where it fails")]
#![allow(dead_code, unreachable_pub, reason = "the test and the example each use a part")]

mod recipe;
pub mod rules;

use hub_scrub::detect::BuiltIn;
#[allow(unused_imports, reason = "the test and the example each use a part")]
pub use recipe::{Recipe, SHAPES, Shape, corpus};

/// A small generator (SplitMix64), so that a seed tells the whole search.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What joins pieces, and what begins or ends something for a detector.
const MARKS: &[&str] = &[
    " ", "-", ".", "/", ":", "@", "_", "+", "=", ",", "(", ")", "<", ">", "[", "]", "\n", "\"",
    "?", "#", "  ", " - ", ". ", "://", "::", "--", "..", "é", "ж", "１", "\u{200b}", "漢",
    "\u{301}",
];

/// What detectors begin with, besides the prefixes and words that they declare.
const BEGINNINGS: &[&str] = &[
    "eyJ",
    "eyA",
    "eyJhbGciOiJIUzI1NiJ9",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "-----END ",
    "<token:crm-2:AAAA>",
    "<hash:crm-2:AAAA>",
    "<sealed:crm-2:",
    "[_shift=crm-2-00]",
    "1111-",
    "DE8",
    "GT82",
    "NI1",
    "KW81CBKU",
    "X1",
    "2026-01-02",
    "1",
    "12",
    "123",
    "1234",
    "000",
    "00",
    "4111",
    "a",
    "A",
    "Z9",
    "+4",
    "a@b",
    "a.b",
    "1::1",
    "fe80",
    "1.1.1.1",
    "x12",
    " ext. 1",
    "a1B2",
    "0a1b2c3d4e5f6789",
    "http",
    "*",
];

/// A `Pieces` has everything that recipes are made of.
pub struct Pieces(Vec<String>);

impl Pieces {
    /// Collects the prefixes, words and examples of every declaration, the beginnings of the examples, and the
    /// signs and digits that start a search.
    pub fn all() -> Pieces {
        let mut pieces: Vec<String> = Vec::new();
        for kind in BuiltIn::ALL {
            pieces.extend(kind.prefixes().map(str::to_owned));
            pieces.extend(kind.words().iter().map(|word| (*word).to_owned()));
            for example in kind.examples() {
                let cuts = [example.len() - 1, example.len() * 3 / 4, example.len() / 2, 6];
                let cut = |len: usize| example.get(..len).unwrap_or(example).to_owned();
                pieces.extend(cuts.map(cut));
                pieces.push((*example).to_owned());
            }
        }
        pieces.extend(MARKS.iter().chain(BEGINNINGS).map(|piece| (*piece).to_owned()));
        Pieces(pieces)
    }

    /// Returns each piece, alone and with a mark behind it.
    pub fn each(&self, random: &mut Random) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .filter(|piece| !piece.is_empty())
            .flat_map(move |piece| [piece.clone(), format!("{piece}{}", random.pick(MARKS))])
    }

    fn piece(&self, random: &mut Random) -> String {
        match random.below(8) {
            0 => random.pick(MARKS).to_owned(),
            1 => random.pick(BEGINNINGS).to_owned(),
            2 => char::from(random.pick(b"0123456789abcdefXYZ-_.:@/+= ")).to_string(),
            // Random characters have the entropy that secrets have.
            3 => {
                let len = 4 + random.below(40);
                let letter = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
                (0..len).map(|_| char::from(random.pick(letter))).collect()
            }
            4 => {
                (0..1 + random.below(19)).map(|_| char::from(random.pick(b"0123456789"))).collect()
            }
            _ => self.0[random.below(self.0.len())].clone(),
        }
    }

    /// Draws a recipe.
    pub fn draw(&self, random: &mut Random) -> Recipe {
        let mut unit = String::new();
        for _ in 0..1 + random.below(4) {
            unit += &self.piece(random).repeat(1 + random.below(3) / 2);
        }
        Recipe { shape: SHAPES[random.below(SHAPES.len())].1, unit }
    }

    /// Changes a recipe in one place, or in its shape.
    pub fn change(&self, of: &Recipe, random: &mut Random) -> Recipe {
        let mut recipe = of.clone();
        let at = recipe.unit.floor_char_boundary(random.below(recipe.unit.len() + 1));
        let end = recipe.unit.ceil_char_boundary((at + 1 + random.below(6)).min(recipe.unit.len()));
        match random.below(6) {
            0 => recipe.shape = SHAPES[random.below(SHAPES.len())].1,
            1 => recipe.unit.insert_str(at, &self.piece(random)),
            2 => recipe.unit.replace_range(at..end, &self.piece(random)),
            3 => recipe.unit.replace_range(at..end, ""),
            4 => {
                let again = recipe.unit[at..end].repeat(1 + random.below(3));
                recipe.unit.insert_str(at, &again);
            }
            _ => recipe.unit.insert_str(at, random.pick(MARKS)),
        }
        let most = recipe.unit.floor_char_boundary(recipe.unit.len().min(600));
        recipe.unit.truncate(most);
        if recipe.unit.is_empty() {
            recipe.unit.push('a');
        }
        recipe
    }
}

/// A `Search` keeps the costliest recipes that it has seen.
pub struct Search {
    pieces: Pieces,
    pub random: Random,
    /// The costliest recipe is the first one. No two have one shape and one cost.
    pub worst: Vec<(u64, Recipe)>,
}

/// A search keeps this many recipes.
const KEPT: usize = 24;

impl Search {
    /// Begins a search from a corpus.
    pub fn new(seed: u64, corpus: Vec<Recipe>, cost: &mut impl FnMut(&Recipe) -> u64) -> Search {
        let mut search = Search { pieces: Pieces::all(), random: Random(seed), worst: Vec::new() };
        for recipe in corpus {
            search.keep(cost(&recipe), recipe);
        }
        search
    }

    /// Draws a recipe, or changes one of the costliest, and keeps it if it is one of the costliest itself.
    /// Returns the recipe with its cost.
    pub fn turn(&mut self, cost: &mut impl FnMut(&Recipe) -> u64) -> (u64, Recipe) {
        let random = &mut self.random;
        let recipe = match self.worst.len() {
            0 => self.pieces.draw(random),
            _ if random.below(3) == 0 => self.pieces.draw(random),
            len => {
                // The costliest are changed more often than the others.
                let place = random.below(len).min(random.below(len));
                self.pieces.change(&self.worst[place].1, random)
            }
        };
        let cost = cost(&recipe);
        self.keep(cost, recipe.clone());
        (cost, recipe)
    }

    fn keep(&mut self, cost: u64, recipe: Recipe) {
        let known = |(have, other): &(u64, Recipe)| *have == cost && other.shape == recipe.shape;
        if self.worst.iter().any(known) {
            return;
        }
        let place = self.worst.partition_point(|(other, _)| *other >= cost);
        self.worst.insert(place, (cost, recipe));
        // A few shapes must not push out all others.
        let shape = self.worst[place].1.shape;
        let alike = |(_, other): &(u64, Recipe)| other.shape == shape;
        if self.worst.iter().filter(|one| alike(one)).count() > KEPT / 4 {
            let last = self.worst.iter().rposition(alike).unwrap();
            self.worst.remove(last);
        }
        self.worst.truncate(KEPT);
    }
}
