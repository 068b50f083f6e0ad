//! Promise: a `[[jwt]]` with a URL follows its provider. Who has a newly made key gets in at once, who
//! has one that is gone goes, and a provider that fails, lies or is silent changes nothing.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod jwks_support;
mod support;
mod tls_support;

use hub_server::RunningHub;
use hub_wire::{Close, CloseCode, Credentials, Frame, Hello};
use jwks_support::{Answer, ISSUER, Key, Provider, jwks};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use support::*;
use tempfile::TempDir;
use tls_support::Ca;
use tracing::Level;

/// A hub whose access file can change.
struct Guarded {
    hub: RunningHub,
    folder: TempDir,
}

impl Guarded {
    /// `keys`: the lines of `[[jwt]]` that say where they come from.
    fn start(keys: &str) -> Guarded {
        Guarded::with_files(keys, &[])
    }

    fn with_files(keys: &str, files: &[(&str, &str)]) -> Guarded {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("access.toml"), access(keys)).unwrap();
        let path = folder.path().join("access.toml").to_string_lossy().into_owned();
        let hub = hub_with(|config| config.access = path);
        Guarded { hub, folder }
    }

    /// Another access file.
    fn replace(&self, keys: &str) {
        let new = self.folder.path().join("new.toml");
        std::fs::write(&new, access(keys)).unwrap();
        std::fs::rename(new, self.folder.path().join("access.toml")).unwrap();
    }

    fn fetches(&self, outcome: &str) -> u64 {
        metric(&self.hub, &format!("hub_jwks_fetches_total{{outcome=\"{outcome}\"}}"))
    }

    fn wait_for_keys(&self) {
        wait_until("keys are fetched", || self.fetches("good") > 0);
    }

    fn client(&self, jwt: &str) -> Client {
        Client::open_as(self.hub.clients(), &with(jwt))
    }

    fn refused(&self, jwt: &str) -> Close {
        let mut client = Client::connect(self.hub.clients());
        client.send(&Frame::Hello(with(jwt)).to_bytes());
        closed(client)
    }

    /// Comes back for as long as it is told to.
    fn client_in_the_end(&self, jwt: &str) -> Client {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut client = Client::connect(self.hub.clients());
            client.send(&Frame::Hello(with(jwt)).to_bytes());
            match client.next() {
                Got::Welcome(_) => return client,
                Got::Close(close) if close.code == CloseCode::Overloaded => {}
                other => panic!("{other:?}"),
            }
            assert!(Instant::now() < until, "it never got in");
        }
    }
}

fn access(keys: &str) -> String {
    format!(
        "[roles.all]\npublish.allow = \"**\"\nsubscribe.allow = \"**\"\nadmin = true\n\
         [[jwt]]\nissuer = \"{ISSUER}\"\naudience = \"hub\"\nroles = \"all\"\n{keys}\n"
    )
}

fn with(jwt: &str) -> Hello {
    Hello { credentials: Some(Credentials::Jwt(jwt.to_owned())), ..hello("test") }
}

/// How the hub ended it.
fn closed(mut client: Client) -> Close {
    let rest = client.rest();
    let [Got::Close(close), Got::End] = rest.as_slice() else { panic!("{rest:?}") };
    close.clone()
}

/// Never again by itself but for clients.
fn rarely(provider: &Provider) -> String {
    format!("jwks_url = \"{}\"\njwks_every_s = 86_400", provider.url())
}

#[test]
fn keys_of_a_url_let_in_whom_they_signed() {
    let (key, mut forged) = (Key::new("a"), Key::new("a"));
    let provider = Provider::new(Answer::keys(&[&key]));
    let guarded = Guarded::start(&format!("jwks_url = \"{}\"", provider.url()));
    // Perhaps before the first fetch has ended.
    let client = guarded.client_in_the_end(&key.jwt());
    assert!(matches!(guarded.refused(&forged.jwt()).code, CloseCode::Unauthorized));
    drop(client);
    let fetched = metric(&guarded.hub, "hub_jwks_last_fetch_timestamp_seconds");
    assert!(fetched > 1_700_000_000, "{fetched}");
    let asked = provider.asked();
    forged.kid = "b".to_owned();
    let of_another = forged.jwt_of("https://other.example.org");
    assert_eq!(guarded.refused(&of_another).code, CloseCode::Unauthorized);
    assert_eq!(provider.asked(), asked, "it is no key of this provider's");
}

