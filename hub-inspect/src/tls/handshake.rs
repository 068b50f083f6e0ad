//! Handshake messages of TLS, as far as a reader of captures needs them.
//!
//! ClientHello and ServerHello are sent in the clear. They say which secrets and which cipher suite a
//! connection uses; without them, a key log would be of no use.

use super::key_log::Random;

/// A longer message is no handshake message that both sides of TLS would accept.
const MAX_MESSAGE: usize = 1 << 16;

/// The random number of a ServerHello that asks the client to begin again (RFC 8446, section 4.1.3).
const RETRY: Random = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A message that matters here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    ClientHello {
        random: Random,
        /// The name of the server that the client asks for.
        name: Option<String>,
    },
    ServerHello {
        random: Random,
        suite: u16,
        /// The negotiated version as a number: 0x0304 for TLS 1.3.
        version: u16,
    },
    Finished,
    KeyUpdate,
    /// Another message, or one that is not well-formed.
    Other,
}

/// Puts the messages of one direction together. A record may hold several messages, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Messages {
    part: Vec<u8>,
}

impl Messages {
    /// Takes the content of a record over. `message` gets each complete message, and returns whether to go
    /// on. Returns `false` if the bytes cannot be messages.
    pub(super) fn feed(&mut self, bytes: &[u8], message: &mut dyn FnMut(Message)) -> bool {
        self.part.extend_from_slice(bytes);
        let mut rest = &self.part[..];
        while let Some((&[kind, high, middle, low], behind)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            if length > MAX_MESSAGE {
                return false;
            }
            let Some((body, next)) = behind.split_at_checked(length) else { break };
            message(read(kind, body));
            rest = next;
        }
        self.part = rest.to_vec();
        true
    }

    /// Returns how many bytes of memory wait for the rest of a message.
    pub(super) fn held(&self) -> usize {
        self.part.capacity()
    }
}

fn read(kind: u8, body: &[u8]) -> Message {
    let message = match kind {
        1 => client_hello(body),
        2 => server_hello(body),
        20 => Some(Message::Finished),
        24 => Some(Message::KeyUpdate),
        _ => None,
    };
    message.unwrap_or(Message::Other)
}

/// Takes bytes from the front of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Takes a number of `width` bytes.
    fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// Takes a list whose length has `width` bytes.
    fn list(&mut self, width: usize) -> Option<Bytes<'a>> {
        let length = self.number(width)?;
        self.take(length).map(Bytes)
    }

    /// Takes the extensions at the end of a message. Returns the content of the one with this number.
    fn extension(mut self, wanted: usize) -> Option<Bytes<'a>> {
        let mut extensions = self.list(2)?;
        loop {
            let (number, content) = (extensions.number(2)?, extensions.list(2)?);
            if number == wanted {
                return Some(content);
            }
        }
    }
}

fn client_hello(body: &[u8]) -> Option<Message> {
    let mut body = Bytes(body);
    body.take(2)?; // a version that says nothing any more
    let random = body.take(32)?.try_into().ok()?;
    body.list(1)?; // session
    body.list(2)?; // cipher suites
    body.list(1)?; // compression
    let name = body.extension(0).and_then(|mut names| {
        let mut names = names.list(2)?;
        let is_host = names.number(1)? == 0;
        let name = names.list(2).filter(|_| is_host)?;
        String::from_utf8(name.0.to_vec()).ok()
    });
    Some(Message::ClientHello { random, name })
}

fn server_hello(body: &[u8]) -> Option<Message> {
    let mut body = Bytes(body);
    let version = body.number(2)?;
    let random = body.take(32)?.try_into().ok()?;
    body.list(1)?; // session
    let suite = body.number(2)? as u16;
    body.take(1)?; // compression
    let version = body.extension(43).and_then(|mut it| it.number(2)).unwrap_or(version) as u16;
    if random == RETRY {
        return Some(Message::Other);
    }
    Some(Message::ServerHello { random, suite, version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
    }

    #[test]
    fn messages_are_read_however_records_cut_them() {
        let name = [&[0, 0, 0, 9, 0, 7, 0, 0, 4][..], b"host"].concat();
        let extensions = [&[0, 5, 0, 1, 9][..], &name].concat();
        let client = [
            &[3, 3][..],
            &[7; 32],
            &[1, 0],
            &[0, 2, 0x13, 1],
            &[1, 0],
            &(extensions.len() as u16).to_be_bytes(),
            &extensions,
        ]
        .concat();
        let server = |random: Random| {
            [&[3, 3][..], &random, &[0, 0x13, 2, 0], &[0, 6, 0, 43, 0, 2, 3, 4]].concat()
        };
        let all = [
            message(1, &client),
            message(2, &server(RETRY)),
            message(2, &server([8; 32])),
            message(11, &[0; 300]),
            message(1, &[0; 3]),
            message(20, &[0; 32]),
            message(24, &[0]),
        ]
        .concat();
        let expected = [
            Message::ClientHello { random: [7; 32], name: Some("host".to_owned()) },
            Message::Other,
            Message::ServerHello { random: [8; 32], suite: 0x1302, version: 0x0304 },
            Message::Other,
            Message::Other,
            Message::Finished,
            Message::KeyUpdate,
        ];
        for size in [1, 7, 200, all.len()] {
            let (mut messages, mut got) = (Messages::default(), Vec::new());
            for piece in all.chunks(size) {
                assert!(messages.feed(piece, &mut |message| got.push(message)));
            }
            assert_eq!(got, expected, "in pieces of {size}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(kind in 0_u8..25, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut count = 0;
            Messages::default().feed(&message(kind, &body), &mut |_| count += 1);
            prop_assert_eq!(count, 1);
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_none() {
        assert!(!Messages::default().feed(&[1, 1, 0, 1, 0], &mut |_| {}));
    }
}
