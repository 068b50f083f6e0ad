//! The claim: the tour in `docs/scrub.md` works when it is typed in.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{HUB, Process};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

fn tour() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scrub.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, tour) = text.split_once("\n## A tour\n").unwrap();
    tour.split_once("\n## ").unwrap().0.to_owned()
}

/// The blocks of one language.
fn blocks<'a>(tour: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    tour.split(&*start).skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tour");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    folder
}

#[test]
fn billing_sees_four_digits_and_analytics_none() {
    let tour = tour();
    let folder = folder();
    let [rules] = blocks(&tour, "toml")[..] else { panic!("one rule file") };
    std::fs::write(folder.join("rules.toml"), rules).unwrap();
    // A person waits a second; a busy machine may take longer until both are there.
    let wait = "until [ \"$(grep -c 'subscribed to' stderr)\" = 2 ]; do sleep 0.1; done";
    let typed = blocks(&tour, "sh").concat();
    assert_eq!(typed.matches("\nsleep 1\n").count(), 1);
    let typed = typed.replace("\nsleep 1\n", &format!("\n{wait}\n"));
    let script = format!("set -eu\ntrap 'kill $(jobs -p)' EXIT\nexec 2>stderr\n{typed}");

    // Ports that were free just now, in place of the defaults.
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [listen, http] = ports.map(|port| port.local_addr().unwrap().to_string());
    let path = format!(
        "{}:{}",
        Path::new(HUB).parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut bash = Command::new("timeout");
    bash.args(["60", "bash", "-c", &script]).current_dir(&folder).env("PATH", path);
    bash.env("HUB_LISTEN", &listen).env("HUB_HTTP", http);
    bash.env("HUB_SERVER", format!("hub://{listen}"));
    let ended = Process::spawn("the tour", bash).end();
    let said = std::fs::read_to_string(folder.join("stderr")).unwrap();
    assert_eq!(ended.code(), Some(0), "{}\n{said}", ended.text());
    let [shown] = blocks(&tour, "text")[..] else { panic!("one output") };
    assert!(ended.text().contains(shown), "{}", ended.text());
    let got = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (billing, analytics) = (got("billing.out"), got("analytics.out"));
    assert!(billing.contains("\"***************1111\""), "{billing}");
    assert!(analytics.contains("\"*******************\""), "{analytics}");
    assert!(!analytics.contains("1111"), "{analytics}");
}
