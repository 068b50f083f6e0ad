//! A deny holds however a filter is written: the access rules against a second, naive
//! implementation that expands filters into sets of topics and knows only set operations.
//!
//! The world: topics of up to four tokens of `a`, `b` and `c`, and those of the hub. Filters have up
//! to three tokens and never name `c`, so a wildcard always matches something that no literal does,
//! and a final `**` something longer: what holds here of two filters holds of all topics.

use crate::access_support;

use std::sync::OnceLock;

use access_support::{HERE, filter, load, name, now};
use hub_server::access::{Credentials, Identity, Subscribable, covers, overlap};
use hub_wire::{TopicFilter, TopicName};
use proptest::prelude::*;

/// A set of topics of the world, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Set([u64; 4]);

impl Set {
    fn zip(self, other: Set, op: impl Fn(u64, u64) -> u64) -> Set {
        Set(std::array::from_fn(|i| op(self.0[i], other.0[i])))
    }
    fn or(self, other: Set) -> Set {
        self.zip(other, |a, b| a | b)
    }
    fn and(self, other: Set) -> Set {
        self.zip(other, |a, b| a & b)
    }
    fn without(self, other: Set) -> Set {
        self.zip(other, |a, b| a & !b)
    }
    fn is_empty(self) -> bool {
        self == Set::default()
    }
    fn within(self, other: Set) -> bool {
        self.without(other).is_empty()
    }
    fn has(self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }
}

struct World {
    names: Vec<String>,
    topics: Vec<TopicName>,
    /// Filters with the topics they stand for.
    filters: Vec<(TopicFilter, Set)>,
    /// What only the quarantine right gives: two filters, as `x.**` does not match `x`.
    quarantine: [Set; 2],
}

const LONGEST: usize = 4;

/// All sequences of `min..=max` tokens.
fn sequences(tokens: &[&str], min: usize, max: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut now = vec![String::new()];
    for length in 0..=max {
        if length >= min {
            all.extend(now.iter().cloned());
        }
        now = now
            .iter()
            .flat_map(|s| tokens.iter().map(move |t| format!("{s}.{t}")))
            .map(|s| s.trim_start_matches('.').to_owned())
            .collect();
    }
    all
}

