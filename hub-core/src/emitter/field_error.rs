//! Holds the error of the slow decoder: the path to a value, and what is wrong with the value in words
//! that quote nothing of it. Without this module, serde would word the errors, and its words quote the
//! value.

use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// Names one step of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum PathStep {
    Field(&'static str),
    Key,
    Index(usize),
}

/// Holds the error of the slow decoder.
#[derive(Debug)]
pub(super) struct FieldError {
    /// The innermost step is the first.
    pub(super) path: Vec<PathStep>,
    pub(super) problem: String,
    /// The type said this about the value. It may quote the value.
    pub(super) detail: Option<String>,
}

impl FieldError {
    fn new(problem: impl Into<String>) -> Self {
        FieldError { path: Vec::new(), problem: problem.into(), detail: None }
    }

    /// Adds the step that leads to the value with the error.
    pub(super) fn within(mut self, step: PathStep) -> Self {
        self.path.push(step);
        self
    }
}

/// Returns the kind of a value, without the value.
fn kind(unexpected: &Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "nil",
        Unexpected::Seq => "an array",
        Unexpected::Map => "a map",
        Unexpected::Enum | Unexpected::NewtypeVariant => "a variant with a value",
        Unexpected::UnitVariant => "a variant without a value",
        Unexpected::TupleVariant => "a variant with an array",
        Unexpected::StructVariant => "a variant with a map",
        other => return other.to_string(),
    }
    .to_owned()
}

impl de::Error for FieldError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let problem = "the type does not accept this value".to_owned();
        FieldError { path: Vec::new(), problem, detail: Some(message.to_string()) }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        FieldError::new(format!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        FieldError::new(format!("expected {expected}, found {} that does not fit", kind(&found)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        FieldError::new(format!("expected {expected}, found {length} elements"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        FieldError::new(format!("expected one of {}, found another name", expected.join(", ")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        FieldError::new(format!("expected only the fields {}, found another", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        FieldError::new(format!("the field {field} is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        FieldError::new(format!("the field {field} is there twice"))
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for FieldError {}
