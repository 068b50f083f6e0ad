//! `#[derive(Event)]`, documented where it is used: at `hub_core::Event`.
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
//! A topic that is none does not compile:
//!
//! ```compile_fail
//! # use hub_core::Event;
//! #[derive(serde::Serialize, serde::Deserialize, Event)]
//! #[event(topic = "orders..placed")]
//! struct OrderPlaced;
//! ```
//!
//! Nor does a placeholder without its field, or an event without a topic:
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

/// Derives `hub_core::Event`, and `hub_core::Request` where the attribute names a `reply`.
///
/// | `#[event(…)]` | |
/// |---|---|
/// | `topic = "orders.{region}.placed"` | the topic; `{field}` stands for a whole token and takes what the field displays |
/// | `reply = Type` | makes it a request with this answer |
/// | `name = "…"` | `Event::TYPE`, otherwise the type's name |
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input, &parse_quote!(::hub_core)).into()
}

/// The same for crates that depend on `hub-client` and not on `hub-core`.
///
/// A derive macro cannot know by which of the two crates it was reached, so each has its own,
/// and re-exports it beside the trait under the same name:
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
