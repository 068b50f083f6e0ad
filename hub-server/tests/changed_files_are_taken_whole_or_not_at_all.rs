//! Promise: a file that changed is taken over whole or not at all, and never in silence. One that
//! cannot be read is said once, with the cause, and counted as refused; one that is being saved is
//! waited for; one at which a scrubber panics is refused; and after each the next one is taken.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use hub_scrub::{Scrubber, ScrubberEvent, ScrubberOutcome};
use hub_server::{Config, RunningHub};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use support::*;
use tempfile::TempDir;
use tracing::Level;

/// The lines that name a file, of all that this process has logged.
fn lines_about(path: &Path, levels: &[Level]) -> Vec<String> {
    static LOG: OnceLock<Log> = OnceLock::new();
    let log = LOG.get_or_init(Log::keep);
    let path = path.to_string_lossy();
    log.lines(levels).into_iter().filter(|line| line.contains(&*path)).collect()
}

struct Followed {
    hub: RunningHub,
    folder: TempDir,
}

impl Followed {
    fn start(rules: &str, scrubbers: Vec<Arc<dyn Scrubber>>) -> Followed {
        let folder = TempDir::new().unwrap();
        lines_about(folder.path(), &[]); // the log is kept from now on
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let mut config = Config::default();
        (config.rules, config.access) = (path("rules.toml"), path("access.toml"));
        config.listen.set_port(0);
        config.http.set_port(0);
        std::fs::write(&config.rules, rules).unwrap();
        std::fs::write(&config.access, access(0)).unwrap();
        let hub = RunningHub::start_with(config, scrubbers).unwrap();
        Followed { hub, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path("new"), bytes).unwrap();
        std::fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn count(&self, of: &str, outcome: &str) -> u64 {
        metric(&self.hub, &format!("hub_{of}_reloads_total{{outcome=\"{outcome}\"}}"))
    }

    fn wait_for(&self, of: &str, outcome: &str, count: u64) {
        let what = format!("{count} files of {of} are {outcome}");
        wait_until(&what, || self.count(of, outcome) >= count);
    }
}

/// An access file with so many identities.
fn access(identities: usize) -> String {
    let mut text = "[roles.r]\npublish.allow = \"**\"\n".to_owned();
    for n in 0..identities {
        write!(text, "[identities.i{n}]\nroles = \"r\"\n").unwrap();
    }
    text
}

fn rule(name: &str) -> String {
    format!(
        "[[rule]]\nname = \"{name}\"\nfind = {{ keys = [\"a\"] }}\naction = \"mask\"\n\
         tests = {{ hits = [{{ a = \"x\" }}], misses = [{{ b = \"x\" }}] }}\n"
    )
}

/// `good` is what the file becomes in the end.
fn what_cannot_be_read_is_said(of: &str, name: &str, good: &str) {
    let it = Followed::start(&rule("one"), Vec::new());
    let (other, others) = match of {
        "scrub" => ("access", "access.toml"),
        _ => ("scrub", "rules.toml"),
    };
    let path = it.path(name);
    let errors = || lines_about(&path, &[Level::ERROR]);
    it.replace(name, b"# good\n\n# \xff\n");
    it.wait_for(of, "refused", 1);
    // Two changes of another file take more than one look each.
    for n in 1..=2 {
        let text = if other == "access" { access(n) } else { rule(&format!("other-{n}")) };
        it.replace(others, text.as_bytes());
        it.wait_for(other, "applied", n as u64);
    }
    assert_eq!(it.count(of, "refused"), 1, "{:?}", errors());

    std::os::unix::fs::symlink("nowhere", it.path("link")).unwrap();
    std::fs::rename(it.path("link"), &path).unwrap();
    it.wait_for(of, "refused", 2);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    it.wait_for(of, "refused", 3);

    std::fs::remove_dir(&path).unwrap();
    it.replace(name, good.as_bytes());
    it.wait_for(of, "applied", 1);
    let errors = errors();
    let causes = ["line 3 is not UTF-8", "No such file", "Is a directory"];
    assert_eq!(errors.len(), causes.len(), "{errors:?}");
    for (line, cause) in errors.iter().zip(causes) {
        assert!(line.contains("cannot read the") && line.contains(cause), "{cause}: {line}");
    }
}

#[test]
fn rules_that_cannot_be_read_are_said_once_with_the_cause_and_counted() {
    what_cannot_be_read_is_said("scrub", "rules.toml", &rule("two"));
}

#[test]
fn an_access_file_that_cannot_be_read_is_said_once_with_the_cause_and_counted() {
    what_cannot_be_read_is_said("access", "access.toml", &access(2));
}

#[test]
fn what_is_taken_over_is_said_by_its_size() {
    let it = Followed::start(&rule("one"), Vec::new());
    it.replace("rules.toml", (rule("one") + &rule("two")).as_bytes());
    it.replace("access.toml", access(3).as_bytes());
    it.wait_for("scrub", "applied", 1);
    it.wait_for("access", "applied", 1);
    for (name, size) in [("rules.toml", "2 rules"), ("access.toml", "3 identities, 1 role")] {
        let lines = lines_about(&it.path(name), &[Level::INFO]);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(line.contains("taken over") && line.contains(size), "{line}");
    }
}

/// Saves a file of two rules in place, again and again, each time with others, and each time with
/// one of them first. Returns the longest time for which half of it was all there was.
fn save_in_place(path: &Path, until: Instant) -> Duration {
    let mut longest = Duration::ZERO;
    for n in 0.. {
        let (first, second) = (rule(&format!("first-{n}")), rule(&format!("second-{n}")));
        let began = Instant::now();
        std::fs::write(path, &first).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        std::fs::write(path, first + &second).unwrap();
        longest = longest.max(began.elapsed());
        if Instant::now() > until {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    longest
}

#[test]
fn a_file_that_is_being_saved_is_not_taken_half() {
    for _ in 0..10 {
        let it = Followed::start(&(rule("one") + &rule("two")), Vec::new());
        let path = it.path("rules.toml");
        let longest = save_in_place(&path, Instant::now() + Duration::from_millis(2_500));
        it.wait_for("scrub", "applied", 1);
        let taken = lines_about(&path, &[Level::INFO]);
        let whole = taken.iter().all(|line| line.contains("2 rules"));
        // A save that pauses for so long says nothing against the hub, and nothing for it either.
        if longest >= Duration::from_millis(90) && (!whole || it.count("scrub", "refused") > 0) {
            eprintln!("the machine was too busy to save quickly");
            continue;
        }
        assert!(whole, "{taken:?}");
        assert_eq!(it.count("scrub", "refused"), 0);
        return;
    }
    panic!("the machine was too busy each time");
}

/// Panics at some values, while it is told to.
struct Fails(AtomicBool);

impl Scrubber for Fails {
    fn name(&self) -> &str {
        "fails"
    }

    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
        assert!(!self.0.load(Ordering::Acquire), "a fault that this test is about");
        match event.payload.windows(3).any(|at| at == b"hit") {
            true => ScrubberOutcome::Hit,
            false => ScrubberOutcome::Pass,
        }
    }
}

#[test]
fn a_scrubber_that_panics_at_load_is_an_error_of_that_file_and_the_next_is_taken() {
    let rules = |name: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\ntopics = [\"t\"]\nscrubber = \"fails\"\n\
             tests = {{ hits = [\"hit\"], misses = [{{ a = 1 }}] }}\n"
        )
    };
    let scrubber = Arc::new(Fails(AtomicBool::new(false)));
    let it = Followed::start(&rules("one"), vec![scrubber.clone()]);
    scrubber.0.store(true, Ordering::Release);
    it.replace("rules.toml", rules("two").as_bytes());
    it.wait_for("scrub", "refused", 1);
    let errors = lines_about(&it.path("rules.toml"), &[Level::ERROR]);
    let [error] = &errors[..] else { panic!("{errors:?}") };
    assert!(error.contains("panicked: a fault that this test is about"), "{error}");

    scrubber.0.store(false, Ordering::Release);
    it.replace("rules.toml", rules("three").as_bytes());
    it.wait_for("scrub", "applied", 1);
    assert_eq!(it.count("scrub", "refused"), 1);
}
