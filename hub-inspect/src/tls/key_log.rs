//! The secrets of TLS connections, as programs write them to the file that `SSLKEYLOGFILE` names.
//!
//! Each line is a label, the random number of a ClientHello and a secret, the numbers in hexadecimal. A
//! program may still be writing the file while its connections are captured, so a secret that is not there
//! is looked for again at the end of the file.

use foldhash::{HashMap, HashMapExt};
use std::fmt;
use std::io::{self, Read};

/// Each of the two generations has the secrets of at most this many connections.
const GENERATION: usize = 1 << 16;
/// A longer line is no line of a key log.
const MAX_LINE: usize = 1024;
/// So many bytes are read at once.
const READ: usize = 8 << 10;

/// The random number of a ClientHello. It names a connection.
pub(super) type Random = [u8; 32];

/// A secret. Nothing prints it.
#[derive(Clone, Copy)]
pub(super) struct Secret {
    bytes: [u8; 48],
    length: usize,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Takes a secret over, if it has a length that a secret can have.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut secret = Secret { bytes: [0; 48], length: bytes.len() };
        secret.bytes.get_mut(..bytes.len()).filter(|it| !it.is_empty())?.copy_from_slice(bytes);
        Some(secret)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The secrets of one connection. In the arrays, the one of the client comes first.
#[derive(Clone, Copy, Default)]
pub(super) struct Secrets {
    /// The master secret of TLS 1.2.
    pub(super) master: Option<Secret>,
    /// The secrets of the handshake of TLS 1.3.
    pub(super) handshake: [Option<Secret>; 2],
    /// The first secrets for data of TLS 1.3.
    pub(super) data: [Option<Secret>; 2],
}

/// A key log.
pub struct KeyLog {
    source: Box<dyn Read>,
    /// The beginning of a line whose end has not been read.
    part: Vec<u8>,
    young: HashMap<Random, Secrets>,
    old: HashMap<Random, Secrets>,
    lines: u64,
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLog").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl KeyLog {
    /// Reads a key log to its present end.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn open(source: impl Read + 'static) -> io::Result<Self> {
        let mut log = KeyLog {
            source: Box::new(source),
            part: Vec::new(),
            young: HashMap::new(),
            old: HashMap::new(),
            lines: 0,
        };
        log.read_on()?;
        Ok(log)
    }

    /// Returns how many secrets have been read.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns the secrets of a connection for which `enough` is true. Without them, the source is read to
    /// its present end.
    pub(super) fn find(
        &mut self,
        random: &Random,
        enough: impl Fn(&Secrets) -> bool,
    ) -> Option<Secrets> {
        let known = |log: &Self| {
            let found = log.young.get(random).or_else(|| log.old.get(random)).copied();
            found.filter(&enough)
        };
        known(self).or_else(|| {
            // A source that cannot be read has no more secrets.
            self.read_on().ok()?;
            known(self)
        })
    }

    fn read_on(&mut self) -> io::Result<()> {
        let mut bytes = [0; READ];
        loop {
            let count = match self.source.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for piece in bytes[..count].split_inclusive(|byte| *byte == b'\n') {
                if self.part.len() + piece.len() <= MAX_LINE {
                    self.part.extend_from_slice(piece);
                }
                if piece.ends_with(b"\n") {
                    let line = std::mem::take(&mut self.part);
                    self.line(&line);
                }
            }
        }
    }

    /// Takes a line over. A line that is no secret is left out, because key logs have comments and labels
    /// of other programs.
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let line = std::str::from_utf8(line).ok()?;
        let mut words = line.split_ascii_whitespace();
        let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
        let random: Random = from_hex(random)?.try_into().ok()?;
        let secret = Secret::new(&from_hex(secret)?)?;
        if self.young.len() == GENERATION && !self.young.contains_key(&random) {
            self.old = std::mem::take(&mut self.young);
        }
        let older = self.old.get(&random).copied();
        let secrets = self.young.entry(random).or_insert_with(|| older.unwrap_or_default());
        *match label {
            "CLIENT_RANDOM" => &mut secrets.master,
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => &mut secrets.handshake[0],
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => &mut secrets.handshake[1],
            "CLIENT_TRAFFIC_SECRET_0" => &mut secrets.data[0],
            "SERVER_TRAFFIC_SECRET_0" => &mut secrets.data[1],
            _ => return None,
        } = Some(secret);
        self.lines += 1;
        Some(())
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some((value(*pair.first()?)? << 4 | value(*pair.get(1)?)?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::io::Cursor;
    use std::rc::Rc;

    /// A file that grows.
    #[derive(Clone, Default)]
    struct Growing(Rc<RefCell<Cursor<Vec<u8>>>>);

    impl Growing {
        fn add(&self, text: &str) {
            self.0.borrow_mut().get_mut().extend_from_slice(text.as_bytes());
        }
    }

    impl Read for Growing {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.0.borrow_mut().read(to)
        }
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        let file = Growing::default();
        let random = "0a".repeat(32);
        file.add(&format!("# a comment\nCLIENT_RANDOM {random} {}\nCLIENT_TRAFF", "0f".repeat(48)));
        let mut log = KeyLog::open(file.clone()).expect("memory can be read");
        assert_eq!(log.lines(), 1);
        let master = |it: &Secrets| it.master.is_some();
        let found = log.find(&[10; 32], master).expect("the secret is there");
        assert_eq!(found.master.expect("a master secret").as_bytes(), [15; 48]);
        let data = |it: &Secrets| it.data[0].is_some();
        assert!(log.find(&[10; 32], data).is_none());
        file.add(&format!("IC_SECRET_0 {random} {}\n", "01".repeat(32)));
        let found = log.find(&[10; 32], data).expect("the rest of the line has come");
        assert_eq!(found.data[0].expect("a secret").as_bytes(), [1; 32]);
        assert!(found.master.is_some());
        assert!(log.find(&[11; 32], data).is_none());
        assert!(!format!("{log:?}").contains("15"));
    }

    #[test]
    fn what_is_no_secret_is_left_out() {
        let random = "0a".repeat(32);
        for line in [
            "\n".to_owned(),
            format!("CLIENT_RANDOM {random}\n"),
            format!("CLIENT_RANDOM {random} \n"),
            format!("CLIENT_RANDOM {random} 0\n"),
            format!("CLIENT_RANDOM {random} 0g\n"),
            format!("CLIENT_RANDOM {random} {}\n", "00".repeat(49)),
            format!("CLIENT_RANDOM 0a {}\n", "00".repeat(48)),
            format!("EXPORTER_SECRET {random} {}\n", "00".repeat(32)),
            format!("CLIENT_RANDOM {random} {}\n", "00".repeat(MAX_LINE)),
            "\u{fc}\n".repeat(3),
        ] {
            let log = KeyLog::open(Cursor::new(line.clone())).expect("memory can be read");
            assert_eq!(log.lines(), 0, "{line:?}");
        }
    }
}
