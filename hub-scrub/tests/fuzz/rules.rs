//! Claim: a rule file of any text loads or is refused with lines that exist, and rules that loaded
//! decide on any message without a panic; what they make of it is well-formed.
//!
//! `docs/testing.md` tells how to run this for long.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::{fuzz_common, scrub_common};

use fuzz_common::{FuzzInput, made, naive};
use hub_scrub::{RuleSet, Scratch, ViewId};
use hub_wire::Limits;
use scrub_common::{KEYS, TestKeys, topic};

fn load(text: &str, message: &[u8]) {
    match RuleSet::load(text, "rules.toml", &TestKeys) {
        Ok(rules) => {
            for name in ["a", "orders.placed"] {
                let verdict =
                    rules.plan(&topic(name)).scrub(message, None, &mut Scratch::default());
                for view in 0..rules.views() {
                    if let Some((payload, _)) =
                        verdict.render(ViewId::from_index(view), message, None)
                    {
                        assert_eq!(naive(payload, 0, &Limits::NONE), Ok(payload.len()));
                    }
                }
            }
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
            for error in &errors.0 {
                assert!((1..=lines).contains(&error.line), "{error} of {lines}");
            }
        }
    }
}

#[test]
fn rules_any_text() {
    bolero::check!().for_each(|input: &[u8]| {
        load(&String::from_utf8_lossy(input), &[0x81, 0xa1, b'k', 0xa1, b'v']);
    });
}

/// What rules are made of, one of each kind to a rule; some of it is wrong.
const TOPICS: [&str; 5] = [
    "",
    "topics = [\"**\"]\n",
    "topics = [\"orders.*\", \"a\"]\n",
    "topics = [\"a.**.b\"]\n",
    "topics = []\n",
];
const FINDS: [&str; 20] = [
    "find = { paths = [\"k\", \"o.*.b\", \"**.c\"] }\n",
    "find = { paths = [\"list.*\", \"list.1.x\", \"$\", \"$headers.x\"] }\n",
    "find = { keys = [\"k\", \"mail\"] }\n",
    "find = { types = [\"float\"] }\n",
    "find = { detectors = [\"email\"] }\n",
    "find = { detectors = [\"card\", \"iban\"], in = [\"values\", \"keys\", \"headers\", \"topic\"] }\n",
    "find = { detectors = [\"own\"], paths = [\"k\"] }\n",
    "find = { detectors = [\"nosuch\"] }\n",
    "find = { paths = [\"k..b\"] }\n",
    "structure = { max_depth = 1, max_string_bytes = 5, duplicate_keys = \"keep_first\" }\n",
    "structure = { max_bytes = 20, ext = [-1], nonfinite = \"nil\", types = [\"map\", \"str\"] }\n",
    "schema = '{ \"required\": [\"z\"] }'\n",
    "schema = { type = \"object\", properties = { k = { type = \"integer\" } } }\n",
    "schema = '{ \"$ref\": \"#/$defs/a\", \"$defs\": { \"a\": { \"required\": [\"z\"] } } }'\n",
    "condition = \"has(payload.k) && payload.k == 'v'\"\n",
    "condition = \"size(payload) > 1 || headers.x == topic\"\n",
    "condition = \"payload.list.exists(x, x.matches('^[a-z]+$'))\"\n",
    "condition = \"((((payload.k))\"\n",
    "scrubber = \"none\"\n",
    "find = {}\n",
];
const ACTIONS: [&str; 25] = [
    "",
    "action = \"mask\"\n",
    "action = \"drop\"\n",
    "action = \"reject\"\n",
    "action = \"quarantine\"\n",
    "action = \"disconnect\"\n",
    "action = \"keep\"\n",
    "action = { do = \"keep_last\", n = 2 }\n",
    "action = { do = \"keep_first\", n = 9223372036854775807 }\n",
    "action = { do = \"replace\", with = \"x\" }\n",
    "action = { do = \"replace\", with = 1.5 }\n",
    "action = { do = \"mask\", with = \"漢\", length = 3 }\n",
    "action = { do = \"hash\", key = \"crm\" }\n",
    "action = { do = \"token\", key = \"crm\" }\n",
    "action = { do = \"encrypt\", key = \"crm\" }\n",
    "action = { do = \"truncate_ip\", v4 = 255, v6 = 0 }\n",
    "action = { do = \"truncate_ip\" }\n",
    "action = { do = \"bucket\", size = 10 }\n",
    "action = { do = \"bucket\", size = 0 }\n",
    "action = { do = \"shift_date\", key = \"crm\", days = 4294967295 }\n",
    "action = { do = \"shift_date\", key = \"crm\", days = 30 }\n",
    "action = { do = \"normalise\", trim = true, nfc = true, case = \"upper\", timestamps = true }\n",
    "action = { do = \"range\", min = 1, max = 5, outside = \"clamp\" }\n",
    "action = { do = \"range\", min = 2.5 }\n",
    "action = { do = \"allow_keys\", keys = [\"k\", \"x\"], unknown = \"drop\" }\n",
];
const MODES: [&str; 5] = ["", "", "mode = \"shadow\"\n", "mode = \"50%\"\n", "mode = \"0%\"\n"];
const TESTS: &str = "tests = { hits = [{ k = \"v\", mail = \"ann@example.org\", \
    list = [\"abc\", { x = 1.5 }], o = { p = { b = 1, c = 2 } }, \
    card = \"4111 1111 1111 1111\" }], misses = [{ z = true }] }\n";
const OTHERS: [&str; 8] = [
    "[detectors.own]\npattern = '[a-z]{1,3}'\nnear = { words = [\"k\"], required = false }\n",
    "[detectors.own]\nbuilt_in = \"email\"\nexcept = { patterns = ['^a'] }\n",
    "[views.support]\nroles = [\"support\"]\nlabels = { r0 = { do = \"keep_last\", n = 1 } }\n",
    "[views.all]\nroles = [\"x\", \"y\"]\nlabels = { r0 = \"keep\", r1 = \"drop\" }\n",
    "[budget]\nsteps = 3\n",
    "[budget]\nmatches = 1\nbytes = 30\n",
    "[[pack]]\nname = \"pci\"\n",
    "[[pack]]\nname = \"secrets\"\ntopics = [\"a\"]\nmode = \"shadow\"\n",
];

#[test]
fn rules_known_parts() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut source = FuzzInput(input);
        let mut pick = |parts: &[&'static str]| parts[usize::from(source.byte()) % parts.len()];
        let mut text = String::new();
        for n in 0..pick(&["+", "++", "+++"]).len() {
            text.push_str(&format!("[[rule]]\nname = \"r{n}\"\n"));
            for parts in [&TOPICS[..], &FINDS, &ACTIONS, &MODES] {
                text.push_str(pick(parts));
            }
            text.push_str(TESTS);
        }
        let (first, second) = (pick(&OTHERS), pick(&OTHERS));
        text.push_str(KEYS);
        text.push_str(first);
        if second[..8] != first[..8] {
            text.push_str(second);
        }
        let mut message = Vec::new();
        made(&mut source, &mut message, 4);
        load(&text, &message);
    });
}