#[test]
fn a_new_key_gets_in_at_once_and_one_that_is_gone_ends_its_connections() {
    let [a, b, c] = ["a", "b", "c"].map(Key::new);
    let provider = Provider::new(Answer::keys(&[&a, &b]));
    let guarded = Guarded::start(&rarely(&provider));
    guarded.wait_for_keys();
    let (of_a, mut of_b) = (guarded.client(&a.jwt()), guarded.client(&b.jwt()));
    provider.answer(Answer::keys(&[&b, &c]));
    let mut of_c = guarded.client(&c.jwt());
    assert_eq!(closed(of_a).code, CloseCode::Unauthorized);
    of_b.barrier();
    of_c.barrier();
    assert_eq!(provider.asked(), 1);
    // The next one so soon is not fetched for anybody: who has it is sent away, but not for good.
    let d = Key::new("d");
    provider.answer(Answer::keys(&[&c, &d]));
    let mut of_d = guarded.client_in_the_end(&d.jwt());
    assert_eq!(closed(of_b).code, CloseCode::Unauthorized);
    of_c.barrier();
    of_d.barrier();
}

#[test]
fn keys_are_fetched_again_though_no_client_asks() {
    let [a, b] = ["a", "b"].map(Key::new);
    let provider = Provider::new(Answer::keys(&[&a, &b]));
    let guarded = Guarded::start(&format!("jwks_url = \"{}\"\njwks_every_s = 10", provider.url()));
    guarded.wait_for_keys();
    let client = guarded.client(&a.jwt());
    provider.answer(Answer::keys(&[&b]));
    assert_eq!(closed(client).code, CloseCode::Unauthorized, "its key is gone");
}

#[test]
fn made_up_keys_cause_few_fetches() {
    let key = Key::new("a");
    let provider = Provider::new(Answer::keys(&[&key]));
    let guarded = Guarded::start(&rarely(&provider));
    guarded.wait_for_keys();
    let begun = Instant::now();
    provider.answer(Answer::keys(&[&key]));
    let at = guarded.hub.clients();
    let ask = |number: u32| {
        move || {
            let mut client = Client::connect(at);
            let jwt = Key::new(&format!("made up {number}")).jwt();
            client.send(&Frame::Hello(with(&jwt)).to_bytes());
            closed(client).code
        }
    };
    let clients: Vec<_> = (0..40).map(|number| std::thread::spawn(ask(number))).collect();
    // Meanwhile the others get in.
    guarded.client(&key.jwt()).barrier();
    let codes: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let known = [CloseCode::Unauthorized, CloseCode::Overloaded];
    assert!(codes.iter().all(|code| known.contains(code)), "{codes:?}");
    assert!(codes.contains(&CloseCode::Unauthorized), "{codes:?}");
    let most = 1 + begun.elapsed().as_secs() / 5;
    assert!((1..=most).contains(&provider.asked()), "{} of {most}", provider.asked());
}

