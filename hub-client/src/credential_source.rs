//! Gets the credentials for each connection. Without this module, a client whose JWT expires could
//! never connect again, because it would show the expired JWT.

use futures_util::future::BoxFuture;
use hub_core::emitter::BoxError;
use hub_wire::Credentials;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// This function returns the credentials for one connection.
type Callback = dyn Fn() -> BoxFuture<'static, Result<Credentials, BoxError>> + Send + Sync;

/// States where the credentials of a client come from.
///
/// Credentials from a file or a function are got anew for each connection. If the hub ends such a
/// connection because its credentials have expired, the client gets new ones and connects again.
///
/// ```
/// use hub_client::{CredentialSource, Credentials};
/// let fixed: CredentialSource = Credentials::Token("hub_orders-1_…".to_owned()).into();
/// assert!(!format!("{fixed:?}").contains("orders"), "no log shows credentials");
/// ```
#[derive(Clone)]
pub struct CredentialSource(Source);

#[derive(Clone)]
enum Source {
    Fixed(Credentials),
    TokenFile(PathBuf),
    JwtFile(PathBuf),
    Callback(Arc<Callback>),
}

/// States why there are no credentials for a connection.
///
/// ```
/// use hub_client::{CredentialSource, CredentialsError};
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let none = runtime.block_on(CredentialSource::jwt_file("/nowhere").get()).unwrap_err();
/// assert!(matches!(none, CredentialsError::File { .. }));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("the credentials in {} cannot be read", path.display())]
    File {
        /// The file has this path.
        path: PathBuf,
        /// It cannot be read for this reason.
        source: Arc<std::io::Error>,
    },
    /// The file has nothing in it.
    #[error("{} has no credentials in it", .0.display())]
    Empty(PathBuf),
    /// The function failed.
    #[error("the function that returns the credentials failed")]
    Callback(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl CredentialSource {
    /// Makes a source that reads an access token from this file for each connection.
    ///
    /// ```
    /// let source = hub_client::CredentialSource::token_file("/run/secrets/hub-token");
    /// ```
    #[must_use]
    pub fn token_file(path: impl Into<PathBuf>) -> Self {
        CredentialSource(Source::TokenFile(path.into()))
    }

    /// Makes a source that reads a JWT from this file for each connection.
    ///
    /// ```
    /// let source = hub_client::CredentialSource::jwt_file("/run/secrets/hub-jwt");
    /// ```
    #[must_use]
    pub fn jwt_file(path: impl Into<PathBuf>) -> Self {
        CredentialSource(Source::JwtFile(path.into()))
    }

    /// Makes a source that calls this function for each connection. The time that the function takes
    /// counts as part of the attempt to connect.
    ///
    /// ```
    /// use hub_client::{BoxError, CredentialSource, Credentials};
    /// # async fn fetch() -> Result<String, BoxError> { Ok(String::new()) }
    /// let source = CredentialSource::callback(|| async { Ok(Credentials::Jwt(fetch().await?)) });
    /// ```
    pub fn callback<F, R>(function: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Credentials, BoxError>> + Send + 'static,
    {
        CredentialSource(Source::Callback(Arc::new(move || Box::pin(function()))))
    }

    /// Returns whether the next credentials can differ from the last ones.
    pub(crate) fn renews(&self) -> bool {
        !matches!(self.0, Source::Fixed(_))
    }

    /// Gets the credentials for one connection.
    ///
    /// # Errors
    /// Returns an error if there are no credentials, which may be different later.
    ///
    /// ```
    /// use hub_client::{CredentialSource, Credentials};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let source: CredentialSource = Credentials::Jwt("e30.e30.x".to_owned()).into();
    /// assert!(source.get().await.is_ok());
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn get(&self) -> Result<Credentials, CredentialsError> {
        match &self.0 {
            Source::Fixed(credentials) => Ok(credentials.clone()),
            Source::TokenFile(path) => Ok(Credentials::Token(read(path).await?)),
            Source::JwtFile(path) => Ok(Credentials::Jwt(read(path).await?)),
            Source::Callback(function) => {
                function().await.map_err(|error| CredentialsError::Callback(error.into()))
            }
        }
    }
}

impl From<Credentials> for CredentialSource {
    fn from(credentials: Credentials) -> Self {
        CredentialSource(Source::Fixed(credentials))
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(credentials) => f.debug_tuple("Fixed").field(credentials).finish(),
            Source::TokenFile(path) => f.debug_tuple("TokenFile").field(path).finish(),
            Source::JwtFile(path) => f.debug_tuple("JwtFile").field(path).finish(),
            Source::Callback(_) => f.write_str("Callback"),
        }
    }
}

/// Reads the text of a file without the white space around it and the byte order mark in front of it,
/// which editors and `echo` leave.
async fn read(path: &Path) -> Result<String, CredentialsError> {
    let file = path.to_path_buf();
    // A file system may take long, so no thread that serves other tasks reads the file.
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await;
    let text = text.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let text = text.map_err(|error| CredentialsError::File {
        path: path.to_path_buf(),
        source: Arc::new(error),
    })?;
    match text.trim_start_matches('\u{feff}').trim() {
        "" => Err(CredentialsError::Empty(path.to_path_buf())),
        text => Ok(text.to_owned()),
    }
}
