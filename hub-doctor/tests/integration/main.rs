//! The doctor and everything that may be on a port: hubs, ill hubs, and other programs.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../support/mod.rs"]
mod support;

mod a_healthy_hub_gets_no_complaint;
mod fake_hub;
mod healthy_in_every_set_up;
mod ill_hubs_are_understood;
mod other_programs_are_named;
mod secrets_stay_secret;
mod tls_faults_are_told_apart;