/// The topics that a filter stands for, written out.
fn expand(filter: &str) -> Vec<String> {
    let mine = filter.starts_with('$');
    let tokens: &[&str] = if mine { &["a", "b", "c", "quarantine"] } else { &["a", "b", "c"] };
    let mut found = vec![Vec::<String>::new()];
    for token in filter.split('.') {
        found = found
            .into_iter()
            .flat_map(|begun| {
                let next = match token {
                    "*" => sequences(tokens, 1, 1),
                    "**" => sequences(tokens, 1, LONGEST - begun.len()),
                    literal => vec![literal.to_owned()],
                };
                next.into_iter().map(move |next| {
                    begun.iter().cloned().chain(next.split('.').map(str::to_owned)).collect()
                })
            })
            .collect();
    }
    found.into_iter().map(|tokens| tokens.join(".")).collect()
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

impl World {
    fn new() -> World {
        let mut names = sequences(&["a", "b", "c"], 1, LONGEST);
        names.push("$hub".to_owned());
        names.extend(
            sequences(&["a", "b", "c", "quarantine"], 1, LONGEST - 1)
                .into_iter()
                .map(|rest| format!("$hub.{rest}")),
        );
        let topics = names.iter().map(|text| name(text)).collect();
        let mut world =
            World { names, topics, filters: Vec::new(), quarantine: Default::default() };

        let mut texts = sequences(&["a", "b", "*"], 1, 3);
        texts.extend(sequences(&["a", "b", "*"], 0, 2).into_iter().map(|s| format!("{s}.**")));
        for rest in ["", ".a", ".*", ".**", ".a.b", ".*.a", ".a.*", ".*.*", ".a.**", ".*.**"] {
            texts.push(format!("$hub{rest}"));
        }
        texts.push("$hub.quarantine".to_owned());
        texts.push("$hub.quarantine.**".to_owned());
        for text in texts {
            let text = text.trim_start_matches('.');
            world.filters.push((filter(text), world.set(text)));
        }
        world.quarantine = ["$hub.quarantine", "$hub.quarantine.**"].map(|text| world.set(text));
        world
    }

    fn set(&self, filter: &str) -> Set {
        let mut set = Set::default();
        for topic in expand(filter) {
            let at = self.names.iter().position(|name| *name == topic).expect("in the world");
            set.0[at / 64] |= 1 << (at % 64);
        }
        set
    }
}

/// Roles with these filters, as what anonymous clients may do.
fn identity(roles: &[(Vec<String>, Vec<String>)], right: &str, quarantine: bool) -> Identity {
    let mut text = String::new();
    for (number, (allow, deny)) in roles.iter().enumerate() {
        text += &format!(
            "[roles.r{number}]\n{right} = {{ allow = {allow:?}, deny = {deny:?} }}\n\
             quarantine = {quarantine}\n"
        );
    }
    let names: Vec<_> = (0..roles.len()).map(|number| format!("r{number}")).collect();
    text += &format!("[anonymous]\nroles = {names:?}\n");
    load(&text).authenticate(&Credentials::None, &HERE, now()).expect("anonymous")
}

/// Checks one identity against sets: what any role allows, less what any denies.
fn check(world: &World, allow: &[usize], deny: &[usize], identity: &Identity, quarantine: bool) {
    let sets =
        |filters: &[usize]| filters.iter().map(|&at| world.filters[at].1).collect::<Vec<_>>();
    let (mut allow, mut deny) = (sets(allow), sets(deny));
    if quarantine { &mut allow } else { &mut deny }.extend(world.quarantine);
    let union = |sets: &[Set]| sets.iter().fold(Set::default(), |all, set| all.or(*set));
    let readable = union(&allow).without(union(&deny));

    let rights = identity.rights();
    for (at, topic) in world.topics.iter().enumerate() {
        assert_eq!(rights.may_read(topic), readable.has(at), "{topic}");
    }
    for (filter, wanted) in &world.filters {
        let expected = if !allow.iter().any(|allow| wanted.within(*allow))
            || deny.iter().any(|deny| wanted.within(*deny))
        {
            Subscribable::No
        } else if wanted.and(union(&deny)).is_empty() {
            Subscribable::All
        } else {
            Subscribable::Partly
        };
        assert_eq!(rights.may_subscribe(filter), expected, "{filter}");
        if expected == Subscribable::All {
            assert!(wanted.within(readable), "{filter} reads what is denied");
        }
    }
}

#[test]
fn one_filter_covers_another_if_it_has_all_its_topics() {
    let world = world();
    for (wide, wide_set) in &world.filters {
        for (narrow, narrow_set) in &world.filters {
            assert_eq!(covers(wide, narrow), narrow_set.within(*wide_set), "{wide} {narrow}");
        }
    }
}

#[test]
fn two_filters_overlap_if_they_have_a_topic_in_common() {
    let world = world();
    for (a, a_set) in &world.filters {
        for (b, b_set) in &world.filters {
            assert_eq!(overlap(a, b), !a_set.and(*b_set).is_empty(), "{a} {b}");
        }
    }
}

#[test]
fn each_filter_matches_what_it_expands_to() {
    let world = world();
    for (filter, set) in &world.filters {
        for (at, topic) in world.topics.iter().enumerate() {
            assert_eq!(filter.matches(topic), set.has(at), "{filter} {topic}");
        }
    }
}

/// All allows with all denies, for every subscription and topic.
#[test]
fn no_subscription_reads_what_is_denied() {
    let world = world();
    let text = |at: usize| vec![world.filters[at].0.to_string()];
    for allow in 0..world.filters.len() {
        for deny in 0..world.filters.len() {
            let identity = identity(&[(text(allow), text(deny))], "subscribe", false);
            check(world, &[allow], &[deny], &identity, false);
        }
    }
}

/// All allows with all denies, for every topic.
#[test]
fn nobody_publishes_what_is_denied_or_the_hubs() {
    let world = world();
    let own: Vec<_> = world.filters.iter().filter(|(filter, _)| !filter.is_reserved()).collect();
    for (allow, allowed) in &own {
        for (deny, denied) in &own {
            let lists = (vec![allow.to_string()], vec![deny.to_string()]);
            let identity = identity(&[lists], "publish", true);
            for (at, topic) in world.topics.iter().enumerate() {
                let expected = allowed.has(at) && !denied.has(at);
                assert_eq!(
                    identity.rights().may_publish(topic),
                    expected,
                    "{allow} {deny} {topic}"
                );
                assert!(!(expected && topic.is_reserved()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Several roles: allowed is what any allows, and denied what any denies.
    #[test]
    fn a_deny_of_one_role_holds_against_the_allows_of_all(
        lists in prop::collection::vec(
            (prop::collection::vec(0..usize::MAX, 0..4), prop::collection::vec(0..usize::MAX, 0..3)),
            1..4,
        ),
        quarantine: bool,
    ) {
        let world = world();
        let pick = |list: &Vec<usize>| -> Vec<usize> {
            list.iter().map(|number| number % world.filters.len()).collect()
        };
        let texts = |list: &Vec<usize>| -> Vec<String> {
            pick(list).iter().map(|&at| world.filters[at].0.to_string()).collect()
        };
        let roles: Vec<_> =
            lists.iter().map(|(allow, deny)| (texts(allow), texts(deny))).collect();
        let identity = identity(&roles, "subscribe", quarantine);
        let allow: Vec<_> = lists.iter().flat_map(|(allow, _)| pick(allow)).collect();
        let deny: Vec<_> = lists.iter().flat_map(|(_, deny)| pick(deny)).collect();
        check(world, &allow, &deny, &identity, quarantine);
    }
}

#[test]
fn only_the_quarantine_right_opens_the_quarantine() {
    let topic = name("$hub.quarantine.orders.placed");
    let lists = |filter: &str| [(vec![filter.to_owned()], Vec::new())];
    for allow in ["**", "$hub.**", "$hub.quarantine.**", "$hub.*.*.*", "$hub.quarantine.orders.*"] {
        let without = identity(&lists(allow), "subscribe", false);
        assert!(!without.rights().may_read(&topic), "{allow}");
        assert!(!without.rights().may_quarantine());
        assert_eq!(
            without.rights().may_subscribe(&filter("$hub.quarantine.**")),
            Subscribable::No,
            "{allow}"
        );
        let with = identity(&lists(allow), "subscribe", true);
        assert!(with.rights().may_read(&topic) && with.rights().may_quarantine());
        assert_eq!(with.rights().may_subscribe(&filter("$hub.quarantine.**")), Subscribable::All);
    }
}

/// The hub gives inboxes by owner; no role does.
#[test]
fn no_role_gives_an_inbox() {
    let identity =
        identity(&[(vec!["**".to_owned(), "$hub.**".to_owned()], Vec::new())], "subscribe", true);
    let inbox = name("$inbox.7");
    assert!(!identity.rights().may_read(&inbox) && !identity.rights().may_publish(&inbox));
    for wanted in ["$inbox.7", "$inbox.*", "$inbox.**"] {
        assert_eq!(identity.rights().may_subscribe(&filter(wanted)), Subscribable::No);
    }
}
