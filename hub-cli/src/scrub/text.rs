//! Writes aligned text and tables for people.
//!
//! Without this module, control characters in a message could take over the terminal of the user, and
//! the columns of the commands would not line up.

use crate::output::printable;
use std::fmt::Display;
use std::io::{self, Write};

/// A name with more characters than this has a line of its own, so that it does not push all texts to
/// the right.
const WIDEST: usize = 16;

/// Holds lines that each have a name and a text.
#[derive(Default)]
pub(super) struct Lines(Vec<(String, String)>);

impl Lines {
    /// Adds a line. A line with an empty name belongs to the name of the line before.
    pub(super) fn add(&mut self, name: impl Into<String>, text: impl Display) {
        self.0.push((printable(&name.into()), printable(&text.to_string())));
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let widths = self.0.iter().map(|(name, _)| name.chars().count());
        let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
        for (name, text) in &self.0 {
            if name.chars().count() > width {
                writeln!(out, "  {name}\n  {:width$}  {text}", "")?;
            } else {
                writeln!(out, "  {name:width$}  {text}")?;
            }
        }
        Ok(())
    }
}

/// Holds a table with titles. Text is aligned to the left, and numbers are aligned to the right.
pub(super) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(titles: &[&'static str]) -> Self {
        Table { titles: titles.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// Writes the table. A table without rows is not written.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let titles: Vec<String> = self.titles.iter().map(|title| (*title).to_owned()).collect();
        let lines: Vec<&[String]> =
            std::iter::once(&titles).chain(&self.rows).map(Vec::as_slice).collect();
        let columns = titles.len();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let is_number = |cell: &String| cell.bytes().all(|byte| byte.is_ascii_digit());
        let numeric =
            |column: usize| self.rows.iter().all(|row| row.get(column).is_some_and(is_number));
        let numeric: Vec<bool> = (0..columns).map(numeric).collect();
        for line in lines {
            let mut text = String::new();
            for (column, cell) in line.iter().enumerate() {
                let width = widths.get(column).copied().unwrap_or(0);
                text += &if numeric.get(column) == Some(&true) {
                    format!("  {cell:>width$}")
                } else {
                    format!("  {cell:width$}")
                };
            }
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}
