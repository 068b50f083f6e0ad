//! Holds the services of the shop. Each service has a module, which is an example of a part of the SDK
//! and can be read alone.

pub mod analytics;
pub mod audit;
pub mod email;
pub mod orders;
pub mod payments;
