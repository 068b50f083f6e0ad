//! What the binary `shop` is made of: child processes, the hub's own ledger, and the sums.

pub mod children;
pub mod ledger;
pub mod sums;
