//! Tokens: `hub_<id>_<secret>`, such as `hub_orders-1_9f86…`.
//!
//! The id says which hash to verify, so one attempt costs one hash however many tokens there
//! are. The prefix lets scanners of source code find tokens that were committed by mistake.

use std::fmt::Write as _;

use super::hash::{HashError, Kind, hash};

const PREFIX: &str = "hub_";
/// Longest id in bytes.
pub(super) const MAX_ID: usize = 32;
/// Random bytes of the secret; written as hexadecimal digits.
const SECRET: usize = 32;

/// A token that was just made. Neither the hub nor the access file can show it again.
pub struct NewToken {
    /// What the client sends.
    pub token: String,
    /// The line for the identity's table in the access file: `tokens.<id> = "<hash>"`.
    pub line: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken").finish_non_exhaustive()
    }
}

/// Makes a token with this id, which no other token of the access file may have.
///
/// ```
/// let made = hub_server::access::create_token("orders-1")?;
/// assert!(made.token.starts_with("hub_orders-1_"));
/// assert!(made.line.starts_with("tokens.orders-1 = \"$argon2id$"));
/// # Ok::<(), hub_server::access::HashError>(())
/// ```
///
/// # Errors
/// The id has other characters than `a-z`, `0-9` and `-`, none, or more than 32; or the system
/// gives no random numbers.
pub fn create_token(id: &str) -> Result<NewToken, HashError> {
    if !is_id(id) {
        return Err(HashError::Id);
    }
    let mut random = [0; SECRET];
    getrandom::fill(&mut random).map_err(|_| HashError::Failed)?;
    let mut secret = String::with_capacity(2 * SECRET);
    for byte in random {
        let _ = write!(secret, "{byte:02x}");
    }
    let line = format!("tokens.{id} = \"{}\"", hash(Kind::Token, secret.as_bytes())?);
    Ok(NewToken { token: format!("{PREFIX}{id}_{secret}"), line })
}

/// Id and secret of a token, if it has the form of one. Only what [`create_token`] can have made
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
