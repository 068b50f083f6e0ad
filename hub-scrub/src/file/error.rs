//! The errors in a rule file, each with its line and its key.
//!
//! An error quotes no value, because the tests in a rule file may contain what the rules hide.

use super::near_names::nearest;
use std::fmt;
use std::sync::Arc;

/// One error in a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// The name under which the file was loaded.
    pub source: Arc<str>,
    /// The line of the error, counted from 1.
    pub line: usize,
    /// The key at fault, such as `rule.card.find.detectors`.
    pub key: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: `{}`: {}", self.source, self.line, self.key, self.message)
    }
}

impl std::error::Error for RuleError {}

/// All errors in a rule file. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<RuleError>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            let newline = if n == 0 { "" } else { "\n" };
            write!(f, "{newline}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}

/// Collects errors while a file is loaded, so that its author sees them all at once.
pub(super) struct ErrorCollector<'a> {
    source: Arc<str>,
    text: &'a str,
    found: Vec<RuleError>,
}

impl<'a> ErrorCollector<'a> {
    pub(super) fn new(source: &str, text: &'a str) -> Self {
        ErrorCollector { source: source.into(), text, found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: usize, key: impl Into<String>, message: impl fmt::Display) {
        let line = 1 + self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        let (source, key) = (self.source.clone(), key.into());
        self.found.push(RuleError { source, line, key, message: message.to_string() });
    }

    /// Adds an error of the syntax or of a type. The key is the text in front of the `=`.
    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        let at = error.span().map_or(0, |span| span.start);
        let line = self.text.get(..at).map_or("", |before| {
            let start = before.rfind('\n').map_or(0, |newline| newline + 1);
            self.text[start..].lines().next().unwrap_or("")
        });
        let table = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let key = match (table, line.split_once('=')) {
            (Some((table, _)), _) => table.trim_start_matches('[').trim().to_owned(),
            (None, Some((key, _))) => key.trim().to_owned(),
            (None, None) => String::new(), // The error is inside a value, which must not be shown.
        };
        let message = without_value(error.message());
        let hint = hint(&message).unwrap_or_default();
        self.add(at, key, message + &hint);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn take(self) -> RuleErrors {
        RuleErrors(self.found)
    }
}

/// Returns what to write instead of a key that does not exist, if the message of the parser is about one.
fn hint(message: &str) -> Option<String> {
    let mut names = message.strip_prefix("unknown field `")?.split('`').step_by(2);
    let name = names.next()?;
    if name == "roles" {
        return Some("; a role gets its actions by a view: `[views.NAME]` with `roles`".to_owned());
    }
    let near = nearest(name, names);
    near.first().map(|near| format!("; did you mean `{near}`?"))
}

/// The message of the parser without the value that it quotes, because the tests in a rule file may
/// contain what the rules hide.
fn without_value(message: &str) -> String {
    let quotes = ["invalid type: ", "invalid value: ", "invalid length "];
    match (quotes.iter().find(|start| message.starts_with(**start)), message.rfind(", expected ")) {
        (Some(start), Some(at)) => {
            format!("{}{}", start.trim_end_matches([':', ' ']), &message[at..])
        }
        (Some(start), None) => start.trim_end_matches([':', ' ']).to_owned(),
        (None, _) => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{RuleSet, SystemKeys};

    #[test]
    fn an_error_of_the_parser_quotes_no_value() {
        for text in [
            "[[rule]]\nname = \"a\"\ntests = { hits = \"CANARY\", misses = [1] }",
            "[[rule]]\nname = \"a\"\n[rule.tests]\nhits = [\n \"CANARY\" 3\n]",
            "[budget]\nsteps = \"CANARY\"",
            "[budget]\nsteps = -77777",
        ] {
            let error = RuleSet::load(text, "rules.toml", &SystemKeys).unwrap_err().to_string();
            assert!(!error.contains("CANARY") && !error.contains("77777"), "{error}");
            assert!(error.starts_with("rules.toml:"), "{error}");
        }
    }

    #[cfg(not(any(feature = "cel", feature = "json-schema")))]
    #[test]
    fn what_was_not_built_in_is_named_with_its_place() {
        let rule = |what: &str| {
            format!("[[rule]]\nname = \"a\"\n{what}\naction = \"reject\"\n[rule.tests]\nhits = []")
        };
        for (what, key, missing) in [
            ("condition = \"true\"", "rule.a.condition", "conditions (the cargo feature `cel`)"),
            ("schema = \"{}\"", "rule.a.schema", "JSON Schema (the cargo feature `json-schema`)"),
        ] {
            let refused = RuleSet::load(&rule(what), "rules.toml", &SystemKeys).unwrap_err();
            let error = refused.0.iter().find(|error| error.key == key).unwrap();
            assert_eq!(error.line, 3);
            assert_eq!(error.message, format!("this hub was built without {missing}"));
        }
    }
}
