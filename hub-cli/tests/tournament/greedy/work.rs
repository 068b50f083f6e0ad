//! Greedy for work: few bytes that cost the hub much.

use super::player::Player;
use crate::wire::frames::*;
use hub_wire::{Ack, AckTerms, Frame, Outcome, Overflow, Resume, Start, Subscribe, Taken, Window};
use std::io::{self, Read, Write};
use std::time::Duration;

/// Makes topics, subscribes to all of them many times, and leaves.
pub(super) fn wildcards_times_topics(player: &mut Player) -> io::Result<()> {
    let mut link = player.open()?;
    let mut bytes = Vec::new();
    for _ in 0..player.between(100, 1_500) {
        bytes.extend(event(&player.topic("wild"), &[0xc0]));
    }
    link.send_reading(&bytes)?;
    let filters = ["greedy.**", "greedy.wild.**", "greedy.*.*.*"];
    let positions = player.chance(20);
    for id in 0..player.between(100, 1_000) as u64 {
        let filter = filters[player.random.below(filters.len())];
        let terms = Subscribe { positions, ..subscription(id, filter) };
        link.send_reading(&subscribe(&terms))?;
    }
    if player.chance(50) {
        link.send_reading(&ping(7))?;
        player.pause(Duration::from_millis(300))?;
    }
    if player.chance(50) {
        link.reset();
    }
    Ok(())
}

/// Makes topics as fast as it can, with names of any length.
pub(super) fn topic_churn(player: &mut Player) -> io::Result<()> {
    let mut link = player.open()?;
    let length = player.between(1, 400);
    let payload = player.payload(length);
    let long = player.chance(50);
    loop {
        let mut bytes = Vec::new();
        for _ in 0..50 {
            let topic = if long { player.long_topic() } else { player.topic("churn") };
            bytes.extend(event(&topic, &payload));
        }
        link.send_reading(&bytes)?;
    }
}

/// Subscribes and unsubscribes, thousands of times.
pub(super) fn subscribe_storm(player: &mut Player) -> io::Result<()> {
    let mut link = player.open()?;
    let filters = ["greedy.**", "greedy.*", "greedy.one", "greedy.*.*.x", "good.feed.*"];
    let many = player.between(1, 500) as u64;
    let ends = player.chance(80);
    loop {
        let mut bytes = Vec::new();
        for id in 0..many {
            let filter = filters[player.random.below(filters.len())];
            bytes.extend(subscribe(&subscription(id, filter)));
        }
        for id in 0..many {
            if ends {
                bytes.extend(unsubscribe(id));
            }
        }
        link.send_reading(&bytes)?;
    }
}

/// Fills histories, and asks for the past again and again.
pub(super) fn replay_storm(player: &mut Player) -> io::Result<()> {
    let topic = player.topic("past");
    let mut publisher = player.open()?;
    let length = player.between(1, 60_000);
    let payload = player.payload(length);
    for n in 0..player.between(10, 300) {
        let topic = if n % 10 == 0 { format!("{topic}.{n}") } else { topic.clone() };
        publisher.send_reading(&event(&topic, &payload))?;
    }
    publisher.barrier()?;
    let mut reader = player.open()?;
    let reads = player.chance(70);
    for id in 0_u64.. {
        let start = if player.chance(50) { Start::Last } else { Start::After(Default::default()) };
        let overflow = Overflow::ALL[player.random.below(Overflow::ALL.len())];
        let filter = if player.chance(50) { "greedy.past.**".to_owned() } else { topic.clone() };
        let terms = Subscribe { start, overflow, positions: true, ..subscription(id, &filter) };
        reader.offer(&subscribe(&terms))?;
        if player.chance(50) {
            reader.offer(&unsubscribe(id))?;
        }
        if reads {
            reader.drain()?;
        }
        player.pause(Duration::from_millis(1))?;
    }
    Ok(())
}

/// Sends TAKEN, ACK and RESUME without end, for what it has and for what it never had.
pub(super) fn taken_and_ack_storm(player: &mut Player) -> io::Result<()> {
    let topic = player.topic("ack");
    let mut link = player.open()?;
    let terms = AckTerms { backoff_ms: 0, attempts: u32::MAX, ..AckTerms::default() };
    let window = Some(Window { events: 1_000, bytes: 1 << 20 });
    link.send(&subscribe(&Subscribe { window, ack: Some(terms), ..subscription(1, &topic) }))?;
    link.send(&subscribe(&Subscribe { window, ..subscription(2, &topic) }))?;
    let event = event(&topic, &player.payload(50)).repeat(500);
    link.send_reading(&event)?;
    link.barrier()?;
    let mut bytes = Vec::new();
    for n in 0..player.between(10, 3_000) as u64 {
        match player.random.below(5) {
            0 => Frame::Taken(Taken {
                subscription: 2,
                taken: n % 500,
                events: Some(1 + n),
                bytes: None,
            }),
            1 => Frame::Taken(Taken { subscription: 99, taken: n, events: None, bytes: None }),
            2 => Frame::Resume(Resume { subscription: n % 3, events: n, gaps: 0 }),
            _ => {
                let outcome = if player.chance(50) { Outcome::Failed } else { Outcome::Working };
                let first = 1 + player.random.below(490) as u64;
                Frame::Ack(Ack { subscription: 1, first, last: first + 10, outcome, reason: None })
            }
        }
        .write(&mut bytes);
    }
    loop {
        link.send_reading(&bytes)?;
    }
}

/// Makes topics, and reads the audit and the metrics, slowly or not at all, as an administrator and as
/// somebody without rights.
pub(super) fn audit_readers(player: &mut Player) -> io::Result<()> {
    let mut link = player.open()?;
    let mut bytes = Vec::new();
    for _ in 0..player.between(100, 20_000) {
        bytes.extend(event(&player.topic("audit"), &[0xc0]));
    }
    link.send_reading(&bytes)?;
    let token =
        if player.chance(70) { player.ring.operator.clone() } else { "hub_none_x".to_owned() };
    let path = if player.chance(70) { "/admin/audit" } else { "/metrics" };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut readers = Vec::new();
    for _ in 0..player.between(1, 30) {
        let mut socket = player.http()?;
        socket.write_all(request.as_bytes())?;
        readers.push(socket);
    }
    let mut chunk = vec![0; player.between(1, 100_000)];
    for _ in 0..player.between(1, 200) {
        for reader in &mut readers {
            let _ = reader.read(&mut chunk);
        }
        player.pause(Duration::from_millis(10))?;
    }
    Ok(())
}
