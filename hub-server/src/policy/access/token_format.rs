//! Defines the format of access tokens: `hub_<id>_<secret>`, such as `hub_orders-1_9f86…`.
//!
//! The id tells which hash to verify, so an attempt costs one hash however many tokens there are. The
//! prefix lets scanners of source code find tokens that were committed by mistake.

/// Each token begins with this prefix.
pub(super) const PREFIX: &str = "hub_";
/// An id has at most this many bytes.
pub(super) const MAX_ID: usize = 32;
/// A secret has this many random bytes. They are written as hexadecimal digits.
pub(super) const SECRET: usize = 32;

/// Returns the id and the secret of a token. Returns `None` if
/// [`create_token`](super::create_token) cannot have created the token, so a short secret that
/// somebody made up is not accepted.
pub(super) fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (is_id(id) && secret.len() == 2 * SECRET && secret.bytes().all(is_hex)).then_some((id, secret))
}

pub(super) fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(allowed)
}
