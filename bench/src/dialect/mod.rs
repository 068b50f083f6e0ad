//! Implements the protocols that the generator speaks, each only as far as a measurement needs. Without
//! this module, every server would need a generator of its own, and the results could not be compared.

mod hub;
mod link;
mod nats;
mod protocol;
mod raw;
mod redis;

pub use hub::Hub;
pub use link::Link;
pub use nats::Nats;
pub use protocol::{Control, Dialect, Exchange, ID_MARK, Next};
pub use raw::{HELLO_PUBLISH, HELLO_SUBSCRIBE, Raw, WELCOME as RELAY_WELCOME};
pub use redis::Redis;

#[cfg(test)]
mod tests {
    use super::protocol::{Control, Next};
    use super::*;
    use crate::payload::Payload;

    /// The reader takes the bytes of a delivery for one message, and does not take a part of them for a
    /// message.
    #[test]
    fn a_delivered_message_is_recognised() {
        let dialects: [&dyn Dialect; 3] = [&Hub::default(), &Nats, &Redis::default()];
        for dialect in dialects {
            for payload in [Payload::bin(16), Payload::bin(16 << 10), Payload::map(1024)] {
                let payload = payload.first();
                let mut bytes = match dialect.name() {
                    "hub" => hub::run_head("bench.00", 1),
                    _ => Vec::new(),
                };
                let head = bytes.len();
                bytes.extend(dialect.delivered("bench.00", payload));
                let found = dialect.next(&bytes).unwrap();
                assert_eq!(found, Next::Messages { skip: head, count: 1 }, "{}", dialect.name());
                assert_eq!(dialect.next(&bytes[..head.min(3)]).unwrap(), Next::More);
            }
        }
    }

    /// The reader finds the length that the server states for each message.
    #[test]
    fn a_delivered_message_tells_its_length() {
        let dialects: [&dyn Dialect; 3] = [&Hub::default(), &Nats, &Redis::default()];
        for dialect in dialects {
            for payload in [Payload::bin(16), Payload::map(128), Payload::dense(3200)] {
                for message in payload.messages() {
                    let mut bytes = dialect.delivered("bench.00", message);
                    let length = bytes.len();
                    bytes.extend_from_slice(b"what comes next");
                    assert_eq!(dialect.length(&bytes).unwrap(), Some(length), "{}", dialect.name());
                    assert_eq!(dialect.length(&bytes[..3]).unwrap(), None);
                }
            }
        }
        assert!(Nats.length(b"MSG bench.00 100 many\r\n").is_err());
        assert!(Redis::default().length(b"*3\r\n$7\r\nmessage\r\n:1\r\n").is_err());
    }

    #[test]
    fn what_is_no_message_is_an_error_or_control() {
        assert_eq!(
            Nats.next(b"PING\r\nMSG").unwrap(),
            Next::Control { len: 6, what: Control::Answer(b"PONG\r\n".to_vec()) }
        );
        assert_eq!(Nats.next(b"PIN").unwrap(), Next::More);
        assert!(Nats.next(b"-ERR 'Slow Consumer'\r\n").is_err());
        assert!(Redis::default().next(b"-ERR unknown\r\n").is_err());
        assert!(Hub::default().next(b"HTTP/1.1 400\r\n").is_err());
    }
}
