//! Link headers: where in a captured packet IP begins.
//!
//! Each kind of interface has a link header of its own. Without this table, a capture of the interface
//! `any` or of the loopback interface could not be read.

use crate::capture::Packet;

/// The `LINKTYPE_` numbers of captures that can hold IP.
mod linktype {
    pub(super) const NULL: u32 = 0;
    pub(super) const ETHERNET: u32 = 1;
    pub(super) const RAW_OPENBSD: u32 = 14;
    pub(super) const RAW_BSD: u32 = 12;
    pub(super) const RAW: u32 = 101;
    pub(super) const LOOP: u32 = 108;
    pub(super) const LINUX_COOKED: u32 = 113;
    pub(super) const IPV4: u32 = 228;
    pub(super) const IPV6: u32 = 229;
    pub(super) const LINUX_COOKED_2: u32 = 276;
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and two numbers that came before it.
const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// So many VLAN tags are read at most.
const MAX_TAGS: usize = 8;

/// Returns the captured bytes of the IP packet, and how many more it had on the wire. Returns `None` for
/// a packet that is not known to carry IP.
pub(super) fn ip_bytes<'a>(packet: &Packet<'a>) -> Option<(&'a [u8], usize)> {
    let data = packet.data;
    let ip = match packet.link {
        linktype::ETHERNET => behind_ether_type(data, 12)?,
        linktype::LINUX_COOKED => behind_ether_type(data, 14)?,
        linktype::LINUX_COOKED_2 => {
            let [high, low, ..] = *data else { return None };
            let rest = data.get(20..)?;
            behind_tags(u16::from_be_bytes([high, low]), rest)?
        }
        linktype::NULL => {
            let (family, rest) = data.split_first_chunk::<4>()?;
            // The family has the byte order of the machine that made the capture.
            let family = u32::from_le_bytes(*family);
            known_family(family.min(family.swap_bytes())).then_some(rest)?
        }
        linktype::LOOP => {
            let (family, rest) = data.split_first_chunk::<4>()?;
            known_family(u32::from_be_bytes(*family)).then_some(rest)?
        }
        linktype::RAW
        | linktype::RAW_BSD
        | linktype::RAW_OPENBSD
        | linktype::IPV4
        | linktype::IPV6 => data,
        _ => return None,
    };
    let cut = (packet.wire_len as usize).saturating_sub(data.len());
    Some((ip, cut))
}

/// The numbers of the address families of IPv4 and IPv6 on the systems that write such captures.
fn known_family(family: u32) -> bool {
    matches!(family, 2 | 10 | 24 | 28 | 30)
}

/// Returns the IP packet behind an EtherType at `at`.
fn behind_ether_type(data: &[u8], at: usize) -> Option<&[u8]> {
    let (ether_type, rest) = data.get(at..)?.split_first_chunk::<2>()?;
    behind_tags(u16::from_be_bytes(*ether_type), rest)
}

/// Returns the IP packet behind an EtherType and any VLAN tags.
fn behind_tags(mut ether_type: u16, mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAX_TAGS {
        if !VLAN.contains(&ether_type) {
            break;
        }
        let (tag, behind) = rest.split_first_chunk::<4>()?;
        ether_type = u16::from_be_bytes([tag[2], tag[3]]);
        rest = behind;
    }
    matches!(ether_type, IPV4 | IPV6).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(link: u32, head: &[u8]) -> Option<usize> {
        let data = [head, b"IP"].concat();
        let packet = Packet { number: 1, time_ns: 0, link, wire_len: 40, data: &data };
        let (bytes, cut) = ip_bytes(&packet)?;
        assert_eq!(cut, 40 - data.len());
        bytes.ends_with(b"IP").then_some(data.len() - bytes.len())
    }

    #[test]
    fn each_link_header_is_taken_off() {
        let mut ethernet = vec![0; 12];
        ethernet.extend([8, 0]);
        assert_eq!(ip(linktype::ETHERNET, &ethernet), Some(14));
        ethernet.truncate(12);
        ethernet.extend([0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x86, 0xdd]);
        assert_eq!(ip(linktype::ETHERNET, &ethernet), Some(22));
        let mut cooked = vec![0; 14];
        cooked.extend([0x86, 0xdd]);
        assert_eq!(ip(linktype::LINUX_COOKED, &cooked), Some(16));
        let mut cooked = vec![8, 0];
        cooked.resize(20, 0);
        assert_eq!(ip(linktype::LINUX_COOKED_2, &cooked), Some(20));
        assert_eq!(ip(linktype::NULL, &[2, 0, 0, 0]), Some(4));
        assert_eq!(ip(linktype::NULL, &[0, 0, 0, 30]), Some(4));
        assert_eq!(ip(linktype::LOOP, &[0, 0, 0, 2]), Some(4));
        assert_eq!(ip(linktype::RAW, &[]), Some(0));
    }

    #[test]
    fn other_packets_are_left_alone() {
        assert_eq!(ip(linktype::ETHERNET, &[0; 14]), None); // no EtherType of IP
        assert_eq!(ip(linktype::ETHERNET, &[0; 5]), None); // cut
        assert_eq!(ip(linktype::LOOP, &[2, 0, 0, 0]), None); // the other byte order
        assert_eq!(ip(147, &[0; 14]), None); // a link type for private use
        let tags = [0x81, 0, 0, 1].repeat(MAX_TAGS + 1);
        assert_eq!(ip(linktype::ETHERNET, &[&[0; 12], &tags[..], &[8, 0]].concat()), None);
    }
}
