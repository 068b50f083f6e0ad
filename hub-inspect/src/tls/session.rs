//! A TLS connection: from the handshake to the content of its records.

use super::cipher::{Cipher, Suite};
use super::direction::Direction;
use super::handshake::Message;
use super::key_log::{KeyLog, Random};
use super::records::Front;
use super::{Alert, TlsItem, TlsStep, Undecrypted};

/// The types of records.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CONTENT: u8 = 23;

/// At most this many bytes of a direction wait for their secrets.
const MAX_WAITING: usize = 256 << 10;

/// What the server has chosen.
#[derive(Debug, Clone, Copy)]
struct Choice {
    random: Random,
    version: u16,
    number: u16,
    suite: Option<&'static Suite>,
}

/// What is known of a TLS connection when it is over.
#[derive(Debug, Clone, Copy, Default)]
pub struct TlsSummary {
    /// The negotiated version as a number.
    pub version: Option<u16>,
    /// The number of the cipher suite.
    pub suite: Option<u16>,
    /// Why its content is not shown, or not to its end.
    pub undecrypted: Option<Undecrypted>,
}

/// What keeps a record from being opened.
enum Closed {
    /// The secrets, or the choice of the server, may still come.
    Wait,
    For(Undecrypted),
}

/// A TLS connection.
#[derive(Debug, Default)]
pub struct Session {
    directions: [Direction; 2],
    /// Which endpoint is the client, and its random number.
    client: Option<(usize, Random)>,
    choice: Option<Choice>,
    ended: Option<Undecrypted>,
    /// Whether records wait for secrets that the key log does not have so far.
    wants_secrets: bool,
    /// The content of the last record.
    content: Vec<u8>,
}

