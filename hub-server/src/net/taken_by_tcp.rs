//! Asks the system how much of what the hub has sent the TCP of a client has taken. Without this, a
//! client that slowly reads a long backlog could not be told from one that has stopped reading: its
//! answer to a PING comes only when it has read everything in front of the PING.

use std::net::SocketAddr;

/// States how far the TCP of a client has taken what the hub has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TakenByTcp {
    /// This many bytes were taken since the connection began.
    pub taken: u64,
    /// This many bytes were sent and are not taken yet.
    pub untaken: u32,
}

/// Returns how far the client at `peer` has taken what the hub has sent from `local`. Returns `None`
/// if the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn taken_by_tcp(local: SocketAddr, peer: SocketAddr) -> Option<TakenByTcp> {
    use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
    use netlink_packet_sock_diag::SockDiagMessage;
    use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
    use netlink_packet_sock_diag::inet::nlas::Nla;
    use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
    use netlink_sys::protocols::NETLINK_SOCK_DIAG;
    use netlink_sys::{Socket, SocketAddr as NetlinkAddr};

    let question = InetRequest {
        family: if local.is_ipv4() { AF_INET } else { AF_INET6 },
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::INFO,
        states: StateFlags::all(),
        socket_id: SocketId {
            source_port: local.port(),
            destination_port: peer.port(),
            source_address: local.ip(),
            destination_address: peer.ip(),
            interface_id: 0,
            cookie: [0xff; 8],
        },
    };
    let mut socket = Socket::new(NETLINK_SOCK_DIAG).ok()?;
    socket.bind_auto().ok()?;
    socket.connect(&NetlinkAddr::new(0, 0)).ok()?;
    // The system answers before `send` returns. If it does not, the thread must not wait for it.
    socket.set_non_blocking(true).ok()?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let payload = NetlinkPayload::InnerMessage(SockDiagMessage::InetRequest(question));
    let mut packet = NetlinkMessage::new(header, payload);
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0).ok()?;
    let (answer, _) = socket.recv_from_full().ok()?;
    let answer = NetlinkMessage::<SockDiagMessage>::deserialize(&answer).ok()?;
    let NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(answer)) = answer.payload else {
        return None;
    };
    let info = answer.nlas.iter().find_map(|attribute| match attribute {
        Nla::TcpInfo(info) => Some(info.bytes_acked),
        _ => None,
    });
    Some(TakenByTcp { taken: info?, untaken: answer.header.send_queue })
}

/// Returns `None`, because this system does not say it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn taken_by_tcp(_: SocketAddr, _: SocketAddr) -> Option<TakenByTcp> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn what_the_client_has_not_taken_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut hub, _) = listener.accept().unwrap();
        hub.set_nonblocking(true).unwrap();
        let look = |hub: &TcpStream| {
            taken_by_tcp(hub.local_addr().unwrap(), hub.peer_addr().unwrap()).unwrap()
        };
        assert_eq!(look(&hub).untaken, 0);
        let mut written = 0;
        while let Ok(more) = hub.write(&[7; 64 * 1024]) {
            written += more as u64;
        }
        let full = look(&hub);
        assert!(full.untaken > 0, "{full:?}");
        let mut read = vec![0; full.untaken as usize];
        client.read_exact(&mut read).unwrap();
        while look(&hub).taken == full.taken {
            std::thread::yield_now();
        }
        assert!(look(&hub).taken <= written + 1, "the SYN counts as a byte");
    }
}
