//! Promise: only who has the right `admin` uses the admin API, whatever he asks for and however he
//! proves who he is; and a reload that is asked for says what was applied and what was not.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::access::{create_token, hash_password};
use hub_server::{Config, RunningHub};
use support::*;
use tempfile::TempDir;

const ENDPOINTS: [(&str, &str); 2] = [("GET", "/admin/audit"), ("POST", "/admin/reload")];
const PASSWORD: &str = "a long enough password";

struct Guarded {
    hub: RunningHub,
    folder: TempDir,
    admin: String,
    worker: String,
}

const RULES: &str = r#"
[[rule]]
name = "name"
find = { keys = ["name"] }
action = "mask"
tests = { hits = [{ name = "Ann" }], misses = [{ n = "Ann" }] }
"#;

fn guarded(anonymous: &str) -> Guarded {
    let folder = TempDir::new().unwrap();
    let (admin, worker) = (create_token("admin").unwrap(), create_token("worker").unwrap());
    let file = format!(
        "[roles.admin]\nadmin = true\n[roles.worker]\npublish.allow = \"**\"\n\
         subscribe.allow = \"**\"\nquarantine = true\n{anonymous}\n\
         [identities.root]\nroles = \"admin\"\n{}\npassword = \"{}\"\n\
         [identities.worker]\nroles = \"worker\"\n{}\n",
        admin.line,
        hash_password(PASSWORD).unwrap(),
        worker.line
    );
    std::fs::write(folder.path().join("access.toml"), file).unwrap();
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let mut config = Config { access: path("access.toml"), ..Config::default() };
    config.rules = path("rules.toml");
    config.listen.set_port(0);
    config.http.set_port(0);
    let hub = RunningHub::start(config).unwrap();
    Guarded { hub, folder, admin: admin.token, worker: worker.token }
}

#[test]
fn each_role_at_each_endpoint() {
    use base64::Engine;
    let basic =
        |pair: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let it = guarded("[anonymous]\nroles = \"worker\"");
    let cases = [
        (Some(format!("Bearer {}", it.admin)), 200),
        (Some(format!("bearer {}", it.admin)), 200),
        (Some(basic(&format!("root:{PASSWORD}"))), 200),
        (Some(format!("Bearer {}", it.worker)), 403),
        (None, 403), // anonymous, and without the right
        (Some(basic("root:another password")), 401),
        (Some(basic("nobody:another password")), 401),
        (Some(format!("Bearer {}x", it.admin)), 401),
        (Some("Bearer hub_admin_".to_owned()), 401),
        (Some("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.".to_owned()), 401),
        (Some("Bearer".to_owned()), 400),
        (Some("Digest x".to_owned()), 400),
        (Some("Basic ????".to_owned()), 400),
        (Some(basic("no colon")), 400),
    ];
    for (method, path) in ENDPOINTS {
        for (authorization, expected) in &cases {
            let header = authorization.as_deref().map(|value| ("Authorization", value));
            let (status, body) = http(&it.hub, method, path, header.as_slice());
            assert_eq!(status, *expected, "{method} {path} {authorization:?}: {body}");
            assert!(!body.contains(PASSWORD) && !body.contains(&it.admin), "{body}");
        }
        let other = if method == "GET" { "POST" } else { "GET" };
        let authorization = format!("Bearer {}", it.admin);
        let (status, _) = http(&it.hub, other, path, &[("Authorization", &authorization)]);
        assert_eq!(status, 405, "{other} {path}");
    }
}

