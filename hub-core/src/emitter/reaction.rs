//! What a listener may return.

use super::BoxError;

/// What a listener may come to: nothing, or a result.
pub trait Outcome: Send + 'static {
    /// The same as a result of one type.
    #[doc(hidden)]
    fn into_result(self) -> Result<(), BoxError>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError> + Send + 'static> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

/// What a listener may return: an [`Outcome`], or a future of one. So a listener can be a
/// closure, an `async` function, or a closure that returns an `async` block.
///
/// `M` is either [`Now`] or [`Later`] and always inferred.
pub trait Reaction<M>: Send + 'static {
    /// Waits for the outcome.
    #[doc(hidden)]
    fn react(self) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// Marks listeners that are done when they return.
#[derive(Debug)]
pub enum Now {}

/// Marks listeners that return a future.
#[derive(Debug)]
pub enum Later {}

impl<O: Outcome> Reaction<Now> for O {
    fn react(self) -> impl Future<Output = Result<(), BoxError>> + Send {
        std::future::ready(self.into_result())
    }
}

impl<F: Future<Output: Outcome> + Send + 'static> Reaction<Later> for F {
    async fn react(self) -> Result<(), BoxError> {
        self.await.into_result()
    }
}
