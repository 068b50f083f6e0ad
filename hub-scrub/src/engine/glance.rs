//! The quick way through a message in which nothing can be found, as in most.
//!
//! It goes over the same values as [`Pass`](super::pass::Pass) does, but asks only what can make a
//! difference: is this a key that a rule names; is there anything in this text, this number? If the
//! answer is no throughout, a pass would find nothing. In all other cases a pass has to look.

use super::super::action::is_whole;
use super::super::find::FindScratch;
use super::super::names::NameFilter;
use super::super::plan::Plan;
use super::super::rule::{Find, RuleKind};
use super::super::token::{Token, read};
use super::state::Work;
use crate::detect::{Candidates, Digits};
use hub_wire::Limits;

/// What makes a plan fit for it.
#[derive(Debug)]
pub(crate) struct Glance {
    /// The keys that rules name, in `keys` or in paths: without one of them, no rule applies but
    /// by what detectors find.
    names: NameFilter,
    detecting: bool,
}

impl Glance {
    /// `None` if some rule looks at values whatever their keys are.
    pub(crate) fn of(plan: &Plan) -> Option<Glance> {
        let find = |rule: usize| match &plan.rules[rule].rule.kind {
            RuleKind::Find(find) => Some(find),
            _ => None,
        };
        let walking: Vec<&Find> = plan.sets.walking.iter().map(find).collect::<Option<_>>()?;
        let by_itself = (plan.sets.direct | plan.sets.allowing).iter().filter_map(find);
        let is_named = |find: &Find| {
            !find.keys.is_empty()
                || !find.paths.is_empty() && find.paths.iter().all(|path| path.names_a_key())
        };
        if !by_itself.into_iter().all(is_named) || plan.finder.searches() {
            return None;
        }
        let keys = walking.iter().flat_map(|find| find.keys.iter().map(|key| &**key));
        let atoms = walking.iter().flat_map(|find| &find.paths).flat_map(|path| path.keys());
        let names = keys.chain(atoms).map(str::as_bytes).collect();
        let detecting = !plan.sets.detecting.is_empty();
        Some(Glance { names, detecting })
    }
}

/// What a glance needs while it goes over a message.
struct Look<'a> {
    plan: &'a Plan,
    glance: &'a Glance,
    bytes: &'a [u8],
    candidates: &'a Candidates,
    /// The first byte, of those not yet gone over, at which detectors could find anything.
    next: usize,
    finding: &'a mut FindScratch,
}

impl Plan {
    /// The most steps that a pass takes over bytes in which nothing is found.
    ///
    /// A step for each value, which takes a byte at least, and for each word of its path states;
    /// one for 16 bytes of text, and once more if it is scanned. A number has less text than that
    /// for each of its bytes.
    pub(super) fn most_steps(&self, bytes: &[u8]) -> u64 {
        (bytes.len() * (self.paths.width() + 1)) as u64
    }

    /// Whether no rule finds anything in a payload or in headers, and they keep to the budget if
    /// so many steps were `skipped` before. `false` is said in doubt, too.
    pub(super) fn is_clean(&self, bytes: &[u8], skipped: u64, work: &mut Work) -> bool {
        work.sifted = false;
        let Some(glance) = &self.glance else { return false };
        if work.steps + skipped + self.most_steps(bytes) > self.shared.budget.steps {
            return false;
        }
        let mut next = usize::MAX;
        if glance.detecting {
            self.finder.candidates(bytes, &mut work.candidates);
            work.sifted = true;
            next = work.candidates.next(0);
        }
        let Work { candidates, finding, .. } = work;
        let mut look = Look { plan: self, glance, bytes, candidates, next, finding };
        look.value(0, b"", Limits::MAX_DEPTH).is_some()
    }
}

/// All that goes on to the next value returns the offset behind what it looked at; `None`: something
/// may be found there, or the bytes are no MessagePack.
impl<'a> Look<'a> {
    /// The entries of a map.
    #[inline(never)]
    fn entries(&mut self, mut pos: usize, count: usize, depth: u8) -> Option<usize> {
        for _ in 0..count {
            let (end, key) = self.key(pos)?;
            pos = self.value(end, key, depth)?;
        }
        Some(pos)
    }

    /// The values of an array, which all stand under its own key.
    #[inline(never)]
    fn values(&mut self, mut pos: usize, count: usize, key: &[u8], depth: u8) -> Option<usize> {
        for _ in 0..count {
            pos = self.value(pos, key, depth)?;
        }
        Some(pos)
    }

