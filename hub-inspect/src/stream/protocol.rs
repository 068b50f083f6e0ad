//! Which protocol a stream speaks, by its first bytes.
//!
//! A connection to a wrong port is a common fault. Its report should say "this is HTTP", and not show
//! bytes that are no frames.

use hub_wire::MAGIC;
use std::fmt;

/// So many bytes tell the protocol.
const LOOKED_AT: usize = 128;

/// A protocol over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Hub's own protocol.
    Hub,
    /// TLS, whatever is inside.
    Tls,
    /// HTTP/1.
    Http,
    /// HTTP/2 without TLS.
    Http2,
    /// NATS.
    Nats,
    /// Redis.
    Redis,
    /// MQTT.
    Mqtt,
    /// SSH.
    Ssh,
    /// AMQP.
    Amqp,
    /// None of those.
    Unknown,
}

impl Protocol {
    /// Names the protocol of a direction by its first bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Protocol {
        let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
        const HTTP: [&[u8]; 9] = [
            b"GET ",
            b"PUT ",
            b"POST ",
            b"HEAD ",
            b"DELETE ",
            b"OPTIONS ",
            b"PATCH ",
            b"CONNECT ",
            b"HTTP/1.",
        ];
        let starts = |prefix: &[u8]| bytes.starts_with(prefix);
        if is_hub(bytes) {
            Protocol::Hub
        } else if starts(b"CONNECT {") || starts(b"INFO {") {
            Protocol::Nats
        } else if HTTP.iter().any(|method| starts(method)) {
            Protocol::Http
        } else if starts(b"PRI * HTTP/2.0\r\n") {
            Protocol::Http2
        } else if matches!(bytes, [20..=23, 3, 0..=4, ..]) {
            Protocol::Tls
        } else if starts(b"SSH-") {
            Protocol::Ssh
        } else if starts(b"AMQP") {
            Protocol::Amqp
        } else if is_mqtt(bytes) {
            Protocol::Mqtt
        } else if is_redis(bytes) {
            Protocol::Redis
        } else {
            Protocol::Unknown
        }
    }

    /// Returns the name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Hub => "Hub",
            Protocol::Tls => "TLS",
            Protocol::Http => "HTTP",
            Protocol::Http2 => "HTTP/2",
            Protocol::Nats => "NATS",
            Protocol::Redis => "Redis",
            Protocol::Mqtt => "MQTT",
            Protocol::Ssh => "SSH",
            Protocol::Amqp => "AMQP",
            Protocol::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// HELLO has the magic word behind its type. In the middle of a connection, any frame counts whose type
/// is known.
fn is_hub(bytes: &[u8]) -> bool {
    match bytes {
        [_, _, _, _, _, 1, 0xa3, word @ ..] => word.starts_with(MAGIC.as_bytes()),
        _ => super::frames::looks_like_a_frame(bytes),
    }
}

/// The first packet of an MQTT client is CONNECT with the name of the protocol, and that of a server is
/// CONNACK.
fn is_mqtt(bytes: &[u8]) -> bool {
    match bytes {
        [0x10, rest @ ..] => {
            let length = rest.iter().take(4).take_while(|byte| **byte & 0x80 != 0).count() + 1;
            let name = rest.get(length..).unwrap_or_default();
            name.starts_with(b"\0\x04MQTT") || name.starts_with(b"\0\x06MQIsdp")
        }
        [0x20, 2, 0 | 1, 0..=5] => true,
        _ => false,
    }
}

/// Redis sends values with a marker and a length or a line: `*2`, `$3`, `+OK`, `-ERR`, `:1`.
fn is_redis(bytes: &[u8]) -> bool {
    let Some((marker, rest)) = bytes.split_first() else { return false };
    let Some(line) = rest.windows(2).position(|end| end == b"\r\n").map(|end| &rest[..end]) else {
        return false;
    };
    match marker {
        b'*' | b'$' | b':' | b'%' => {
            !line.is_empty() && line.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
        }
        b'+' => [&b"OK"[..], b"PONG", b"QUEUED"].contains(&line),
        b'-' => {
            line.starts_with(b"ERR") || line.starts_with(b"NOAUTH") || line.starts_with(b"WRONG")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Protocol;

    #[test]
    fn protocols_are_named_by_their_first_bytes() {
        for (bytes, expected) in [
            (&b"\0\0\0\x0b\x94\x01\xa3hub\x01\x80"[..], Protocol::Hub),
            (b"\0\0\0\x03\x92\x0b\x01", Protocol::Hub),
            (b"\x16\x03\x01\x02\x00", Protocol::Tls),
            (b"GET / HTTP/1.1\r\n", Protocol::Http),
            (b"HTTP/1.1 400 Bad Request\r\n", Protocol::Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol::Http2),
            (b"INFO {\"server_id\":\"x\"}\r\n", Protocol::Nats),
            (b"CONNECT {\"verbose\":false}\r\n", Protocol::Nats),
            (b"CONNECT example:443 HTTP/1.1\r\n", Protocol::Http),
            (b"*1\r\n$4\r\nPING\r\n", Protocol::Redis),
            (b"-ERR unknown command\r\n", Protocol::Redis),
            (b"\x10\x10\0\x04MQTT\x04\x02", Protocol::Mqtt),
            (b"\x20\x02\0\0", Protocol::Mqtt),
            (b"SSH-2.0-OpenSSH_9\r\n", Protocol::Ssh),
            (b"AMQP\0\0\x09\x01", Protocol::Amqp),
            (b"hello", Protocol::Unknown),
            (b"", Protocol::Unknown),
        ] {
            assert_eq!(Protocol::of(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
