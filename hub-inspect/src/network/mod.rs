//! From a captured packet to the bytes of its TCP segment: link headers, IP headers, and fragments.
//!
//! The layer removes what carries a segment and keeps who sent it to whom. Without it, a capture of the
//! loopback interface and one of a VLAN would need two readers of TCP.

mod fragments;
mod link;

use crate::capture::Packet;
use etherparse::{Ipv6ExtensionSlice, LaxIpSlice, ip_number};
use fragments::{Fragment, FragmentKey, Fragments};
use link::ip_bytes;
use std::net::IpAddr;

/// The bytes of one TCP segment, and the addresses that it travels between.
#[derive(Debug, Clone, Copy)]
pub struct SegmentBytes<'a> {
    /// The segment comes from this address.
    pub source: IpAddr,
    /// The segment goes to this address.
    pub destination: IpAddr,
    /// The captured bytes of the segment, with its TCP header.
    pub bytes: &'a [u8],
    /// The segment had this many bytes on the wire. The capture may hold fewer of them.
    pub wire_len: usize,
}

/// Why a packet is not counted as a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTcp {
    /// The link header is of an unknown kind, or carries something else than IP.
    NotIp,
    /// The packet carries another protocol over IP, or its IP header cannot be read.
    OtherProtocol,
    /// The packet is a fragment, and the rest of its segment has not come yet.
    Fragment,
}

/// Takes packets apart down to TCP. It holds the fragments that wait for others.
#[derive(Debug, Default)]
pub struct Network {
    fragments: Fragments,
}

impl Network {
    /// Returns the TCP segment that a packet carries or completes.
    ///
    /// # Errors
    /// The error says why there is no segment.
    #[inline]
    pub fn segment<'a>(&'a mut self, packet: &Packet<'a>) -> Result<SegmentBytes<'a>, NotTcp> {
        let (bytes, cut) = ip_bytes(packet).ok_or(NotTcp::NotIp)?;
        let (ip, stopped) = LaxIpSlice::from_slice(bytes).map_err(|_| NotTcp::OtherProtocol)?;
        if stopped.is_some() {
            return Err(NotTcp::OtherProtocol); // an extension header cannot be read
        }
        let payload = ip.payload();
        if payload.ip_number != ip_number::TCP {
            return Err(NotTcp::OtherProtocol);
        }
        let (source, destination) = (ip.source_addr(), ip.destination_addr());
        let wire_len = declared(&ip).unwrap_or(payload.payload.len() + cut);
        let payload = payload.payload;
        let Some((key, fragment)) = fragment(&ip, payload, wire_len) else {
            return Ok(SegmentBytes { source, destination, bytes: payload, wire_len });
        };
        let bytes = self.fragments.add(key, fragment).ok_or(NotTcp::Fragment)?;
        Ok(SegmentBytes { source, destination, bytes, wire_len: bytes.len() })
    }
}

/// Returns how many bytes the IP header declares behind itself and its extensions. A header with a
/// length of 0 declares nothing: a card that cuts large segments fills the length in later.
fn declared(ip: &LaxIpSlice<'_>) -> Option<usize> {
    match ip {
        LaxIpSlice::Ipv4(ip) => {
            let extensions = ip.extensions().auth.map_or(0, |auth| auth.slice().len());
            let header = ip.header().slice().len() + extensions;
            usize::from(ip.header().total_len()).checked_sub(header)
        }
        LaxIpSlice::Ipv6(ip) => {
            let length = usize::from(ip.header().payload_length());
            length.checked_sub(ip.extensions().slice().len()).filter(|_| length > 0)
        }
    }
}

/// Returns the fragment that the packet is, if it is one.
fn fragment<'a>(
    ip: &LaxIpSlice<'a>,
    payload: &'a [u8],
    wire_len: usize,
) -> Option<(FragmentKey, Fragment<'a>)> {
    if !ip.is_fragmenting_payload() {
        return None;
    }
    let (id, offset, more) = match ip {
        LaxIpSlice::Ipv4(ip) => {
            let header = ip.header();
            let offset = header.fragments_offset().byte_offset();
            (u32::from(header.identification()), offset, header.more_fragments())
        }
        LaxIpSlice::Ipv6(ip) => ip.extensions().clone().into_iter().find_map(|it| match it {
            Ipv6ExtensionSlice::Fragment(it) => {
                let offset = it.fragment_offset().byte_offset();
                Some((it.identification(), offset, it.more_fragments()))
            }
            _ => None,
        })?,
    };
    let key = FragmentKey { source: ip.source_addr(), destination: ip.destination_addr(), id };
    let complete = payload.len() == wire_len;
    Some((key, Fragment { offset: offset.into(), more, bytes: payload, complete }))
}
