//! Claim: a text is a topic name or a filter exactly if PROTOCOL.md says so, and an error names an offset in
//! the text. A filter matches the same names as a simple reading of the rules, both directly and through
//! both indexes.
//!
//! `docs/testing.md` explains how to run this for a long time.

use hub_wire::{FilterIndex, NameError, TopicFilter, TopicIndex, TopicName};

fn is_valid(text: &str, wildcards: bool) -> bool {
    let tokens: Vec<&str> = text.split('.').collect();
    let last = tokens.len() - 1;
    let fine = |(n, token): (usize, &&str)| {
        wildcards && (*token == "*" || *token == "**" && n == last)
            || !token.is_empty()
                && token.chars().all(|c| c.is_ascii_alphanumeric() || "-_:@/+=~%#$".contains(c))
    };
    text.len() <= 255 && tokens.len() <= 32 && tokens.iter().enumerate().all(fine)
}

/// Matches token by token, each list at its front.
fn matches(filter: &[&str], name: &[&str]) -> bool {
    match (filter, name) {
        ([], []) => true,
        (["**"], [_, ..]) => true,
        (["*", filter @ ..], [_, name @ ..]) => matches(filter, name),
        ([want, filter @ ..], [have, name @ ..]) => want == have && matches(filter, name),
        _ => false,
    }
}

fn matched(filter: &str, name: &str) -> bool {
    if name.starts_with('$') && !filter.starts_with('$') {
        return false; // no wildcard matches reserved names
    }
    matches(&filter.split('.').collect::<Vec<_>>(), &name.split('.').collect::<Vec<_>>())
}

fn check_error(text: &str, error: NameError) {
    match error {
        NameError::Empty => assert!(text.is_empty()),
        NameError::TooLong { length } => assert!(length == text.len() && length > 255),
        NameError::TooManyTokens => assert!(text.split('.').count() > 32),
        NameError::EmptyToken { at } => {
            assert!(at == text.len() || text.as_bytes()[at] == b'.', "{text:?} at {at}");
            assert!(at == 0 || text.as_bytes()[at - 1] == b'.', "{text:?} at {at}");
        }
        NameError::BadByte { byte, at } => {
            assert!(text.as_bytes()[at] == byte && !TopicName::is_allowed(byte));
        }
        NameError::Wildcard { at } => assert_eq!(text.as_bytes()[at], b'*'),
    }
}

fn lines(text: &str) {
    let (mut filters, mut names) = (Vec::new(), Vec::new());
    for line in text.split('\n').take(24) {
        let (name, filter) = (TopicName::parse(line), TopicFilter::parse(line));
        assert_eq!(name.is_ok(), is_valid(line, false), "{line:?}: {name:?}");
        assert_eq!(filter.is_ok(), is_valid(line, true), "{line:?}: {filter:?}");
        for error in [name.as_ref().err(), filter.as_ref().err()].into_iter().flatten() {
            check_error(line, *error);
        }
        names.extend(name);
        filters.extend(filter);
    }
    let (mut by_filter, mut by_name) = (FilterIndex::default(), TopicIndex::default());
    filters.iter().enumerate().for_each(|(n, filter)| by_filter.insert(filter, n));
    names.iter().for_each(|name| by_name.insert(name));
    for name in &names {
        let mut found = Vec::new();
        by_filter.matching(name, |n| found.push(*n));
        found.sort_unstable();
        let expected: Vec<usize> =
            (0..filters.len()).filter(|n| matched(filters[*n].as_str(), name.as_str())).collect();
        assert_eq!(found, expected, "filters for {name}");
        for filter in &filters {
            assert_eq!(filter.matches(name), matched(filter.as_str(), name.as_str()));
        }
    }
    for filter in &filters {
        let mut found: Vec<&str> = Vec::new();
        by_name.matching(filter, |name| found.push(name.as_str()));
        found.sort_unstable();
        let all = names.iter().map(TopicName::as_str);
        let mut expected: Vec<&str> = all.filter(|name| matched(filter.as_str(), name)).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(found, expected, "names for {filter}");
    }
    // When all filters and topics are removed, the indexes are empty.
    for (n, filter) in filters.iter().enumerate() {
        assert_eq!(by_filter.remove(filter, |found| *found == n), Some(n));
    }
    names.iter().for_each(|name| by_name.remove(name));
    assert!(by_filter.is_empty());
    for name in &names {
        by_filter.matching(name, |n| panic!("{n} was removed"));
        by_name.matching(&TopicFilter::from(name), |name| panic!("{name} was removed"));
    }
}

#[test]
fn names_any_text() {
    bolero::check!().for_each(|input: &[u8]| {
        lines(&String::from_utf8_lossy(input));
    });
}

#[test]
fn names_of_few_tokens() {
    const TOKENS: [&str; 16] =
        ["a", "b", "ab", "*", "**", ".", ".", ".", "\n", "\n", "$", "a", "*", "$hub", "-", "é"];
    bolero::check!().for_each(|input: &[u8]| {
        let tokens = input.iter().map(|byte| TOKENS[usize::from(byte % 16)]);
        lines(&tokens.collect::<String>());
    });
}
