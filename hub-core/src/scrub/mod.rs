//! What the hub checks before anyone else sees it.

#[cfg(feature = "scrub")]
pub mod detect;
mod headers;

pub use headers::*;