#[test]
fn a_bad_answer_changes_nothing_and_is_logged() {
    let log = Log::keep();
    let key = Key::new("a");
    let provider = Provider::new(Answer::keys(&[&key]));
    let guarded = Guarded::start(&rarely(&provider));
    guarded.wait_for_keys();
    let mut before = guarded.client(&key.jwt());
    let elsewhere = Provider::new(Answer::keys(&[&Key::new("evil")]));
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\n\r\n", elsewhere.url());
    let canary = "canary-7d1f";
    let long = format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(300 * 1024));
    let slowly = Duration::from_millis(200);
    let answers = [
        (Answer::Raw(redirect), "status 302"),
        (Answer::Raw("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".into()), "status 503"),
        (Answer::Raw("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".into()), "status 404"),
        (Answer::Text(long), "longer than 262144 bytes"),
        (Answer::Endless("x".repeat(1_000), Duration::ZERO), "longer than 262144 bytes"),
        (Answer::Endless(" ".to_owned(), slowly), "timeout: global"),
        (Answer::Text(format!("<p>{canary}</p>")), "is not JSON at line 1"),
        (Answer::Text("{}".to_owned()), "is no key set"),
        (Answer::Text(format!("{{\"keys\": [], \"x\": \"{canary}\"}}")), "has no key for"),
        (Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"ke".into()), "disconnected"),
        (Answer::Raw(canary.to_owned()), "protocol"),
        (Answer::Raw(String::new()), "disconnected"),
    ];
    let place = guarded.folder.path().join("access.toml").to_string_lossy().into_owned();
    let said = |why: &str| {
        let lines = log.lines(&[Level::WARN]);
        lines.into_iter().filter(|line| line.contains(&place) && line.contains(why)).count()
    };
    for (answer, why) in answers {
        let known = said(why);
        provider.answer(answer);
        // With a reload comes a fetch.
        assert!(admin(&guarded, "POST /admin/reload", &key.jwt()).starts_with("HTTP/1.1 200 "));
        wait_until(why, || said(why) > known);
        drop(guarded.client(&key.jwt()));
    }
    assert_eq!(elsewhere.asked(), 0, "a redirect is not followed");
    before.barrier();
    let errors = log.lines(&[Level::ERROR]);
    assert!(!errors.iter().any(|line| line.contains(&place)), "{errors:?}");
    let all = log.lines(&[Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE]);
    assert!(!all.iter().any(|line| line.contains(canary)), "no answer is logged");
    // And it recovers by itself.
    let good = guarded.fetches("good");
    provider.answer(Answer::keys(&[&key]));
    wait_until("it recovers", || guarded.fetches("good") > good);
}

#[test]
fn a_hub_starts_without_its_provider_and_lets_in_when_that_appears() {
    // Bound, but nobody listens: whoever connects is refused.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let at = socket.local_addr().unwrap().as_socket().unwrap();
    let key = Key::new("a");
    let guarded = Guarded::start(&format!("jwks_url = \"http://{at}/jwks\""));
    let close = guarded.refused(&key.jwt());
    assert_eq!(close.code, CloseCode::Overloaded, "{close:?}");
    assert!(close.retry_after_ms.is_some());
    assert_eq!(guarded.fetches("good"), 0);
    assert!(guarded.fetches("failed") > 0);
    assert_eq!(metric(&guarded.hub, "hub_jwks_last_fetch_timestamp_seconds"), 0);
    assert!(admin(&guarded, "GET /admin/audit", &key.jwt()).starts_with("HTTP/1.1 503 "));
    // What cannot be of this provider is refused for good.
    let other = guarded.refused(&key.jwt_of("https://other.example.org"));
    assert_eq!(other.code, CloseCode::Unauthorized);

    socket.listen(16).unwrap();
    let _provider = Provider::on(socket.into(), Answer::keys(&[&key]), None);
    guarded.client_in_the_end(&key.jwt()).barrier();
    assert!(admin(&guarded, "GET /admin/audit", &key.jwt()).starts_with("HTTP/1.1 200 "));
}

