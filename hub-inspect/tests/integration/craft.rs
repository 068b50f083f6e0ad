//! Captures made byte by byte, for what a kernel does not send.

use std::net::{IpAddr, SocketAddr};

/// `LINKTYPE_` numbers.
pub(crate) const ETHERNET: u32 = 1;
pub(crate) const RAW: u32 = 101;

/// A pcap file with times in nanoseconds.
pub(crate) struct Pcap(pub(crate) Vec<u8>);

impl Pcap {
    pub(crate) fn new(link: u32) -> Self {
        let mut bytes = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
        bytes.extend(link.to_le_bytes());
        Pcap(bytes)
    }

    pub(crate) fn packet(&mut self, time_ns: i64, data: &[u8]) {
        for number in [
            (time_ns / 1_000_000_000) as u32,
            (time_ns % 1_000_000_000) as u32,
            data.len() as u32,
            data.len() as u32,
        ] {
            self.0.extend(number.to_le_bytes());
        }
        self.0.extend(data);
    }
}

/// The fields of a segment that tests set.
#[derive(Debug, Clone)]
pub(crate) struct Tcp {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u16,
    pub(crate) window: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const FIN: u16 = 1;
pub(crate) const SYN: u16 = 2;
pub(crate) const RST: u16 = 4;
pub(crate) const ACK: u16 = 16;

/// A segment between 10.0.0.1:40000 and 10.0.0.2:4820; `up` is the direction to the second one.
pub(crate) fn tcp(up: bool, flags: u16, seq: u32, ack: u32, payload: &[u8]) -> Tcp {
    let ends: [SocketAddr; 2] = [([10, 0, 0, 1], 40_000).into(), ([10, 0, 0, 2], 4820).into()];
    let [from, to] = if up { ends } else { [ends[1], ends[0]] };
    let (options, payload) = (Vec::new(), payload.to_vec());
    Tcp { from, to, seq, ack, flags, window: 1000, options, payload }
}

impl Tcp {
    /// The segment, with its checksum.
    pub(crate) fn segment(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.from.port().to_be_bytes());
        bytes.extend(self.to.port().to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        let words = (5 + self.options.len() / 4) as u16;
        bytes.extend((words << 12 | self.flags).to_be_bytes());
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        let mut pseudo = Vec::new();
        for address in [self.from.ip(), self.to.ip()] {
            match address {
                IpAddr::V4(address) => pseudo.extend(address.octets()),
                IpAddr::V6(address) => pseudo.extend(address.octets()),
            }
        }
        pseudo.extend((bytes.len() as u32).to_be_bytes());
        pseudo.extend([0, 0, 0, 6]);
        pseudo.extend(&bytes);
        let sum = checksum(&pseudo);
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    /// The IP packet with the whole segment.
    pub(crate) fn packet(&self) -> Vec<u8> {
        self.ip(&self.segment(), 0, 0)
    }

    /// An IPv4 packet with a part of the segment. `fragment` is the field with flags and offset.
    pub(crate) fn ip(&self, payload: &[u8], id: u16, fragment: u16) -> Vec<u8> {
        let (IpAddr::V4(from), IpAddr::V4(to)) = (self.from.ip(), self.to.ip()) else {
            return self.ipv6(6, payload);
        };
        let mut bytes = vec![0x45, 0];
        bytes.extend((20 + payload.len() as u16).to_be_bytes());
        bytes.extend(id.to_be_bytes());
        bytes.extend(fragment.to_be_bytes());
        bytes.extend([64, 6, 0, 0]);
        bytes.extend(from.octets());
        bytes.extend(to.octets());
        let sum = checksum(&bytes);
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    /// An IPv6 packet whose first header behind the fixed one is `next`.
    pub(crate) fn ipv6(&self, next: u8, payload: &[u8]) -> Vec<u8> {
        let (IpAddr::V6(from), IpAddr::V6(to)) = (self.from.ip(), self.to.ip()) else {
            panic!("a segment over IPv6 has such addresses")
        };
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([next, 64]);
        bytes.extend(from.octets());
        bytes.extend(to.octets());
        bytes.extend(payload);
        bytes
    }
}

fn checksum(bytes: &[u8]) -> u16 {
    let mut total = 0_u32;
    for pair in bytes.chunks(2) {
        total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}
