//! Reads and writes the credentials in HELLO: an access token, a password or a JWT.
//!
//! The `Debug` output of credentials hides their secrets. Otherwise a log line with a HELLO would
//! contain them.

use super::{FrameError, FrameErrorKind};
use crate::{Limits, Packer, Reader};
use std::fmt;

/// Holds the credentials that a client shows in HELLO to prove its identity.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The client shows an access token that the operator of the hub has issued.
    Token(String),
    /// The client shows the name and the password of a user.
    Password {
        /// The user has this name.
        user: String,
        /// The user has this password.
        password: String,
    },
    /// The client shows a JWT, which is a signed token of an identity provider.
    Jwt(String),
    /// This version does not know the kind of the credentials. The hub accepts no client by them.
    Unknown,
}

impl Credentials {
    /// Reads the credentials. Nil stands for no credentials, and a value that is not one of the known
    /// maps is read as [`Credentials::Unknown`].
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Option<Self>, FrameError> {
        if read.nil() {
            return Ok(None);
        }
        let value = read.value("credentials")?;
        Ok(Some(Self::parse(value).unwrap_or(Credentials::Unknown)))
    }

    /// Reads credentials of a known kind.
    fn parse(value: &[u8]) -> Result<Self, FrameError> {
        let mut read = Reader::new(value, &Limits::NONE);
        let count = read.map("credentials")?;
        let first = (read.str("key")?, read.str("value")?);
        match (count, first) {
            (1, ("token", token)) => Ok(Credentials::Token(token.to_owned())),
            (1, ("jwt", jwt)) => Ok(Credentials::Jwt(jwt.to_owned())),
            (2, _) => match (first, (read.str("key")?, read.str("value")?)) {
                (("user", user), ("password", password))
                | (("password", password), ("user", user)) => {
                    let (user, password) = (user.to_owned(), password.to_owned());
                    Ok(Credentials::Password { user, password })
                }
                _ => Err(FrameErrorKind::NoSuchValue { what: "credentials" }.at(0)),
            },
            _ => Err(FrameErrorKind::NoSuchValue { what: "credentials" }.at(0)),
        }
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        match self {
            Credentials::Token(token) => pack.map(1).str("token").str(token),
            Credentials::Jwt(jwt) => pack.map(1).str("jwt").str(jwt),
            Credentials::Password { user, password } => {
                pack.map(2).str("user").str(user).str("password").str(password)
            }
            Credentials::Unknown => pack.map(0),
        };
    }
}

/// The output names only the kind of the credentials.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::Token(_) => "Token(…)",
            Credentials::Password { .. } => "Password(…)",
            Credentials::Jwt(_) => "Jwt(…)",
            Credentials::Unknown => "Unknown",
        })
    }
}
