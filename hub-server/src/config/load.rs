//! Loads the configuration: reads the raw values of the file, the environment and the flags, and
//! validates them once. If each module checked its own keys, an error would show only when the key is
//! used.

use std::collections::HashMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, ValueOrigin};
use super::keys::{Config, Key};
use super::tls_conflict;
use super::value::{Raw, Value};

/// Lists the environment variables that begin with `HUB_` and are not keys: those that clients
/// read, and the variable with the path of the configuration file. Variables that begin with
/// `HUB_SCRUB_` hold secrets that a rule file names, and the hub ignores them too.
///
/// Kubernetes sets variables for each service, such as `HUB_SERVICE_HOST` and `HUB_PORT=tcp://…`. A
/// service called `hub` or `hub-…` would keep the hub from starting, so the hub recognises these
/// variables and ignores them.
pub const IGNORED_ENV: [&str; 8] = [
    "HUB_SERVER",
    "HUB_TOKEN",
    "HUB_TOKEN_FILE",
    "HUB_CA",
    "HUB_CERT",
    "HUB_KEY",
    "HUB_TLS_NAME",
    "HUB_CONFIG",
];

fn is_ignored(name: &str) -> bool {
    IGNORED_ENV.contains(&name) || name.starts_with("HUB_SCRUB_")
}

impl Config {
    /// Reads the file, the environment and the flags, and validates the result. `file` is the path
    /// of the configuration file and its text. Variables in `env` that do not begin with `HUB_` are
    /// ignored, so the whole environment of the process can be given. A variable with an empty value
    /// counts as not set, because compose files and scripts write `HUB_ACCESS=` where there is no
    /// value. Names in `flags` are spelled like `max-frame-bytes`. If a flag occurs several times, its
    /// last value counts.
    ///
    /// ```
    /// use hub_server::config::Config;
    ///
    /// let env = [("HUB_MAX_DEPTH".to_owned(), "8".to_owned())];
    /// let config = Config::load(None, env, [])?;
    /// assert_eq!(config.max_depth, 8);
    /// # Ok::<(), hub_server::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the first error, with its origin and what is allowed there.
    pub fn load(
        file: Option<(&Path, &str)>,
        env: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut draft = Draft { config: Config::default(), origins: HashMap::new() };
        if let Some((path, text)) = file {
            draft.file(path, text)?;
        }
        draft.environment(env)?;
        for (name, value) in flags {
            let name = name.trim_start_matches("--").to_owned();
            let key = Key::ALL.iter().find(|key| key.flag() == name);
            let origin = ValueOrigin::Flag { name: name.clone() };
            draft.put(key, &name, Key::flag, &Raw::Plain(&value), origin)?;
        }
        draft.finish()
    }

    /// Validates a configuration that was built in code. [`Config::load`] makes the same checks.
    ///
    /// # Errors
    ///
    /// Returns an error about the first value that its key does not allow, or otherwise about the
    /// first two values that contradict one another.
    pub fn validate(self) -> Result<Config, ConfigError> {
        for key in Key::ALL {
            let value = key.value(&self).to_string();
            if key.allowed.check(&Raw::Plain(&value)).is_none() {
                return Err(invalid(key, value, ValueOrigin::Default));
            }
        }
        Draft { config: self, origins: HashMap::new() }.finish()
    }
}

/// Holds a configuration while its sources are read, and the origin of each key that is set.
struct Draft {
    config: Config,
    origins: HashMap<&'static str, ValueOrigin>,
}

impl Draft {
    fn file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let origin = |offset: usize| {
            let (line, column) = position(text, offset);
            ValueOrigin::File { path: path.to_owned(), line, column }
        };
        let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            origin: origin(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        // The entries are in the order of the file, so that the first error in the file is
        // reported.
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (name, value) in entries {
            let raw = match value.get_ref() {
                DeValue::String(text) => Raw::Quoted(text),
                DeValue::Integer(n) => Raw::Number(u64::from_str_radix(n.as_str(), n.radix()).ok()),
                _ => Raw::Other,
            };
            let (name_at, value_at) = (name.span().start, value.span());
            let name: &str = name.get_ref();
            let Some(key) = Key::find(name) else {
                return Err(unknown(name, |key| key.name.to_owned(), origin(name_at)));
            };
            let Some(checked) = key.allowed.check(&raw) else {
                let found = text.get(value_at.clone()).unwrap_or_default();
                return Err(invalid(key, shorten(found), origin(value_at.start)));
            };
            self.set(key, checked, origin(value_at.start))?;
        }
        Ok(())
    }

