//! Greedy for the patience of others: clients that let publishers, services and topics wait for them.

use super::player::{Link, Player};
use crate::arena::PAIRS;
use crate::wire::frames::*;
use hub_wire::{AckTerms, Overflow, Subscribe, Window};
use std::io;
use std::time::Duration;

/// Draws a subscription of any policy, with or without a group, a window and acknowledgement.
fn any_subscription(player: &mut Player, id: u64, filter: &str) -> Subscribe {
    let overflow = Overflow::ALL[player.random.below(Overflow::ALL.len())];
    let group = player.chance(40).then(|| format!("g{}", player.random.below(3)));
    let events = player.between(1, 100) as u64;
    let window = player.chance(60).then_some(Window { events, bytes: 1 << player.between(4, 24) });
    let ack = (window.is_some() && player.chance(50)).then(|| AckTerms {
        timeout_ms: player.between(1, 30_000) as u64,
        attempts: player.between(1, 1000) as u32,
        backoff_ms: player.between(0, 200) as u64,
        dead_letter: player.chance(30).then(|| "greedy.dead".to_owned()),
        ordered: group.is_some() && player.chance(40),
    });
    Subscribe { overflow, group, window, ack, ..subscription(id, filter) }
}

/// Subscribes with drawn terms, reads nothing, and floods the topics that the readers listen to.
pub(super) fn stalled_readers(player: &mut Player) -> io::Result<()> {
    let topic = player.topic("stall");
    let count = player.between(1, 40);
    let mut readers = player.open_many(count)?;
    for reader in &mut readers {
        for id in 0..player.between(1, 20) as u64 {
            let terms = any_subscription(player, id, &topic);
            reader.send(&subscribe(&terms))?;
        }
    }
    let mut publisher = player.open()?;
    let length = 1 << player.between(4, 19);
    let payload = player.payload(length);
    let key = player.random.below(1000).to_string();
    let bytes = event_with(&topic, &payload, &[("key", &key)]);
    loop {
        publisher.send_reading(&bytes)?;
    }
}

/// Reads the topics of well-behaved publishers, with a queue that it keeps full with its own events.
pub(super) fn stalled_on_others(player: &mut Player) -> io::Result<()> {
    let topic = player.topic("fill");
    let count = player.between(5, 100);
    let mut readers = player.open_many(count)?;
    for reader in &mut readers {
        let overflow = Overflow::ALL[player.random.below(4)];
        let filters = [
            "good.feed.*".to_owned(),
            format!("good.feed.{}", player.random.below(PAIRS)),
            topic.clone(),
        ];
        for (id, filter) in filters.iter().enumerate() {
            let terms = Subscribe { overflow, ..subscription(id as u64, filter) };
            reader.send(&subscribe(&terms))?;
        }
    }
    let mut publisher = player.open()?;
    let length = player.between(1_000, 200_000);
    let payload = player.payload(length);
    let bytes = event(&topic, &payload);
    for n in 0_u64.. {
        publisher.send_reading(&bytes)?;
        // The queues drain a little now and then, so that publishers wait for these readers anew.
        if n % 64 == 0 {
            let reader = player.random.below(readers.len());
            readers[reader].drain()?;
        }
    }
    Ok(())
}

/// Joins the queue groups of others, with drawn terms, and reads nothing of what it gets there.
pub(super) fn joiners_of_groups(player: &mut Player) -> io::Result<()> {
    let count = player.between(1, 30);
    let mut members = player.open_many(count)?;
    for member in &mut members {
        for (id, filter) in ["good.feed.4", "good.feed.9", "good.feed.*"].iter().enumerate() {
            let terms = any_subscription(player, id as u64, filter);
            let terms = Subscribe { group: Some("workers".to_owned()), ..terms };
            member.send(&subscribe(&terms))?;
        }
    }
    player.pause(Duration::from_secs(1))
}

/// Asks a well-behaved service, wants its replies with drawn terms, and reads none of them.
pub(super) fn unread_replies(player: &mut Player) -> io::Result<()> {
    let count = player.between(1, 20);
    let mut askers = player.open_many(count)?;
    let length = player.between(10, 20_000);
    let payload = player.payload(length);
    let payload = [&[0x92, 0x00][..], &payload].concat();
    let service = format!("good.service.{}", 3 + 5 * player.random.below(2));
    let mut requests = Vec::new();
    for asker in &mut askers {
        let inbox = asker.inbox.clone();
        let drawn = any_subscription(player, 1, &inbox);
        let overflow = match player.random.below(5) {
            0 | 1 => Overflow::Block,
            2 | 3 => Overflow::default(),
            _ => drawn.overflow,
        };
        let terms = Subscribe { overflow, group: None, ack: None, ..drawn };
        asker.send(&subscribe(&terms))?;
        requests.push(event_with(&service, &payload, &[("id", "1"), ("reply", &inbox)]));
    }
    // Slow enough for any service: it is not the service that is to be overloaded.
    loop {
        for (asker, request) in askers.iter_mut().zip(&requests) {
            asker.offer(request)?;
        }
        player.pause(Duration::from_millis(20 + 2 * askers.len() as u64))?;
    }
}

/// Sends requests without end, to services of its own and to nobody.
pub(super) fn endless_requests(player: &mut Player) -> io::Result<()> {
    let topic = player.topic("ask");
    let mut service: Option<Link> = None;
    if player.chance(70) {
        let mut link = player.open()?;
        link.send(&subscribe(&any_subscription(player, 1, &topic)))?;
        service = Some(link);
    }
    let mut asker = player.open()?;
    let inbox = asker.inbox.clone();
    asker.send(&subscribe(&subscription(1, &inbox)))?;
    let payload = player.payload(100);
    let request = event_with(&topic, &payload, &[("id", "1"), ("reply", &inbox)]);
    let reply = event_with(&inbox, &payload, &[("re", "1")]);
    let many = request.repeat(50);
    let answers = reply.repeat(50);
    loop {
        asker.send_reading(&many)?;
        if let Some(service) = &mut service {
            service.offer(&answers)?;
            service.drain()?;
        }
    }
}
