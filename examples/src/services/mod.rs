//! The services of the shop, a module each. Each is an example of a part of the SDK, and can be read
//! alone.

pub mod analytics;
pub mod audit;
pub mod email;
pub mod orders;
pub mod payments;
