//! Defines the types that a listener may return. Without this module, a closure, an `async`
//! function and a function without a result would need a method each.

use super::BoxError;
use std::ops::ControlFlow;

/// Marks a value that says whether a listener goes on: nothing, or a [`ControlFlow`].
pub trait ListenerFlow: Send + 'static {
    /// Turns the value into a `ControlFlow`.
    #[doc(hidden)]
    fn into_flow(self) -> ControlFlow<()>;
}

impl ListenerFlow for () {
    fn into_flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl ListenerFlow for ControlFlow<()> {
    fn into_flow(self) -> ControlFlow<()> {
        self
    }
}

/// Marks a type that can be the result of a listener: nothing, a [`ControlFlow`], or a `Result` with
/// either. With `ControlFlow::Break(())`, the listener takes itself off.
pub trait IntoListenerResult: Send + 'static {
    /// Turns the value into a `Result` with one error type.
    #[doc(hidden)]
    fn into_result(self) -> Result<ControlFlow<()>, BoxError>;
}

impl IntoListenerResult for () {
    fn into_result(self) -> Result<ControlFlow<()>, BoxError> {
        Ok(self.into_flow())
    }
}

impl IntoListenerResult for ControlFlow<()> {
    fn into_result(self) -> Result<ControlFlow<()>, BoxError> {
        Ok(self)
    }
}

impl<F: ListenerFlow, E: Into<BoxError> + Send + 'static> IntoListenerResult for Result<F, E> {
    fn into_result(self) -> Result<ControlFlow<()>, BoxError> {
        self.map(ListenerFlow::into_flow).map_err(Into::into)
    }
}

/// Marks a type that a listener may return: an [`IntoListenerResult`], or a future of such a
/// result. So a listener can be a closure, an `async` function, or a closure that returns an
/// `async` block.
///
/// `M` is [`Now`] or [`Later`], and the compiler always infers it.
pub trait ListenerReturn<M>: Send + 'static {
    /// Turns the return value into a future of the result.
    #[doc(hidden)]
    fn into_result_future(self) -> impl Future<Output = Result<ControlFlow<()>, BoxError>> + Send;
}

/// Marks listeners that return their result directly.
#[derive(Debug)]
pub enum Now {}

/// Marks listeners that return a future of their result.
#[derive(Debug)]
pub enum Later {}

impl<O: IntoListenerResult> ListenerReturn<Now> for O {
    fn into_result_future(self) -> impl Future<Output = Result<ControlFlow<()>, BoxError>> + Send {
        std::future::ready(self.into_result())
    }
}

impl<F: Future<Output: IntoListenerResult> + Send + 'static> ListenerReturn<Later> for F {
    async fn into_result_future(self) -> Result<ControlFlow<()>, BoxError> {
        self.await.into_result()
    }
}