impl Session {
    /// Takes over the next bytes that endpoint `sender` sent, which begin at `offset` of its stream. `item`
    /// gets what they complete, with the endpoint that sent it.
    pub fn feed(
        &mut self,
        sender: usize,
        (offset, bytes, packet): (u64, &[u8], u64),
        mut keys: Option<&mut KeyLog>,
        item: &mut dyn FnMut(usize, TlsItem<'_>),
    ) {
        if self.ended.is_some() {
            return;
        }
        self.directions[sender].records.push(offset, bytes, packet);
        // What the server says may be what the records of the client have waited for.
        for direction in [sender, 1 - sender] {
            let result = self.read(direction, keys.as_deref_mut(), item);
            let waits = self.directions[direction].records.unread().len();
            match result {
                Err(Closed::For(why)) => return self.end(direction, why, item),
                Err(Closed::Wait) if waits > MAX_WAITING => {
                    return self.end(direction, Undecrypted::NoSecrets, item);
                }
                Ok(()) | Err(Closed::Wait) => {}
            }
        }
    }

    /// Says that the next bytes of a direction are not in the capture.
    pub fn lose(&mut self, sender: usize, item: &mut dyn FnMut(usize, TlsItem<'_>)) {
        if self.ended.is_some() {
            return;
        }
        let direction = &mut self.directions[sender];
        if !direction.finished {
            return self.end(sender, Undecrypted::NoHandshake, item);
        }
        direction.lost = true;
        direction.records.clear();
        item(sender, TlsItem::Lost);
    }

    /// Returns how many bytes of memory the connection takes.
    #[must_use]
    pub fn held(&self) -> usize {
        let waiting = self.directions.iter().map(|it| it.records.held() + it.messages.held());
        waiting.sum::<usize>() + self.content.capacity() + size_of::<Self>()
    }

    /// Returns what is known of the connection.
    #[must_use]
    pub fn summary(&self) -> TlsSummary {
        let unfinished = self.directions.iter().any(|it| !it.finished);
        let waits = match (unfinished, self.wants_secrets) {
            (false, _) => None,
            (true, true) => Some(Undecrypted::NoSecrets),
            (true, false) => Some(Undecrypted::NoHandshake),
        };
        TlsSummary {
            version: self.choice.map(|choice| choice.version),
            suite: self.choice.map(|choice| choice.number),
            undecrypted: self.ended.or(waits),
        }
    }

    fn end(&mut self, sender: usize, why: Undecrypted, item: &mut dyn FnMut(usize, TlsItem<'_>)) {
        self.ended = Some(why);
        self.directions = Default::default();
        self.content = Vec::new();
        item(sender, TlsItem::Step(TlsStep::Ended(why)));
    }

    /// Reads the records of a direction that are complete.
    fn read(
        &mut self,
        sender: usize,
        mut keys: Option<&mut KeyLog>,
        item: &mut dyn FnMut(usize, TlsItem<'_>),
    ) -> Result<(), Closed> {
        loop {
            let direction = &mut self.directions[sender];
            let length = match direction.records.front() {
                Front::Part => return Ok(()),
                Front::Record(length) => length,
                Front::Other if direction.lost => {
                    direction.records.consume(1);
                    continue;
                }
                Front::Other => return Err(Closed::For(Undecrypted::Broken)),
            };
            let kind = direction.records.unread()[0];
            if !self.is_sealed(sender, kind) {
                let record = direction_bytes(&self.directions[sender], length);
                self.content.clear();
                self.content.extend_from_slice(record);
                self.directions[sender].records.consume(length);
                self.open_record(sender, kind, item)?;
                continue;
            }
            self.prepare(sender, keys.as_deref_mut())?;
            let is_client = self.client.is_some_and(|(client, _)| client == sender);
            let direction = &mut self.directions[sender];
            match direction.open(length, &mut self.content) {
                Some(kind) => {
                    let carried = direction.records.consume(length);
                    if kind == CONTENT {
                        let (first_packet, last_packet) =
                            (carried.first_packet, carried.last_packet);
                        let (bytes, end) = (&self.content[..], carried.end);
                        item(sender, TlsItem::Content { bytes, first_packet, last_packet, end });
                    } else {
                        self.open_record(sender, kind, item)?;
                    }
                }
                None if direction.lost && direction.may_find() => {
                    direction.records.consume(1);
                }
                None if direction.lost => return Err(Closed::For(Undecrypted::Lost)),
                // Data that the client sent before the server answered has another key.
                None if is_client && !direction.finished && direction.may_find() => {
                    direction.records.consume(length);
                }
                None => return Err(Closed::For(Undecrypted::Broken)),
            }
        }
    }

    /// Whether a record of this type is encrypted.
    fn is_sealed(&self, sender: usize, kind: u8) -> bool {
        match self.choice {
            Some(Choice { version: 0x0304, .. }) | None => kind == CONTENT,
            Some(_) => self.directions[sender].changed,
        }
    }

    /// Makes sure that the direction has its key.
    fn prepare(&mut self, sender: usize, keys: Option<&mut KeyLog>) -> Result<(), Closed> {
        if self.directions[sender].cipher.is_some() {
            return Ok(());
        }
        let no = |why| Err(Closed::For(why));
        let Some(keys) = keys else { return no(Undecrypted::NoKeyLog) };
        let Some((client, random)) = self.client else { return no(Undecrypted::NoHandshake) };
        let Some(choice) = self.choice else { return Err(Closed::Wait) };
        let Some(suite) = choice.suite else { return no(Undecrypted::UnknownSuite) };
        let side = usize::from(sender != client);
        let direction = &mut self.directions[sender];
        let finished = direction.finished;
        let wanted = |it: &super::key_log::Secrets| match (suite.is_tls13(), finished) {
            (false, _) => it.master,
            (true, false) => it.handshake[side],
            (true, true) => it.data[side],
        };
        let found = keys.find(&random, |secrets| wanted(secrets).is_some());
        let secret = found.and_then(|secrets| wanted(&secrets));
        self.wants_secrets = secret.is_none();
        let Some(secret) = secret else { return Err(Closed::Wait) };
        direction.cipher = if suite.is_tls13() {
            direction.secret = Some(secret);
            Cipher::of_secret(suite, &secret)
        } else {
            Cipher::of_master(suite, &secret, &choice.random, &random, side)
        };
        if direction.cipher.is_some() { Ok(()) } else { no(Undecrypted::Broken) }
    }

    /// Takes over the content of a record that is no data.
    fn open_record(
        &mut self,
        sender: usize,
        kind: u8,
        item: &mut dyn FnMut(usize, TlsItem<'_>),
    ) -> Result<(), Closed> {
        match kind {
            CHANGE_CIPHER_SPEC => self.directions[sender].changed = true,
            ALERT => {
                if let Some(alert) = Alert::read(&self.content) {
                    item(sender, TlsItem::Step(TlsStep::Alert(alert)));
                }
            }
            HANDSHAKE => {
                let content = std::mem::take(&mut self.content);
                let mut messages = std::mem::take(&mut self.directions[sender].messages);
                let valid = messages.feed(&content, &mut |message| {
                    self.message(sender, message, item);
                });
                self.directions[sender].messages = messages;
                self.content = content;
                if !valid {
                    return Err(Closed::For(Undecrypted::Broken));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn message(
        &mut self,
        sender: usize,
        message: Message,
        item: &mut dyn FnMut(usize, TlsItem<'_>),
    ) {
        let direction = &mut self.directions[sender];
        match message {
            Message::ClientHello { random, name } => {
                let first = self.client.is_none();
                self.client = Some((sender, random));
                if first {
                    item(sender, TlsItem::Step(TlsStep::ClientHello { name }));
                }
            }
            Message::ServerHello { random, suite, version } => {
                let known = Suite::of(suite);
                self.choice = Some(Choice { random, version, number: suite, suite: known });
                item(sender, TlsItem::Step(TlsStep::ServerHello { version, suite }));
            }
            Message::Finished => {
                direction.finished = true;
                if self.choice.and_then(|it| it.suite).is_some_and(Suite::is_tls13) {
                    // Data has another key.
                    direction.cipher = None;
                }
            }
            Message::KeyUpdate if direction.finished => {
                if let Some(suite) = self.choice.and_then(|it| it.suite) {
                    direction.update_key(suite);
                }
            }
            Message::KeyUpdate | Message::Other => {}
        }
    }
}

/// Returns the content of the record at the front of a direction.
fn direction_bytes(direction: &Direction, length: usize) -> &[u8] {
    direction.records.unread().get(super::cipher::HEAD..length).unwrap_or_default()
}
