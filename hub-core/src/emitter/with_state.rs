//! Passes shared state to listeners and handlers. Without this module, each closure with state would
//! have to clone the state before its `async` block.

/// Makes a listener or a handler out of a function that takes shared state and then the event.
/// Each call gets a clone of the state, which is usually an `Arc`.
///
/// ```
/// use hub_core::emitter::{Emitter, LocalHub, Received, with_state};
/// use hub_core::Event;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(serde::Serialize, serde::Deserialize, Event)]
/// #[event(topic = "orders.placed")]
/// struct OrderPlaced {
///     cents: u64,
/// }
///
/// async fn add(total: Arc<AtomicU64>, order: Received<OrderPlaced>) {
///     total.fetch_add(order.cents, Ordering::Relaxed);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = LocalHub::default();
/// let total = Arc::new(AtomicU64::new(0));
/// hub.on(with_state(total.clone(), add)).await?;
/// hub.emit(&OrderPlaced { cents: 995 }).await?;
/// hub.drain().await;
/// assert_eq!(total.load(Ordering::Relaxed), 995);
/// # Ok(())
/// # }
/// ```
pub fn with_state<S, A, R>(
    state: S,
    function: impl Fn(S, A) -> R + Send + Sync + 'static,
) -> impl Fn(A) -> R + Send + Sync + 'static
where
    S: Clone + Send + Sync + 'static,
    A: 'static,
    R: 'static,
{
    move |argument| function(state.clone(), argument)
}
