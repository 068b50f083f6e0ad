//! The claim: whatever is wrong with a hub, the doctor names the layer and a remedy that fits.

use crate::fake_hub::{self, Bent, STRAIGHT};
use crate::support::{
    Hub, assert_fault, assert_healthy, examined, hub_program, options, said, serve, text_of,
};
use hub_client::Credentials;
use hub_doctor::{Layer, Limit, Severity, examine, text};
use hub_wire::{EventFrame, Frame, Hello, Overflow, Start, Subscribe};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A fake hub.
fn fake(bent: Bent) -> String {
    let serve = serve(move |tcp| {
        // A large buffer would take in all that the doctor sends, and the window would stay open.
        if bent.reads < usize::MAX {
            socket2::SockRef::from(&tcp).set_recv_buffer_size(8 << 10).unwrap();
        }
        fake_hub::serve(tcp, bent);
    });
    format!("hub://{serve}")
}

/// A client whose delivery queue is full, because it reads nothing.
fn stuck_subscriber(hub: &Hub) -> TcpStream {
    let mut tcp = TcpStream::connect(hub.address()).unwrap();
    let mut frames = Frame::Hello(Hello::default()).to_bytes();
    let subscribe = Subscribe {
        id: 1,
        filter: "news.**".into(),
        overflow: Overflow::DropNewest,
        group: None,
        start: Start::Live,
        positions: false,
        window: None,
        ack: None,
        observe: false,
        more: false,
        keep: false,
    };
    Frame::Subscribe(subscribe).write(&mut frames);
    let payload = [&[0xc6, 0, 8, 0, 0][..], &vec![0; 512 << 10]].concat();
    for _ in 0..24 {
        let event = EventFrame { topic: "news.today", payload: &payload, headers: None };
        event.write(&mut frames);
    }
    // The buffers of the kernel take some MB, and the queue of the hub has to hold the rest.
    tcp.write_all(&frames).unwrap();
    tcp
}

#[test]
fn a_straight_fake_hub_is_healthy() {
    assert_healthy(&examined(&fake(STRAIGHT)));
}

#[test]
fn a_name_that_does_not_exist() {
    let report = examined("hub://no-such-host.invalid:4820");
    assert_eq!(report.at_fault(), Some(Layer::Name), "{}", text(&report));
    assert_eq!(report.exit_code(), 11);
}

#[test]
fn a_closed_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("hub://{}", listener.local_addr().unwrap());
    drop(listener);
    let report = examined(&url);
    assert_fault(&report, Layer::Tcp, "port_closed");
    assert!(said(&report, Layer::Tcp).contains("RST"));
}

#[test]
fn another_version() {
    let report = examined(&fake(Bent { version: 2, ..STRAIGHT }));
    assert_fault(&report, Layer::Hub, "unsupported_version");
    assert!(said(&report, Layer::Hub).contains("update the older one"));
}

#[test]
fn a_hub_that_refuses_this_version() {
    let report = examined(&fake(Bent { refuses: true, ..STRAIGHT }));
    assert_fault(&report, Layer::Hub, "unsupported_version");
    assert!(said(&report, Layer::Hub).contains("update the older one"));
}

#[test]
fn a_clock_an_hour_off() {
    for ahead_ms in [3_600_000, -3_600_000] {
        let report = examined(&fake(Bent { ahead_ms, ..STRAIGHT }));
        assert_fault(&report, Layer::Clock, "clocks_differ");
        assert!(said(&report, Layer::Clock).contains("60 minutes"), "{}", text(&report));
    }
}

#[test]
fn a_hub_that_stops_reading_closes_its_window() {
    let report = examined(&fake(Bent { reads: 5_000, ..STRAIGHT }));
    assert_fault(&report, Layer::Tcp, "zero_window");
    assert!(said(&report, Layer::Tcp).contains("stopped reading"));
    let figures = report.seen.tcp.unwrap().load.unwrap().figures.unwrap();
    assert_eq!(figures.limited_by, Limit::ReceiverWindow, "{figures:?}");
    assert!(figures.unsent_bytes > 0, "{figures:?}");
}

#[test]
fn a_hub_that_reads_and_does_not_answer() {
    let report = examined(&fake(Bent { answers: 1_000, ..STRAIGHT }));
    assert_fault(&report, Layer::Hub, "not_answering");
}

#[test]
fn a_port_that_accepts_and_says_nothing() {
    let silent = serve(|tcp| {
        std::thread::sleep(Duration::from_secs(60));
        drop(tcp);
    });
    let report = examined(&format!("hub://{silent}"));
    assert_fault(&report, Layer::Hub, "silent");
}

#[test]
fn a_wrong_token() {
    let hub = Hub::start::<&str>(&[]);
    let mut options = options(&hub.url);
    options.credentials = Some(Credentials::Token("hub_wrong_0000".into()));
    let report = examine(&options).unwrap();
    assert_fault(&report, Layer::Access, "unauthorized");
    assert!(said(&report, Layer::Access).contains("--token-file"));
}

