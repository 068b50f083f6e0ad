//! This module parses and writes the paths of rule files. A path says where in a message a rule searches.
//!
//! With a parser and a writer in different modules, `explain` could show a path that a rule file cannot
//! contain.

use std::fmt::{self, Write};
use thiserror::Error;

/// A `PathPattern` is a path of a rule, such as `customer.email`, `items.*.price` or `**.password`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPattern {
    /// If this is true, the path is in the headers (`$headers.…`). Otherwise it is in the payload.
    pub(crate) headers: bool,
    pub(crate) segments: Vec<Segment>,
}

/// A `Segment` is one part of a path, between two dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// The segment is a map's key. If it is a number, it is an array's index too.
    Key(Box<str>),
    /// The segment `*` matches any key or index.
    One,
    /// The segment `**` matches any number of keys and indexes, also none.
    Rest,
}

/// A `PathError` says why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum PathError {
    #[error("a path is not empty; `$` is the whole payload")]
    Empty,
    #[error("empty segment at byte {0}; a dot that belongs to a key is written `\\.`")]
    EmptySegment(usize),
    #[error("`\\` at the end")]
    LoneBackslash,
    #[error("more than 64 segments")]
    TooLong,
}

impl PathPattern {
    /// Parses a path as a rule file has it.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        let mut segments = Vec::new();
        let (mut key, mut escaped, mut start) = (String::new(), false, 0);
        let mut chars = text.char_indices();
        loop {
            let next = chars.next();
            match next {
                Some((_, '\\')) => {
                    let (_, literal) = chars.next().ok_or(PathError::LoneBackslash)?;
                    key.push(literal);
                    escaped = true;
                }
                Some((_, other)) if other != '.' => key.push(other),
                end => {
                    if key.is_empty() {
                        return Err(PathError::EmptySegment(start));
                    }
                    segments.push(match key.as_str() {
                        "*" if !escaped => Segment::One,
                        "**" if !escaped => Segment::Rest,
                        literal => Segment::Key(literal.into()),
                    });
                    (key, escaped) = (String::new(), false);
                    match end {
                        Some((at, _)) => start = at + 1,
                        None => break,
                    }
                }
            }
        }
        if segments.len() > 64 {
            return Err(PathError::TooLong);
        }
        let first = match segments.first() {
            Some(Segment::Key(key)) => &**key,
            _ => "",
        };
        let headers = first == "$headers" && text.starts_with('$');
        if headers || text == "$" {
            segments.remove(0);
        }
        Ok(PathPattern { headers, segments })
    }
}

impl PathPattern {
    /// Returns the keys that the path names. Indexes are left out.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Key(key) if key.parse::<u64>().is_err() => Some(&**key),
            _ => None,
        })
    }

    /// Returns whether the path matches only under a key that it names.
    pub(crate) fn names_a_key(&self) -> bool {
        self.keys().next().is_some()
    }
}

/// Writes the path as a rule file has it.
impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.headers || self.segments.is_empty() {
            f.write_str(if self.headers { "$headers" } else { "$" })?;
        }
        for (n, segment) in self.segments.iter().enumerate() {
            if n > 0 || self.headers {
                f.write_str(".")?;
            }
            match segment {
                Segment::One => f.write_str("*")?,
                Segment::Rest => f.write_str("**")?,
                Segment::Key(key) => {
                    // The parser would not read these segments as keys, so they are escaped.
                    let special = matches!(&**key, "*" | "**")
                        || n == 0 && !self.headers && matches!(&**key, "$" | "$headers");
                    for (at, c) in key.char_indices() {
                        if matches!(c, '.' | '\\') || special && at == 0 {
                            f.write_str("\\")?;
                        }
                        f.write_char(c)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_as_it_is_written() {
        for text in [
            "$",
            "a.b",
            "a.*.c",
            "**.c",
            "a\\.b.3",
            "\\*",
            "\\**.x",
            "a\\\\b",
            "\\$",
            "\\$headers.a",
        ] {
            assert_eq!(PathPattern::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(PathPattern::parse("$headers.trace").unwrap().to_string(), "$headers.trace");
        assert_eq!(PathPattern::parse("$headers.\\*").unwrap().to_string(), "$headers.\\*");
    }

    #[test]
    fn what_is_no_path_is_said() {
        assert_eq!(PathPattern::parse(""), Err(PathError::Empty));
        assert_eq!(PathPattern::parse("a..b"), Err(PathError::EmptySegment(2)));
        assert_eq!(PathPattern::parse("a."), Err(PathError::EmptySegment(2)));
        assert_eq!(PathPattern::parse("a\\"), Err(PathError::LoneBackslash));
    }
}
