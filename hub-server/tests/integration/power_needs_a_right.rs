//! With an access file, nobody holds up publishers, joins a queue group, watches everything or chooses
//! the overflow policy of an inbox without a right. Each refusal names the identity, the topics, and the
//! line that the file would have to have: with that line, the hub accepts what it refused before.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::{access_support, support};

use hub_server::RunningHub;
use hub_wire::{Overflow, Refused, RefusedCode, Subscribe, TopicFilter};
use support::*;
use tempfile::TempDir;

/// A hub whose anonymous clients have a role with these lines.
fn hub_with_role(lines: &[String]) -> (RunningHub, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.toml");
    let lines = lines.join("\n");
    let file = format!("[roles.worker]\n{lines}\n[anonymous]\nroles = \"worker\"\n");
    std::fs::write(&path, file).unwrap();
    let hub = hub_with(|config| config.access = path.to_string_lossy().into_owned());
    (hub, folder)
}

fn refusal(got: &[Got]) -> Option<Refused> {
    got.iter()
        .find_map(|got| if let Got::Refused(refused) = got { Some(refused.clone()) } else { None })
}

/// Sends a frame, and returns its refusal.
fn refused(hub: &RunningHub, frame: impl Fn(&Client) -> Vec<u8>) -> Option<Refused> {
    let mut client = Client::open(hub.clients());
    let frame = frame(&client);
    client.send(&frame);
    refusal(&client.barrier())
}

/// Adds the line that each refusal names to the role until the hub does what the frame asks for.
/// Returns the keys of the lines.
fn keys_needed(subject: &str, frame: impl Fn(&Client) -> Vec<u8>) -> Vec<String> {
    let (mut lines, mut keys) = (Vec::<String>::new(), Vec::new());
    loop {
        let (hub, _folder) = hub_with_role(&lines);
        let Some(refused) = refused(&hub, &frame) else { return keys };
        let message = refused.message;
        assert_eq!(refused.code, RefusedCode::Forbidden, "{message}");
        assert!(message.contains(subject), "{message} names {subject}");
        assert!(message.starts_with("anonymous may not "), "{message}");
        let (_, rest) = message.split_once("would have to say ").expect(&message);
        let (line, role) = rest.rsplit_once(" in ").expect(&message);
        assert_eq!(role, "the role worker", "{message}");
        assert!(!lines.iter().any(|had| had == line), "{line} did not help");
        keys.push(line.split_once(" = ").unwrap().0.to_owned());
        lines.push(line.to_owned());
    }
}

fn word(random: &mut Random) -> String {
    const BYTES: &[u8] = b"abcXYZ019-_:@/+=~%";
    (0..1 + random.below(12)).map(|_| BYTES[random.below(BYTES.len())] as char).collect()
}

fn random_filter(random: &mut Random) -> String {
    let count = 1 + random.below(4);
    let token = |random: &mut Random, last: bool| match random.below(6) {
        0 => "*".to_owned(),
        1 if last => "**".to_owned(),
        _ => word(random),
    };
    let tokens: Vec<_> = (1..=count).map(|n| token(random, n == count)).collect();
    tokens.join(".")
}

fn random_subscription(random: &mut Random) -> Subscribe {
    let group = (random.below(2) == 0).then(|| word(random));
    let overflow = Overflow::ALL[random.below(Overflow::ALL.len())];
    let overflow = if random.below(2) == 0 { Overflow::Block } else { overflow };
    let observe = group.is_none() && random.below(2) == 0;
    Subscribe { group, overflow, observe, ..subscription(1, &random_filter(random)) }
}

#[test]
fn a_subscription_needs_the_rights_that_its_refusals_name_and_no_more() {
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    for _ in 0..12 {
        let wanted = random_subscription(&mut random);
        let keys = keys_needed(&wanted.filter, |_| subscribe(&wanted));
        let mut expected = vec!["subscribe.allow"];
        if wanted.filter.starts_with('*') {
            expected.push("subscribe.observe");
        }
        if wanted.overflow == Overflow::Block {
            expected.push("subscribe.block");
        }
        if wanted.group.is_some() {
            expected.push("subscribe.groups");
        }
        assert_eq!(keys, expected, "{wanted:?}");
        // Without an access file, all of it is allowed.
        assert_eq!(refused(&hub(), |_| subscribe(&wanted)), None, "{wanted:?}");
    }
}

#[test]
fn an_event_needs_the_right_that_its_refusal_names() {
    let mut random = Random(Random::seed("HUB_TEST_SEED"));
    let topic = format!("{}.{}", word(&mut random), word(&mut random));
    let keys = keys_needed(&topic, |_| event(&topic, b"\x01"));
    assert_eq!(keys, ["publish.allow"], "{topic}");
}

