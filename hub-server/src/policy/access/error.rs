//! Defines the errors in an access file, and the reasons for which clients are not accepted. They are
//! all in this module, so that no error quotes a secret.

use thiserror::Error;

/// States why an access file was refused. Trying again does not help, because the file has to
/// change.
///
/// The error contains no value of the file, so that a secret in the wrong place is not logged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {}{message}", Quoted(key))]
pub struct AccessError {
    /// The file was given to the loader with this name.
    pub file: String,
    /// The error is in this line, counted from 1.
    pub line: usize,
    /// The error is in this column, counted in characters from 1.
    pub column: usize,
    /// The error is about this key, with the tables around it, such as
    /// `roles.writer.publish.allow`. The key is empty for an error in the syntax.
    pub key: String,
    /// This text says what is wrong, and what is allowed.
    pub message: String,
}

struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "`{}` ", self.0) }
    }
}

/// Says that a client was not accepted.
///
/// `Display` is for the client, and shows an unknown name and a wrong secret alike.
/// [`Denied::reason`] is for the hub's own log and metrics. Neither contains anything that the
/// client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied(pub(super) Reason);

impl Denied {
    /// Returns the exact reason, which must not be shown to the client.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0
    }
}

impl Denied {
    /// Keeps the reason if the keys of the issuer are up to date. Otherwise the client is told to
    /// try again, because the keys may be old.
    pub(crate) fn for_good_if(self, newest: bool) -> Self {
        if newest { self } else { Reason::KeysPending.into() }
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Reason::CredentialsRequired => "credentials are required here",
            Reason::KeysPending => "the keys for these credentials cannot be had yet; try again",
            // The client gets this text only for a JWT or a certificate whose signature is valid,
            // so the text helps nobody to guess.
            Reason::Expired => "the credentials have expired",
            _ => "the credentials were not accepted",
        })
    }
}

impl std::error::Error for Denied {}

impl From<Reason> for Denied {
    fn from(reason: Reason) -> Self {
        Denied(reason)
    }
}

/// States the exact reason for which a client is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The client shows no credentials, and anonymous clients are not allowed from its address.
    #[error("no credentials, and anonymous clients are not allowed from there")]
    CredentialsRequired,
    /// The credentials do not have the form of their kind, or are longer than any can be. A JWT
    /// with the algorithm `none` is malformed too.
    #[error("malformed credentials")]
    Malformed,
    /// There is no access token or user of this name.
    #[error("unknown token id or user")]
    Unknown,
    /// The access token or the user is known, but the secret is wrong.
    #[error("wrong secret")]
    WrongSecret,
    /// No identity lists a name of this certificate, and the access file has no roles for other
    /// certificates.
    #[error("unknown certificate name")]
    UnknownCertificate,
    /// A name from a certificate or a claim, with its prefix, cannot be the name of an identity.
    #[error("the name is not allowed as an identity")]
    BadName,
    /// A name from a certificate or a claim is `anonymous`, or the name of an identity that the
    /// access file declares.
    #[error("the name belongs to an identity declared in the access file")]
    NameTaken,
    /// The identity has no role.
    #[error("no role")]
    NoRole,
    /// Two roles name different views, and neither is safe to choose.
    #[error("roles with different views")]
    ViewConflict,
    /// With the name of this identity in it, the filter of a role is longer than a topic can be.
    #[error("the name is too long for a filter of its role")]
    NameTooLong,
    /// The key of the JWT does not allow the algorithm of the JWT, because the key is of another
    /// kind or the access file does not list the algorithm.
    #[error("the JWT's algorithm is not allowed")]
    Algorithm,
    /// No issuer has a key with the `kid` of the JWT. A JWT without a `kid` needs an issuer with a
    /// single key.
    #[error("no key for the JWT")]
    UnknownKey,
    /// The current keys of the issuer could not be fetched yet, so the client may try again.
    #[error("the keys of the JWT's issuer could not be fetched yet")]
    KeysPending,
    /// The signature of the JWT does not fit the key.
    #[error("the JWT's signature is wrong")]
    Signature,
    /// The header of the JWT demands an extension that the hub does not know (`crit`).
    #[error("the JWT demands an unknown extension")]
    Critical,
    /// The claim `iss` names another issuer.
    #[error("the JWT is of another issuer")]
    Issuer,
    /// The claim `aud` names another audience.
    #[error("the JWT is for another audience")]
    Audience,
    /// A claim that is needed is missing, or has a wrong type.
    #[error("a claim of the JWT is missing or malformed")]
    Claim,
    /// The time in `exp` is over.
    #[error("expired")]
    Expired,
    /// The time in `nbf` has not come yet.
    #[error("not valid yet")]
    NotYetValid,
    /// The credentials were accepted once and no longer are, as
    /// [`Access::reauthorise`](super::Access::reauthorise) found.
    #[error("revoked")]
    Revoked,
}