    /// A key; with the offset behind it comes its text.
    #[inline(always)]
    fn key(&mut self, at: usize) -> Option<(usize, &'a [u8])> {
        let (end, key) = match self.short_text(at, b"") {
            Some(short) => short?,
            None => match read(self.bytes, at)? {
                (Token::Array(_) | Token::Map(_), _) => return None,
                (Token::Str(key), _) => (self.seldom(at, b"", 0)?, key),
                _ => (self.seldom(at, b"", 0)?, &b""[..]),
            },
        };
        let named = self.glance.names.may_have(key) && self.plan.names(key);
        (!named).then_some((end, key))
    }

    /// A value under a key, with what it contains: at most `depth` containers inside one another,
    /// which bounds the stack.
    #[inline(always)]
    fn value(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        match self.short_text(at, key) {
            Some(short) => short.map(|(end, _)| end),
            None => self.no_short_text(at, key, depth),
        }
    }

    /// A string of up to 31 bytes, as most values are, and its text; the outer `None`: it is none.
    #[inline(always)]
    fn short_text(&mut self, at: usize, key: &[u8]) -> Option<Option<(usize, &'a [u8])>> {
        let marker = self.bytes.get(at).filter(|marker| **marker & 0xe0 == 0xa0)?;
        let end = at + 1 + usize::from(marker & 0x1f);
        let Some(body) = self.bytes.get(at + 1..end) else { return Some(None) };
        let clean = end <= self.next || self.is_marked_text_clean(body, end, key);
        Some(clean.then_some((end, body)))
    }

    /// What comes often is read here: a [`Token`] is slow to pass on.
    #[inline(never)]
    fn no_short_text(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        let (marker, behind) = self.bytes.get(at..)?.split_first()?;
        let clean_if = |clean: bool, size: usize| clean.then_some(at + size);
        match *marker {
            0x00..=0x7f | 0xe0..=0xff | NIL | FALSE | TRUE => Some(at + 1),
            // No detector but a pattern finds anything in five digits.
            UINT_8 | INT_8 => Some(at + 2),
            UINT_16 | INT_16 => Some(at + 3),
            UINT_32 => {
                let n = u32::from_be_bytes(*behind.first_chunk()?);
                clean_if(self.is_number_clean(n.into(), false, key), 5)
            }
            UINT_64 => {
                let n = u64::from_be_bytes(*behind.first_chunk()?);
                clean_if(self.is_number_clean(n, false, key), 9)
            }
            FLOAT_64 => {
                let n = f64::from_be_bytes(*behind.first_chunk()?);
                clean_if(self.is_float_clean(n, key), 9)
            }
            0x80..=0x8f => self.entries(at + 1, usize::from(marker & 0x0f), depth.checked_sub(1)?),
            0x90..=0x9f => {
                self.values(at + 1, usize::from(marker & 0x0f), key, depth.checked_sub(1)?)
            }
            _ => self.seldom(at, key, depth),
        }
    }

    /// A value of a kind that comes seldom.
    #[inline(never)]
    fn seldom(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        let (token, end) = read(self.bytes, at)?;
        let clean = match token {
            Token::Map(count) => return self.entries(end, count, depth.checked_sub(1)?),
            Token::Array(count) => return self.values(end, count, key, depth.checked_sub(1)?),
            Token::Str(body) if end - at - body.len() <= SURE_HEAD => {
                self.is_marked_text_clean(body, end, key)
            }
            Token::Str(body) => !self.glance.detecting || self.finds_nothing(body, key),
            Token::Bin(body) | Token::Ext(_, body) => !self.glance.detecting || body.is_empty(),
            Token::UInt(n) => self.is_number_clean(n, false, key),
            Token::Int(n) => self.is_number_clean(n.unsigned_abs(), n < 0, key),
            Token::Float(n) => self.is_float_clean(n, key),
            Token::Nil | Token::Bool(_) => true,
        };
        clean.then_some(end)
    }

    /// Whether detectors find nothing in a text that ends at `end`.
    #[inline(never)]
    fn is_marked_text_clean(&mut self, body: &[u8], end: usize, key: &[u8]) -> bool {
        if !self.glance.detecting {
            return true;
        }
        self.next = self.candidates.next(end - body.len());
        end <= self.next || self.finds_nothing(body, key)
    }

