//! The table of all connections, which is bounded in connections and in bytes.
//!
//! When the table is full, a quarter of the connections is given up: those that have been silent for
//! longest. A connection that goes on afterwards begins anew, in the middle.

use super::{Connection, Observed, Signs};
use crate::capture::Packet;
use crate::segment::{Checksum, Segment};
use foldhash::{HashMap, HashMapExt};
use std::net::SocketAddr;

/// At most this many connections are followed at once.
pub const MAX_CONNECTIONS: usize = 1 << 16;
/// The lists of all connections have at most this many bytes together.
pub const MAX_HELD: usize = 128 << 20;

/// The two endpoints of a connection, the lower one first.
type Key = (SocketAddr, SocketAddr);

/// The connections of a capture.
///
/// Each connection has a slot, a small number that other tables can use as an index. A slot is used
/// again after its connection was given up or replaced.
#[derive(Debug)]
pub struct Connections {
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
    by_key: HashMap<Key, usize>,
    next_id: u64,
    /// The bytes that the lists of all connections take, and those that callers hold for them.
    held: usize,
    /// Segments in a row often belong to one connection.
    last: Option<(Key, usize)>,
    max_connections: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self::with_limit(MAX_CONNECTIONS)
    }
}

impl Connections {
    /// Returns an empty table that follows at most `max_connections` at once, and at least 4.
    #[must_use]
    pub fn with_limit(max_connections: usize) -> Self {
        Connections {
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            next_id: 0,
            held: 0,
            last: None,
            max_connections: max_connections.max(4),
        }
    }

    /// Takes a segment over. Returns the slot of its connection, whether the connection is a new one,
    /// and what the segment has shown. `replaced` gets a connection whose ports are used again, and
    /// returns how many bytes its caller held for it.
    pub fn observe(
        &mut self,
        packet: &Packet<'_>,
        segment: &Segment<'_>,
        checksum: Checksum,
        mut replaced: impl FnMut(usize, Connection) -> usize,
    ) -> (usize, bool, Observed) {
        let (from, to) = (segment.from(), segment.to());
        let key = if from <= to { (from, to) } else { (to, from) };
        let known = match self.last {
            Some((last, slot)) if last == key => Some(slot),
            _ => self.by_key.get(&key).copied(),
        };
        let mut reused = false;
        let slot = match known {
            Some(slot) if !self.begins_anew(slot, segment) => slot,
            Some(slot) => {
                reused = true;
                self.give_up(slot, &mut replaced);
                self.open(key, packet, segment)
            }
            None => self.open(key, packet, segment),
        };
        self.last = Some((key, slot));
        // The slot was found or filled above.
        let connection = self.slots[slot]
            .get_or_insert_with(|| Connection::new(u64::MAX, packet.time_ns, segment));
        let held = connection.held();
        let new = connection.figures(0).segments + connection.figures(1).segments == 0;
        let mut observed = connection.observe(packet, segment, checksum);
        if reused {
            observed.signs.add(Signs::REUSED_PORTS);
        }
        self.held = self.held + connection.held() - held;
        (slot, new, observed)
    }

    /// Whether a SYN begins a new connection between the endpoints of an old one. A SYN with the same
    /// number was only sent again, unless the old connection has ended.
    fn begins_anew(&self, slot: usize, segment: &Segment<'_>) -> bool {
        let Some(connection) = &self.slots[slot] else { return true };
        if !segment.flags.syn() || segment.flags.ack() {
            return false;
        }
        let sender = usize::from(connection.endpoints[0] != segment.from());
        let ended =
            connection.reset.is_some() || connection.sides.iter().any(|it| it.fin.is_some());
        connection.first_seq(sender).is_some_and(|first| first != segment.seq || ended)
    }

    fn open(&mut self, key: Key, packet: &Packet<'_>, segment: &Segment<'_>) -> usize {
        let connection = Connection::new(self.next_id, packet.time_ns, segment);
        self.next_id += 1;
        let slot = self.free.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(connection);
        self.by_key.insert(key, slot);
        slot
    }

    /// Returns the connection in a slot.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<&Connection> {
        self.slots.get(slot)?.as_ref()
    }

    /// Returns how many connections are followed now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Returns whether no connection is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Counts bytes that a caller holds for a connection: `grown` is what was added since the last call.
    pub fn hold(&mut self, grown: isize) {
        self.held = self.held.saturating_add_signed(grown);
    }

    /// Returns whether more than half of the memory is in use.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        self.held > MAX_HELD / 2
    }

    /// Gives up the quarter of the connections that has been silent for longest, if the table is full.
    /// `forgotten` gets each of them, and returns how many bytes its caller held for it.
    pub fn make_room(&mut self, mut forgotten: impl FnMut(usize, Connection) -> usize) {
        if self.by_key.len() < self.max_connections && self.held < MAX_HELD {
            return;
        }
        let mut times: Vec<(i64, usize)> = (self.slots.iter().enumerate())
            .filter_map(|(slot, it)| it.as_ref().map(|it| (it.last_ns, slot)))
            .collect();
        let quarter = times.len().div_ceil(4);
        if quarter < times.len() {
            times.select_nth_unstable(quarter);
        }
        for (_, slot) in times.into_iter().take(quarter) {
            self.give_up(slot, &mut forgotten);
        }
    }

    /// Ends the capture: gives out all connections, in the order in which they began.
    pub fn finish(&mut self) -> Vec<(usize, Connection)> {
        let mut all: Vec<(usize, Connection)> = (self.slots.iter_mut().enumerate())
            .filter_map(|(slot, it)| it.take().map(|it| (slot, it)))
            .collect();
        all.sort_unstable_by_key(|(_, connection)| connection.id);
        all.iter_mut().for_each(|(_, connection)| connection.finish());
        *self = Self { next_id: self.next_id, ..Self::with_limit(self.max_connections) };
        all
    }

    fn give_up(&mut self, slot: usize, to: &mut impl FnMut(usize, Connection) -> usize) {
        let Some(mut connection) = self.slots[slot].take() else { return };
        let [from, other] = connection.endpoints;
        self.by_key.remove(&if from <= other { (from, other) } else { (other, from) });
        self.free.push(slot);
        let held = connection.held();
        self.last = None;
        connection.finish();
        self.held = self.held.saturating_sub(held + to(slot, connection));
    }
}
