//! The rule file as its author writes it. `docs/scrub.md` describes every key.
//!
//! Only this module knows the format. The other modules of this floor convert its types to those of the
//! floors below, so that the format can change without them.

pub(super) use super::words::Confidence;
use super::words::{Case, DuplicateKeys, Nonfinite, Outside, Type, Unknown};
use crate::model;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) budget: Budget,
    #[serde(default)]
    pub(super) keys: BTreeMap<Spanned<String>, Vec<Spanned<Key>>>,
    #[serde(default)]
    pub(super) detectors: BTreeMap<Spanned<String>, Spanned<Detector>>,
    #[serde(default, rename = "pack")]
    pub(super) packs: Vec<Pack>,
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<Spanned<Rule>>,
    #[serde(default)]
    pub(super) views: BTreeMap<Spanned<String>, View>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    pub(super) steps: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) matches: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) version: u32,
    pub(super) env: Option<String>,
    pub(super) file: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detector {
    pub(super) pattern: Option<String>,
    pub(super) built_in: Option<String>,
    #[serde(default)]
    pub(super) literals: Vec<String>,
    pub(super) check: Option<String>,
    pub(super) near: Option<Near>,
    pub(super) except: Option<Except>,
}

/// The words that must be near a find.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Near {
    pub(super) words: Vec<String>,
    pub(super) within: Option<usize>,
    pub(super) required: Option<bool>,
}

/// The matches that are not finds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Except {
    #[serde(default)]
    pub(super) literals: Vec<String>,
    #[serde(default)]
    pub(super) patterns: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pack {
    pub(super) name: Spanned<String>,
    pub(super) topics: Option<Vec<Spanned<String>>>,
    pub(super) mode: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) strict: bool,
    #[serde(default)]
    pub(super) rules: BTreeMap<Spanned<String>, PackRule>,
}

/// What a rule file changes about one rule of a pack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackRule {
    #[serde(default)]
    pub(super) off: bool,
    pub(super) action: Option<Spanned<ActionOrName>>,
    pub(super) topics: Option<Vec<Spanned<String>>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) confidence: Option<Confidence>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) name: Spanned<String>,
    pub(super) about: Option<String>,
    pub(super) topics: Option<Vec<Spanned<String>>>,
    pub(super) label: Option<Spanned<String>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) find: Option<Spanned<Find>>,
    pub(super) structure: Option<Spanned<Structure>>,
    pub(super) schema: Option<Spanned<toml::Value>>,
    pub(super) scrubber: Option<Spanned<String>>,
    pub(super) condition: Option<Spanned<String>>,
    pub(super) action: Option<Spanned<ActionOrName>>,
    pub(super) tests: Option<Spanned<Tests>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Find {
    #[serde(default)]
    pub(super) paths: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) keys: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) named: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) types: Vec<Type>,
    #[serde(default)]
    pub(super) detectors: Vec<Spanned<String>>,
    pub(super) confidence: Option<Confidence>,
    #[serde(rename = "in")]
    pub(super) places: Option<Vec<SearchScope>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SearchScope {
    Values,
    Keys,
    Headers,
    Topic,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Structure {
    pub(super) max_bytes: Option<usize>,
    pub(super) max_depth: Option<usize>,
    pub(super) max_elements: Option<usize>,
    pub(super) max_keys: Option<usize>,
    pub(super) max_key_bytes: Option<usize>,
    pub(super) max_string_bytes: Option<usize>,
    pub(super) types: Option<Vec<Type>>,
    pub(super) ext: Option<Vec<i8>>,
    pub(super) duplicate_keys: Option<DuplicateKeys>,
    pub(super) nonfinite: Option<Nonfinite>,
}

impl From<Structure> for model::Structure {
    fn from(raw: Structure) -> model::Structure {
        model::Structure {
            max_bytes: raw.max_bytes,
            max_depth: raw.max_depth,
            max_elements: raw.max_elements,
            max_keys: raw.max_keys,
            max_key_bytes: raw.max_key_bytes,
            max_string_bytes: raw.max_string_bytes,
            types: raw.types.map(|types| types.into_iter().map(model::Type::from).collect()),
            ext: raw.ext,
            duplicate_keys: raw.duplicate_keys.map(Into::into).unwrap_or_default(),
            nonfinite: raw.nonfinite.map(Into::into).unwrap_or_default(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tests {
    #[serde(default)]
    pub(super) hits: Vec<toml::Value>,
    #[serde(default)]
    pub(super) misses: Vec<toml::Value>,
    /// The tests hold for the confidence of the pack, and the rule file asks for another one.
    #[serde(skip)]
    pub(super) skipped: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct View {
    #[serde(default)]
    pub(super) roles: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) labels: BTreeMap<Spanned<String>, Spanned<ActionOrName>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    Reject {},
    Quarantine {},
    Disconnect {},
    Keep {},
    Drop {},
    Mask {
        with: Option<char>,
        length: Option<usize>,
    },
    KeepFirst {
        n: usize,
    },
    KeepLast {
        n: usize,
    },
    Replace {
        with: toml::Value,
    },
    Hash {
        key: String,
    },
    Token {
        key: String,
    },
    Encrypt {
        key: String,
    },
    TruncateIp {
        v4: Option<u8>,
        v6: Option<u8>,
    },
    Bucket {
        size: u64,
    },
    ShiftDate {
        key: String,
        days: u32,
    },
    Normalise {
        trim: Option<bool>,
        nfc: Option<bool>,
        case: Option<Case>,
        timestamps: Option<bool>,
    },
    Range {
        min: Option<toml::Value>,
        max: Option<toml::Value>,
        outside: Option<Outside>,
    },
    AllowKeys {
        keys: Vec<String>,
        unknown: Option<Unknown>,
    },
}

/// Accepts the short form `action = "mask"` for `action = { do = "mask" }`.
#[derive(Debug, Clone)]
pub(super) struct ActionOrName(pub(super) Action);

impl<'de> Deserialize<'de> for ActionOrName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ActionOrName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an action: its name, or a table with the key `do`")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ActionOrName, E> {
                let entries = std::iter::once(("do", name));
                Action::deserialize(MapDeserializer::new(entries)).map(ActionOrName)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ActionOrName, A::Error> {
                Action::deserialize(MapAccessDeserializer::new(map)).map(ActionOrName)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
