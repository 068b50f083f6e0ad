//! Greedy for memory: clients that let the hub remember much.

use super::player::Player;
use crate::wire::frames::*;
use hub_wire::{Overflow, Packer, Subscribe, Window};
use std::io;
use std::time::Duration;

/// Makes the `after` map of one SUBSCRIBE, of about so many bytes.
fn after_map(player: &mut Player, bytes: usize) -> Vec<(String, u64)> {
    let mut names = Vec::new();
    let mut size = 0;
    while size < bytes {
        let name = if player.chance(90) { player.long_topic() } else { player.topic("a") };
        size += name.len() + 12;
        names.push((name, player.random.next() >> 32));
    }
    names
}

fn subscribe_after(id: u64, filter: &str, names: &[(String, u64)], more: bool) -> Vec<u8> {
    packed(|pack| {
        pack.array(4).uint(5).uint(id).str(filter).map(1 + u32::from(more)).str("after");
        pack.map(names.len() as u32);
        for (name, number) in names {
            pack.str(name).array(2).uint(number & 0xffff).uint(*number);
        }
        if more {
            pack.str("more").bool(true);
        }
    })
}

/// Subscribes again and again with an `after` map of up to 900 KB.
pub(super) fn after_maps(player: &mut Player) -> io::Result<()> {
    let mut link = player.open()?;
    let size = player.between(50_000, 900_000);
    let names = after_map(player, size);
    for id in 0..player.between(20, 250) as u64 {
        link.send_reading(&subscribe_after(id, "greedy.long.**", &names, false))?;
    }
    link.barrier()?;
    if player.chance(50) { player.stay() } else { Ok(()) }
}

/// Sends SUBSCRIBE in parts, and leaves before the last part.
pub(super) fn after_parts(player: &mut Player) -> io::Result<()> {
    let count = player.between(1, 20);
    let mut links = player.open_many(count)?;
    for link in &mut links {
        for _ in 0..player.between(1, 18) {
            let names = after_map(player, 900_000);
            link.send_reading(&subscribe_after(1, "greedy.long.**", &names, true))?;
        }
    }
    if player.chance(50) { player.stay() } else { Ok(()) }
}

/// Publishes once on each of very many topics with long names, from many connections that stay.
pub(super) fn long_names(player: &mut Player) -> io::Result<()> {
    let count = player.between(10, 100);
    let mut links = player.open_many(count)?;
    let payload = player.payload(16);
    for link in &mut links {
        let mut bytes = Vec::new();
        for _ in 0..player.between(200, 1024) {
            bytes.extend(event(&player.long_topic(), &payload));
        }
        link.send_reading(&bytes)?;
    }
    player.stay()
}

/// Sends large events on topics of their own, and leaves, or stays with a subscription.
pub(super) fn big_last_events(player: &mut Player) -> io::Result<()> {
    let mut link = player.open()?;
    if player.chance(50) {
        link.send(&subscribe(&subscription(1, "greedy.none.**")))?;
    }
    let length = player.between(100_000, 1_000_000);
    let payload = player.payload(length);
    for _ in 0..player.between(50, 400) {
        let topic = player.topic("last");
        link.send_reading(&event(&topic, &payload))?;
    }
    link.barrier()
}

/// Leaves kept subscriptions behind, and lets events wait for them.
pub(super) fn kept_away(player: &mut Player) -> io::Result<()> {
    let topic = player.topic("kept");
    for _ in 0..player.between(1, 30) {
        let mut instance = [0; 16];
        instance[..8].copy_from_slice(&player.random.next().to_be_bytes());
        let hello = hub_wire::Hello { instance: Some(instance), ..player.hello() };
        let mut link = player.open_as(&hello)?;
        let overflow =
            [Overflow::DropOldest, Overflow::DropNewest, Overflow::Latest][player.random.below(3)];
        for id in 0..player.between(1, 20) as u64 {
            let window = Some(Window { events: 1, bytes: 1 });
            let kept = Subscribe { overflow, window, keep: true, ..subscription(id, &topic) };
            link.send(&subscribe(&kept))?;
        }
        link.barrier()?;
        link.reset();
    }
    let mut link = player.open()?;
    let length = player.between(100, 60_000);
    let payload = player.payload(length);
    for _ in 0..player.between(200, 2_000) {
        link.send_reading(&event(&topic, &payload))?;
    }
    Ok(())
}

/// Introduces itself with a new instance id each time.
pub(super) fn instances(player: &mut Player) -> io::Result<()> {
    for _ in 0..1_000 {
        let mut instance = [0; 16];
        instance[..8].copy_from_slice(&player.random.next().to_be_bytes());
        let hello = hub_wire::Hello { instance: Some(instance), ..player.hello() };
        let mut link = player.open_as(&hello)?;
        if player.chance(30) {
            // The hub remembers refusals of an instance.
            let mut bytes = Vec::new();
            for _ in 0..player.between(1, 128) {
                bytes.extend(event_with("no topic", &[0xc0], &[("id", &"i".repeat(60))]));
            }
            link.send(&bytes)?;
            link.barrier()?;
        }
        link.reset();
    }
    Ok(())
}

/// Sends what the hub refuses, by the thousand, and does not read the answers.
pub(super) fn unread_refusals(player: &mut Player) -> io::Result<()> {
    let count = player.between(1, 60);
    let mut links = player.open_many(count)?;
    let id = "x".repeat(player.between(1, 250));
    let refused = match player.random.below(4) {
        0 => event_with("no topic", &[0xc0], &[("id", &id)]),
        1 => event_with("forbidden.topic", &[0xc0], &[("id", &id)]),
        2 => event_with("greedy.nobody", &[0xc0], &[("id", &id), ("reply", "greedy.r")]),
        _ => packed(|pack: &mut Packer<'_>| {
            pack.array(2).uint(99).str(&id);
        }),
    };
    let many = refused.repeat(40_000 / refused.len() + 1);
    let reads = player.chance(20);
    while !links.is_empty() {
        links.retain_mut(|link| link.offer(&many).is_ok() && (!reads || link.drain().is_ok()));
        player.pause(Duration::from_millis(5))?;
    }
    Ok(())
}