#[test]
fn a_token_that_the_access_file_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let access = folder.path().join("access.toml");
    std::fs::write(&access, "[roles.guest]\n[anonymous]\nroles = \"guest\"\n").unwrap();
    let hub = Hub::start(&["--access", access.to_str().unwrap()]);
    let made = Command::new(hub_program()).args(["token", "create", "other"]).output().unwrap();
    let mut options = options(&hub.url);
    options.credentials = Some(Credentials::Token(text_of(&made.stdout).trim().to_owned()));
    let report = examine(&options).unwrap();
    assert_fault(&report, Layer::Access, "unauthorized");
    assert!(said(&report, Layer::Access).contains("access file"), "{}", text(&report));
}

#[test]
fn no_right_on_a_topic() {
    let folder = tempfile::tempdir().unwrap();
    let access = folder.path().join("access.toml");
    let roles = "[roles.guest]\npublish.allow = \"orders.**\"\nsubscribe.allow = \"news.**\"\n\
                 [anonymous]\nroles = \"guest\"\n";
    std::fs::write(&access, roles).unwrap();
    let hub = Hub::start(&["--access", access.to_str().unwrap()]);
    let mut options = options(&hub.url);
    options.topic = Some("orders.placed".into());
    let report = examine(&options).unwrap();
    assert_fault(&report, Layer::Access, "no_right");
    assert!(said(&report, Layer::Access).contains("subscribe.allow"), "{}", text(&report));
    options.topic = Some("news.today".into());
    let report = examine(&options).unwrap();
    assert_fault(&report, Layer::Access, "no_right");
    assert!(said(&report, Layer::Access).contains("publish.allow"), "{}", text(&report));
    // The round trip needs no right.
    options.topic = None;
    assert_healthy(&examine(&options).unwrap());
}

#[test]
fn a_full_hub() {
    let hub = Hub::start(&["--max-connections", "1"]);
    let _other = std::net::TcpStream::connect(hub.address()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let report = examined(&hub.url);
    assert_fault(&report, Layer::Hub, "overloaded");
    assert!(said(&report, Layer::Hub).contains("max_connections"));
}

#[test]
fn a_hub_that_stops_while_it_is_examined() {
    let report = examined(&fake(Bent { closes: 2_000, ..STRAIGHT }));
    assert_fault(&report, Layer::Hub, "going_away");
    assert!(said(&report, Layer::Hub).contains("come back"), "{}", text(&report));
}

#[test]
fn a_hub_that_is_draining() {
    let hub = Hub::start(&["--drain-ms", "30000"]);
    // A subscriber that reads nothing keeps the hub from ending.
    let stuck = stuck_subscriber(&hub);
    hub.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    hub.signal("CONT"); // fails if the hub has ended
    let report = examined(&hub.url);
    assert_fault(&report, Layer::Tcp, "port_closed");
    assert!(said(&report, Layer::Tcp).contains("draining"), "{}", text(&report));
    drop(stuck);
}

#[test]
fn a_hub_that_begins_to_drain_while_it_is_examined() {
    let hub = Arc::new(Hub::start::<&str>(&[]));
    let stopped = hub.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        stopped.signal("TERM");
    });
    let report = examined(&hub.url);
    stopper.join().unwrap();
    assert_fault(&report, Layer::Hub, "going_away");
    assert!(said(&report, Layer::Hub).contains("The hub is stopping"), "{}", text(&report));
}

#[test]
fn a_hub_that_ends_before_it_answers() {
    let hub = Arc::new(Hub::start::<&str>(&[]));
    hub.signal("STOP");
    let killed = hub.clone();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        killed.signal("KILL");
    });
    let report = examined(&hub.url);
    killer.join().unwrap();
    assert_fault(&report, Layer::Hub, "stopped");
    assert!(said(&report, Layer::Hub).contains("Start it again"), "{}", text(&report));
}

#[test]
fn a_stopped_hub() {
    let hub = Hub::start::<&str>(&[]);
    hub.signal("STOP");
    let report = examined(&hub.url);
    assert_fault(&report, Layer::Hub, "silent");
    assert!(said(&report, Layer::Hub).contains("state T"));
}

#[test]
fn a_hub_that_is_stopped_now_and_then() {
    let hub = Arc::new(Hub::start::<&str>(&[]));
    let done = Arc::new(AtomicBool::new(false));
    let (stopped, until) = (hub.clone(), done.clone());
    let stopper = std::thread::spawn(move || {
        while !until.load(Ordering::Relaxed) {
            stopped.signal("STOP");
            std::thread::sleep(Duration::from_millis(600));
            stopped.signal("CONT");
            std::thread::sleep(Duration::from_millis(150));
        }
    });
    let report = examined(&hub.url);
    done.store(true, Ordering::Relaxed);
    stopper.join().unwrap();
    let layer = report.at_fault().unwrap_or_else(|| panic!("{}", text(&report)));
    assert!(matches!(layer, Layer::Hub | Layer::RoundTrip), "{}", text(&report));
    assert!(report.findings.iter().all(|finding| finding.severity == Severity::Warning));
    assert!(said(&report, layer).contains("stopped from time to time"), "{}", text(&report));
}
