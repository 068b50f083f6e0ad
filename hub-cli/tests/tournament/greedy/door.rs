//! Greedy for places: clients that come in masses, and say nothing, half of something, or what is wrong.

use super::player::Player;
use crate::wire::frames::*;
use hub_wire::{Credentials, Frame, Hello};
use socket2::Socket;
use std::io::{self, Write};
use std::time::Duration;

/// Announces long frames, and sends half of each, at once or byte by byte.
pub(super) fn half_frames(player: &mut Player) -> io::Result<()> {
    let count = player.between(10, 150);
    let mut links = player.open_many(count)?;
    let length = player.between(1_000, 1_040_000);
    let whole = event("greedy.half", &player.payload(length));
    let half = player.between(5, whole.len() - 1);
    for link in &mut links {
        link.send_reading(&whole[..half])?;
    }
    for at in half..whole.len() - 1 {
        for link in &mut links {
            link.send_reading(&whole[at..=at])?;
        }
        player.pause(Duration::from_millis(50))?;
    }
    player.stay()
}

/// Connects, and sends HELLO a byte at a time, or nothing.
pub(super) fn slow_hello(player: &mut Player) -> io::Result<()> {
    let hello = Frame::Hello(player.hello()).to_bytes();
    let mut sockets = Vec::new();
    for _ in 0..player.between(100, 1_500) {
        if let Ok(socket) = player.socket() {
            sockets.push(socket);
        }
    }
    for byte in &hello[..player.between(0, hello.len() - 1)] {
        for socket in &mut sockets {
            let _ = socket.write(&[*byte]);
        }
        player.pause(Duration::from_millis(20))?;
    }
    player.pause(Duration::from_secs(5))
}

/// Logs in with a wrong password or a wrong token, and does not wait for the answer.
pub(super) fn wrong_logins(player: &mut Player) -> io::Result<()> {
    let waits = player.chance(30);
    for n in 0..500 {
        let credentials = match player.random.below(3) {
            0 => Credentials::Token(format!("hub_greedy-{n}_{}", "a".repeat(43))),
            1 => Credentials::Password { user: "ann".to_owned(), password: format!("wrong {n}") },
            _ => {
                Credentials::Password { user: format!("nobody {n}"), password: "wrong".to_owned() }
            }
        };
        let hello = Hello { credentials: Some(credentials), ..hello("greedy") };
        let mut socket = player.socket()?;
        let _ = socket.write(&Frame::Hello(hello).to_bytes());
        if waits {
            player.pause(Duration::from_millis(50))?;
        }
        if player.chance(70) {
            let _ = Socket::from(socket).set_linger(Some(Duration::ZERO));
        }
    }
    Ok(())
}

/// Takes connections of the HTTP server: with nothing, with half a request, or with one whose answer
/// it does not read.
pub(super) fn http_connections(player: &mut Player) -> io::Result<()> {
    let requests = [
        "",
        "GET /met",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
        "GET /admin/audit HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YW5uOndyb25n\r\n\r\n",
    ];
    let mut sockets = Vec::new();
    for _ in 0..player.between(50, 800) {
        let request = requests[player.random.below(requests.len())];
        if let Ok(mut socket) = player.http() {
            let _ = socket.write(request.as_bytes());
            sockets.push(socket);
        }
    }
    let time = player.between(0, 4_000) as u64;
    player.pause(Duration::from_millis(time))
}

/// Connects, says HELLO and leaves, over and over.
pub(super) fn reconnect_storm(player: &mut Player) -> io::Result<()> {
    let waits = player.chance(50);
    for _ in 0..500 {
        if waits {
            let mut link = player.open()?;
            if player.chance(50) {
                link.send(&subscribe(&subscription(1, "greedy.**")))?;
            }
            if player.chance(70) {
                link.reset();
            }
        } else {
            let hello = Frame::Hello(player.hello()).to_bytes();
            let _ = player.socket()?.write(&hello);
        }
    }
    Ok(())
}
