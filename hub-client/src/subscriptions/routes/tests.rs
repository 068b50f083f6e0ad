//! Tests that routes are bounded, and that a forgotten topic is not taken for a new one.

use super::*;

fn run(topic: &str, first: u64, count: u32) -> RunFrame<'_> {
    RunFrame { topic, epoch: 1, first, count, publisher: "", time_ms: 0, subscription: None }
}

fn start(routes: &Routes) -> Vec<(String, Position)> {
    let Some(Start::After(seen)) = routes.starts().remove(&1) else { panic!("after") };
    seen.into_iter().collect()
}

#[test]
fn the_topics_idle_for_longest_are_forgotten_first() {
    let mut routes = Routes::new(16);
    let mut matches = Vec::new();
    routes.add(1, &TopicFilter::parse("**").unwrap(), Start::Live);
    routes.confirm(1, std::iter::empty());
    for topic in 0..17 {
        routes.run(&run(&format!("t.{topic:02}"), 1, 1), &mut matches).unwrap();
        routes.handed_over(&format!("t.{topic:02}"), 1, 1, 1);
        routes.run(&run("t.00", 1, 1), &mut matches).unwrap();
    }
    let seen = start(&routes);
    let topics: Vec<&str> = seen.iter().map(|(topic, _)| topic.as_str()).collect();
    assert!(topics.len() <= 16 && topics.contains(&"t.00") && topics.contains(&"t.16"));
    assert!(!topics.contains(&"t.01"));
    // A forgotten topic may continue at any number, which is no jump.
    routes.run(&run("t.01", 9, 1), &mut matches).unwrap();
    assert_eq!(matches[0].new, NewRange { from: 9, unannounced: None });
}

#[test]
fn a_subscription_that_ends_leaves_no_route() {
    let mut routes = Routes::new(16);
    let mut matches = Vec::new();
    routes.add(1, &TopicFilter::parse("a.*").unwrap(), Start::Live);
    routes.add(2, &TopicFilter::parse("a.b").unwrap(), Start::Live);
    routes.confirm(1, std::iter::empty());
    routes.confirm(2, std::iter::empty());
    routes.run(&run("a.b", 1, 1), &mut matches).unwrap();
    routes.run(&run("a.c", 1, 1), &mut matches).unwrap();
    assert_eq!(routes.routes.len(), 2);
    routes.remove(1);
    assert_eq!(routes.routes.len(), 1);
    routes.remove(2);
    assert!(routes.routes.is_empty() && routes.filters.is_empty() && routes.plain.is_empty());
    routes.run(&run("a.b", 2, 1), &mut matches).unwrap();
    assert!(matches.is_empty() && routes.routes.is_empty());
}
