//! Finds out where a payload does not fit a type. Without this module, the error of a payload with
//! fifty fields would name neither the field nor what is in it.
//!
//! A payload is decoded once more, slowly, after it has failed to decode. The error then has the path
//! to the field, what the type expects there, and which kind of value the payload has. It has nothing
//! of the value, because errors end up in logs.

use super::field_error::{FieldError, PathStep};
use super::value_reader::ValueReader;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// States where and why a payload does not fit the type that it should have.
///
/// ```
/// use hub_core::emitter::{DecodeError, decode, encode};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Order { items: Vec<Item> }
/// #[derive(Debug, serde::Deserialize)]
/// struct Item { cents: u32 }
///
/// let payload = encode(&serde_json::json!({"items": [{"cents": 5}, {"cents": "5"}]}))?;
/// let Err(DecodeError::Mismatch(mismatch)) = decode::<Order>(&payload) else { panic!() };
/// assert_eq!(mismatch.path(), "items[1].cents");
/// assert_eq!(mismatch.to_string(), "items[1].cents: expected u32, found a string");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mismatch {
    path: String,
    problem: String,
    detail: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Mismatch {
    /// Returns the path to the value that does not fit, such as `items[1].cents`. The path is empty if
    /// it is the whole payload. A key of a map that is not a field of a struct is shown as `*`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Finds the place where `payload` does not fit `T`. `error` is how the decoder reported it.
    pub(super) fn find<T: DeserializeOwned>(
        payload: &[u8],
        error: rmp_serde::decode::Error,
    ) -> Self {
        let mut rest = payload;
        let value = rmpv::decode::read_value_ref(&mut rest);
        let found = value.ok().and_then(|value| T::deserialize(ValueReader::new(&value)).err());
        match found {
            Some(FieldError { path, problem, detail }) => Mismatch {
                path: path_text(path),
                problem,
                detail: detail.map(|detail| Arc::new(Detail(detail)) as Arc<_>),
            },
            None => Mismatch {
                path: String::new(),
                problem: "the value does not fit the type".to_owned(),
                detail: Some(Arc::new(error)),
            },
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the payload: {}", self.problem),
            path => write!(f, "{path}: {}", self.problem),
        }
    }
}

impl std::error::Error for Mismatch {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let detail = self.detail.as_deref()?;
        Some(detail)
    }
}

/// Holds what a type said about a value. It may quote the value.
#[derive(Debug)]
struct Detail(String);

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Detail {}

fn path_text(path: Vec<PathStep>) -> String {
    let mut text = String::new();
    for step in path.into_iter().rev() {
        let dot = if text.is_empty() { "" } else { "." };
        match step {
            PathStep::Field(name) => text.push_str(&format!("{dot}{name}")),
            PathStep::Key => text.push_str(&format!("{dot}*")),
            PathStep::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        number: u8,
        note: Option<String>,
        paid: Payment,
        items: Vec<(String, u32)>,
        stock: BTreeMap<String, i64>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Payment {
        Cash,
        Card { last: String },
        Points(u32),
    }

    fn order() -> serde_json::Value {
        json!({"number": 1, "note": null, "paid": "Cash", "items": [["a", 1]], "stock": {"a": 1}})
    }

    fn said(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut value = order();
        change(&mut value);
        decode::<Order>(&encode(&value).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_mismatch_names_the_field_and_both_types_and_quotes_no_value() {
        let secret = "4111 1111 1111 1111";
        let number = |value| said(|order| order["number"] = value);
        assert_eq!(number(json!(secret)), "number: expected u8, found a string");
        assert_eq!(number(json!(4111)), "number: expected u8, found an integer that does not fit");
        assert_eq!(number(json!(null)), "number: expected u8, found nil");
        assert_eq!(
            said(|o| o["note"] = json!({secret: 1})),
            "note: expected a string, found a map"
        );
        assert_eq!(
            said(|o| o["items"][0][1] = json!([])),
            "items[0][1]: expected u32, found an array"
        );
        assert_eq!(
            said(|o| o["stock"][secret] = json!(1.5)),
            "stock.*: expected i64, found a float"
        );
        let paid = |value| said(|order| order["paid"] = value);
        assert_eq!(
            paid(json!(secret)),
            "paid: expected one of Cash, Card, Points, found another name"
        );
        assert_eq!(paid(json!({"Points": secret})), "paid.Points: expected u32, found a string");
        assert_eq!(
            paid(json!({"Card": {"last": 7}})),
            "paid.Card.last: expected a string, found an integer"
        );
        assert_eq!(
            said(|o| drop(o.as_object_mut().unwrap().remove("items"))),
            "the payload: the field items is missing"
        );
        let unknown = said(|o| o[secret] = json!(1));
        assert!(unknown.contains("number, note, paid, items, stock"), "{unknown}");
        let all = encode(&[1, 2]).unwrap();
        assert!(!format!("{:?}", decode::<Order>(&all)).is_empty());
    }

    #[test]
    fn what_a_type_says_about_a_value_is_a_cause() {
        let payload = encode(&json!({"from": "4111 1111"})).unwrap();
        let error = decode::<BTreeMap<String, IpAddr>>(&payload).unwrap_err();
        assert!(error.to_string().starts_with("*: "), "{error}");
        assert!(!error.to_string().contains("4111"));
    }

    #[test]
    fn a_value_with_a_form_for_people_is_written_in_it() {
        let from: IpAddr = "192.0.2.7".parse().unwrap();
        let payload = encode(&BTreeMap::from([("from", from)])).unwrap();
        assert_eq!(decode::<serde_json::Value>(&payload).unwrap(), json!({"from": "192.0.2.7"}));
        assert_eq!(decode::<BTreeMap<String, IpAddr>>(&payload).unwrap()["from"], from);
    }

    #[test]
    fn what_decodes_fast_decodes_slowly() {
        for paid in [Payment::Cash, Payment::Card { last: "1".into() }, Payment::Points(7)] {
            let (items, stock) = (vec![("a".into(), 1)], BTreeMap::from([("b".into(), -7)]));
            let order = Order { number: 7, note: Some("n".into()), paid, items, stock };
            let payload = encode(&order).unwrap();
            let value = rmpv::decode::read_value_ref(&mut &payload[..]).unwrap();
            let slowly = Order::deserialize(super::ValueReader::new(&value)).unwrap();
            assert_eq!(slowly, order);
            assert_eq!(decode::<Order>(&payload).unwrap(), order);
        }
    }
}
