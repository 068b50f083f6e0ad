//! The rule file: read, checked once, and tested by the tests it carries.

mod action;
mod check;
mod error;
mod load;
mod load_rule;
mod message;
mod pack;
mod raw;
mod view;

pub use error::{RuleError, RuleErrors};
pub use raw::Type;
pub(crate) use raw::{
    Case, Detector as DetectorRules, DuplicateKeys, Nonfinite, Outside, Structure, Unknown,
};
pub use view::ViewId;
pub(crate) use view::Views;

use super::action::Action;
use super::condition::Condition;
use super::find::Detectors;
use super::keys::{KeySource, Keys};
use super::path::PathPattern;
use super::plan::Plan;
use super::schema::Schema;
use super::scrubber::Scrubber;
use hub_wire::{TopicFilter, TopicName};
use std::fmt;
use std::sync::Arc;

/// A checked rule file. It never changes; a reload makes another one.
pub struct RuleSet {
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) shared: Arc<Shared>,
}

/// What the plans of a rule set have in common.
pub(crate) struct Shared {
    pub(crate) detectors: Detectors,
    pub(crate) keys: Keys,
    pub(crate) views: Views,
    pub(crate) budget: Budget,
}

/// How much work one message may cause. Over it, the message is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Steps of the engine; `docs/scrub.md` says what costs how many. They stand for time, which
    /// this crate does not read.
    pub steps: u64,
    /// Bytes of payload and headers.
    pub bytes: u64,
    /// Finds.
    pub matches: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 1_000_000, bytes: 16 << 20, matches: 10_000 }
    }
}

/// Whether a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It counts what it would do.
    Shadow,
    /// It acts on so many of 100 messages, and counts on the others.
    Percent(u8),
    Enforce,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Shadow => f.write_str("shadow"),
            Mode::Percent(percent) => write!(f, "{percent}%"),
            Mode::Enforce => f.write_str("enforce"),
        }
    }
}

pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) label: Arc<str>,
    pub(crate) topics: Vec<TopicFilter>,
    pub(crate) mode: Mode,
    pub(crate) kind: RuleKind,
    pub(crate) condition: Option<Condition>,
    pub(crate) action: Action,
}

pub(crate) enum RuleKind {
    Find(Find),
    Structure(Structure),
    Schema(Schema),
    Scrubber(Arc<dyn Scrubber>),
    /// Its condition alone decides over the message.
    Condition,
}

#[derive(Debug, Default)]
pub(crate) struct Find {
    pub(crate) paths: Vec<PathPattern>,
    /// Folded by [`fold_key`].
    pub(crate) keys: Vec<Box<str>>,
    pub(crate) types: Vec<Type>,
    /// Numbers in [`Shared::detectors`].
    pub(crate) detectors: Vec<usize>,
    pub(crate) in_values: bool,
    pub(crate) in_keys: bool,
    pub(crate) in_headers: bool,
    pub(crate) in_topic: bool,
}

/// Longest key name a rule may look for.
pub(crate) const MAX_KEY_NAME: usize = 64;

/// Key names are compared without case and without `_`, `-` and blanks: `card_number` is
/// `cardNumber`. `None` if it is longer than a rule can name.
pub(crate) fn fold_key<'b>(key: &[u8], buffer: &'b mut [u8; MAX_KEY_NAME]) -> Option<&'b [u8]> {
    let mut len = 0;
    for byte in key.iter().filter(|byte| !b"_- ".contains(byte)) {
        *buffer.get_mut(len)? = byte.to_ascii_lowercase();
        len += 1;
    }
    Some(&buffer[..len])
}

/// What a token stood for.
#[derive(Clone, PartialEq, Eq)]
pub enum Revealed {
    /// This text.
    Text(String),
    /// This MessagePack value.
    Value(Vec<u8>),
}

impl fmt::Debug for Revealed {
    /// Without the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed")
    }
}

impl RuleSet {
    /// Reads and checks a rule file, and runs the tests in it.
    ///
    /// `source` is the file's name for errors. Secrets that the file names come from `keys`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and key. A rule without tests, or
    /// with one that fails, is wrong.
    pub fn load(text: &str, source: &str, keys: &dyn KeySource) -> Result<RuleSet, RuleErrors> {
        Self::load_with(text, source, keys, &[])
    }

    /// Like [`RuleSet::load`], for a file with rules that name scrubbers of one's own.
    ///
    /// # Errors
    /// As for [`RuleSet::load`]; a scrubber that is named and not given is an error too.
    pub fn load_with(
        text: &str,
        source: &str,
        keys: &dyn KeySource,
        scrubbers: &[Arc<dyn Scrubber>],
    ) -> Result<RuleSet, RuleErrors> {
        load::load(text, source, keys, scrubbers)
    }

    /// The plan for a topic: only the rules that can apply to it. Make it once for a topic, and
    /// anew after a reload.
    #[must_use]
    pub fn plan(&self, topic: &TopicName) -> Arc<Plan> {
        let applies = |rule: &&Arc<Rule>| rule.topics.iter().any(|filter| filter.matches(topic));
        let rules = self.rules.iter().filter(applies).map(|rule| (rule.clone(), rule.mode));
        Arc::new(Plan::build(topic, rules.collect(), self.shared.clone()))
    }

    /// Whether a rule looks at the names of topics.
    #[must_use]
    pub fn looks_at_topics(&self) -> bool {
        let in_topic = |rule: &Arc<Rule>| match &rule.kind {
            RuleKind::Find(find) => find.in_topic,
            _ => false,
        };
        self.rules.iter().any(in_topic)
    }

    /// The view of a role: the default view, in which every rule acts as it says, for a role that
    /// no view names.
    #[must_use]
    pub fn view_of_role(&self, role: &str) -> ViewId {
        self.shared.views.of_role(role)
    }

    /// How many views there are, the default view included.
    #[must_use]
    pub fn views(&self) -> usize {
        self.shared.views.all().len()
    }

    /// The view of that name.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<ViewId> {
        self.shared.views.named(name)
    }

    /// What the token or sealed value `mark` holds. For those who may see it; the caller checks.
    #[must_use]
    pub fn reveal(&self, mark: &str) -> Option<Revealed> {
        use super::action::mark::{Opened, open};
        Some(match open(mark, &self.shared.keys)? {
            Opened::Text(text) => Revealed::Text(text),
            Opened::Value(value) => Revealed::Value(value),
        })
    }

    /// Names and labels of the rules, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().map(|rule| (&*rule.name, &*rule.label))
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rule| &rule.name)).finish()
    }
}
