//! Provides the derive macro `#[derive(Event)]`. Users find its documentation at `hub_core::Event`.
//!
//! The macro checks the topic of an event type when the type is compiled. Without this check, a
//! wrong topic would be found only when the first event is emitted.
//!
//! ```
//! use hub_core::Event;
//!
//! #[derive(serde::Serialize, serde::Deserialize, Event)]
//! #[event(topic = "orders.{region}.placed", name = "order placed")]
//! struct OrderPlaced {
//!     region: String,
//! }
//! assert_eq!(OrderPlaced::filter().as_str(), "orders.*.placed");
//! ```
//!
//! A type whose topic is not a valid topic name does not compile:
//!
//! ```compile_fail
//! # use hub_core::Event;
//! #[derive(serde::Serialize, serde::Deserialize, Event)]
//! #[event(topic = "orders..placed")]
//! struct OrderPlaced;
//! ```
//!
//! A type does not compile either if a placeholder names no field of it, or if it has no topic:
//!
//! ```compile_fail
//! # use hub_core::Event;
//! #[derive(serde::Serialize, serde::Deserialize, Event)]
//! #[event(topic = "orders.{region}.placed")]
//! struct OrderPlaced { number: u64 }
//! ```
//!
//! ```compile_fail
//! # use hub_core::Event;
//! #[derive(serde::Serialize, serde::Deserialize, Event)]
//! struct OrderPlaced { number: u64 }
//! ```

mod attribute;
mod expand;
mod topic;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input, parse_quote};

/// Derives `hub_core::Event`, and also `hub_core::Request` if the attribute has a `reply`.
///
/// | `#[event(…)]` | |
/// |---|---|
/// | `topic = "orders.{region}.placed"` | The events have this topic. The value of the field
/// `region` is a whole token. |
/// | `reply = Type` | The events are requests, and their replies have this type. |
/// | `name = "…"` | `Event::TYPE` is this name. Otherwise it is the name of the type. |
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input, &parse_quote!(::hub_core)).into()
}

/// Derives the same traits as [`Event`](derive@Event), for crates that depend on `hub-client` and not on
/// `hub-core`.
///
/// A derive macro cannot know through which of the two crates it was imported. So each crate has a
/// macro of its own, and re-exports it beside the trait under one name:
///
/// ```ignore
/// #[doc(hidden)]
/// pub use hub_core::__private;
/// pub use hub_core::__private::Event; // the trait alone
/// pub use hub_macros::ClientEvent as Event;
/// ```
#[proc_macro_derive(ClientEvent, attributes(event))]
pub fn derive_client_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input, &parse_quote!(::hub_client)).into()
}
