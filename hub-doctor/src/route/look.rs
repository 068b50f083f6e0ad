//! Looks at the route to each address, and tries to connect. All addresses are tried at once, so that
//! dead ones cost one time-out together.

use super::{Icmp, Outcome, PathSeen, RouteSeen, icmp};
use crate::netlink;
use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// An attempt to connect may take this long. It is more than the three seconds after which the
/// kernel gives up on a neighbour that does not answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// So many addresses of a name are tried.
const MOST_ADDRESSES: usize = 16;

/// Tries each address. The result has the connections in the order of the paths.
pub(crate) fn look(addresses: &[IpAddr], port: u16) -> (RouteSeen, Vec<Option<TcpStream>>) {
    let attempts: Vec<_> = addresses
        .iter()
        .take(MOST_ADDRESSES)
        .map(|ip| SocketAddr::new(*ip, port))
        .map(|address| thread::spawn(move || path(address)))
        .collect();
    let mut seen = RouteSeen { paths: Vec::new() };
    let mut connections = Vec::new();
    for (attempt, ip) in attempts.into_iter().zip(addresses) {
        let (path, connection) = attempt.join().unwrap_or_else(|_| {
            let error = "the attempt failed".to_owned();
            (PathSeen::new(SocketAddr::new(*ip, port), Outcome::NoWay { error }), None)
        });
        seen.paths.push(path);
        connections.push(connection);
    }
    (seen, connections)
}

/// Looks at the route to an address and connects.
fn path(address: SocketAddr) -> (PathSeen, Option<TcpStream>) {
    let start = Instant::now();
    let (outcome, connection) = match connect(address, None) {
        Ok(connection) => (Outcome::Connected, Some(connection)),
        Err(outcome) => (outcome, None),
    };
    let mut seen = PathSeen::new(address, outcome);
    seen.took_ms = start.elapsed().as_secs_f64() * 1000.0;
    if let Ok(route) = netlink::route(address.ip()) {
        (seen.interface, seen.source) = (route.interface, route.source);
        (seen.gateway, seen.link_mtu) = (route.gateway, route.link_mtu);
        seen.path_mtu = route.route_mtu;
    }
    (seen, connection)
}

/// Connects. With `segment`, TCP sends and asks for segments of at most so many bytes.
///
/// # Errors
/// The error says how the attempt ended.
pub(crate) fn connect(address: SocketAddr, segment: Option<u32>) -> Result<TcpStream, Outcome> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
        .map_err(|error| Outcome::NoWay { error: error.to_string() })?;
    icmp::keep(&socket, address.is_ipv4(), true);
    if let Some(bytes) = segment {
        let set = socket.set_tcp_mss(bytes);
        set.map_err(|error| Outcome::NoWay { error: error.to_string() })?;
    }
    if let Err(error) = socket.connect_timeout(&address.into(), PATIENCE) {
        let local = socket.local_addr().ok().and_then(|local| local.as_socket());
        let icmp = icmp::take(&socket).filter(|icmp| !icmp.is_of_own_neighbour(local));
        return Err(outcome(&error, icmp));
    }
    // From now on a message about a passing fault must not end the connection.
    icmp::keep(&socket, address.is_ipv4(), false);
    // Small frames must not wait for the acknowledgement of the frames before.
    let _ = socket.set_tcp_nodelay(true);
    Ok(socket.into())
}

/// Returns how an attempt ended.
fn outcome(error: &io::Error, icmp: Option<Icmp>) -> Outcome {
    if let Some(icmp) = icmp {
        return Outcome::Unreachable { icmp };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::Refused,
        io::ErrorKind::TimedOut => Outcome::Swallowed,
        _ => {
            let errno = error.raw_os_error().map(Errno::from_raw);
            let text = match errno {
                Some(Errno::EHOSTUNREACH) => "the next machine on the way does not answer".into(),
                Some(Errno::ENETUNREACH) => "there is no route to the network".into(),
                Some(Errno::EACCES | Errno::EPERM) => "a rule of this machine forbids it".into(),
                _ => error.to_string(),
            };
            Outcome::NoWay { error: text }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_closed_port_refuses_and_an_open_one_connects() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let local = ["127.0.0.1".parse().unwrap()];
        let (seen, connections) = look(&local, port);
        assert_eq!(seen.paths[0].outcome, Outcome::Connected);
        assert_eq!(seen.paths[0].interface.as_deref(), Some("lo"));
        drop((listener, connections));
        let (seen, connections) = look(&local, port);
        assert_eq!(seen.paths[0].outcome, Outcome::Refused);
        assert!(connections[0].is_none());
    }
}