fn admin(guarded: &Guarded, what: &str, jwt: &str) -> String {
    let mut socket = TcpStream::connect(guarded.hub.http()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("{what} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n");
    socket.write_all(format!("{head}Authorization: Bearer {jwt}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_file_that_gives_way_to_a_silent_url_ends_connections_but_not_for_good() {
    let key = Key::new("a");
    let provider = Provider::new(Answer::Raw(String::new()));
    let guarded = Guarded::with_files("keys = \"jwks.json\"", &[("jwks.json", &jwks(&[&key]))]);
    let client = guarded.client(&key.jwt());
    guarded.replace(&format!("jwks_url = \"{}\"", provider.url()));
    let close = closed(client);
    assert_eq!(close.code, CloseCode::Overloaded, "{close:?}");
    provider.answer(Answer::keys(&[&key]));
    guarded.client_in_the_end(&key.jwt()).barrier();
}

#[test]
fn a_url_that_the_file_names_no_more_is_asked_no_more() {
    let silent = || Provider::new(Answer::Raw(String::new()));
    let (former, next) = (silent(), silent());
    let guarded = Guarded::start(&rarely(&former));
    wait_until("it is asked", || former.asked() > 0);
    guarded.replace(&rarely(&next));
    // Twice, so that what was on its way to the former one has come there.
    wait_until("the next one is asked", || next.asked() >= 2);
    let asked = former.asked();
    // After pauses of 1, 2 and 4 s; the former one's next pause was 4 s at most.
    wait_until("the next one is asked again", || next.asked() >= 4);
    assert_eq!(former.asked(), asked);
}

#[test]
fn who_waits_when_the_file_changes_gets_in_by_the_next_one() {
    let key = Key::new("a");
    let endless = Answer::Endless(" ".to_owned(), Duration::from_millis(100));
    let (former, next) = (Provider::new(endless), Provider::new(Answer::keys(&[&key])));
    let guarded = Guarded::start(&rarely(&former));
    wait_until("it is asked", || former.asked() > 0);
    let mut client = Client::connect(guarded.hub.clients());
    client.send(&Frame::Hello(with(&key.jwt())).to_bytes());
    guarded.replace(&rarely(&next));
    let got = client.next();
    assert!(matches!(got, Got::Welcome(_)), "{got:?}");
}

#[test]
fn only_a_certificate_of_the_given_ca_is_believed() {
    let (ours, foreign) = (Ca::new("ours"), Ca::new("foreign"));
    let key = Key::new("a");
    let secured = |ca: &Ca, names: &[&str]| {
        let issued = ca.issue(names);
        Provider::secured(Answer::keys(&[&key]), &issued.cert, &issued.key)
    };
    let start = |provider: &Provider, more: &str| {
        let keys = format!("jwks_url = \"https://localhost:{}/jwks\"\n{more}", provider.at.port());
        Guarded::with_files(&keys, &[("ca.pem", &ours.pem)])
    };
    let good = secured(&ours, &["localhost"]);
    let guarded = start(&good, "jwks_ca = \"ca.pem\"");
    guarded.client_in_the_end(&key.jwt()).barrier();
    assert!(good.asked() > 0);

    let of_foreign = secured(&foreign, &["localhost"]);
    let of_another_name = secured(&ours, &["id.example.org"]);
    for (provider, more, what) in [
        (&of_foreign, "jwks_ca = \"ca.pem\"", "another CA's"),
        (&of_another_name, "jwks_ca = \"ca.pem\"", "another name's"),
        (&good, "", "of no CA that the system trusts"),
    ] {
        provider.answer(Answer::keys(&[&key]));
        let guarded = start(provider, more);
        assert_eq!(guarded.refused(&key.jwt()).code, CloseCode::Overloaded, "{what}");
        assert!(guarded.fetches("failed") > 0 && guarded.fetches("good") == 0, "{what}");
        assert_eq!(provider.asked(), 0, "{what}: it is not even asked");
    }
}

/// Keys that were fetched stay in force with the next access file, if its URL and CA are the same.
#[test]
fn keys_are_taken_over_by_the_next_access_file() {
    let key = Key::new("a");
    let provider = Provider::new(Answer::keys(&[&key]));
    let guarded = Guarded::start(&rarely(&provider));
    guarded.wait_for_keys();
    let mut client = guarded.client(&key.jwt());
    provider.answer(Answer::Raw(String::new()));
    guarded.replace(&format!("{}\nleeway_s = 7", rarely(&provider)));
    wait_until("the fetch failed", || guarded.fetches("failed") > 0);
    client.barrier();
    guarded.client(&key.jwt()).barrier();
    assert!(metric(&guarded.hub, "hub_jwks_last_fetch_timestamp_seconds") > 0);
}

#[test]
fn a_connection_ends_with_its_jwt_also_if_the_leeway_became_shorter() {
    let key = Key::new("k");
    let provider = Provider::new(Answer::keys(&[&key]));
    let keys = |leeway: u32| format!("jwks_url = \"{}\"\nleeway_s = {leeway}", provider.url());
    let guarded = Guarded::start(&keys(300));
    guarded.wait_for_keys();
    let client = guarded.client(&key.jwt_for(ISSUER, Duration::from_secs(4)));
    guarded.replace(&keys(1));
    let close = closed(client);
    assert_eq!(close.code, CloseCode::Unauthorized, "{close:?}");
    assert!(close.reason.contains("expired"), "{close:?}");
}
