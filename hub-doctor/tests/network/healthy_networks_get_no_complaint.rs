//! The claim: between healthy machines, the doctor complains about nothing, and what it says of the
//! network is true.

use crate::findings::{HUB, assert_healthy, layer};
use crate::machines::{Network, as_root};

#[test]
fn healthy_machines() {
    as_root(module_path!(), "healthy_machines", || {
        let network = Network::direct();
        let _hub = network.hub();
        for _ in 0..3 {
            let report = network.doctor(HUB);
            assert_healthy(&report);
            let route = &layer(&report.0, "route")["seen"]["paths"][0];
            assert_eq!(route["interface"], "to-h");
            assert_eq!(route["source"], "10.77.0.1");
            assert_eq!((&route["link_mtu"], &route["path_mtu"]), (&1500.into(), &1500.into()));
        }
    });
}

#[test]
fn over_ipv6() {
    as_root(module_path!(), "over_ipv6", || {
        let network = Network::direct();
        let _hub = network.hub_at("[fd77::2]:4820", &[]);
        let report = network.doctor("hub://[fd77::2]:4820");
        assert_healthy(&report);
        let route = &layer(&report.0, "route")["seen"]["paths"][0];
        assert_eq!((&route["interface"], &route["source"]), (&"to-h".into(), &"fd77::1".into()));
    });
}

#[test]
fn with_a_name_that_a_server_knows() {
    as_root(module_path!(), "with_a_name_that_a_server_knows", || {
        let mut network = Network::direct();
        let _hub = network.hub();
        network.name_server(&["0", "hub.internal", "10.77.0.2"]);
        let report = network.doctor("hub://hub.internal:4820");
        assert_healthy(&report);
        let lookups = layer(&report.0, "name")["seen"]["lookups"].as_array().unwrap();
        assert!(lookups.iter().all(|lookup| lookup["ipv4"][0] == "10.77.0.2"), "{lookups:#?}");
        assert_eq!(lookups.len(), 2);
    });
}

#[test]
fn with_ecn() {
    as_root(module_path!(), "with_ecn", || {
        let network = Network::direct();
        for (machine, ecn) in [("c", "1"), ("h", "1")] {
            network.sysctl(machine, "net.ipv4.tcp_ecn", ecn);
        }
        let _hub = network.hub();
        let report = network.doctor(HUB);
        assert_healthy(&report);
        assert_eq!(layer(&report.0, "tcp")["seen"]["at_start"]["ecn"], true);
    });
}

#[test]
fn a_narrow_path_whose_router_says_so() {
    as_root(module_path!(), "a_narrow_path_whose_router_says_so", || {
        let network = Network::routed(1300);
        let _hub = network.hub();
        let report = network.doctor(HUB);
        assert_healthy(&report);
        let figures = &layer(&report.0, "tcp")["seen"]["at_end"];
        assert_eq!(figures["path_mtu"], 1300, "{figures:#}");
    });
}
