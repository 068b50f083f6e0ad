//! Shows the table of keys as a file, as flags, and as the keys that differ from their defaults. If each
//! of these forms had a list of its own, the lists would drift apart.

use std::sync::LazyLock;

use super::keys::{Config, Key};
use super::value::{Allowed, Unit};

/// Describes a flag of the command line, so that a parser can be built from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag sets the key of this name, for example `max_frame_bytes`.
    pub key: &'static str,
    /// The flag has this name, without the dashes, for example `max-frame-bytes`.
    pub name: String,
    /// This environment variable sets the same key.
    pub env: String,
    /// The help shows this placeholder for the value, for example `BYTES`.
    pub placeholder: &'static str,
    /// This text describes the key and says which values are allowed.
    pub help: String,
    /// The key has this value if nothing sets it.
    pub default: String,
}

/// Returns the flags of all keys, in the order of the table.
pub fn flags() -> &'static [Flag] {
    static FLAGS: LazyLock<Vec<Flag>> = LazyLock::new(|| Key::ALL.iter().map(flag).collect());
    &FLAGS
}

fn flag(key: &Key) -> Flag {
    Flag {
        key: key.name,
        name: key.flag(),
        env: key.env(),
        placeholder: match key.allowed {
            Allowed::Address => "ADDRESS",
            Allowed::Number { unit: Unit::Count, .. } => "N",
            Allowed::Number { unit: Unit::Bytes, .. } => "BYTES",
            Allowed::Number { unit: Unit::Milliseconds, .. } => "MS",
            Allowed::OneOf(_) => "WORD",
            Allowed::File => "FILE",
            Allowed::LogFilter => "FILTER",
        },
        help: format!("{} Takes {}.", key.help, key.allowed),
        default: key.value(&Config::default()).to_string(),
    }
}

/// Returns the commented example file, which sets every key to its default.
pub fn default_toml() -> String {
    let defaults = Config::default();
    let mut out = String::from(
        "# Configuration of the hub. Everything here is the default: keep only what you change.\n\
         # Each key can also be set in the environment (max_depth: HUB_MAX_DEPTH) and by a flag\n\
         # (--max-depth). A flag wins over the environment, and the environment over this file.\n",
    );
    for key in Key::ALL {
        out.push('\n');
        comment(&mut out, key.help);
        comment(&mut out, &format!("Allowed: {}.", key.allowed));
        out.push_str(&format!("{} = {:#}\n", key.name, key.value(&defaults)));
    }
    out
}

/// Returns the keys whose value in `config` is not the default, as lines of TOML.
pub fn changes(config: &Config) -> String {
    let defaults = Config::default();
    Key::ALL
        .iter()
        .filter(|key| key.value(config) != key.value(&defaults))
        .map(|key| format!("{} = {:#}\n", key.name, key.value(config)))
        .collect()
}

/// Appends `text` as comment lines of at most 100 columns.
fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > 100 {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
