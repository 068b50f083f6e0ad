//! Tests that positions are bounded, and that a forgotten topic is not taken for a new one.

use super::*;

fn run<'a>(topic: &'a str, first: u64, count: u32, subscriptions: &[u64]) -> RunFrame<'a> {
    let subscriptions = subscriptions.iter().copied().collect();
    RunFrame { topic, epoch: 1, first, count, publisher: "", time_ms: 0, subscriptions, attempt: 1 }
}

fn start(positions: &Positions) -> Vec<(String, Position)> {
    let Some(Start::After(seen)) = positions.starts().remove(&1) else { panic!("after") };
    let mut seen: Vec<_> = seen.iter().map(|(topic, at)| (topic.to_owned(), at)).collect();
    seen.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    seen
}

#[test]
fn the_topics_idle_for_longest_are_forgotten_first() {
    let mut positions = Positions::new(16);
    let mut parts = Vec::new();
    positions.add(1, Start::Live);
    positions.confirm(1);
    for topic in 0..17 {
        let topic = format!("t.{topic:02}");
        positions.run(&run(&topic, 1, 1, &[1]), &mut parts).unwrap();
        positions.handed_over(&topic, 1, 1, 1);
        positions.run(&run("t.00", 1, 1, &[1]), &mut parts).unwrap();
    }
    let seen = start(&positions);
    let topics: Vec<&str> = seen.iter().map(|(topic, _)| topic.as_str()).collect();
    assert!(topics.len() <= 16 && topics.contains(&"t.00") && topics.contains(&"t.16"));
    assert!(!topics.contains(&"t.01"));
    // A forgotten topic may continue at any number, which is no jump.
    positions.run(&run("t.01", 9, 1, &[1]), &mut parts).unwrap();
    assert_eq!(parts[0].new, NewRange { from: 9, unannounced: None });
}

#[test]
fn a_subscription_that_ends_leaves_no_position() {
    let mut positions = Positions::new(16);
    let mut parts = Vec::new();
    for id in [1, 2] {
        positions.add(id, Start::Live);
        positions.confirm(id);
    }
    positions.run(&run("a.b", 1, 1, &[1, 2]), &mut parts).unwrap();
    assert_eq!(parts.iter().map(|part| part.id).collect::<Vec<_>>(), [1, 2]);
    positions.run(&run("a.c", 1, 1, &[1]), &mut parts).unwrap();
    assert_eq!(positions.topics.len(), 2);
    positions.remove(1);
    assert_eq!(positions.topics.len(), 1);
    positions.remove(2);
    assert!(positions.topics.is_empty() && positions.plain.is_empty());
    positions.run(&run("a.b", 2, 1, &[1, 2]), &mut parts).unwrap();
    assert!(parts.is_empty() && positions.topics.is_empty());
}
