//! The layer *name*: which addresses the host stands for. A client tries one address after the
//! other, so a dead or a forgotten address costs each of its connections a time-out.

use crate::layer::{Finding, Layer};
use crate::route::{Outcome, PathSeen, RouteSeen};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// One lookup may take this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// A lookup that takes longer is slow, because a client waits for it at each connect.
const SLOW_MS: f64 = 500.0;

/// Holds what the lookups of a host gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NameSeen {
    /// The address of the hub has this host.
    pub host: String,
    /// If this is true, the host is an IP address, which needs no lookup.
    pub literal: bool,
    /// The doctor looked the host up twice, once for an IP address.
    pub lookups: Vec<Lookup>,
}

/// Holds one lookup.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lookup {
    /// The lookup took this long, in milliseconds.
    pub took_ms: f64,
    /// The lookup gave these IPv4 addresses.
    pub ipv4: Vec<IpAddr>,
    /// The lookup gave these IPv6 addresses.
    pub ipv6: Vec<IpAddr>,
    /// The lookup failed with this error.
    pub error: Option<String>,
}

impl Lookup {
    /// Returns all addresses, in one order.
    fn set(&self) -> BTreeSet<IpAddr> {
        self.ipv4.iter().chain(&self.ipv6).copied().collect()
    }
}

impl NameSeen {
    /// Returns every address that a lookup gave, without repetitions.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        let mut all = Vec::new();
        for address in self.lookups.iter().flat_map(|lookup| lookup.ipv6.iter().chain(&lookup.ipv4))
        {
            if !all.contains(address) {
                all.push(*address);
            }
        }
        all
    }
}

/// Looks a host up.
pub(crate) fn look(host: &str) -> NameSeen {
    if let Ok(address) = host.parse::<IpAddr>() {
        let (ipv4, ipv6) = [address].into_iter().partition(IpAddr::is_ipv4);
        let lookups = vec![Lookup { took_ms: 0.0, ipv4, ipv6, error: None }];
        return NameSeen { host: host.to_owned(), literal: true, lookups };
    }
    let mut lookups = Vec::new();
    for _ in 0..2 {
        lookups.push(lookup(host));
        if lookups.iter().any(|lookup| lookup.error.is_some()) {
            break;
        }
    }
    NameSeen { host: host.to_owned(), literal: false, lookups }
}

/// Looks a host up once. The lookup runs on a thread of its own, because nothing can interrupt it.
fn lookup(host: &str) -> Lookup {
    let (tell, told) = mpsc::channel();
    let name = host.to_owned();
    let start = Instant::now();
    std::thread::spawn(move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        let _ = tell.send(found.map(|all| all.map(|address| address.ip()).collect::<Vec<_>>()));
    });
    let answer = told.recv_timeout(PATIENCE);
    let took_ms = start.elapsed().as_secs_f64() * 1000.0;
    let (mut ipv4, mut ipv6, mut error) = (Vec::new(), Vec::new(), None);
    match answer {
        Ok(Ok(found)) => {
            for address in found {
                let family = if address.is_ipv4() { &mut ipv4 } else { &mut ipv6 };
                if !family.contains(&address) {
                    family.push(address);
                }
            }
        }
        Ok(Err(why)) => error = Some(why.to_string()),
        Err(_) => error = Some(format!("no answer within {} s", PATIENCE.as_secs())),
    }
    Lookup { took_ms, ipv4, ipv6, error }
}

/// Returns what is wrong with the name. `routes` says which of its addresses answer.
pub(crate) fn judge(seen: &NameSeen, routes: Option<&RouteSeen>) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(why) = seen.lookups.iter().find_map(|lookup| lookup.error.as_ref()) {
        found.push(unresolved(&seen.host, why));
        return found;
    }
    if let [first, second] = &seen.lookups[..]
        && first.set() != second.set()
    {
        found.push(Finding::warning(
            Layer::Name,
            "answers_differ",
            format!(
                "Two lookups of {} in a row gave different addresses: {} and {}.",
                seen.host,
                list(first.set()),
                list(second.set())
            ),
            "Make all name servers of the domain answer alike, unless all of these addresses \
             belong to the hub.",
        ));
    }
    let slowest = seen.lookups.iter().map(|lookup| lookup.took_ms).fold(0.0, f64::max);
    if slowest > SLOW_MS {
        found.push(Finding::warning(
            Layer::Name,
            "slow_lookup",
            format!("A lookup of {} took {slowest:.0} ms.", seen.host),
            "Check the name servers in /etc/resolv.conf: the first one may be dead. A client \
             looks the name up at each connect.",
        ));
    }
    if let Some(routes) = routes {
        found.extend(dead(&seen.host, routes));
    }
    found
}

/// Returns the finding for a name that has no address.
fn unresolved(host: &str, why: &str) -> Finding {
    let what = format!("The name {host} has no address: {why}.");
    // The C library says with this text that no name server answered.
    if why.contains("Temporary failure") || why.contains("no answer") {
        let remedy = "No name server answered. Check /etc/resolv.conf, and that this machine \
                      reaches the name servers in it.";
        return Finding::fault(Layer::Name, "resolver_unreachable", what, remedy);
    }
    let remedy = "Check the spelling of the host in the address. If it is right, add the name to \
                  the DNS or to /etc/hosts.";
    Finding::fault(Layer::Name, "unknown_name", what, remedy)
}

