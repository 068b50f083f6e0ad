//! The claim: whatever is broken between two machines, the doctor names the layer and a remedy that
//! fits.

use crate::findings::{HUB, NAME, ROUTE, TCP, assert_found, layer};
use crate::machines::{Network, as_root};
use crate::support::pki::{Pki, VALID};

#[test]
fn a_closed_port() {
    as_root(module_path!(), "a_closed_port", || {
        let network = Network::direct();
        assert_found(&network.doctor(HUB), TCP, "port_closed", &["RST", "`listen`"]);
    });
}

#[test]
fn a_port_that_a_firewall_swallows() {
    as_root(module_path!(), "a_port_that_a_firewall_swallows", || {
        let network = Network::direct();
        let _hub = network.hub();
        network.firewall("h", "input", "tcp dport 4820 drop");
        let report = network.doctor(HUB);
        assert_found(
            &report,
            ROUTE,
            "swallowed",
            &["neither SYN-ACK, nor RST, nor ICMP", "firewall"],
        );
    });
}

#[test]
fn a_port_that_a_firewall_rejects() {
    as_root(module_path!(), "a_port_that_a_firewall_rejects", || {
        for (kind, words) in [
            ("admin-prohibited", ["10.77.0.2 says", "a firewall prohibits it"]),
            ("port-unreachable", ["10.77.0.2 says", "A firewall rejects the connection"]),
        ] {
            let network = Network::direct();
            let _hub = network.hub();
            let rule = format!("tcp dport 4820 reject with icmp type {kind}");
            network.firewall("h", "input", &rule);
            assert_found(&network.doctor(HUB), ROUTE, "unreachable", &words);
        }
    });
}

#[test]
fn a_wrong_host() {
    as_root(module_path!(), "a_wrong_host", || {
        let network = Network::direct();
        let report = network.doctor("hub://10.77.0.99:4820");
        assert_found(&report, ROUTE, "no_way", &["the next machine on the way does not answer"]);
        let report = network.doctor("hub://192.0.2.1:4820");
        assert_found(&report, ROUTE, "no_way", &["there is no route to the network"]);
    });
}

#[test]
fn a_router_that_knows_no_way() {
    as_root(module_path!(), "a_router_that_knows_no_way", || {
        let network = Network::routed(1500);
        let report = network.doctor("hub://192.0.2.1:4820");
        assert_found(&report, ROUTE, "unreachable", &["10.77.1.254 says", "routes"]);
    });
}

#[test]
fn one_dead_address_of_two() {
    as_root(module_path!(), "one_dead_address_of_two", || {
        let network = Network::direct();
        let _hub = network.hub();
        network.firewall("h", "input", "ip daddr 10.77.0.3 drop");
        network.ip("h", "address add 10.77.0.3/24 dev to-c");
        network.hosts("10.77.0.3 hub.internal\n10.77.0.2 hub.internal\n");
        let report = network.doctor("hub://hub.internal:4820");
        let words = ["1 of 2 addresses", "10.77.0.3 (swallowed)", "from the DNS"];
        assert_found(&report, NAME, "dead_address", &words);
    });
}

#[test]
fn a_path_that_swallows_large_packets() {
    as_root(module_path!(), "a_path_that_swallows_large_packets", || {
        let network = Network::routed(1300);
        let _hub = network.hub();
        network.firewall("r", "output", "icmp type destination-unreachable drop");
        let report = network.doctor(HUB);
        let words = ["packets of 129", "fragmentation needed", "tcp_mtu_probing"];
        assert_found(&report, ROUTE, "path_mtu_black_hole", &words);
    });
}

#[test]
fn a_path_that_swallows_large_packets_of_tls() {
    as_root(module_path!(), "a_path_that_swallows_large_packets_of_tls", || {
        let network = Network::routed(1300);
        let pki = Pki::new();
        pki.issue("hub", "10.77.0.2", VALID);
        let _hub = network.hub_at("10.77.0.2:4820", &pki.hub_args());
        let (ca, url) = (pki.path("ca.pem"), HUB.replace("hub:", "hubs:"));
        // Before the firewall, which makes the black hole, everything is well.
        let report = network.doctor_with(&url, &[ca.to_str().unwrap()], None);
        assert_eq!(report.1, 0, "{:#}", report.0);
        network.firewall("r", "output", "icmp type destination-unreachable drop");
        // The machines have learned the size of the path, and forget it here.
        network.ip("c", "route flush cache");
        network.ip("h", "route flush cache");
        let report = network.doctor_with(&url, &[ca.to_str().unwrap()], None);
        let words = ["path MTU black hole", "fragmentation needed"];
        assert_found(&report, ROUTE, "path_mtu_black_hole", &words);
    });
}

