//! The doctor on broken networks. Each test makes machines of its own out of network namespaces, which
//! takes root (or `sudo` without a password), `ip` and `nft`. On a machine that forbids network namespaces,
//! as many containers do, each test says that it did not run.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../support/mod.rs"]
mod support;

mod broken_networks_are_understood;
mod findings;
mod healthy_networks_get_no_complaint;
mod machines;
mod wrong_names_are_understood;
