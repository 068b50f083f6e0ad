//! Promise: only those get in whom the access file lets in, and each does only what its roles
//! allow: publishing, reading live, in groups and from the past, and the quarantine. What a wildcard
//! covers and a deny takes away never arrives. A change of the file acts on live connections.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::access::{create_token, hash_password};
use hub_server::{Config, RunningHub, ServeError};
use hub_wire::{CloseCode, Credentials, Hello, Packer, RefusedCode, Start, Subscribe};
use support::*;
use tempfile::TempDir;

struct Guarded {
    hub: RunningHub,
    folder: TempDir,
    orders: String,
    support: String,
    password_line: String,
    lines: [String; 2],
}

impl Guarded {
    fn start() -> Guarded {
        let folder = TempDir::new().unwrap();
        let (orders, support) = (create_token("orders").unwrap(), create_token("support").unwrap());
        let password_line = hash_password("a long enough password").unwrap();
        let lines = [orders.line, support.line];
        let write = |text: &str| std::fs::write(folder.path().join("access.toml"), text).unwrap();
        write(&file(&lines, &password_line, "payments.card.**"));
        let mut config = Config { keepalive_ms: 600_000, ..Config::default() };
        config.listen.set_port(0);
        config.http.set_port(0);
        config.access = folder.path().join("access.toml").to_string_lossy().into_owned();
        config.rules = folder.path().join("rules.toml").to_string_lossy().into_owned();
        std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        let hub = RunningHub::start(config).unwrap();
        let (orders, support) = (orders.token, support.token);
        Guarded { hub, folder, orders, support, password_line, lines }
    }

    fn deny_to_support(&self, filter: &str) {
        let new = self.folder.path().join("new.toml");
        std::fs::write(&new, file(&self.lines, &self.password_line, filter)).unwrap();
        std::fs::rename(new, self.folder.path().join("access.toml")).unwrap();
    }

    fn client(&self, token: &str) -> Client {
        Client::open_as(self.hub.clients(), &with(Credentials::Token(token.to_owned())))
    }
}

const RULES: &str = r#"
[[rule]]
name = "name"
find = { keys = ["name"] }
action = "mask"
tests = { hits = [{ name = "Ann" }], misses = [{ n = "Ann" }] }

[views.full]
labels = { name = "keep" }
"#;

fn file(lines: &[String; 2], password: &str, denied: &str) -> String {
    format!(
        r#"
[roles.orders]
publish.allow = ["orders.**", "payments.**"]
view = "full"
subscribe.allow = "orders.**"

[roles.support]
subscribe = {{ allow = "**", deny = "{denied}", observe = true }}
quarantine = true

[identities.orders]
roles = "orders"
{}

[identities.support]
roles = "support"
{}

[identities.ann]
roles = "support"
password = "{password}"
"#,
        lines[0], lines[1]
    )
}

fn with(credentials: Credentials) -> Hello {
    Hello { credentials: Some(credentials), ..hello("test") }
}