    #[inline]
    fn is_float_clean(&mut self, n: f64, key: &[u8]) -> bool {
        // Text are only the digits of floats without a fraction.
        n.abs() < f64::from(u16::MAX)
            || !is_whole(n)
            || self.is_number_clean(n.abs() as u64, n.is_sign_negative(), key)
    }

    #[inline]
    fn is_number_clean(&mut self, magnitude: u64, negative: bool, key: &[u8]) -> bool {
        if !self.glance.detecting || !self.plan.finder.may_find_in(None, magnitude) {
            return true;
        }
        self.is_long_number_clean(magnitude, negative, key)
    }

    #[inline(never)]
    fn is_long_number_clean(&mut self, magnitude: u64, negative: bool, key: &[u8]) -> bool {
        let under = std::str::from_utf8(key).ok().filter(|_| !negative);
        !self.plan.finder.may_find_in(under, magnitude)
            || self.finds_nothing(Digits::new(magnitude, negative).as_str().as_bytes(), key)
    }

    #[inline(never)]
    fn finds_nothing(&mut self, body: &[u8], key: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(body) else { return false };
        let key = std::str::from_utf8(key).unwrap_or_default();
        self.plan.finder.find(key, text, u64::MAX, self.finding);
        self.finding.hits.is_empty()
    }
}

/// Markers of values.
const NIL: u8 = 0xc0;
const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;
const FLOAT_64: u8 = 0xcb;
const UINT_8: u8 = 0xcc;
const UINT_16: u8 = 0xcd;
const UINT_32: u8 = 0xce;
const UINT_64: u8 = 0xcf;
const INT_8: u8 = 0xd0;
const INT_16: u8 = 0xd1;

/// Bytes of the heads of strings about which the candidates are sure.
const SURE_HEAD: usize = 2;

#[cfg(test)]
mod tests {
    use crate::plan::Plan;
    use crate::{RuleSet, Scratch, SystemKeys, Verdict};
    use hub_wire::TopicName;
    use proptest::prelude::*;
    use proptest::sample::select;
    use rmpv::Value;
    use std::sync::{Arc, LazyLock};

    const PATHS: &str = r#"
[[rule]]
name = "place"
find = { paths = ["a.note", "**.card_number", "items.*.x", "$headers.ref", "b.3"] }
action = "drop"
tests = { hits = [{ card_number = 1 }], misses = [1] }

[[rule]]
name = "named"
find = { keys = ["secret"] }
action = "mask"
tests = { hits = [{ secret = 1 }], misses = [1] }

[[rule]]
name = "both"
find = { paths = ["b.**"], keys = ["phone"], types = ["int"] }
action = { do = "range", min = 0, max = 5, outside = "clamp" }
tests = { hits = [{ b = { phone = 7 } }], misses = [{ phone = 7 }] }

[[rule]]
name = "kept"
find = { keys = ["kept"] }
action = { do = "allow_keys", keys = ["a"], unknown = "drop" }
tests = { hits = [{ kept = { b = 1 } }], misses = [{ kept = { a = 1 } }] }

[[rule]]
name = "card"
find = { detectors = ["card", "email"], types = ["int", "str"] }
action = "mask"
tests = { hits = ["4111 1111 1111 1111"], misses = [1] }
"#;

    const PACKS: &str = "[[pack]]\nname = \"pci\"\n[[pack]]\nname = \"pii\"\n\
                         [[pack]]\nname = \"secrets\"\n";

    fn plan(rules: &str) -> Arc<Plan> {
        let rules = RuleSet::load(rules, "rules.toml", &SystemKeys).expect("a rule file");
        rules.plan(&TopicName::parse("t").expect("a topic"))
    }

    /// Plans, each with and without the glance.
    static PLANS: LazyLock<Vec<[Arc<Plan>; 2]>> = LazyLock::new(|| {
        let pair = |rules: String| {
            let mut slow = Arc::into_inner(plan(&rules)).expect("the only one");
            assert!(slow.glance.take().is_some(), "a plan that can be glanced at");
            [plan(&rules), Arc::new(slow)]
        };
        let small = "[budget]\nsteps = 60\n".to_owned();
        vec![pair(PATHS.into()), pair(PACKS.into()), pair(small + PATHS)]
    });

    const KEYS: &[&str] = &[
        "a",
        "note",
        "card_number",
        "cardNumber",
        "items",
        "x",
        "b",
        "3",
        "secret",
        "kept",
        "password",
        "dob",
        "e",
        "phone",
        "",
        "_",
        "4111111111111111",
        "sekret",
        "cvv",
        "total",
    ];

