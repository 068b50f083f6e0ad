//! The example file is the defaults, and the file in `deploy/` is the example file.

use std::path::Path;

use hub_server::config::{Config, Key, changes, default_toml};

#[test]
fn the_default_file_parses_to_the_defaults() {
    let text = default_toml();
    let config = Config::load(Some((Path::new("hub.toml"), &text)), [], []).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(Config::default().validate().unwrap(), Config::default());
    assert_eq!(changes(&config), "");
}

#[test]
fn the_default_file_shows_and_explains_every_key() {
    let text = default_toml();
    for key in Key::ALL {
        assert!(text.contains(&format!("\n{} = ", key.name)), "{} is missing", key.name);
        assert!(key.help.ends_with('.') && key.help.len() > 20, "{} lacks help", key.name);
    }
    let long = text.lines().find(|line| line.len() > 100);
    assert_eq!(long, None);
}

#[test]
fn the_file_in_deploy_is_the_default_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/hub.toml");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text == default_toml(), "run `hub config default > deploy/hub.toml`");
}

#[test]
fn changes_are_toml_that_loads_to_the_same_configuration() {
    let config = Config { max_depth: 3, log: "hub_server=debug".to_owned(), ..Config::default() };
    let text = changes(&config);
    assert_eq!(text, "max_depth = 3\nlog = \"hub_server=debug\"\n");
    assert_eq!(Config::load(Some((Path::new("x"), &text)), [], []).unwrap(), config);
}