/// Returns the finding for addresses that do not answer while others do.
fn dead(host: &str, routes: &RouteSeen) -> Option<Finding> {
    // `localhost` has two addresses on most machines, and a refusal on one's own machine costs nothing.
    let matters =
        |path: &&PathSeen| !(path.address.ip().is_loopback() && path.outcome == Outcome::Refused);
    let (alive, dead): (Vec<_>, Vec<_>) =
        routes.paths.iter().filter(matters).partition(|path| path.outcome.is_connected());
    if alive.is_empty() || dead.is_empty() {
        return None;
    }
    let whole_family = dead.iter().all(|path| path.address.is_ipv6())
        && alive.iter().all(|path| path.address.is_ipv4());
    let listed: Vec<_> =
        dead.iter().map(|path| format!("{} ({})", path.address.ip(), path.outcome)).collect();
    let remedy = if whole_family {
        "The hub answers over IPv4 only. Let the hub listen on IPv6 too, or remove the IPv6 \
         addresses (AAAA) of the name."
    } else {
        "Remove the addresses that do not answer from the DNS (or from /etc/hosts), or start the \
         hub there. Clients that try such an address first wait for it."
    };
    Some(Finding::warning(
        Layer::Name,
        "dead_address",
        format!(
            "{} of {} addresses of {host} do not answer: {}.",
            dead.len(),
            routes.paths.len(),
            listed.join(", ")
        ),
        remedy,
    ))
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &NameSeen) -> Vec<String> {
    let all = seen.addresses();
    if seen.literal {
        return vec![format!("{} is an address, which needs no lookup", seen.host)];
    }
    if all.is_empty() {
        return Vec::new();
    }
    vec![format!("{} is {}", seen.host, list(all))]
}

/// Returns the longest lookup, in milliseconds; none if there was nothing to look up.
pub(crate) fn time_ms(seen: &NameSeen) -> Option<f64> {
    let longest = seen.lookups.iter().map(|lookup| lookup.took_ms).fold(0.0, f64::max);
    (!seen.literal).then_some(longest)
}

/// Returns addresses as a text.
fn list(addresses: impl IntoIterator<Item = IpAddr>) -> String {
    let all: Vec<_> = addresses.into_iter().map(|address| address.to_string()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sets: &[&[&str]], took_ms: f64) -> NameSeen {
        let lookup = |set: &&[&str]| Lookup {
            took_ms,
            ipv4: set.iter().map(|text| text.parse().unwrap()).collect(),
            ipv6: Vec::new(),
            error: None,
        };
        NameSeen { host: "h".into(), literal: false, lookups: sets.iter().map(lookup).collect() }
    }

    fn codes(found: &[Finding]) -> Vec<&str> {
        found.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn answers_in_another_order_are_equal() {
        let same = seen(&[&["10.0.0.1", "10.0.0.2"], &["10.0.0.2", "10.0.0.1"]], 1.0);
        assert!(judge(&same, None).is_empty());
        let other = seen(&[&["10.0.0.1"], &["10.0.0.2"]], 900.0);
        assert_eq!(codes(&judge(&other, None)), ["answers_differ", "slow_lookup"]);
    }

    #[test]
    fn a_silent_resolver_is_told_from_an_unknown_name() {
        let failed = |why: &str| {
            let lookup =
                Lookup { took_ms: 1.0, ipv4: vec![], ipv6: vec![], error: Some(why.into()) };
            NameSeen { host: "h".into(), literal: false, lookups: vec![lookup] }
        };
        let silent = failed("failed to lookup: Temporary failure in name resolution");
        assert_eq!(codes(&judge(&silent, None)), ["resolver_unreachable"]);
        assert_eq!(codes(&judge(&failed("Name or service not known"), None)), ["unknown_name"]);
    }

    #[test]
    fn a_dead_address_counts_only_beside_one_that_answers() {
        let path =
            |ip: &str, outcome| PathSeen::new((ip.parse::<IpAddr>().unwrap(), 1).into(), outcome);
        let mut routes = RouteSeen {
            paths: vec![path("10.0.0.1", Outcome::Swallowed), path("10.0.0.2", Outcome::Connected)],
        };
        let name = seen(&[&["10.0.0.1", "10.0.0.2"], &["10.0.0.1", "10.0.0.2"]], 1.0);
        let found = judge(&name, Some(&routes));
        assert_eq!(codes(&found), ["dead_address"]);
        assert!(found[0].what.contains("10.0.0.1 (swallowed)"), "{}", found[0].what);
        routes.paths.pop();
        assert!(judge(&name, Some(&routes)).is_empty());
        let local = [path("::1", Outcome::Refused), path("127.0.0.1", Outcome::Connected)];
        assert!(judge(&name, Some(&RouteSeen { paths: local.into() })).is_empty());
    }
}
