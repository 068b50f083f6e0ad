//! The claim: another program on the port is named by what it says, over hub:// and over hubs://.
//! The fake servers answer as the real ones do: some greet, some answer only what they understand,
//! and some end the connection.

use crate::support::{Hub, assert_fault, examined, said, serve};
use hub_doctor::{Layer, text};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Greets, and then answers the first bytes with `error` and the end of the connection.
fn greeter(greeting: &'static [u8], error: &'static [u8]) -> SocketAddr {
    serve(move |mut tcp: TcpStream| {
        let _ = tcp.write_all(greeting);
        if tcp.read(&mut [0; 512]).is_ok_and(|read| read > 0) {
            let _ = tcp.write_all(error);
        }
    })
}

/// Waits for lines, and answers each; bytes without the end of a line get no answer.
fn liner(answer: fn(&str) -> &'static [u8]) -> SocketAddr {
    serve(move |mut tcp: TcpStream| {
        let mut received = Vec::new();
        let mut buffer = [0; 512];
        while let Ok(read) = tcp.read(&mut buffer) {
            received.extend_from_slice(&buffer[..read]);
            if read == 0 {
                return;
            }
            while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = received.drain(..=end).collect();
                let _ = tcp.write_all(answer(&String::from_utf8_lossy(&line)));
            }
        }
    })
}

/// Answers a request with a page and anything else with status 400.
fn http() -> SocketAddr {
    serve(|mut tcp: TcpStream| {
        let mut buffer = [0; 512];
        let read = tcp.read(&mut buffer).unwrap_or(0);
        let answer: &[u8] = match buffer[..read].starts_with(b"GET ") {
            true => b"HTTP/1.1 200 OK\r\nserver: nginx\r\n\r\n<html>",
            false if read == 0 => return,
            false => b"HTTP/1.1 400 Bad Request\r\nserver: nginx\r\n\r\n",
        };
        let _ = tcp.write_all(answer);
    })
}

fn redis() -> SocketAddr {
    liner(|line| match line {
        line if line.starts_with("PING") => b"+PONG\r\n",
        line if line.starts_with("GET") => b"-ERR wrong number of arguments for 'get' command\r\n",
        "\r\n" => b"",
        _ => b"-ERR unknown command\r\n",
    })
}

/// Ends the connection of a client whose first packet is no CONNECT.
fn mqtt() -> SocketAddr {
    serve(|mut tcp: TcpStream| {
        let mut buffer = [0; 512];
        let read = tcp.read(&mut buffer).unwrap_or(0);
        if buffer[..read].starts_with(&[0x10]) {
            let _ = tcp.write_all(&[0x20, 2, 0, 0]);
            let _ = tcp.read(&mut buffer);
        }
    })
}

fn nats() -> SocketAddr {
    greeter(
        b"INFO {\"server_id\":\"NCX\",\"version\":\"2.10.7\",\"proto\":1}\r\n",
        b"-ERR 'Unknown Protocol Operation'\r\n",
    )
}

/// Checks each program on a thread of its own, because each takes seconds of waiting.
fn each(programs: &[(SocketAddr, &str)], check: impl Fn(SocketAddr, &str) + Sync) {
    std::thread::scope(|scope| {
        for (address, name) in programs {
            scope.spawn(|| check(*address, name));
        }
    });
}

#[test]
fn over_plain_tcp() {
    let programs: [(SocketAddr, &str); 6] = [
        (nats(), "a NATS server"),
        (http(), "an HTTP server"),
        (redis(), "Redis"),
        (mqtt(), "an MQTT broker"),
        (greeter(b"SSH-2.0-OpenSSH_9.2p1\r\n", b""), "an SSH server"),
        (greeter(b"220 mail ESMTP Postfix\r\n", b"500 error\r\n"), "a mail or FTP server"),
    ];
    each(&programs, |address, name| {
        let report = examined(&format!("hub://{address}"));
        assert_fault(&report, Layer::Hub, "other_program");
        assert!(said(&report, Layer::Hub).contains(name), "{name}: {}", text(&report));
    });
}

#[test]
fn where_tls_was_expected() {
    let programs: [(SocketAddr, &str); 5] = [
        (nats(), "a NATS server"),
        (http(), "an HTTP server"),
        (redis(), "Redis"),
        (mqtt(), "an MQTT broker"),
        (greeter(b"SSH-2.0-OpenSSH_9.2p1\r\n", b""), "an SSH server"),
    ];
    each(&programs, |address, name| {
        let report = examined(&format!("hubs://{address}"));
        assert_fault(&report, Layer::Tls, "not_tls");
        assert!(said(&report, Layer::Tls).contains(name), "{name}: {}", text(&report));
    });
}

#[test]
fn the_http_port_of_a_hub_is_a_frequent_mistake() {
    let hub = Hub::start::<&str>(&[]);
    let report = examined(&format!("hub://{}", hub.http));
    assert_fault(&report, Layer::Hub, "other_program");
    let said = said(&report, Layer::Hub);
    assert!(said.contains("the HTTP server of a hub") && said.contains("4820"), "{said}");
}

#[test]
fn a_proxy_without_a_hub_behind_it() {
    let closes = serve(|mut tcp| drop(tcp.read(&mut [0; 512])));
    let report = examined(&format!("hub://{closes}"));
    assert_fault(&report, Layer::Hub, "ended");
    assert!(said(&report, Layer::Hub).contains("load balancer"), "{}", text(&report));
}