#[test]
fn the_overflow_policy_of_an_inbox_needs_a_right_unless_it_is_the_default() {
    for overflow in Overflow::ALL {
        let ask = |client: &Client| {
            subscribe(&Subscribe { overflow, ..subscription(1, &client.welcome().inbox) })
        };
        let expected: &[&str] =
            if overflow == Overflow::default() { &[] } else { &["subscribe.inbox_overflow"] };
        assert_eq!(keys_needed(overflow.name(), ask), expected, "{overflow:?}");
        assert_eq!(refused(&hub(), ask), None, "without an access file");
    }
}

/// A refusal that a `deny` causes says so, because no further line would help.
#[test]
fn what_is_denied_is_told_as_denied() {
    let all = |right: &str| format!("{right} = {{ allow = \"**\", deny = \"secret.**\" }}");
    let (hub, _folder) = hub_with_role(&[all("publish"), all("subscribe")]);
    let read = refused(&hub, |_| subscribe(&subscription(1, "secret.*"))).unwrap();
    let publish = refused(&hub, |_| event("secret.a", b"\x01")).unwrap();
    for (refused, topics, key) in
        [(read, "secret.*", "subscribe.deny"), (publish, "secret.a", "publish.deny")]
    {
        let message = refused.message;
        assert!(message.contains(topics) && message.contains(key), "{message}");
        assert!(message.contains("the role worker"), "{message}");
    }
}

/// Who may read a topic cannot take the work of its queue groups.
#[test]
fn whoever_may_only_read_takes_no_jobs() {
    let lines =
        ["publish.allow = \"jobs\"", "subscribe.allow = \"jobs\"", "subscribe.groups = \"work*\""];
    let (hub, _folder) = hub_with_role(&lines.map(str::to_owned));
    let member =
        |group: &str| Subscribe { group: Some(group.to_owned()), ..subscription(1, "jobs") };
    let mut worker = Client::open(hub.clients());
    worker.subscribe(&member("workers"));
    let mut other = Client::open(hub.clients());
    for group in ["others", "wor", "Workers"] {
        other.send(&subscribe(&member(group)));
        let refused = refusal(&other.barrier()).expect(group);
        assert_eq!(refused.code, RefusedCode::Forbidden);
    }
    for n in 0..10 {
        other.send(&event("jobs", &numbered(n, 0)));
    }
    other.barrier();
    let got = worker.barrier();
    assert_eq!(events(&got).len(), 10);
}

fn rights_of(lines: &str, of: &str) -> hub_server::access::Identity {
    let text = format!("[roles.r]\n{lines}\n[other_certificates]\nroles = \"r\"\n");
    let access = access_support::load(&text);
    let peer = access_support::certificate(of);
    access
        .authenticate(&hub_server::access::Credentials::None, &peer, access_support::now())
        .expect("the certificate")
}

#[test]
fn a_pattern_of_group_names_matches_what_begins_with_it() {
    for (pattern, group, joins) in [
        ("billing", "billing", true),
        ("billing", "billing-2", false),
        ("billing-*", "billing-2", true),
        ("billing-*", "billing-", true),
        ("billing-*", "billing", false),
        ("*", "x", true),
        ("{identity}", "ann@example%2Eorg", true),
        ("{identity}", "ann@example%2Eorg2", false),
        ("{identity}", "{identity}", false),
    ] {
        let lines = format!("subscribe.groups = [\"other\", \"{pattern}\"]");
        let identity = rights_of(&lines, "ann@example.org");
        assert_eq!(identity.rights().may_join(group), joins, "{pattern} {group}");
    }
    for wrong in ["", "a b", "a*b", "**", "a.b", "{identity}-*"] {
        let file = format!("[roles.r]\nsubscribe.groups = \"{wrong}\"");
        let error = access_support::try_load(&file).expect_err(wrong);
        assert_eq!((error.line, error.key.as_str()), (2, "roles.r.subscribe.groups"), "{wrong}");
    }
    let error = access_support::try_load("[roles.r]\nsubscribe.inbox_overflow = \"drop_newest\"");
    assert!(error.unwrap_err().message.contains("`drop-newest`"));
}

#[test]
fn several_roles_add_up_their_powers() {
    let text = "[roles.a]\nsubscribe.block = \"a.**\"\n[roles.b]\nsubscribe.groups = \"b\"\n\
                [roles.c]\nsubscribe = { observe = true, inbox_overflow = [\"latest\"] }\n\
                [other_certificates]\nroles = [\"a\", \"b\", \"c\"]\n";
    let access = access_support::load(text);
    let identity = access
        .authenticate(
            &hub_server::access::Credentials::None,
            &access_support::certificate("x"),
            access_support::now(),
        )
        .unwrap();
    let rights = identity.rights();
    let filter = |text: &str| TopicFilter::parse(text).unwrap();
    assert!(rights.may_block(&filter("a.*")) && !rights.may_block(&filter("**")));
    assert!(!rights.may_block(&filter("$hub.quarantine.a")));
    assert!(rights.may_join("b") && !rights.may_join("a"));
    assert!(rights.may_observe());
    assert!(rights.may_choose_for_inbox(Overflow::Latest));
    assert!(!rights.may_choose_for_inbox(Overflow::Block));
}
