//! Questions to the kernel over netlink. The answers are what `ip route get` and `ss -ti` print.
//! Without them, the doctor could say that a connection is slow, but not why.

use netlink_packet_core::{
    NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload,
    NetlinkSerializable,
};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteMetric};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::nlas::{Nla, TcpInfo};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_sys::protocols::{NETLINK_ROUTE, NETLINK_SOCK_DIAG};
use netlink_sys::{Socket, SocketAddr as NetlinkAddr};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Holds the way on which the kernel would send packets to an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Route {
    /// Packets leave through the interface with this name.
    pub(crate) interface: Option<String>,
    /// Packets have this source address.
    pub(crate) source: Option<IpAddr>,
    /// Packets go to this router first. If there is none, the address is on the link.
    pub(crate) gateway: Option<IpAddr>,
    /// The interface takes packets of at most so many bytes.
    pub(crate) link_mtu: Option<u32>,
    /// The route takes packets of at most so many bytes, if the kernel knows that.
    pub(crate) route_mtu: Option<u32>,
}

/// Returns the way to an address.
///
/// # Errors
/// The error says that there is no way, or that the kernel does not answer.
pub(crate) fn route(to: IpAddr) -> io::Result<Route> {
    let mut question = RouteMessage::default();
    let (family, length) = match to {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    };
    question.header.address_family = family;
    question.header.destination_prefix_length = length;
    question.attributes.push(RouteAttribute::Destination(to.into()));
    let RouteNetlinkMessage::NewRoute(answer) =
        ask(NETLINK_ROUTE, RouteNetlinkMessage::GetRoute(question))?
    else {
        return Err(io::Error::other("the kernel answered with something else than a route"));
    };
    let mut route = Route::default();
    for attribute in answer.attributes {
        match attribute {
            RouteAttribute::Oif(index) => {
                (route.interface, route.link_mtu) = link(index).unwrap_or_default();
            }
            RouteAttribute::PrefSource(address) => route.source = ip(&address),
            RouteAttribute::Gateway(address) => route.gateway = ip(&address),
            RouteAttribute::Metrics(metrics) => {
                route.route_mtu = metrics.iter().find_map(|metric| match metric {
                    RouteMetric::Mtu(mtu) => Some(*mtu),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Ok(route)
}

/// Returns an address of a route.
fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some((*v4).into()),
        RouteAddress::Inet6(v6) => Some((*v6).into()),
        _ => None,
    }
}

/// Returns the name and the MTU of an interface.
fn link(index: u32) -> io::Result<(Option<String>, Option<u32>)> {
    let mut question = LinkMessage::default();
    question.header.index = index;
    let answer = ask(NETLINK_ROUTE, RouteNetlinkMessage::GetLink(question))?;
    let RouteNetlinkMessage::NewLink(answer) = answer else {
        return Err(io::Error::other("the kernel answered with something else than a link"));
    };
    let (mut name, mut mtu) = (None, None);
    for attribute in answer.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text),
            LinkAttribute::Mtu(bytes) => mtu = Some(bytes),
            _ => {}
        }
    }
    Ok((name, mtu))
}

/// Holds what the kernel knows of a TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tcp {
    pub(crate) info: TcpInfo,
    /// The algorithm with this name chooses the congestion window.
    pub(crate) congestion_control: Option<String>,
}

/// Returns what the kernel knows of the TCP connection between two addresses.
///
/// # Errors
/// The error says that there is no such connection, or that the kernel does not answer. Kernels
/// before 5.4 know less, which is an error, too.
pub(crate) fn tcp(local: SocketAddr, peer: SocketAddr) -> io::Result<Tcp> {
    let request = InetRequest {
        family: if local.is_ipv4() { AF_INET } else { AF_INET6 },
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::INFO | ExtensionFlags::CONG,
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
    let answer = ask(NETLINK_SOCK_DIAG, SockDiagMessage::InetRequest(request))?;
    let SockDiagMessage::InetResponse(answer) = answer else {
        return Err(io::Error::other("the kernel answered with something else than a socket"));
    };
    let (mut info, mut congestion_control) = (None, None);
    for attribute in answer.nlas {
        match attribute {
            Nla::TcpInfo(value) => info = Some(value),
            Nla::Congestion(name) => congestion_control = Some(name),
            _ => {}
        }
    }
    let info = info.ok_or_else(|| io::Error::other("the kernel gives no TCP_INFO"))?;
    Ok(Tcp { info, congestion_control })
}

/// Sends one question and returns its answer, which is one message.
fn ask<M>(protocol: isize, question: M) -> io::Result<M>
where
    M: NetlinkSerializable + NetlinkDeserializable + std::fmt::Debug,
{
    let mut socket = Socket::new(protocol)?;
    socket.bind_auto()?;
    socket.connect(&NetlinkAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(question));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    // The kernel answers such a question before `send` returns.
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<M>::deserialize(&answer).map_err(io::Error::other)?;
    match answer.payload {
        NetlinkPayload::InnerMessage(message) => Ok(message),
        NetlinkPayload::Error(error) => Err(error.to_io()),
        _ => Err(io::Error::other("the kernel did not answer the question")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_way_to_this_machine_is_its_loopback() {
        let route = route("127.0.0.1".parse().unwrap()).unwrap();
        assert_eq!(route.interface.as_deref(), Some("lo"));
        assert_eq!(route.source, Some("127.0.0.1".parse().unwrap()));
        assert_eq!(route.gateway, None);
        assert!(route.link_mtu.is_some());
    }

    #[test]
    fn a_connection_of_this_process_has_figures() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let tcp = tcp(client.local_addr().unwrap(), client.peer_addr().unwrap()).unwrap();
        assert!(tcp.info.snd_mss > 0);
        assert!(tcp.congestion_control.is_some());
    }
}