#[test]
fn a_path_that_swallows_a_long_hello() {
    as_root(module_path!(), "a_path_that_swallows_a_long_hello", || {
        let network = Network::routed(1300);
        let _hub = network.hub();
        network.firewall("r", "output", "icmp type destination-unreachable drop");
        let token = "t".repeat(3000);
        let report = network.doctor_with(HUB, &[], Some(&token));
        let words = ["path MTU black hole", "small packets pass", "fragmentation needed"];
        assert_found(&report, ROUTE, "path_mtu_black_hole", &words);
        assert!(!report.0.to_string().contains("ttt"), "the token is in the report");
    });
}

#[test]
fn a_firewall_that_rejects_over_ipv6() {
    as_root(module_path!(), "a_firewall_that_rejects_over_ipv6", || {
        let network = Network::direct();
        let _hub = network.hub_at("[fd77::2]:4820", &[]);
        let rule = "tcp dport 4820 reject with icmpv6 type admin-prohibited";
        network.firewall("h", "input", rule);
        let report = network.doctor("hub://[fd77::2]:4820");
        assert_found(&report, ROUTE, "unreachable", &["fd77::2 says", "a firewall prohibits it"]);
    });
}

#[test]
fn ipv6_that_does_not_answer_beside_ipv4() {
    as_root(module_path!(), "ipv6_that_does_not_answer_beside_ipv4", || {
        let network = Network::direct();
        let _hub = network.hub();
        network.hosts("fd77::2 hub.internal\n10.77.0.2 hub.internal\n");
        let report = network.doctor("hub://hub.internal:4820");
        let words = ["1 of 2 addresses", "fd77::2 (refused)", "answers over IPv4 only", "AAAA"];
        assert_found(&report, NAME, "dead_address", &words);
    });
}

#[test]
fn options_of_tcp_that_are_turned_off() {
    as_root(module_path!(), "options_of_tcp_that_are_turned_off", || {
        let network = Network::direct();
        network.sysctl("h", "net.ipv4.tcp_sack", "0");
        network.sysctl("h", "net.ipv4.tcp_window_scaling", "0");
        let _hub = network.hub();
        let report = network.doctor(HUB);
        let words = ["no window scale", "no SACK", "tcp_window_scaling"];
        assert_found(&report, TCP, "options_missing", &words);
    });
}

#[test]
fn five_percent_of_loss() {
    as_root(module_path!(), "five_percent_of_loss", || {
        let network = Network::direct();
        let _hub = network.hub();
        network.whole_packets("c", "to-h");
        network.whole_packets("h", "to-c");
        network.firewall("h", "input", "tcp dport 4820 numgen random mod 100 < 5 drop");
        network.firewall("c", "input", "tcp sport 4820 numgen random mod 100 < 5 drop");
        let report = network.doctor(HUB);
        assert_found(&report, TCP, "loss", &["sent again", "`ip -s link`"]);
        let seen = &layer(&report.0, "tcp")["seen"];
        // If HELLO is lost until the hub gives up, no load follows in which more could be lost.
        let most_by_chance = if seen["load"]["stall"].is_null() { 2 } else { 0 };
        let again = seen["at_end"]["retransmitted"].as_u64();
        assert!(again > Some(most_by_chance), "{seen:#}");
    });
}

#[test]
fn a_hello_that_is_lost_until_the_hub_gives_up() {
    as_root(module_path!(), "a_hello_that_is_lost_until_the_hub_gives_up", || {
        let network = Network::direct();
        let _hub = network.hub();
        // Without payload, a segment has 52 bytes.
        network.firewall("h", "input", "tcp dport 4820 meta length > 60 drop");
        let report = network.doctor(HUB);
        assert_found(&report, TCP, "loss", &["sent again", "CLOSE 204", "`ip -s link`"]);
    });
}

#[test]
fn a_delay_of_200_ms() {
    as_root(module_path!(), "a_delay_of_200_ms", || {
        let network = Network::delayed(100);
        let _hub = network.hub();
        let report = network.doctor(HUB);
        assert_found(&report, TCP, "long_way", &["at least 20", "receipt"]);
    });
}
