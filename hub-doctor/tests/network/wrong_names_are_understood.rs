//! The claim: whatever is wrong with the name of the hub or with its name servers, the doctor says so.

use crate::findings::{NAME, assert_found};
use crate::machines::{Network, as_root};

const HUB: &str = "hub://hub.internal:4820";

#[test]
fn a_name_that_does_not_exist() {
    as_root(module_path!(), "a_name_that_does_not_exist", || {
        let mut network = Network::direct();
        network.name_server(&["0", "hub.internal", "10.77.0.2"]);
        let report = network.doctor("hub://hup.internal:4820");
        assert_found(&report, NAME, "unknown_name", &["hup.internal", "spelling"]);
    });
}

#[test]
fn a_name_server_that_is_not_there() {
    as_root(module_path!(), "a_name_server_that_is_not_there", || {
        let mut network = Network::direct();
        network.name_server(&[]);
        let report = network.doctor(HUB);
        assert_found(&report, NAME, "resolver_unreachable", &["/etc/resolv.conf"]);
    });
}

#[test]
fn a_slow_name_server() {
    as_root(module_path!(), "a_slow_name_server", || {
        let mut network = Network::direct();
        let _hub = network.hub();
        network.name_server(&["0.6", "hub.internal", "10.77.0.2"]);
        assert_found(&network.doctor(HUB), NAME, "slow_lookup", &["ms", "/etc/resolv.conf"]);
    });
}

#[test]
fn answers_that_contradict_one_another() {
    as_root(module_path!(), "answers_that_contradict_one_another", || {
        let mut network = Network::direct();
        network.ip("h", "address add 10.77.0.3/24 dev to-c");
        let _hub = network.hub_at("0.0.0.0:4820", &[]);
        network.name_server(&["0", "hub.internal", "10.77.0.2", "10.77.0.3"]);
        let words = ["10.77.0.2", "10.77.0.3", "name servers of the domain"];
        assert_found(&network.doctor(HUB), NAME, "answers_differ", &words);
    });
}
