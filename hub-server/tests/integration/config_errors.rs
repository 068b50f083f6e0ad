//! An error names where the mistake is, the key, what was wrong and what is allowed.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use std::path::Path;

use hub_server::config::{Anonymous, Config, ConfigError, ValueOrigin, flags};

fn file(text: &str) -> Result<Config, ConfigError> {
    Config::load(Some((Path::new("etc/hub.toml"), text)), [], [])
}

fn env(name: &str, value: &str) -> Result<Config, ConfigError> {
    Config::load(None, [(name.to_owned(), value.to_owned())], [])
}

fn flag(name: &str, value: &str) -> Result<Config, ConfigError> {
    Config::load(None, [], [(name.to_owned(), value.to_owned())])
}

#[track_caller]
fn says(result: Result<Config, ConfigError>, expected: &str) {
    assert_eq!(result.unwrap_err().to_string(), expected);
}

#[test]
fn a_value_of_the_wrong_kind_is_shown_with_its_place() {
    says(
        file("# é\nlog = \"info\"\n  max_depth = \"32\"\n"),
        "etc/hub.toml:3:15: `max_depth` is `\"32\"`; allowed is a whole number from 1 to 64",
    );
    says(
        env("HUB_ANONYMOUS", "nowhere"),
        "environment variable HUB_ANONYMOUS: `anonymous` is `nowhere`; \
         allowed is loopback or everywhere",
    );
    says(
        flag("handshake-ms", "5s"),
        "flag --handshake-ms: `handshake_ms` is `5s`; \
         allowed is a whole number of milliseconds from 10 to 600000",
    );
    says(
        flag("max-depth", ""),
        "flag --max-depth: `max_depth` is empty; allowed is a whole number from 1 to 64",
    );
}

