//! Makes texts from names and words of several languages. Some words have letters with accents, as real
//! data does. A text that is pure ASCII would spare a server most of the work of checking UTF-8.

use fastrand::Rng;

pub(super) const CITIES: &[&str] = &[
    "Amsterdam",
    "Zürich",
    "Kraków",
    "Lisbon",
    "São Paulo",
    "Leeds",
    "Malmö",
    "Porto",
    "Genève",
    "Oslo",
    "Köln",
    "Boston",
    "A Coruña",
    "Lyon",
    "Tromsø",
    "Denver",
    "Besançon",
    "Gdańsk",
    "Turin",
    "Jyväskylä",
    "Nairobi",
    "Reykjavík",
    "Austin",
    "Ljubljana",
    "České Budějovice",
    "Graz",
];
pub(super) const GIVEN_NAMES: &[&str] = &[
    "Anna", "José", "Zoë", "Martin", "Chloé", "Łukasz", "Ingrid", "Tom", "Søren", "Maria", "André",
    "Jürgen", "Fatima", "Noor", "Émile", "Pieter", "Inês", "Kim", "Björn", "Olga",
];
pub(super) const FAMILY_NAMES: &[&str] = &[
    "Müller",
    "Smith",
    "Nowak",
    "García",
    "de Vries",
    "Lefèvre",
    "Jensen",
    "Rossi",
    "Novák",
    "Costa",
    "Schäfer",
    "Brown",
    "Løvås",
    "Okafor",
    "Gonçalves",
    "Meyer",
    "Kovács",
    "Silva",
    "Berg",
    "Díaz",
];
pub(super) const STREETS: &[&str] = &[
    "Hardturmstrasse",
    "Rue du Rhône",
    "Main Street",
    "Hauptstraße",
    "Keizersgracht",
    "Calle Peñón",
    "Market Square",
    "Aleja Słowackiego",
    "Via Roma",
    "Kongens gate",
    "Avenida Brasília",
    "Mill Lane",
];
pub(super) const TITLES: &[&str] = &[
    "Kettle, stainless steel, 1.7 l",
    "Café crème, 500 g",
    "Paper filters no. 4, 100 pieces",
    "Mug, white",
    "Jalapeño relish, 3 jars",
    "Oat milk, unsweetened, 6 x 1 l",
    "Gießkanne, 5 l",
    "Desk lamp with dimmer",
    "Crème brûlée set for four",
    "Notebook A5, dotted, 192 pages",
    "Hiking socks, wool, size 42",
    "Smørbrød board, oak",
    "USB cable, 2 m",
    "Piñata, large",
];
const WORDS: &[&str] = &[
    "please",
    "ring",
    "twice",
    "the",
    "bell",
    "is",
    "broken",
    "leave",
    "it",
    "at",
    "door",
    "beim",
    "Nachbarn",
    "läuten",
    "danke",
    "after",
    "six",
    "livré",
    "à",
    "côté",
    "merci",
    "gift",
    "without",
    "a",
    "receipt",
    "fragile",
    "mañana",
    "por",
    "favor",
    "second",
    "floor",
    "call",
    "first",
    "na",
    "parterze",
    "dziękuję",
    "urgent",
    "no",
    "hurry",
    "obrigado",
    "até",
    "amanhã",
    "and",
    "again",
];
/// Each of these words has at least one accented letter.
const ACCENTED: &[&str] = &[
    "Zürich",
    "Kraków",
    "Malmö",
    "Genève",
    "São Paulo",
    "Tromsø",
    "läuten",
    "crème",
    "brûlée",
    "señora",
    "garçon",
    "naïve",
    "façade",
    "mañana",
    "jalapeño",
    "Škoda",
    "Łódź",
    "ångström",
    "déjà vu",
    "Besançon",
    "Dvořák",
    "Gdańsk",
    "Übung",
    "fröhlich",
    "piñata",
    "coöperatie",
];

pub(super) fn pick<'a>(random: &mut Rng, of: &[&'a str]) -> &'a str {
    of[random.usize(..of.len())]
}

/// Makes a text of one to three words in Latin letters, some of which have accents.
pub(super) fn accented(random: &mut Rng) -> String {
    let words: Vec<&str> = (0..random.usize(1..=3)).map(|_| pick(random, ACCENTED)).collect();
    words.join(" ")
}

/// Makes an ASCII text of `bytes` bytes. The text consists of words, because random letters look like a
/// secret key, and a hub with rules would replace them.
pub(super) fn plain(random: &mut Rng, bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        let word = pick(random, WORDS);
        if word.is_ascii() {
            text.push_str(word);
            text.push(' ');
        }
    }
    text.truncate(bytes);
    text
}

/// Makes a text of words that has exactly `bytes` bytes.
pub(super) fn text(random: &mut Rng, bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        text.push_str(pick(random, WORDS));
        text.push(' ');
    }
    while text.len() > bytes {
        text.pop();
    }
    // The last letter removed may have had two bytes although only one byte was too many, so dots fill
    // the gap.
    text.extend(std::iter::repeat_n('.', bytes - text.len()));
    text
}
