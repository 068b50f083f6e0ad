//! Reads TOML so that each error names the file, the line and the key, and never shows a value.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::AccessError;

/// Holds the text of the file, with its name for errors.
#[derive(Clone, Copy)]
pub(super) struct TomlText<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl<'a> TomlText<'a> {
    pub(super) fn parse(self) -> Result<Spanned<DeTable<'a>>, AccessError> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, "", "is not TOML: ".to_owned() + error.message())
        })
    }

    pub(super) fn error(self, at: usize, key: &str, message: impl Into<String>) -> AccessError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        AccessError {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key: key.to_owned(),
            message: message.into(),
        }
    }
}

/// Holds a value with its key.
#[derive(Clone)]
pub(super) struct Node<'a> {
    source: TomlText<'a>,
    /// The key has this name in its own table.
    pub(super) name: &'a str,
    /// The key has this path: its name, with the tables around it.
    path: String,
    at: usize,
    value: &'a DeValue<'a>,
}

/// Holds the entries of a table in the order of the file, so that the first error in the file is
/// reported.
pub(super) struct Table<'a> {
    source: TomlText<'a>,
    path: String,
    at: usize,
    entries: Vec<Node<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn root(source: TomlText<'a>, table: &'a DeTable<'a>) -> Self {
        Table::new(source, String::new(), 0, table)
    }

    fn new(source: TomlText<'a>, path: String, at: usize, table: &'a DeTable<'a>) -> Self {
        let node = |(key, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
            let path = join(&path, name);
            Node { source, name, path, at: key.span().start, value: value.get_ref() }
        };
        let mut entries: Vec<_> = table.iter().map(node).collect();
        entries.sort_by_key(|node| node.at);
        Table { source, path, at, entries }
    }

    /// Refuses all keys except these.
    pub(super) fn only(self, keys: &[&str]) -> Result<Self, AccessError> {
        match self.entries.iter().find(|node| !keys.contains(&node.name)) {
            Some(node) => Err(node.error(format!("is unknown; allowed is {}", list(keys)))),
            None => Ok(self),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entries.iter().find(|node| node.name == key)
    }

    pub(super) fn need(&self, key: &str) -> Result<&Node<'a>, AccessError> {
        self.get(key).ok_or_else(|| self.error(key, "is missing"))
    }

    /// Returns an error about a key that is missing.
    pub(super) fn error(&self, key: &str, message: impl Into<String>) -> AccessError {
        self.source.error(self.at, &join(&self.path, key), message)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Node<'a>> {
        self.entries.iter()
    }
}

impl<'a> Node<'a> {
    pub(super) fn error(&self, message: impl Into<String>) -> AccessError {
        self.source.error(self.at, &self.path, message)
    }

    /// Returns the file and the line of the value.
    pub(super) fn declared_at(&self) -> String {
        let AccessError { file, line, .. } = self.error("");
        format!("{file}:{line}")
    }

    pub(super) fn table(&self) -> Result<Table<'a>, AccessError> {
        match self.value {
            DeValue::Table(table) => Ok(Table::new(self.source, self.path.clone(), self.at, table)),
            _ => Err(self.error("must be a table")),
        }
    }

    /// Returns the tables of `[[key]]`.
    pub(super) fn tables(&self) -> Result<Vec<Table<'a>>, AccessError> {
        let DeValue::Array(array) = self.value else {
            return Err(self.error(format!("must be tables, each under `[[{}]]`", self.path)));
        };
        let items = array.iter().map(|item| Node {
            at: item.span().start,
            value: item.get_ref(),
            ..self.clone()
        });
        items.map(|node| node.table()).collect()
    }

    pub(super) fn text(&self) -> Result<&'a str, AccessError> {
        match self.value {
            DeValue::String(text) => Ok(text),
            _ => Err(self.error("must be a text in quotes")),
        }
    }

    pub(super) fn filled_text(&self) -> Result<&'a str, AccessError> {
        let text = self.text()?;
        if text.is_empty() { Err(self.error("must not be empty")) } else { Ok(text) }
    }

    pub(super) fn boolean(&self) -> Result<bool, AccessError> {
        match self.value {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.error("must be true or false")),
        }
    }

    pub(super) fn number(
        &self,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, AccessError> {
        let number = match self.value {
            DeValue::Integer(n) => {
                u64::from_str_radix(&n.as_str().replace('_', ""), n.radix()).ok()
            }
            _ => None,
        };
        number.filter(|n| allowed.contains(n)).ok_or_else(|| {
            let (from, to) = (allowed.start(), allowed.end());
            self.error(format!("must be a whole number from {from} to {to}"))
        })
    }

    /// Returns one text or a list of texts. Each text comes with a node, so that an error names the
    /// item.
    pub(super) fn texts(&self) -> Result<Vec<(Node<'a>, &'a str)>, AccessError> {
        let wrong = || self.error("must be a text in quotes, or a list of them");
        match self.value {
            DeValue::String(text) => Ok(vec![(self.clone(), text)]),
            DeValue::Array(array) => array
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => {
                        let at = item.span().start;
                        let text: &'a str = text;
                        Ok((Node { at, value: item.get_ref(), ..self.clone() }, text))
                    }
                    _ => Err(wrong()),
                })
                .collect(),
            _ => Err(wrong()),
        }
    }
}

/// Returns a key as errors show it: in one line, shortened, and without a part that may be a token
/// in the wrong place.
fn join(path: &str, key: &str) -> String {
    let key: String = match key.split_once("hub_") {
        Some((before, _)) => format!("{before}hub_…"),
        None => key.to_owned(),
    };
    let shown: String = key.escape_debug().take(60).collect();
    if path.is_empty() { shown } else { format!("{path}.{shown}") }
}

pub(super) fn list(keys: &[&str]) -> String {
    let quoted: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    quoted.join(", ")
}
