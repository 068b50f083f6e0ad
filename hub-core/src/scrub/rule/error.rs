use std::fmt;
use std::sync::Arc;

/// One thing that is wrong with a rule file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// The name under which the file was loaded.
    pub source: Arc<str>,
    /// Its line, counted from 1.
    pub line: usize,
    /// The key at fault, such as `rule.card.find.detectors`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: `{}`: {}", self.source, self.line, self.key, self.message)
    }
}

impl std::error::Error for RuleError {}

/// Everything that is wrong with a rule file; never empty.
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
pub(super) struct Faults<'a> {
    source: Arc<str>,
    text: &'a str,
    found: Vec<RuleError>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(source: &str, text: &'a str) -> Self {
        Faults { source: source.into(), text, found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: usize, key: impl Into<String>, message: impl fmt::Display) {
        let line = 1 + self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        let (source, key) = (self.source.clone(), key.into());
        self.found.push(RuleError { source, line, key, message: message.to_string() });
    }

    /// A fault of the syntax or of a type; the key is what stands in front of the `=`.
    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        let at = error.span().map_or(0, |span| span.start);
        let line = self.text.get(..at).map_or("", |before| {
            let start = before.rfind('\n').map_or(0, |newline| newline + 1);
            self.text[start..].lines().next().unwrap_or("")
        });
        let key = line.split('=').next().unwrap_or("").trim().to_owned();
        self.add(at, key, error.message());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn take(self) -> RuleErrors {
        RuleErrors(self.found)
    }
}
