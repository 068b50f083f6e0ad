//! What docs/tls.md says to type in works, in its order, in one shell.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// The shell commands of the page, one after the other.
fn commands(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn they_do() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tls.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (port, http) = (free_port(), free_port());
    let script = commands(&page)
        .replace("hubs://localhost", &format!("hubs://localhost:{port}"))
        .replace("localhost:4820", &format!("localhost:{port}"));
    assert_eq!(script.matches("hub serve").count(), 3, "the page has changed");
    let script =
        format!("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}\necho ended");
    let folder = tempfile::tempdir().unwrap();
    let bin = Path::new(crate::support::HUB).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("HUB_LISTEN", format!("127.0.0.1:{port}"))
        .env("HUB_HTTP", format!("127.0.0.1:{http}"))
        .output()
        .expect("bash is there");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && out.ends_with("ended\n"), "{}\n{out}\n{err}", ran.status);
    // Three hubs were ready, and the new certificate was shown.
    assert_eq!(out.matches("clients hubs://").count(), 3, "{out}\n{err}");
    let end = Command::new("openssl")
        .args(["x509", "-in", "hub.pem", "-noout", "-enddate"])
        .current_dir(folder.path())
        .output()
        .expect("openssl is there");
    let end = String::from_utf8(end.stdout).unwrap();
    assert!(end.starts_with("notAfter=") && out.contains(&end), "{end} in {out}");
    assert!(page.contains("-days 90 ") && page.contains("-days 91 "), "both are alike");
    // One client was refused, and in the words that the page quotes.
    let said = "the hub refuses this client: the certificate is revoked";
    assert!(page.contains(said) && err.matches(said).count() == 1, "{out}\n{err}");
}
