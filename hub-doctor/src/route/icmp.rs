//! ICMP messages about a connection, from the error queue of its socket. The error of `connect`
//! alone does not say which router sent the message: "connection refused" may be a firewall.

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use serde::Serialize;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};

/// `ee_origin` has this value if an error came as an ICMP message.
const ORIGIN_ICMP: u8 = 2;
/// `ee_origin` has this value if an error came as an ICMPv6 message.
const ORIGIN_ICMP6: u8 = 3;

/// Holds an ICMP message that ended an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Icmp {
    /// This machine sent the message.
    pub from: Option<IpAddr>,
    /// If this is true, the message is of ICMPv6, whose numbers are others.
    pub v6: bool,
    /// The message has this type.
    #[serde(rename = "type")]
    pub kind: u8,
    /// The message has this code.
    pub code: u8,
}

impl Icmp {
    /// Returns whether this machine sent the message to itself, because its neighbour did not answer.
    pub(super) fn is_of_own_neighbour(&self, own: Option<SocketAddr>) -> bool {
        let neighbour = matches!((self.v6, self.kind, self.code), (false, 3, 1) | (true, 1, 3));
        neighbour && self.from.is_some() && self.from == own.map(|own| own.ip())
    }

    /// Returns what the message says.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        match (self.v6, self.kind, self.code) {
            (false, 3, 0) | (true, 1, 0) => "there is no route to the network",
            (false, 3, 1) | (true, 1, 3) => "the host does not answer its neighbours",
            (false, 3, 2) => "the host does not speak TCP",
            (false, 3, 3) | (true, 1, 4) => "the port is unreachable",
            (false, 3, 4) | (true, 2, _) => "the packet is too big for a link",
            (false, 3, 9 | 10 | 13) | (true, 1, 1) => "a firewall prohibits it",
            (true, 1, 5 | 6) => "a policy of the network rejects it",
            (false, 11, _) | (true, 3, _) => "the packet went in circles until it expired",
            _ => "the destination is unreachable",
        }
    }

    /// Returns what to do about the message.
    pub(super) fn remedy(&self, port: u16) -> String {
        match (self.v6, self.kind, self.code) {
            // A TCP port that is merely closed answers with RST.
            (false, 3, 3 | 9 | 10 | 13) | (true, 1, 1 | 4 | 5 | 6) => format!(
                "A firewall rejects the connection. Allow TCP port {port} from this machine on \
                 the machine that sent the message."
            ),
            (false, 11, _) | (true, 3, _) => {
                "Two routers send the packets to each other. Correct their routes.".to_owned()
            }
            (false, 3, 1) | (true, 1, 3) => {
                "Check that the address is right and that its machine is on and connected."
                    .to_owned()
            }
            _ => "Correct the routes of the router that sent the message, or the address of the \
                  hub."
                .to_owned(),
        }
    }
}

/// Says whether the kernel is to keep ICMP messages about a socket.
pub(super) fn keep(socket: &impl AsFd, v4: bool, on: bool) {
    // Where the option is missing, the doctor knows the error and not its sender.
    let _ = match v4 {
        true => setsockopt(socket, sockopt::Ipv4RecvErr, &on),
        false => setsockopt(socket, sockopt::Ipv6RecvErr, &on),
    };
}

/// Returns the ICMP message in the error queue of a socket.
pub(super) fn take(socket: &impl AsRawFd) -> Option<Icmp> {
    let mut quoted = [0; 512];
    let mut slices = [IoSliceMut::new(&mut quoted)];
    let mut control = vec![0; 512];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)
            .ok()?;
    message.cmsgs().ok()?.find_map(|part| match part {
        ControlMessageOwned::Ipv4RecvErr(error, from) if error.ee_origin == ORIGIN_ICMP => {
            let from = from.map(|from| Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr)));
            let from = from.map(IpAddr::from);
            Some(Icmp { from, v6: false, kind: error.ee_type, code: error.ee_code })
        }
        ControlMessageOwned::Ipv6RecvErr(error, from) if error.ee_origin == ORIGIN_ICMP6 => {
            let from = from.map(|from| IpAddr::from(Ipv6Addr::from(from.sin6_addr.s6_addr)));
            Some(Icmp { from, v6: true, kind: error.ee_type, code: error.ee_code })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firewall_is_told_from_a_missing_route() {
        let icmp = |v6, kind, code| Icmp { from: None, v6, kind, code };
        for firewall in [icmp(false, 3, 13), icmp(false, 3, 3), icmp(true, 1, 1)] {
            assert!(firewall.remedy(4820).contains("port 4820"), "{firewall:?}");
        }
        assert!(icmp(false, 3, 0).remedy(1).contains("routes"));
        assert!(icmp(false, 3, 1).remedy(1).contains("is on"));
        assert!(icmp(false, 11, 0).meaning().contains("circles"));
    }
}