#[test]
fn a_variable_with_an_empty_value_is_not_set() {
    let path = Path::new("etc/hub.toml");
    for flag in flags() {
        let empty = [(flag.env.clone(), String::new())];
        let config = Config::load(None, empty.clone(), []).unwrap();
        assert_eq!(config, Config::default(), "{}", flag.env);
        let text = "access = \"access.toml\"\nmax_depth = 9\n";
        let config = Config::load(Some((path, text)), empty, []).unwrap();
        assert_eq!((config.access.as_str(), config.max_depth), ("access.toml", 9), "{}", flag.env);
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    says(
        file("max_depth = 1\nmax_conections = 5\n"),
        "etc/hub.toml:2:1: unknown key `max_conections`; did you mean `max_connections`?",
    );
    says(
        file("[limits]\nmax_depth = 5\n"),
        "etc/hub.toml:1:2: unknown key `limits`; did you mean `listen`?",
    );
    says(
        env("HUB_LISTENS", "127.0.0.1:1"),
        "environment variable HUB_LISTENS: unknown key `HUB_LISTENS`; did you mean `HUB_LISTEN`?",
    );
    says(
        flag("keep-alive-ms", "1"),
        "flag --keep-alive-ms: unknown key `keep-alive-ms`; did you mean `keepalive-ms`?",
    );
    // The case counts, and so do the separators of each source.
    assert!(file("LISTEN = '127.0.0.1:1'").is_err());
    assert!(flag("max_depth", "1").is_err());
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_line_and_column() {
    for (text, at) in [("log = \n", (1, 7)), ("max_depth = 1\nmax_depth = 2\n", (2, 1))] {
        let error = file(text).unwrap_err();
        let ConfigError::Syntax { origin: ValueOrigin::File { line, column, .. }, .. } = &error
        else {
            panic!("{error}")
        };
        assert_eq!((*line, *column), at, "{error}");
    }
}

#[test]
fn values_that_do_not_fit_together_are_refused_where_they_were_set() {
    says(
        file("queue_bytes = 65536"),
        "etc/hub.toml:1:15: `queue_bytes` is 65536; queue_bytes must be at least 4 times \
         max_frame_bytes, and `max_frame_bytes` is 1048576",
    );
    says(
        flag("max-frame-bytes", "2_000_000"),
        "flag --max-frame-bytes: `max_frame_bytes` is 2000000; queue_bytes must be at least 4 \
         times max_frame_bytes, and `queue_bytes` is 4194304",
    );
    says(
        env("HUB_HISTORY_BYTES", "0"),
        "environment variable HUB_HISTORY_BYTES: `history_bytes` is 0; history_topic_bytes must \
         not be larger than history_bytes, and `history_topic_bytes` is 1048576",
    );
    assert!(flag("http", "127.0.0.1:4820").is_err());
    assert!(file("listen = '127.0.0.1:0'\nhttp = '127.0.0.1:0'").is_ok());
    assert!(file("queue_bytes = 65536\nmax_frame_bytes = 16384").is_ok());
}

#[test]
fn a_configuration_made_in_code_is_checked_alike() {
    let config = Config { max_depth: 65, ..Config::default() };
    says(config.validate(), "default: `max_depth` is 65; allowed is a whole number from 1 to 64");
    let config = Config { queue_bytes: 70_000, ..Config::default() };
    assert!(matches!(config.validate(), Err(ConfigError::Conflict { .. })));
}

#[test]
fn keys_of_tls_say_what_they_need() {
    says(
        file("tls_cert = \"hub.pem\""),
        "etc/hub.toml:1:12: `tls_cert` is hub.pem; tls_cert needs tls_key, and `tls_key` is empty",
    );
    for (text, rule) in [
        ("tls_key = \"k\"", "tls_key needs tls_cert"),
        ("tls_client_ca = \"k\"", "tls_client_ca needs tls_cert"),
        ("tls_cert = \"c\"\ntls_key = \"k\"\ntls_crl = \"l\"", "tls_crl needs tls_client_ca"),
        ("tls_client_auth = \"optional\"", "without tls_client_ca no client"),
        ("http_tls = \"on\"", "http_tls needs tls_cert"),
        ("tls_key_log = \"on\"", "tls_key_log needs tls_cert"),
    ] {
        let error = file(text).unwrap_err().to_string();
        assert!(error.contains(rule), "{error} instead of {rule}");
    }
    let all = "tls_cert = \"c\"\ntls_key = \"c\"\ntls_client_ca = \"a\"\ntls_crl = \"l\"\n\
               tls_client_auth = \"optional\"\nhttp_tls = \"on\"";
    assert_eq!(file(all).unwrap().tls_key, "c");
}

#[test]
fn only_documented_variables_are_passed_over() {
    let links = [
        ("HUB_SERVER", "hub://127.0.0.1:4820"),
        ("HUB_CONFIG", "/etc/hub.toml"),
        ("HUB_CA", "ca.pem"),
        ("HUB_CERT", "me.pem"),
        ("HUB_KEY", "me.key"),
        ("HUB_TLS_NAME", "hub.internal"),
        ("PATH", "/bin"),
        ("HUB_SERVICE_HOST", "10.0.0.1"),
        ("HUB_SERVICE_PORT", "4820"),
        ("HUB_SERVICE_PORT_CLIENTS", "4820"),
        ("HUB_PORT", "tcp://10.0.0.1:4820"),
        ("HUB_PORT_4820_TCP", "tcp://10.0.0.1:4820"),
        ("HUB_PORT_4820_TCP_ADDR", "10.0.0.1"),
        ("HUB_HTTP_PORT", "tcp://10.0.0.1:4821"),
    ];
    let vars = links.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(Config::load(None, vars, []).unwrap(), Config::default());
    assert!(env("HUB_PORT", "4820").is_err());
    assert!(env("HUB_PORT_", "4820").is_err());
}

#[test]
fn what_is_shown_of_a_value_is_short_and_on_one_line() {
    let error = env("HUB_LOG", &"\u{1b}[31m\n".repeat(1000)).unwrap_err().to_string();
    assert!(error.len() < 400 && !error.contains(['\n', '\u{1b}']), "{error}");
    let error = env(&format!("HUB_{}", "A".repeat(100_000)), "1").unwrap_err();
    let ConfigError::UnknownKey { key, .. } = &error else { panic!("{error}") };
    assert!(key.len() <= 80);
}

#[test]
fn words_are_taken_as_they_are_written() {
    assert_eq!(env("HUB_ANONYMOUS", "everywhere").unwrap().anonymous, Anonymous::Everywhere);
    assert!(env("HUB_ANONYMOUS", "Everywhere").is_err());
    assert_eq!(env("HUB_QUEUE_BYTES", "8_000_000").unwrap().queue_bytes, 8_000_000);
    for bad in ["_1", "1_", "1__0", "+1", " 1", "0x10"] {
        assert!(env("HUB_THREADS", bad).is_err(), "{bad}");
    }
    for bad in ["info,", "loud", "=info", "hub_server", "a=b=info", "info,[x]=debug", "a{b}=info"] {
        assert!(env("HUB_LOG", bad).is_err(), "{bad}");
    }
}
