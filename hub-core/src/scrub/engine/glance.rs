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
use crate::scrub::detect::Candidates;
use crate::wire::Limits;
use std::fmt;
use std::io::Write;

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

/// The longest number has 20 digits.
const LONGEST_NUMBER: usize = 24;

/// An open container.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    left: usize,
    map: bool,
    /// The key under which its values stand: of an array, its own.
    key: (usize, usize),
}

/// What a glance needs while it goes over a message.
struct Look<'a> {
    plan: &'a Plan,
    glance: &'a Glance,
    bytes: &'a [u8],
    candidates: &'a Candidates,
    finding: &'a mut FindScratch,
}

impl Plan {
    /// Whether no rule finds anything in a payload or in headers. `false` is said in doubt, too.
    pub(super) fn is_clean(&self, bytes: &[u8], work: &mut Work) -> bool {
        let Some(glance) = &self.glance else { return false };
        // A step for each value, which takes a byte at least, and for each word of its path
        // states; one for 16 bytes of text, and once more if it is scanned. A number has less text
        // than that for each of its bytes.
        let most = (bytes.len() * (self.paths.width() + 1)) as u64;
        if work.steps + most > self.shared.budget.steps {
            return false;
        }
        if glance.detecting {
            self.finder.candidates(bytes, &mut work.candidates);
            work.sifted = true;
        }
        let Work { candidates, finding, levels, .. } = work;
        let mut look = Look { plan: self, glance, bytes, candidates, finding };
        levels.clear();
        look.is_clean(levels).unwrap_or(false)
    }
}

impl Look<'_> {
    /// `None`: the bytes are no MessagePack.
    fn is_clean(&mut self, levels: &mut Vec<Level>) -> Option<bool> {
        let mut here = Level { left: 1, map: false, key: (0, 0) };
        let mut pos = 0;
        loop {
            while here.left == 0 {
                match levels.pop() {
                    Some(outer) => here = outer,
                    None => return Some(true),
                }
            }
            here.left -= 1;
            if here.map {
                let (token, end) = read(self.bytes, pos)?;
                here.key = (0, 0);
                if let Token::Str(key) = token {
                    if self.glance.names.may_have(key) && self.plan.names(key) {
                        return Some(false);
                    }
                    here.key = (end - key.len(), end);
                }
                if matches!(token, Token::Array(_) | Token::Map(_))
                    || !self.is_scalar_clean(&token, pos, end, (0, 0))
                {
                    return Some(false);
                }
                pos = end;
            }
            let (token, end) = read(self.bytes, pos)?;
            match token {
                Token::Array(left) | Token::Map(left) => {
                    if levels.len() >= usize::from(Limits::MAX_DEPTH) {
                        return Some(false);
                    }
                    levels.push(here);
                    here = Level { left, map: matches!(token, Token::Map(_)), key: here.key };
                }
                scalar => {
                    if !self.is_scalar_clean(&scalar, pos, end, here.key) {
                        return Some(false);
                    }
                }
            }
            pos = end;
        }
    }

    /// Whether detectors find nothing in a scalar, which is `at..end` and stands under `key`.
    #[inline(always)]
    fn is_scalar_clean(
        &mut self,
        token: &Token<'_>,
        at: usize,
        end: usize,
        key: (usize, usize),
    ) -> bool {
        let least = self.plan.least_number;
        match token {
            _ if !self.glance.detecting => true,
            // The candidates are sure of strings with the shortest heads alone.
            Token::Str(body) if end - body.len() - at <= 2 => {
                !self.candidates.any(end - body.len()..end) || self.finds_nothing(body, key)
            }
            Token::Str(body) => self.finds_nothing(body, key),
            Token::UInt(n) => *n < least || self.is_number_clean(format_args!("{n}"), key),
            Token::Int(n) => {
                n.unsigned_abs() < least || self.is_number_clean(format_args!("{n}"), key)
            }
            // Text are only the digits of floats without a fraction.
            Token::Float(n) => {
                !is_whole(*n)
                    || n.abs() < least as f64
                    || self.is_number_clean(format_args!("{n:.0}"), key)
            }
            Token::Nil | Token::Bool(_) => true,
            Token::Bin(body) | Token::Ext(_, body) => body.is_empty(),
            Token::Array(_) | Token::Map(_) => false,
        }
    }

    #[inline(never)]
    fn is_number_clean(&mut self, digits: fmt::Arguments<'_>, key: (usize, usize)) -> bool {
        let mut buffer = [0; LONGEST_NUMBER];
        let mut room = &mut buffer[..];
        if room.write_fmt(digits).is_err() {
            return false;
        }
        let len = LONGEST_NUMBER - room.len();
        self.finds_nothing(&buffer[..len], key)
    }

    fn finds_nothing(&mut self, body: &[u8], key: (usize, usize)) -> bool {
        let Ok(text) = std::str::from_utf8(body) else { return false };
        let key = self.bytes.get(key.0..key.1).and_then(|key| std::str::from_utf8(key).ok());
        self.plan.finder.find(key.unwrap_or_default(), text, u64::MAX, self.finding);
        self.finding.hits.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::scrub::plan::Plan;
    use crate::scrub::{RuleSet, Scratch, SystemKeys, Verdict};
    use crate::topic::TopicName;
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
            1 => select(&[4_111_111_111_111_111_u64, 7, 99_999, 100_000][..]).prop_map(Value::from),
            1 => select(&[0.5, 4_111_111_111_111_111.0, -99_999.0, f64::NAN][..])
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