    fn environment(
        &mut self,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let mut ours: Vec<_> = env
            .into_iter()
            .filter(|(name, value)| {
                name.starts_with("HUB_") && !is_ignored(name) && !value.is_empty()
            })
            .collect();
        // The order of an environment has no meaning. The variables are sorted, so that an
        // environment with several errors always leads to the same error.
        ours.sort();
        for (name, value) in ours {
            let key = Key::ALL.iter().find(|key| key.env() == name);
            if key.is_none() && is_service_link(&name, &value) {
                continue;
            }
            let origin = ValueOrigin::Environment { name: name.clone() };
            self.put(key, &name, Key::env, &Raw::Plain(&value), origin)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        key: Option<&'static Key>,
        name: &str,
        spell: fn(&Key) -> String,
        raw: &Raw<'_>,
        origin: ValueOrigin,
    ) -> Result<(), ConfigError> {
        let Some(key) = key else { return Err(unknown(name, spell, origin)) };
        match key.allowed.check(raw) {
            Some(value) => self.set(key, value, origin),
            None => {
                let found = if let Raw::Plain(text) = raw { shorten(text) } else { String::new() };
                Err(invalid(key, found, origin))
            }
        }
    }

    fn set(
        &mut self,
        key: &'static Key,
        value: Value,
        origin: ValueOrigin,
    ) -> Result<(), ConfigError> {
        let found = value.to_string();
        if !key.set(&mut self.config, value) {
            return Err(invalid(key, found, origin));
        }
        self.origins.insert(key.name, origin);
        Ok(())
    }
}

impl Draft {
    /// Checks the rules between keys, and returns the configuration.
    fn finish(self) -> Result<Config, ConfigError> {
        let c = &self.config;
        let frame = u64::from(c.max_frame_bytes);
        if (c.queue_bytes as u64) < 4 * frame {
            return Err(self.conflict(
                "queue_bytes",
                "max_frame_bytes",
                "queue_bytes must be at least 4 times max_frame_bytes",
            ));
        }
        if c.memory_bytes > 0 && c.memory_bytes < 8 * c.queue_bytes as u64 {
            return Err(self.conflict(
                "memory_bytes",
                "queue_bytes",
                "memory_bytes must be 0 or at least 8 times queue_bytes",
            ));
        }
        if c.history_topic_bytes > c.history_bytes {
            return Err(self.conflict(
                "history_topic_bytes",
                "history_bytes",
                "history_topic_bytes must not be larger than history_bytes",
            ));
        }
        if c.listen == c.http && c.listen.port() != 0 {
            return Err(self.conflict("http", "listen", "listen and http must differ"));
        }
        if let Some((key, other, rule)) = tls_conflict::conflict(c) {
            return Err(self.conflict(key, other, rule));
        }
        Ok(self.config)
    }

    /// Returns the error about two keys that contradict one another. The error names the first key,
    /// or the second key if only the second one is set.
    fn conflict(&self, first: &'static str, second: &'static str, rule: &str) -> ConfigError {
        let set = |name: &str| self.origins.get(name).cloned();
        let value = |name: &str| {
            let value = Key::find(name).map(|key| key.value(&self.config).to_string());
            value.filter(|value| !value.is_empty()).unwrap_or_else(|| "empty".to_owned())
        };
        let (key, other, origin) = match (set(first), set(second)) {
            (None, Some(origin)) => (second, first, origin),
            (origin, _) => (first, second, origin.unwrap_or(ValueOrigin::Default)),
        };
        let rule = format!("{rule}, and `{other}` is {}", value(other));
        ConfigError::Conflict { origin, key, found: value(key), rule }
    }
}

fn invalid(key: &Key, found: String, origin: ValueOrigin) -> ConfigError {
    ConfigError::Invalid { origin, key: key.name, found, allowed: key.allowed.to_string() }
}

/// Returns the error about an unknown key. The error suggests the known key that the fewest edits
/// lead to, regardless of case.
fn unknown(name: &str, spell: fn(&Key) -> String, origin: ValueOrigin) -> ConfigError {
    let short = name.chars().take(64).collect::<String>().to_lowercase();
    let edits = |known: &String| strsim::levenshtein(&short, &known.to_lowercase());
    let nearest = Key::ALL.iter().map(spell).min_by_key(edits).unwrap_or_default();
    ConfigError::UnknownKey { origin, key: name.escape_debug().take(80).collect(), nearest }
}

/// Returns the line and the column of a byte offset, both counted from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Returns a value as an error shows it: quoted, in one line, and cut after 60 characters.
fn shorten(text: &str) -> String {
    if text.is_empty() {
        return "empty".to_owned();
    }
    let mut out = String::new();
    for char in text.chars().take(60) {
        if char.is_control() { out.extend(char.escape_debug()) } else { out.push(char) }
    }
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}

/// Returns whether the variable looks like one that Kubernetes sets for a service.
fn is_service_link(name: &str, value: &str) -> bool {
    let link = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let after_port = name.split_once("_PORT_").map_or("", |(_, rest)| rest);
    let (port, protocol) = after_port.split_once('_').unwrap_or((after_port, ""));
    let of_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && link)
        || (of_port && ["TCP", "UDP", "SCTP"].iter().any(|p| protocol.starts_with(p)))
}
