//! Compares both indexes with matching one by one.

use super::*;
use proptest::prelude::*;

fn topic() -> impl Strategy<Value = TopicName> {
    proptest::collection::vec("[ab$]|ab|a-|a/|%", 1..4)
        .prop_map(|tokens| TopicName::parse(&tokens.join(".")).unwrap())
}

fn filter() -> impl Strategy<Value = TopicFilter> {
    (proptest::collection::vec("[ab$*]|ab|a-|a/|%", 0..4), any::<bool>()).prop_filter_map(
        "a filter has a token",
        |(mut tokens, rest)| {
            tokens.extend(rest.then(|| "**".to_owned()));
            TopicFilter::parse(&tokens.join(".")).ok()
        },
    )
}

#[test]
fn filters_that_came_by_the_thousand_leave_no_room_behind() {
    let filter = |n| TopicFilter::parse(&format!("a.{n}")).unwrap();
    let mut index = FilterIndex::default();
    (0..10_000).for_each(|n| index.insert(&filter(n), n));
    (1..10_000).for_each(|n| assert_eq!(index.remove(&filter(n), |_| true), Some(n)));
    let left = &index.root.literals["a"].literals;
    assert!(left.len() == 1 && left.capacity() < 64, "{}", left.capacity());
}

proptest! {
    /// Both indexes find the same pairs as a comparison of each filter with each topic.
    #[test]
    fn the_indexes_agree_with_matching_one_by_one(
        filters in proptest::collection::vec(filter(), 0..30),
        topics in proptest::collection::btree_set(topic(), 0..30),
        gone in proptest::collection::vec(any::<bool>(), 60),
    ) {
        let mut by_filter = FilterIndex::default();
        let mut by_topic = TopicIndex::default();
        filters.iter().enumerate().for_each(|(n, filter)| by_filter.insert(filter, n));
        topics.iter().for_each(|topic| by_topic.insert(topic));
        let (mut kept_filters, mut kept_topics) = (Vec::new(), Vec::new());
        for (n, filter) in filters.iter().enumerate() {
            if gone[n] {
                prop_assert_eq!(by_filter.remove(filter, |v| *v == n), Some(n));
            } else {
                kept_filters.push((n, filter));
            }
        }
        for (n, topic) in topics.iter().enumerate() {
            if gone[30 + n] { by_topic.remove(topic) } else { kept_topics.push(topic) }
        }
        prop_assert_eq!(by_filter.len(), kept_filters.len());
        for topic in &topics {
            let mut found = Vec::new();
            by_filter.matching(topic, |n| found.push(*n));
            found.sort_unstable();
            let expected: Vec<_> = kept_filters
                .iter().filter(|(_, filter)| filter.matches(topic)).map(|(n, _)| *n).collect();
            prop_assert_eq!(found, expected);
        }
        for filter in &filters {
            let mut found = Vec::new();
            by_topic.matching(filter, |topic| found.push(topic));
            found.sort_unstable();
            let expected: Vec<_> =
                kept_topics.iter().copied().filter(|topic| filter.matches(topic)).collect();
            prop_assert_eq!(&found, &expected);
            let (mut in_steps, mut search) = (Vec::new(), TopicSearch::new(filter));
            while !search.is_over() {
                by_topic.search(&mut search, 1, |topic| in_steps.push(topic));
            }
            prop_assert_eq!(in_steps, expected);
        }
    }
}
/// A search jumps over the names that cannot match, so it costs what it finds.
#[test]
fn a_search_looks_only_where_the_filter_can_match() {
    let mut index = TopicIndex::default();
    for n in 0..1_000 {
        for end in ["x", "y", "z"] {
            index.insert(&TopicName::parse(&format!("a.{n:03}.{end}")).unwrap());
            index.insert(&TopicName::parse(&format!("b.{n:03}.{end}.more")).unwrap());
        }
    }
    let looks = |filter: &str| {
        let (mut looks, mut found) = (0, 0);
        let mut search = TopicSearch::new(&TopicFilter::parse(filter).unwrap());
        while !search.is_over() {
            index.search(&mut search, 1, |_| found += 1);
            looks += 1;
        }
        (looks, found)
    };
    for (filter, most, matches) in [
        ("a.500.y", 16, 1),
        ("a.500.*", 16, 3),
        ("a.500.**", 16, 3),
        ("b.*.x.**", 4_100, 1_000),
        ("c.**", 16, 0),
        ("b.*", 2_100, 0),
        ("**", 6_100, 6_000),
    ] {
        let (looks, found) = looks(filter);
        assert_eq!(found, matches, "{filter}");
        assert!(looks <= most, "{filter}: {looks} looks");
    }
}
