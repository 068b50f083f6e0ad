//! The two scanners, with equal rules and equal replacements. Without this module, each side could
//! do different work.

use crate::kinds::Kind;
use crate::messages::Message;
use dd_sds::{
    Event, EventVisitor, MatchAction, Path, PathSegment, RegexRuleConfig, RootRuleConfig,
};
use dd_sds::{Scanner, ScannerError, Utf8Encoding};
use hub_scrub::{Plan, RuleSet, SystemKeys};
use hub_wire::TopicName;
use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

/// The text that both sides write in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// The crate's scanner.
pub fn scanner(kinds: &[Kind]) -> Result<Scanner, Box<dyn Error>> {
    let rules: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let mut rule =
                RegexRuleConfig::new(kind.pattern).with_validator(kind.validator.clone());
            if kind.pattern.contains("sds_match") {
                rule = rule.with_pattern_capture_group("sds_match");
            }
            RootRuleConfig::new(rule.build()).match_action(MatchAction::redact(REDACTED))
        })
        .collect();
    Ok(Scanner::builder(&rules).build().map_err(|error| format!("{error:?}"))?)
}

/// Makes Hub's plan from a rule file with a rule for each kind.
pub fn plan(kinds: &[Kind]) -> Result<Arc<Plan>, Box<dyn Error>> {
    let mut file = String::new();
    for Kind { detector, text, .. } in kinds {
        writeln!(
            file,
            "[[rule]]
             name = {detector:?}
             find = {{ detectors = [{detector:?}] }}
             action = {{ do = \"replace\", with = {REDACTED:?} }}
             tests = {{ hits = [{text:?}], misses = [\"nothing\"] }}",
        )?;
    }
    let rules = RuleSet::load(&file, "rules.toml", &SystemKeys)?;
    Ok(rules.plan(&TopicName::parse("orders.placed")?))
}

/// A message that the crate walks field by field. The crate's own `SimpleEvent` first collects the
/// entries of a map in a vector; this type spares it that.
#[derive(Clone)]
pub struct Fields(pub Message);

impl Event for Fields {
    type Encoding = Utf8Encoding;

    fn visit_event<'a>(
        &'a mut self,
        visitor: &mut impl EventVisitor<'a>,
    ) -> Result<(), ScannerError> {
        for (key, text) in &self.0 {
            visitor.push_segment(PathSegment::from(*key));
            visitor.visit_string(text)?;
            visitor.pop_segment();
        }
        Ok(())
    }

    fn visit_string_mut(&mut self, path: &Path, visit: impl FnOnce(&mut String) -> bool) {
        let field = self.0.iter_mut().find(|(key, _)| {
            matches!(path.segments.first(), Some(PathSegment::Field(name)) if name == key)
        });
        if let Some((_, text)) = field {
            visit(text);
        }
    }
}

/// A message as one text for the crate.
pub fn as_text(message: &Message) -> String {
    let fields: Vec<_> = message.iter().map(|(key, text)| format!("{key}={text}")).collect();
    fields.join("\n")
}
