//! Which program is on a port, by the first bytes that it says. "Not a hub" alone would leave the
//! user to find out what the address leads to.

use serde::Serialize;
use std::fmt;

/// So many characters of what a program says are shown.
const SHOWN: usize = 60;

/// Names a program by what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// The program speaks this protocol.
    pub protocol: Protocol,
    /// The program began with this text. Control characters are left out.
    pub said: String,
}

/// Names a protocol that the doctor knows by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The bytes are a frame of a hub.
    Hub,
    /// The bytes come from the HTTP server of a hub.
    HubHttp,
    /// The bytes come from another HTTP server.
    Http,
    /// The bytes come from an HTTP/2 server, for example with gRPC.
    Http2,
    /// The bytes are TLS, with anything inside.
    Tls,
    /// The bytes come from a NATS server.
    Nats,
    /// The bytes come from Redis, or from a server that speaks its protocol.
    Redis,
    /// The bytes come from an MQTT broker.
    Mqtt,
    /// The bytes come from an SSH server.
    Ssh,
    /// The bytes come from an AMQP broker.
    Amqp,
    /// The bytes come from a mail or file server that greets with 220.
    Greeting,
    /// The bytes come from memcached.
    Memcached,
    /// The bytes are none of these.
    Unknown,
}

impl Protocol {
    /// Returns the name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Protocol::Hub => "a hub",
            Protocol::HubHttp => "the HTTP server of a hub",
            Protocol::Http => "an HTTP server",
            Protocol::Http2 => "an HTTP/2 server",
            Protocol::Tls => "a server with TLS",
            Protocol::Nats => "a NATS server",
            Protocol::Redis => "Redis",
            Protocol::Mqtt => "an MQTT broker",
            Protocol::Ssh => "an SSH server",
            Protocol::Amqp => "an AMQP broker",
            Protocol::Greeting => "a mail or FTP server",
            Protocol::Memcached => "memcached",
            Protocol::Unknown => "a program that the doctor does not know",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol.title())?;
        if self.said.is_empty() { Ok(()) } else { write!(f, " (it says {:?})", self.said) }
    }
}

/// Returns the program that says these bytes; none if there are none.
pub(crate) fn identify(bytes: &[u8]) -> Option<Program> {
    if bytes.is_empty() {
        return None;
    }
    Some(Program { protocol: protocol(bytes), said: shown(bytes) })
}

/// Returns the protocol that begins with these bytes.
fn protocol(bytes: &[u8]) -> Protocol {
    let starts = |text: &str| bytes.starts_with(text.as_bytes());
    if starts("HTTP/1.") {
        let body = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let is_hub = body.is_some_and(|at| bytes[at + 4..].starts_with(b"hub\n"));
        return if is_hub { Protocol::HubHttp } else { Protocol::Http };
    }
    if starts("INFO {") {
        return Protocol::Nats;
    }
    if ["+PONG", "-ERR", "-NOAUTH", "-DENIED", "-NOPERM"].iter().any(|text| starts(text)) {
        return Protocol::Redis;
    }
    if starts("SSH-") {
        return Protocol::Ssh;
    }
    if starts("AMQP") {
        return Protocol::Amqp;
    }
    if starts("220 ") || starts("220-") {
        return Protocol::Greeting;
    }
    if starts("ERROR\r\n") {
        return Protocol::Memcached;
    }
    match bytes {
        // CONNACK: two more bytes (MQTT 3), or more (MQTT 5).
        [0x20, 0x02, 0x00 | 0x01, 0..=5, ..] => Protocol::Mqtt,
        [0x20, 3..=0x7f, 0x00 | 0x01, ..] => Protocol::Mqtt,
        // A TLS record: alert or handshake, and a version 3.x.
        [0x15 | 0x16, 0x03, 0..=4, ..] => Protocol::Tls,
        // SETTINGS, the first frame of HTTP/2: a length divisible by 6, type 4, stream 0.
        [0, 0, length, 4, _, 0, 0, 0, 0, ..] if length % 6 == 0 => Protocol::Http2,
        // A short frame, whose body is an array that begins with WELCOME (2) or CLOSE (13).
        [0, 0, _, _, 0x93..=0x9f, 2 | 13, ..] => Protocol::Hub,
        _ => Protocol::Unknown,
    }
}

/// Returns the first line without what a terminal would obey.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control() && *c != '\u{fffd}').take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::{Close, CloseCode, Frame};

    #[test]
    fn programs_are_known_by_what_they_say() {
        let close = Close { code: CloseCode::Protocol, reason: "r".into(), retry_after_ms: None };
        let close = Frame::Close(close).to_bytes();
        let said: [(&[u8], Protocol); 16] = [
            (b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", Protocol::Http),
            (b"HTTP/1.1 200 OK\r\na: b\r\n\r\nhub\n\n/healthz", Protocol::HubHttp),
            (b"INFO {\"server_id\":\"NA\",\"version\":\"2.10.0\"}\r\n", Protocol::Nats),
            (b"-ERR unknown command\r\n", Protocol::Redis),
            (b"-NOAUTH Authentication required.\r\n", Protocol::Redis),
            (b"+PONG\r\n", Protocol::Redis),
            (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", Protocol::Ssh),
            (&[0x20, 0x02, 0x00, 0x00], Protocol::Mqtt),
            (&[0x20, 0x02, 0x00, 0x05], Protocol::Mqtt),
            (&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a], Protocol::Tls),
            (&[0x16, 0x03, 0x03, 0x00, 0x7a, 0x02], Protocol::Tls),
            (&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3], Protocol::Http2),
            (b"AMQP\0\0\x09\x01", Protocol::Amqp),
            (b"220 mail.example.org ESMTP\r\n", Protocol::Greeting),
            (&close, Protocol::Hub),
            (b"\x4a\0\0\0\x0a8.0.35\0", Protocol::Unknown),
        ];
        for (bytes, protocol) in said {
            assert_eq!(identify(bytes).unwrap().protocol, protocol, "{bytes:?}");
        }
        assert_eq!(identify(b""), None);
    }

    #[test]
    fn what_is_shown_cannot_command_a_terminal() {
        let program = identify(b"\x1b[2JSSH \x07\xff and more\nsecond").unwrap();
        assert_eq!(program.said, "[2JSSH  and more");
    }
}
