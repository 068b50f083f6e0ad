//! Each format of secrets is found as it is declared, and what is nearly such a secret is not. `docs/tokens.md` says
//! what the declarations say.
//!
//! The secrets are made from the declarations, so that no format can be without a test.

use super::alphabet::Alphabet;
use super::kinds::BuiltIn;
use super::scan;
use super::scan_kinds::ScanKinds;
use super::secret_format::{Part, SecretFormat};
use super::secret_formats::SecretFormats;
use super::work::Work;
use super::{Candidates, DetectorSet, DetectorSpec, Scratch};
use hub_wire::Packer;
use std::fmt::Write as _;
use std::fs;

/// The characters of parts are taken from this text, as far as the alphabet of the part has them.
const RANDOM: &str = "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7cF0b-W_fC";

/// How long a part with a range of lengths is.
#[derive(Clone, Copy, PartialEq)]
enum Len {
    Least,
    Most,
    TooShort,
    TooLong,
}

impl Len {
    fn of(self, (min, max): (usize, usize)) -> usize {
        match self {
            Len::Least => min,
            Len::Most => max,
            Len::TooShort => min - 1,
            Len::TooLong => max + 1,
        }
    }
}

fn filled(alphabet: Alphabet, len: usize, from: &str) -> String {
    let fits = |c: &char| alphabet.has(*c as u8);
    from.chars().filter(fits).cycle().take(len).collect()
}

/// Returns a secret of the format. `len` gives the length of each part by its index; the part in front of the prefix
/// has the index -1.
fn secret(format: &SecretFormat, prefix: &str, from: &str, len: impl Fn(isize) -> Len) -> String {
    let mut text = String::new();
    if let Some((alphabet, min, max)) = format.before {
        text += &filled(alphabet, len(-1).of((min, max)), from);
    }
    text += prefix;
    for (n, part) in format.parts.iter().enumerate() {
        match *part {
            Part::Of(alphabet, min, max) => {
                text += &filled(alphabet, len(n as isize).of((min, max)), from);
            }
            Part::Text(part) => text += part,
            Part::Uuid => text += "3f2504e0-cf89-41d3-9a0c-0305e82cab01",
        }
    }
    text
}

/// Returns each format with each of its prefixes.
fn formats() -> impl Iterator<Item = (BuiltIn, &'static SecretFormat, &'static str)> {
    BuiltIn::ALL.iter().flat_map(|kind| {
        kind.formats().flat_map(move |format| {
            format.prefixes.iter().map(move |prefix| (*kind, format, *prefix))
        })
    })
}

/// Returns the searches for this format alone.
fn alone(kind: BuiltIn, format: &'static SecretFormat) -> ScanKinds {
    let mut kinds = ScanKinds::new([kind].into_iter());
    kinds.formats = SecretFormats::new([(kind, std::slice::from_ref(format))].into_iter());
    kinds
}

/// Returns the place of the last find in a text.
fn find(kinds: &ScanKinds, text: &str) -> Option<(usize, usize)> {
    let mut found = None;
    scan::run(text, kinds, &mut Work::default(), |_, one, _| found = Some((one.start, one.end)));
    found
}

#[test]
fn a_secret_of_each_format_is_found_and_marked() {
    for (kind, format, prefix) in formats() {
        let set = DetectorSet::new(&[DetectorSpec::built_in(kind)]).expect("a set");
        for len in [Len::Least, Len::Most] {
            let secret = secret(format, prefix, RANDOM, |_| len);
            assert_eq!(find(&alone(kind, format), &secret), Some((0, secret.len())), "{secret}");
            for (before, behind) in [("", ""), ("key (", "), which"), ("\"k\":\"", "\"")] {
                let text = format!("{before}{secret}{behind}");
                let mut hits = Vec::new();
                set.scan(&text, &mut Scratch::default(), &mut hits);
                let places: Vec<_> = hits.iter().map(|hit| (hit.start, hit.end)).collect();
                assert_eq!(places, [(before.len(), before.len() + secret.len())], "{text}");
                let mut message = Vec::new();
                Packer(&mut message).str("in front").str(&text).str("behind");
                let mut candidates = Candidates::default();
                set.candidates(&message, &mut candidates);
                let end = message.len() - "_behind".len();
                assert!(candidates.any(end - text.len()..end), "{text} is not marked");
            }
        }
    }
}