#[test]
fn without_an_access_file_only_this_machine_by_its_own_name() {
    let hub = hub();
    for (host, expected) in [
        ("localhost", 200),
        ("LOCALHOST:4821", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:4821", 200),
        ("evil.example", 401),
        ("localhost.evil.example", 401),
        ("127.0.0.1.evil.example", 401),
        ("10.0.0.1", 401),
        ("[::1", 401),
        ("[::1]evil", 401),
        ("[::1].evil.example", 401),
        ("localhost:80.evil.example", 401),
        ("evil@localhost", 401),
    ] {
        let (status, body) = http(&hub, "GET", "/admin/audit", &[("Host", host)]);
        assert_eq!(status, expected, "{host}: {body}");
    }
}

#[test]
fn what_a_proxy_says_makes_no_request_one_of_this_machine() {
    let hub = hub();
    for host in ["evil.example", "localhost"] {
        for header in [
            ("X-Forwarded-Host", "localhost"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("Forwarded", "host=127.0.0.1"),
            ("X-Forwarded-Port", "80"),
            ("X-Forwarded-Server", "proxy"),
            ("X-Real-IP", "127.0.0.1"),
            ("X-A-Header-Of-Some-Other-Proxy", "1"),
        ] {
            for (method, path) in ENDPOINTS {
                let (status, body) = http(&hub, method, path, &[("Host", host), header]);
                assert_eq!(status, 403, "{host} {header:?}: {body}");
                assert!(body.contains("proxy"), "{body}");
            }
        }
    }
    let (status, _) = http(&hub, "GET", "/admin/audit", &[("Host", "localhost"), ("Host", "evil")]);
    assert!(matches!(status, 400 | 401), "{status}");
    let it = guarded("");
    let authorization = format!("Bearer {}", it.admin);
    let headers = [("Authorization", &*authorization), ("X-Forwarded-For", "192.0.2.1")];
    let (status, body) = http(&it.hub, "GET", "/admin/audit", &headers);
    assert_eq!(status, 200, "a proxy may pass on what has credentials: {body}");
}

#[test]
fn a_page_of_another_site_cannot_ask_whatever_the_browser_knows() {
    let (hub, it) = (hub(), guarded(""));
    let authorization = format!("Bearer {}", it.admin);
    let known = ("Authorization", &*authorization);
    for (header, expected) in [
        (("Origin", "https://evil.example"), 403),
        (("Origin", "http://localhost.evil.example"), 403),
        (("Origin", "http://localhost:1"), 403),
        (("Origin", "null"), 403),
        (("Origin", "http://localhost"), 200),
        (("Sec-Fetch-Site", "cross-site"), 403),
        (("Sec-Fetch-Site", "same-site"), 403),
        (("Sec-Fetch-Site", "same-origin"), 200),
        (("Sec-Fetch-Site", "none"), 200),
    ] {
        for (method, path) in ENDPOINTS {
            for (hub, headers) in [(&hub, &[header][..]), (&it.hub, &[known, header][..])] {
                let (status, body) = http(hub, method, path, headers);
                assert_eq!(status, expected, "{method} {path} {header:?}: {body}");
                assert_eq!(body.contains("other sites"), expected == 403, "{body}");
            }
        }
    }
}

#[test]
fn a_reload_says_what_was_applied_and_a_broken_file_changes_nothing() {
    let it = guarded("");
    let authorization = format!("Bearer {}", it.admin);
    let reload = || http(&it.hub, "POST", "/admin/reload", &[("Authorization", &authorization)]);
    let outcome = |body: &str, file: &str| {
        let answer: serde_json::Value = serde_json::from_str(body).unwrap();
        let files = answer["files"].as_array().unwrap().clone();
        let is_it = |line: &&serde_json::Value| line["file"].as_str().unwrap().ends_with(file);
        files.iter().find(is_it).cloned().unwrap()
    };
    let (status, body) = reload();
    assert_eq!(status, 200, "{body}");
    assert_eq!(outcome(&body, "rules.toml")["outcome"], "applied");
    assert_eq!(outcome(&body, "access.toml")["outcome"], "applied");
    assert!(body.contains("needs_restart"), "{body}");

    // In one step: half a file could be seen, and one without rules is right.
    std::fs::write(it.folder.path().join("new.toml"), "[[rule]]\nname = 7\n").unwrap();
    std::fs::rename(it.folder.path().join("new.toml"), it.folder.path().join("rules.toml"))
        .unwrap();
    let (status, body) = reload();
    assert_eq!(status, 422, "{body}");
    let rules = outcome(&body, "rules.toml");
    assert_eq!(rules["outcome"], "refused");
    assert!(rules["error"].as_str().unwrap().contains("rules.toml:2"), "{rules}");
    assert_eq!(outcome(&body, "access.toml")["outcome"], "applied");
    // The rule that was in force still is.
    assert_eq!(metric(&it.hub, "hub_scrub_rules"), 1);
}
