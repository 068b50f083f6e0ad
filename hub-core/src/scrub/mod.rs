//! What the hub checks before anyone else sees it.

mod headers;

pub use headers::*;
