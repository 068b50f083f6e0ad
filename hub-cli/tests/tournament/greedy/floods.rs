//! Greedy for turns: clients that send as much as they can, of what is small, large or costly to read.

use super::player::Player;
use crate::wire::frames::*;
use hub_wire::Packer;
use std::io;

/// Sends PINGs without end, and reads the answers or does not.
pub(super) fn ping_flood(player: &mut Player) -> io::Result<()> {
    let count = player.between(1, 30);
    let mut links = player.open_many(count)?;
    let pings: Vec<u8> = (0..2_000).flat_map(ping).collect();
    let reads = player.chance(60);
    while !links.is_empty() && !player.stopped() {
        links.retain_mut(|link| link.offer(&pings).is_ok() && (!reads || link.drain().is_ok()));
        player.pause(std::time::Duration::from_millis(1))?;
    }
    Ok(())
}

/// Sends the smallest events, to nobody or to a reader of its own.
pub(super) fn tiny_events(player: &mut Player) -> io::Result<()> {
    let topic = if player.chance(50) { "greedy.t".to_owned() } else { player.topic("tiny") };
    let mut reader = player.open()?;
    if player.chance(50) {
        reader.send(&subscribe(&subscription(1, &topic)))?;
    }
    let mut link = player.open()?;
    let length = player.between(0, 16);
    let many = event(&topic, &player.payload(length)).repeat(2_000);
    loop {
        link.send_reading(&many)?;
        reader.drain()?;
    }
}

/// Sends events of up to 1 MB, to nobody or to readers of its own.
pub(super) fn huge_events(player: &mut Player) -> io::Result<()> {
    let topic = player.topic("huge");
    let count = player.between(0, 4);
    let mut readers = player.open_many(count)?;
    for reader in &mut readers {
        reader.send(&subscribe(&subscription(1, &topic)))?;
    }
    let mut link = player.open()?;
    let length = player.between(300_000, 1_040_000);
    let bytes = event(&topic, &player.payload(length));
    loop {
        link.send_reading(&bytes)?;
        for reader in &mut readers {
            reader.drain()?;
        }
    }
}

/// Sends payloads that are as deep and as wide as they may be, and some that are more.
pub(super) fn deep_and_wide(player: &mut Player) -> io::Result<()> {
    let mut link = player.open()?;
    let topic = player.topic("deep");
    let depth = player.between(1, 40);
    let wide = player.between(1, 70_000) as u32;
    let mut payload = Vec::new();
    for _ in 0..depth {
        Packer(&mut payload).array(1);
    }
    let keys = player.chance(50);
    let mut pack = Packer(&mut payload);
    if keys {
        pack.map(wide / 2);
        for n in 0..wide / 2 {
            pack.str("k").uint(n.into());
        }
    } else {
        pack.array(wide);
        for _ in 0..wide {
            pack.array(0);
        }
    }
    let bytes = if player.chance(50) {
        event(&topic, &payload)
    } else {
        packed(|pack| {
            pack.array(4).uint(3).str(&topic).nil().map(1).str("h").raw(&payload);
        })
    };
    loop {
        link.send_reading(&bytes)?;
    }
}

/// Sends texts that detectors of the packs look at over and over.
pub(super) fn scrub_worst(player: &mut Player) -> io::Result<()> {
    const PARTS: [&str; 24] = [
        "gldt-",
        "glpat-",
        "ghp_",
        "sk_live_",
        "xoxb-",
        "AKIA",
        "eyJ",
        "4111 ",
        "4111-",
        "1.",
        "::",
        "a@",
        "@b.",
        "password=",
        "secret: ",
        "-----BEGIN ",
        "https://a:",
        "%40",
        "\\u0040",
        "DE89 ",
        "+49 ",
        "0",
        "A1",
        " ",
    ];
    let mut link = player.open()?;
    let topic = player.topic("scrub");
    let unit: String =
        (0..player.between(1, 4)).map(|_| PARTS[player.random.below(PARTS.len())]).collect();
    let length = player.between(1_000, 1_000_000);
    let mut payload = Vec::new();
    let text = unit.repeat(length / unit.len() + 1);
    let mut pack = Packer(&mut payload);
    match player.random.below(3) {
        0 => {
            pack.str(&text);
        }
        1 => {
            pack.map(1).str("password").str(&text);
        }
        _ => {
            // The same bytes as many short texts.
            let pieces = (length / 32).clamp(1, 60_000) as u32;
            pack.array(pieces);
            for _ in 0..pieces {
                pack.str(&text[..text.len().min(unit.len() * 4)]);
            }
        }
    }
    let bytes = event(&topic, &payload);
    for _ in 0..player.between(1, 20) {
        link.send_reading(&bytes)?;
    }
    link.barrier()
}
