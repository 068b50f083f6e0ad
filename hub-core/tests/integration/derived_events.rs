//! Claim: a derived event knows its topic, and its own filter matches that topic.

use hub_core::{Event, Request};
use hub_wire::NameError;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "readings.{0}.{1}", name = "sensor reading")]
struct Reading(u32, String);

#[derive(Serialize, Deserialize, Event)]
#[serde(bound = "")] // said by the `where` clause
#[event(topic = "{type}.updates", reply = Vec<Update<u8>>)]
struct Update<T>
where
    T: Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
{
    r#type: String,
    value: T,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "lights")]
enum Light {
    On,
    Off,
}

#[test]
fn placeholders_take_what_fields_display() {
    let reading = Reading(7, "kitchen".to_owned());
    assert_eq!(reading.topic().unwrap().as_str(), "readings.7.kitchen");
    assert_eq!(Reading::filter().as_str(), "readings.*.*");
    assert!(Reading::filter().matches(&reading.topic().unwrap()));
    assert_eq!((Reading::TOPIC, Reading::TYPE), ("readings.{0}.{1}", "sensor reading"));
}

#[test]
fn raw_names_generic_types_and_enums_can_be_events() {
    let update = Update { r#type: "price".to_owned(), value: 3_u64 };
    assert_eq!(update.topic().unwrap().as_str(), "price.updates");
    assert_eq!((Update::<u8>::TYPE, Light::TYPE), ("Update", "Light"));
    assert_eq!(Light::On.topic().unwrap(), Light::Off.topic().unwrap());
    fn reply_of<Q: Request<Reply = Vec<Update<u8>>>>() {}
    reply_of::<Update<String>>();
}

#[test]
fn a_field_that_is_no_token_is_an_error_and_no_other_topic() {
    let topic = |text: &str| Reading(7, text.to_owned()).topic();
    assert_eq!(topic("a.b"), Err(NameError::BadByte { byte: b'.', at: 12 }));
    assert_eq!(topic(""), Err(NameError::EmptyToken { at: 11 }));
    assert_eq!(topic("*"), Err(NameError::Wildcard { at: 11 }));
    assert_eq!(topic("a b"), Err(NameError::BadByte { byte: b' ', at: 12 }));
}
