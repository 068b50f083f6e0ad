//! The packs: rule files that come with Hub, by name.
//!
//! Without packs, every user would write rules for cards and secrets.

/// The name and the text of each pack.
const PACKS: &[(&str, &str)] = &[
    ("pci", include_str!("../../packs/pci.toml")),
    ("pii", include_str!("../../packs/pii.toml")),
    ("secrets", include_str!("../../packs/secrets.toml")),
];

pub(super) fn text(name: &str) -> Option<&'static str> {
    PACKS.iter().find(|(have, _)| *have == name).map(|(_, text)| *text)
}

/// The names of all packs, for an error message.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PACKS.iter().map(|(name, _)| *name)
}
