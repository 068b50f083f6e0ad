//! Creates access tokens. A token is shown once, when it is created, because the access file has only its
//! hash.

use std::fmt::Write as _;

use super::hash::{HashError, Kind, hash};
use super::token_format::{PREFIX, SECRET, is_id};

/// Holds a new access token. Neither the hub nor the access file can show it again.
pub struct NewToken {
    /// The client sends this token.
    pub token: String,
    /// This line belongs in the identity's table in the access file: `tokens.<id> = "<hash>"`.
    pub line: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken").finish_non_exhaustive()
    }
}

/// Creates an access token. No other token of the access file may have its id.
///
/// ```
/// let made = hub_server::access::create_token("orders-1")?;
/// assert!(made.token.starts_with("hub_orders-1_"));
/// assert!(made.line.starts_with("tokens.orders-1 = \"$argon2id$"));
/// # Ok::<(), hub_server::access::HashError>(())
/// ```
///
/// # Errors
/// The error means that the id is empty, has more than 32 characters, or has characters other than
/// `a-z`, `0-9` and `-`. It can also mean that the system gives no random numbers or no memory.
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
