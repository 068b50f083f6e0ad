//! The rule files that come with Hub, by name.
//!
//! Without packs everybody would write the rules for cards and secrets anew.

/// Name and text of each pack.
const PACKS: &[(&str, &str)] = &[
    ("pci", include_str!("../../packs/pci.toml")),
    ("pii", include_str!("../../packs/pii.toml")),
    ("secrets", include_str!("../../packs/secrets.toml")),
];

pub(super) fn text(name: &str) -> Option<&'static str> {
    PACKS.iter().find(|(have, _)| *have == name).map(|(_, text)| *text)
}

/// The names of all packs, for an error.
pub(super) fn names() -> String {
    let names: Vec<&str> = PACKS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}
