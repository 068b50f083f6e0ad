//! Claim: code that is derived for users of `hub-client` needs nothing of that crate but the hidden module
//! `__private`. In this test, `hub-core` stands in for `hub-client`, under its name.

extern crate hub_core as hub_client;

use hub_client::__private::{Event, Request};
use hub_macros::ClientEvent as Event;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "payments.{till}.charge", reply = u64)]
struct Charge {
    till: String,
}

#[test]
fn trait_and_macro_share_a_name_as_they_do_in_the_client() {
    fn reply<Q: Request<Reply = u64>>(request: &Q) -> String {
        request.topic().unwrap().to_string()
    }
    assert_eq!(reply(&Charge { till: "3".to_owned() }), "payments.3.charge");
    assert_eq!(Charge::filter().as_str(), "payments.*.charge");
}
