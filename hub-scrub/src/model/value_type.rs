//! This module lists the types of MessagePack, as rules and structures name them.
//!
//! Without one list, the rule file, the plan's tables and the engine could disagree on a type's
//! number.

/// A `Type` is a type of MessagePack, as rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the format")]
pub enum Type {
    Nil,
    Bool,
    Int,
    Float,
    Str,
    Bin,
    Array,
    Map,
    Ext,
}

impl Type {
    /// The list has all types in the order of their numbers.
    pub(crate) const ALL: [Type; 9] = [
        Type::Nil,
        Type::Bool,
        Type::Int,
        Type::Float,
        Type::Str,
        Type::Bin,
        Type::Array,
        Type::Map,
        Type::Ext,
    ];

    /// Returns the name of the type in rule files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Type::Nil => "nil",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::Str => "str",
            Type::Bin => "bin",
            Type::Array => "array",
            Type::Map => "map",
            Type::Ext => "ext",
        }
    }
}