    const TEXTS: &[&str] = &[
        "4111 1111 1111 1111",
        "ann@mail.example",
        "the customer asked for a delivery",
        "SO-2026-123456",
        "2026-03-04T12:30:45Z",
        "+49 30 901820",
        "12345678",
        "Straße 12",
        "４１１１ 1111 1111 1111",
        "3f2504e0-cf89-11d3-9a0c-0305e82cab01",
        "",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ];

    /// A card, a telephone number, a BSN, a PESEL, times; and around what fits into 8 to 32 bits.
    const NUMBERS: &[i64] = &[
        4_111_111_111_111_111,
        2_125_550_187,
        123_456_782,
        44_051_401_359,
        1_763_900_000,
        1_763_900_000_123,
        1_763_900_000_123_456_789,
        0,
        127,
        128,
        255,
        256,
        65_535,
        65_536,
        99_999,
        100_000,
        1 << 31,
        1 << 32,
    ];

    fn key() -> impl Strategy<Value = String> {
        select(KEYS).prop_map(str::to_owned)
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => select(TEXTS).prop_map(str::to_owned),
            1 => "[ -~é]{0,40}",
            1 => select(TEXTS).prop_map(|text| text.repeat(12)),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            4 => text().prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => select(NUMBERS).prop_map(Value::from),
            1 => select(NUMBERS).prop_map(|n| Value::from(-n)),
            1 => select(&[0.5, 4_111_111_111_111_111.0, 2_125_550_187.0, -99_999.0, f64::NAN][..])
                .prop_map(Value::from),
            1 => text().prop_map(|text| Value::Binary(text.into_bytes())),
            1 => Just(Value::Nil),
            1 => text().prop_map(|text| Value::Ext(5, text.into_bytes())),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let key = prop_oneof![
                6 => key().prop_map(Value::from),
                1 => text().prop_map(Value::from),
                1 => (0_u64..5).prop_map(Value::from),
                1 => Just(Value::Nil),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::vec((key, inner), 0..5).prop_map(Value::Map),
            ]
        })
    }

    fn pack(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        rmpv::encode::write_value(&mut out, value).expect("a vector takes all");
        out
    }

    /// What a verdict says, to be compared.
    fn said(plan: &Plan, payload: &[u8], headers: Option<&[u8]>, scratch: &mut Scratch) -> String {
        let verdict = plan.scrub(payload, headers, scratch);
        let applied: Vec<_> = scratch.applied().collect();
        let rendered = verdict.render(super::super::super::ViewId::DEFAULT, payload, headers);
        match verdict {
            Verdict::Accept | Verdict::Fixed(_) => format!("{rendered:?} {applied:?}"),
            other => format!("{other:?} {applied:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// A plan says the same with a glance and without it.
        #[test]
        fn a_glance_changes_no_verdict(
            payload in value(),
            headers in prop::option::of(prop::collection::vec((key(), text()), 0..4)),
        ) {
            let payload = pack(&payload);
            let headers = headers.map(|entries| {
                let entries = entries.into_iter().map(|(key, text)| (key.into(), text.into()));
                pack(&Value::Map(entries.collect()))
            });
            let (mut one, mut other) = (Scratch::default(), Scratch::default());
            for [with, without] in PLANS.iter() {
                prop_assert_eq!(
                    said(with, &payload, headers.as_deref(), &mut one),
                    said(without, &payload, headers.as_deref(), &mut other),
                    "{:02x?}", payload
                );
            }
        }
    }

    #[test]
    fn rules_that_look_at_values_whatever_their_keys_are_need_a_pass() {
        for (find, glanced) in [
            ("types = [\"bin\"]", false),
            ("paths = [\"*.*\"]", false),
            ("paths = [\"a\", \"*.*\"]", false),
            ("paths = [\"a.**\"]", true),
            ("keys = [\"b\"], types = [\"bin\"]", true),
        ] {
            let rules = format!(
                "[[rule]]\nname = \"r\"\nfind = {{ {find} }}\naction = \"mask\"\n\
                 tests = {{ hits = [{{ a = {{ b = {{ msgpack = \"c40101\" }} }} }}], misses = [1] }}"
            );
            assert_eq!(plan(&rules).glance.is_some(), glanced, "{find}");
        }
    }
}
