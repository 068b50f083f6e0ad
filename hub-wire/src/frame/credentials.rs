//! The credentials in HELLO: a token, a password or a JWT.
//!
//! Their `Debug` output hides the secrets. Without that, a logged HELLO would write them into the log.

use super::{FrameError, FrameErrorKind};
use crate::{Limits, Packer, Reader};
use std::fmt;

/// What a client shows in HELLO to get in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A token that the hub's operator has handed out.
    Token(String),
    /// A user's name and password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A signed token of an identity provider (JWT).
    Jwt(String),
    /// Something that this version does not know. It lets nobody in.
    Unknown,
}

impl Credentials {
    /// Nil is none; anything that is not one of the known maps is [`Credentials::Unknown`].
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Option<Self>, FrameError> {
        if read.nil() {
            return Ok(None);
        }
        let value = read.value("credentials")?;
        Ok(Some(Self::parse(value).unwrap_or(Credentials::Unknown)))
    }

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

/// Says only of which kind they are.
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
