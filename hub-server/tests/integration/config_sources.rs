//! Every key can be set from the file, the environment and a flag, with the same name and the same
//! limits. These tests go through the table of keys, so a new key is tested as soon as it exists.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use std::path::Path;

use hub_server::config::{Allowed, Config, ConfigError, Key, flags};

/// The flags of keys without which this one means nothing.
fn needed_by(key: &Key) -> &'static [&'static str] {
    match key.name {
        "tls_cert" => &["tls-key"],
        "tls_key" => &["tls-cert"],
        "tls_client_ca" | "http_tls" | "tls_key_log" => &["tls-cert", "tls-key"],
        "tls_client_auth" | "tls_crl" => &["tls-cert", "tls-key", "tls-client-ca"],
        _ => &[],
    }
}

/// A file, environment or flag that sets `key`, loaded. What it needs is set by flags.
fn load(source: &str, key: &Key, value: &str) -> Result<Config, ConfigError> {
    let pair = |name: String| [(name, value.to_owned())];
    let needed = needed_by(key).iter().map(|flag| ((*flag).to_owned(), "needed.pem".to_owned()));
    match source {
        "file" => {
            let quoted = match key.allowed {
                Allowed::Number { .. } => value.to_owned(),
                _ => format!("'{value}'"),
            };
            let text = format!("{} = {quoted}", key.name);
            Config::load(Some((Path::new("hub.toml"), &text)), [], needed)
        }
        "environment" => Config::load(None, pair(key.env()), needed),
        _ => Config::load(None, [], needed.chain(pair(key.flag()))),
    }
}

const SOURCES: [&str; 3] = ["file", "environment", "flag"];

/// An allowed value that is not the default and fits the other defaults.
fn another(key: &Key) -> String {
    let default = key.value(&Config::default()).to_string();
    match key.allowed {
        Allowed::Address => "[::1]:9999".to_owned(),
        Allowed::Number { .. } if key.name == "queue_bytes" => "8000000".to_owned(),
        Allowed::Number { .. } if key.name == "memory_bytes" => "100000000".to_owned(),
        Allowed::Number { min, max, .. } => {
            let default: u64 = default.parse().unwrap();
            let value = if default > min { default - 1 } else { default + 1 };
            assert!(value <= max);
            value.to_string()
        }
        Allowed::OneOf(words) => words.iter().find(|w| **w != default).unwrap().to_string(),
        Allowed::File => "/etc/hub/rules.toml".to_owned(),
        Allowed::LogFilter => "warn,hub_server::session=trace".to_owned(),
    }
}

#[test]
fn every_key_is_set_from_every_source() {
    for key in Key::ALL {
        let value = another(key);
        for source in SOURCES {
            let config = load(source, key, &value)
                .unwrap_or_else(|error| panic!("{} from the {source}: {error}", key.name));
            assert_eq!(key.value(&config).to_string(), value, "{} from the {source}", key.name);
            let needed = |other: &Key| needed_by(key).contains(&other.flag().as_str());
            let others = Key::ALL.iter().filter(|other| other.name != key.name);
            for other in others.filter(|other| !needed(other)) {
                let default = other.value(&Config::default());
                assert_eq!(other.value(&config), default, "{} changed too", other.name);
            }
        }
    }
}

#[test]
fn every_range_is_enforced_in_every_source() {
    // Any text is a path; whether there is a file is seen when the hub starts.
    for key in Key::ALL.iter().filter(|key| key.allowed != Allowed::File) {
        let mut bad =
            vec![String::new(), "nonsense".to_owned(), "info,[span{a=b}]=debug".to_owned()];
        if let Allowed::Number { min, max, .. } = key.allowed {
            bad.extend(["-1", "1.5", "true", "18446744073709551616"].map(str::to_owned));
            bad.push((max + 1).to_string());
            bad.extend(min.checked_sub(1).map(|below| below.to_string()));
        }
        for value in bad {
            for source in SOURCES {
                // An empty variable counts as not set.
                if value.is_empty() && source == "environment" {
                    continue;
                }
                let error = load(source, key, &value).unwrap_err();
                let text = error.to_string();
                let syntax = matches!(error, ConfigError::Syntax { .. });
                assert!(syntax || text.contains(&key.allowed.to_string()), "{text}");
                assert!(syntax || text.contains(&format!("`{}`", key.name)), "{text}");
            }
        }
    }
}

#[test]
fn the_ends_of_every_range_are_allowed() {
    for key in Key::ALL {
        let Allowed::Number { min, max, .. } = key.allowed else { continue };
        for value in [min, max] {
            // The rules between keys may refuse it, the range and the type must not.
            match load("flag", key, &value.to_string()) {
                Ok(config) => assert_eq!(key.value(&config).to_string(), value.to_string()),
                Err(error) => assert!(matches!(error, ConfigError::Conflict { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn every_key_has_a_flag_with_help_and_default() {
    let flags = flags();
    assert_eq!(flags.len(), Key::ALL.len());
    for (flag, key) in flags.iter().zip(Key::ALL) {
        assert_eq!(flag.name, key.name.replace('_', "-"));
        assert_eq!(flag.env, format!("HUB_{}", key.name.to_uppercase()));
        assert_eq!(flag.default, key.value(&Config::default()).to_string());
        assert!(flag.help.starts_with(key.help));
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let env = |value: &str| [("HUB_MAX_DEPTH".to_owned(), value.to_owned())];
    let flag = |value: &str| [("--max-depth".to_owned(), value.to_owned())];
    let file = Some((Path::new("hub.toml"), "max_depth = 10"));
    assert_eq!(Config::load(file, [], []).unwrap().max_depth, 10);
    assert_eq!(Config::load(file, env("11"), []).unwrap().max_depth, 11);
    assert_eq!(Config::load(file, env("11"), flag("12")).unwrap().max_depth, 12);
    assert_eq!(Config::load(file, [], flag("12")).unwrap().max_depth, 12);
    // A bad value does not go unnoticed because a better source overrides it.
    assert!(Config::load(file, env("none"), flag("12")).is_err());
}
