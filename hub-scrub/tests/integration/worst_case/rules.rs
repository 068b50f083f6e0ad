//! The rule files over which the search runs. Together they use every kind of work that the budget pays for.

use hub_scrub::{KeyOrigin, KeySource, RuleSet};

/// The three packs, as most hubs have them.
const PACKS: &str =
    "[[pack]]\nname = \"pci\"\n[[pack]]\nname = \"pii\"\n[[pack]]\nname = \"secrets\"\n";

/// Keys, views with other actions, and the packs: many renderings, with hashes and ciphers.
const VIEWS: &str = r#"
[[keys.crm]]
version = 2
env = "KEY"

[views.one]
roles = ["one"]
labels = { card = { do = "hash", key = "crm" }, phone = { do = "token", key = "crm" } }

[views.two]
roles = ["two"]
labels = { email = { do = "encrypt", key = "crm" }, secret = { do = "keep_first", n = 4 } }

[views.three]
roles = ["three"]
labels = { ip = { do = "hash", key = "crm" }, national-id = { do = "keep_last", n = 2 } }

[[pack]]
name = "pci"
[[pack]]
name = "pii"
[[pack]]
name = "secrets"
"#;

/// Patterns, literals, exceptions, structure, paths, normalisation, a schema and a condition.
const MIXED: &str = r#"
[detectors.word]
pattern = '\b[a-z]+-(?<value>[0-9]+)\b'
check = "luhn"

[detectors.ahead]
pattern = '(a.*b|a)[0-9]?'
literals = ["a", "aa", "a1", "1a"]
near = { words = ["phone", "token"], within = 100 }
except = { literals = ["a"], patterns = ["^a[0-9]$"] }

[[rule]]
name = "shape"
structure = { max_depth = 60, duplicate_keys = "keep_last", max_keys = 1_000_000 }
tests = { hits = [{ msgpack = "82 a161 01 a161 01" }], misses = [1] }

[[rule]]
name = "checked"
schema = { type = ["string", "array", "object", "null", "number"], items = { maxLength = 10_000_000 } }
action = "reject"
tests = { hits = [true], misses = ["a"] }

[[rule]]
name = "asked"
condition = "type(payload) == type([1]) && payload.exists(x, x == 'no such text')"
action = "quarantine"
tests = { hits = [["no such text"]], misses = [["a"]] }

[[rule]]
name = "written"
find = { paths = ["**.a.**.b", "*.*.c"] }
action = { do = "normalise", nfc = true, trim = true, case = "lower" }
tests = { hits = [{ a = { b = "B" } }], misses = [1] }

[[rule]]
name = "own"
find = { detectors = ["word", "ahead", "email"] }
action = { do = "mask", length = 3 }
tests = { hits = ["ann@mail.example"], misses = ["b"] }
"#;

/// Schemas that look at each value several times. They only count, so that none ends a message early.
const SCHEMAS: &str = r##"
[[rule]]
name = "choices"
mode = "shadow"
schema = { anyOf = [{ type = "string", pattern = "^([a-z]+ )*$" }, { type = "array", uniqueItems = true, items = { oneOf = [{ type = "string", maxLength = 8 }, { type = "string", pattern = "[0-9]{4}" }, { type = "number", multipleOf = 3 }, { type = "object" }, { type = "array" }] } }, { type = "object", patternProperties = { "^[a-z]" = { type = ["string", "null"] } }, additionalProperties = { not = { type = "array" } }, propertyNames = { maxLength = 40 } }] }
tests = { hits = [true], misses = [[3]] }

[[rule]]
name = "nested"
mode = "shadow"
[rule.schema]
"$defs".any = { type = ["array", "object", "string", "null", "number"], items = { "$ref" = "#/$defs/any" }, additionalProperties = { "$ref" = "#/$defs/any" }, contains = { type = ["string", "number", "array"] } }
"$ref" = "#/$defs/any"
[rule.tests]
hits = [true]
misses = ["a"]
"##;

/// The rule files with their names.
pub const FILES: [(&str, &str); 4] =
    [("packs", PACKS), ("views", VIEWS), ("mixed", MIXED), ("schemas", SCHEMAS)];

struct OneKey;

impl KeySource for OneKey {
    fn secret(&self, _: KeyOrigin<'_>) -> Result<Vec<u8>, String> {
        Ok(b"thirty-two bytes of a test's key".to_vec())
    }
}

/// Loads a rule file with this budget.
pub fn load(rules: &str, steps: u64, matches: u32) -> RuleSet {
    let budget = format!("[budget]\nsteps = {steps}\nmatches = {matches}\nbytes = 100_000_000\n");
    RuleSet::load(&(budget + rules), "rules.toml", &OneKey).unwrap_or_else(|e| panic!("{e}"))
}
