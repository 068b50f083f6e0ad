//! Promise: `hub config check` refuses every file that `hub serve` would refuse, with the same words, and
//! warns of what a hub would leave out.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Ended, HUB, Process};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const RULES: &str = "[[pack]]\nname = \"pci\"\n";
const ACCESS: &str = "[roles.all]\npublish.allow = \"**\"\n[anonymous]\nroles = \"all\"\n";
const JWT: &str = "[[jwt]]\nissuer = \"x\"\naudience = \"hub\"\nkeys = \"jwks.json\"\nprefix = \"x:\"\n\
    roles = \"all\"\n";
const JWKS: &str = include_str!("../../../hub-server/tests/data/access/jwks.json");

/// Makes a self-signed certificate with openssl, as many manuals say. It is that of a CA unless `more`
/// says otherwise.
fn certificate(folder: &Path, more: &[&str]) {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    command.args(["-days", "30", "-subj", "/CN=hub", "-addext", "subjectAltName=DNS:localhost"]);
    command.args(more).args(["-keyout", "hub.key", "-out", "hub.pem"]);
    assert!(command.current_dir(folder).output().unwrap().status.success());
}

/// A folder with a configuration and the files that it names.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    certificate(folder.path(), &["-addext", "basicConstraints=critical,CA:FALSE"]);
    let config = "listen = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\nrules = \"rules.toml\"\n\
                  access = \"access.toml\"\ntls_cert = \"hub.pem\"\ntls_key = \"hub.key\"\n";
    let access = format!("{ACCESS}{JWT}");
    for (name, text) in
        [("hub.toml", config), ("rules.toml", RULES), ("access.toml", &access), ("jwks.json", JWKS)]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn hub(folder: &Path, args: &[&str]) -> Process {
    let mut command = Command::new(HUB);
    command.args(args).current_dir(folder);
    Process::spawn(&format!("hub {args:?}"), command)
}

fn check(folder: &Path) -> Ended {
    hub(folder, &["config", "check", "hub.toml"]).end()
}

#[test]
fn good_files_are_accepted_by_both() {
    let folder = folder();
    let ended = check(folder.path());
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.text().starts_with("ok\n"), "{}", ended.text());
    let mut serving = hub(folder.path(), &["serve", "--config", "hub.toml"]);
    assert!(serving.stdout_line().contains("ready"));
    serving.signal("TERM");
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn bad_files_are_refused_by_both_with_the_same_words() {
    let deep = format!("a = {}1{}\n", "[".repeat(50_000), "]".repeat(50_000));
    let large = format!("{ACCESS}{}", "# x\n".repeat(1_100_000));
    let cases: [(&str, Option<&str>, &str); 16] = [
        ("access.toml", Some("[roles.a]\npublsh = 1\n"), "is unknown"),
        ("access.toml", Some("[identities.a]\nroles = \"gone\"\n"), "is not a role"),
        ("access.toml", Some(""), "lets nobody in"),
        ("access.toml", Some("# nothing\n[roles]\n[identities]\n"), "lets nobody in"),
        ("access.toml", Some(&deep), "is not TOML"),
        ("access.toml", Some(&large), "`max_file_bytes`"),
        ("access.toml", None, "cannot read the access file"),
        ("jwks.json", Some("{\"keys\": []}"), "has no key"),
        ("jwks.json", None, "cannot be read"),
        ("rules.toml", Some("[[rule]]\nname = 1\n"), "rules.toml:"),
        ("rules.toml", Some(&deep), "rules.toml:"),
        ("rules.toml", Some(&large), "`max_file_bytes`"),
        ("rules.toml", None, "cannot read the rule file"),
        ("hub.pem", Some(""), "holds no certificate"),
        ("hub.key", Some("x"), "holds no private key"),
        ("hub.toml", Some("\n"), "is empty"),
    ];
    for (name, text, part) in cases {
        let folder = folder();
        match text {
            Some(text) => fs::write(folder.path().join(name), text).unwrap(),
            None => fs::remove_file(folder.path().join(name)).unwrap(),
        }
        let checked = check(folder.path());
        let served = hub(folder.path(), &["serve", "--config", "hub.toml"]).end();
        let shown = format!("{name}: {part}\n{}\n{}", checked.stderr, served.stderr);
        assert!(checked.code() == Some(2) && checked.stdout.is_empty(), "{shown}");
        assert!(served.code().is_some_and(|code| code != 0), "{shown}");
        assert!(
            checked.stderr.contains(part) && served.stderr.ends_with(&checked.stderr),
            "{shown}"
        );
    }
}

#[test]
fn a_file_that_is_no_file_is_refused_by_both() {
    for (name, target) in
        [("rules.toml", "/dev/zero"), ("access.toml", "pipe"), ("hub.pem", "pipe")]
    {
        let folder = folder();
        assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
        fs::remove_file(folder.path().join(name)).unwrap();
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
        let checked = check(folder.path());
        let served = hub(folder.path(), &["serve", "--config", "hub.toml"]).end();
        assert_eq!(checked.code(), Some(2), "{name}");
        assert!(checked.stderr.contains("and not a file"), "{name}: {}", checked.stderr);
        assert!(served.stderr.ends_with(&checked.stderr), "{name}: {}", served.stderr);
    }
}

#[test]
fn what_a_hub_would_leave_out_is_a_warning() {
    let folder = folder();
    certificate(folder.path(), &[]);
    let other = r#"{"kty": "RSA", "kid": "old", "n": "0000", "e": "AQAB"}, "#;
    let jwks = JWKS.replacen("\"keys\": [", &format!("\"keys\": [{other}"), 1);
    assert_ne!(jwks, JWKS);
    fs::write(folder.path().join("jwks.json"), jwks).unwrap();
    let ended = check(folder.path());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    for part in ["access.toml:8: the key set has a key", "key 1 is an RSA key", "CA:FALSE"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let mut serving = hub(folder.path(), &["serve", "--config", "hub.toml"]);
    assert!(serving.stdout_line().contains("ready"));
    serving.signal("TERM");
    let ended = serving.end();
    assert_eq!(ended.stderr.matches("key 1 is an RSA key").count(), 1, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("CA:FALSE").count(), 1, "{}", ended.stderr);
}

/// A misspelt view shows the default view, which may show more than was meant.
#[test]
fn a_view_that_does_not_exist_is_a_warning() {
    let folder = folder();
    let path = folder.path().join("access.toml");
    let access = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{access}\n[roles.auditor]\nview = \"audti\"\n")).unwrap();
    let ended = check(folder.path());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("the view `audti` does not exist"), "{}", ended.stderr);
}
