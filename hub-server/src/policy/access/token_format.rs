//! Tokens: `hub_<id>_<secret>`, such as `hub_orders-1_9f86…`.
//!
//! The id says which hash to verify, so one attempt costs one hash however many tokens there
//! are. The prefix lets scanners of source code find tokens that were committed by mistake.

/// How each token begins.
pub(super) const PREFIX: &str = "hub_";
/// Longest id in bytes.
pub(super) const MAX_ID: usize = 32;
/// Random bytes of the secret; written as hexadecimal digits.
pub(super) const SECRET: usize = 32;

/// Id and secret of a token, if it has the form of one. Only what [`create_token`](super::create_token) can have made
/// does, so a short secret that somebody made up is none.
pub(super) fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (is_id(id) && secret.len() == 2 * SECRET && secret.bytes().all(is_hex)).then_some((id, secret))
}

pub(super) fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(allowed)
}