fn named(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Packer(&mut out).map(1).str("name").str(name);
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn whoever_has_no_valid_credentials_is_told_so_and_no_more() {
    let guarded = Guarded::start();
    let mut wrong = guarded.orders.clone();
    wrong.replace_range(wrong.len() - 4.., "0000");
    let refused = [
        None,
        Some(Credentials::Token("hub_nobody_00".into())),
        Some(Credentials::Token(wrong)),
        Some(Credentials::Password { user: "ann".into(), password: "another one".into() }),
        Some(Credentials::Jwt("e30.e30.".into())),
        Some(Credentials::Unknown),
    ];
    for credentials in refused {
        let what = format!("{credentials:?}");
        let mut client = Client::connect(guarded.hub.clients());
        let hello = Hello { credentials, ..hello("test") };
        client.send(&hub_wire::Frame::Hello(hello).to_bytes());
        let rest = client.rest();
        let [Got::Close(close), Got::End] = rest.as_slice() else { panic!("{what}: {rest:?}") };
        assert_eq!(close.code, CloseCode::Unauthorized, "{what}");
        assert!(!close.reason.contains("ann") && !close.reason.contains("hub_"), "{close:?}");
    }
    let ann =
        Credentials::Password { user: "ann".into(), password: "a long enough password".into() };
    let ann = Client::open_as(guarded.hub.clients(), &with(ann));
    assert!(ann.welcome().publisher.starts_with("ann#"), "proven, not claimed");
}

#[test]
fn a_role_publishes_and_reads_what_it_may() {
    let guarded = Guarded::start();
    let (mut orders, mut support) =
        (guarded.client(&guarded.orders), guarded.client(&guarded.support));
    support.subscribe(&subscription(1, "**"));
    support.subscribe(&subscription(2, "$hub.quarantine.**"));
    orders.send(&event("orders.placed", &named("Ann")));
    orders.send(&event("payments.card.4111", &named("Bob")));
    orders.send(&event("users.new", &named("Eve")));
    let mut got = orders.barrier();
    got.retain(|got| !matches!(got, Got::Receipt(_)));
    let [Got::Refused(refused)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((refused.number, refused.code), (2, RefusedCode::Forbidden));
    orders.send(&event("orders.paid", &named("Ann")));
    for topic in ["orders.placed", "orders.paid"] {
        let event = support.event();
        assert_eq!(event.topic, topic, "what is denied does not come");
        assert!(event.publisher.starts_with("orders#"));
        assert_eq!(text(&event.payload).matches("***").count(), 1, "the default view: {event:?}");
    }

    // Each filter that a role may not read, whatever it asks for.
    for (filter, group) in
        [("users.*", None), ("**", None), ("payments.**", Some("g")), ("$hub.quarantine.**", None)]
    {
        let subscribe = Subscribe {
            group: group.map(str::to_owned),
            start: if group.is_some() { Start::Live } else { Start::Last },
            ..subscription(9, filter)
        };
        orders.send(&crate::support::subscribe(&subscribe));
        let got = orders.barrier();
        let refused = got.iter().find_map(|g| if let Got::Refused(r) = g { Some(r) } else { None });
        let code = refused.unwrap_or_else(|| panic!("{filter}: {got:?}")).code;
        assert!([RefusedCode::Forbidden, RefusedCode::ReservedTopic].contains(&code), "{filter}");
    }
    // Its own view shows the name, also of the past.
    let past = Subscribe { start: Start::Last, ..subscription(3, "orders.paid") };
    let got = orders.subscribe(&past);
    let [Got::Event(event)] = got.as_slice() else { panic!("{got:?}") };
    assert!(text(&event.payload).contains("Ann"));
    // The denied topic has a past too, and nobody of support's gets it, by name or by wildcard.
    for filter in ["payments.card.4111", "payments.card.*"] {
        support.send(&crate::support::subscribe(&Subscribe {
            start: Start::Last,
            ..subscription(7, filter)
        }));
        let got = support.barrier();
        assert!(matches!(got.as_slice(), [Got::Refused(r)] if r.code == RefusedCode::Forbidden));
    }
    let got =
        support.subscribe(&Subscribe { start: Start::Last, ..subscription(8, "payments.**") });
    assert_eq!(got, []);
}

#[test]
fn a_change_of_rights_ends_the_connections_that_it_concerns() {
    let guarded = Guarded::start();
    let (mut orders, mut support) =
        (guarded.client(&guarded.orders), guarded.client(&guarded.support));
    support.subscribe(&subscription(1, "orders.**"));
    orders.send(&event("orders.placed", &named("Ann")));
    support.event();
    guarded.deny_to_support("orders.secret.**");
    let rest = support.rest();
    let close = rest.iter().find_map(|got| if let Got::Close(c) = got { Some(c) } else { None });
    assert_eq!(close.map(|close| close.code), Some(CloseCode::RightsChanged), "{rest:?}");
    assert!(close.unwrap().retry_after_ms.is_some());
    // Others go on as if nothing had happened, and who comes back has the new rights.
    let mut support = guarded.client(&guarded.support);
    support.subscribe(&subscription(1, "orders.**"));
    orders.send(&event("orders.secret.a", &named("Ann")));
    orders.send(&event("orders.open.b", &named("Ann")));
    assert_eq!(support.event().topic, "orders.open.b");
    assert!(orders.barrier().iter().all(|got| matches!(got, Got::Receipt(_))));
}

#[test]
fn a_file_that_is_wrong_lets_nobody_start() {
    let folder = TempDir::new().unwrap();
    let mut config = Config::default();
    config.listen.set_port(0);
    config.http.set_port(0);
    config.access = folder.path().join("access.toml").to_string_lossy().into_owned();
    assert!(matches!(RunningHub::start(config.clone()), Err(ServeError::Access(_))));
    std::fs::write(folder.path().join("access.toml"), "[roles.x]\npublis = 1\n").unwrap();
    let Err(ServeError::Access(error)) = RunningHub::start(config) else { panic!("it started") };
    assert!(error.to_string().contains("access.toml:2"), "{error}");
}