/// Returns texts that are nearly a secret of the format, each with the reason why it is none.
fn near_misses(format: &SecretFormat, prefix: &str) -> Vec<(&'static str, String)> {
    let mut misses = Vec::new();
    let before = format.before.map(|(alphabet, min, max)| (-1, alphabet, min, max));
    let parts = format.parts.iter().enumerate().filter_map(|(n, part)| match *part {
        Part::Of(alphabet, min, max) => Some((n as isize, alphabet, min, max)),
        _ => None,
    });
    for (n, alphabet, min, _) in before.into_iter().chain(parts) {
        let other = |this: Len| move |part| if part == n { this } else { Len::Least };
        let whole = secret(format, prefix, RANDOM, |_| Len::Least);
        misses.push(("too short", secret(format, prefix, RANDOM, other(Len::TooShort))));
        misses.push(("too long", secret(format, prefix, RANDOM, other(Len::TooLong))));
        // The offset of the part is the length of all that is in front of it.
        let head = SecretFormat { parts: &format.parts[..n.max(0) as usize], ..*format };
        let at = if n < 0 { 0 } else { secret(&head, prefix, RANDOM, |_| Len::Least).len() };
        let middle = at + min / 2;
        let wrong = ['g', 'A', '-', '.', '*'].into_iter().find(|c| !alphabet.has(*c as u8));
        let wrong = wrong.expect("no alphabet has all of these").to_string();
        misses.push((
            "wrong alphabet",
            format!("{}{wrong}{}", &whole[..middle], &whole[middle + 1..]),
        ));
    }
    let longest = secret(format, prefix, RANDOM, |_| Len::Most);
    misses.push(("glued behind", format!("{longest}x")));
    if longest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        misses.push(("glued in front", format!("x{longest}")));
    }
    if format.mixed {
        misses.push(("not mixed", secret(format, prefix, "abcdefgh", |_| Len::Least)));
    }
    misses
}

#[test]
fn what_is_nearly_a_secret_is_not_found() {
    for (kind, format, prefix) in formats() {
        let kinds = alone(kind, format);
        for (why, text) in near_misses(format, prefix) {
            assert_eq!(find(&kinds, &text), None, "{why}: {text}");
        }
    }
}

/// A part ends where a character is not in its alphabet, so no two parts may be without one between them.
#[test]
fn it_is_clear_where_each_part_ends() {
    for (kind, format, prefix) in formats() {
        for pair in format.parts.windows(2) {
            let clear = match pair {
                [Part::Of(alphabet, ..), Part::Text(text)] => !alphabet.has(text.as_bytes()[0]),
                [Part::Of(..), _] => false,
                _ => true,
            };
            assert!(clear, "{}: {prefix}", kind.name());
        }
    }
}

/// The text of the alphabet in the documentation.
fn alphabet(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Digit => "0-9",
        Alphabet::Upper => "0-9A-Z",
        Alphabet::Lower => "0-9a-z",
        Alphabet::Hex => "0-9a-f",
        Alphabet::AnyHex => "0-9A-Fa-f",
        Alphabet::Alphanumeric => "0-9A-Za-z",
        Alphabet::Url => "0-9A-Za-z_-",
        Alphabet::Dotted => "0-9A-Za-z_.-",
        Alphabet::Base64 => "0-9A-Za-z+/_=-",
    }
}

fn part(part: &Part) -> String {
    match *part {
        Part::Of(of, min, max) if min == max => format!("{min} of `{}`", alphabet(of)),
        Part::Of(of, min, max) => format!("{min} to {max} of `{}`", alphabet(of)),
        Part::Text(text) => format!("`{text}`"),
        Part::Uuid => "a UUID".to_owned(),
    }
}

/// Returns the rows of the table of all formats.
fn table() -> String {
    let mut table = String::new();
    for kind in BuiltIn::ALL {
        for format in kind.formats() {
            let prefixes: Vec<_> = format.prefixes.iter().map(|one| format!("`{one}`")).collect();
            let mut parts: Vec<_> = format.parts.iter().map(part).collect();
            let before = format.before.map(|(of, min, max)| part(&Part::Of(of, min, max)));
            parts.extend(before.map(|before| format!("in front of the prefix: {before}")));
            parts.extend(format.mixed.then(|| "with a digit, a capital and a small letter".into()));
            let (name, issuer) = (kind.name(), format.issuer);
            let (prefixes, parts) = (prefixes.join(" "), parts.join(", "));
            writeln!(table, "| `{name}` | {issuer} | {prefixes} | {parts} |").expect("a String");
        }
    }
    table
}

/// With `UPDATE_DOCS` in the environment, the test writes the table instead.
#[test]
fn the_documentation_lists_what_is_declared() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tokens.md");
    let text = fs::read_to_string(file).expect("docs/tokens.md").replace("\r\n", "\n");
    let head = "| detector | issuer | prefix | behind the prefix |\n|---|---|---|---|\n";
    let (before, rest) = text.split_once(head).expect("the head of the table");
    let behind = rest.find("\n\n").map_or("", |end| &rest[end + 1..]);
    let right = format!("{before}{head}{}{behind}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file, right).expect("docs/tokens.md");
    } else {
        assert!(text == right, "docs/tokens.md is old: run this test with UPDATE_DOCS=1");
    }
}
