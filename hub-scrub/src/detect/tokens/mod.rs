//! These modules declare the keys and tokens of some hundred issuers, in groups by what the issuers do.
//!
//! A format is here if its prefix is known to belong to its issuer, or if its prefix and its length together leave
//! hardly any doubt. The facts are from the documentation of the issuers, from the tables of `gitleaks`,
//! `trufflehog`, `secretlint` and `kingfisher`, and, where these have no length, from tokens in public sources.
//! `docs/tokens.md` lists all formats, and those that were left out. Without these modules, such a key would be
//! found only if `high_entropy` finds it.

mod ai;
mod cloud;
mod commerce;
mod developer;
mod messaging;
mod monitoring;
mod saas;
mod webhook;

pub(super) use ai::AI_TOKEN;
pub(super) use cloud::CLOUD_TOKEN;
pub(super) use commerce::COMMERCE_TOKEN;
pub(super) use developer::DEVELOPER_TOKEN;
pub(super) use messaging::MESSAGING_TOKEN;
pub(super) use monitoring::MONITORING_TOKEN;
pub(super) use saas::SAAS_TOKEN;
pub(super) use webhook::WEBHOOK_URL;
