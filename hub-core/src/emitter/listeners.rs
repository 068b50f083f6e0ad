//! Registers the listeners of an emitter, and passes their errors on. Every emitter uses this
//! registry. Otherwise `listener_count` and `errors` would differ between emitters.

use super::errors::{ErrorSinks, Errors};
use super::queue::Queue;
use super::{ListenerError, ListenerFault};
use hub_wire::TopicFilter;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// The emitter warns if one filter has more listeners than this, unless
/// [`Listeners::set_max_listeners`] sets another number.
pub const DEFAULT_MAX_LISTENERS: usize = 10;

/// Holds the listeners of one emitter, and the streams to which their errors go. All clones share
/// both.
///
/// ```
/// use hub_core::emitter::Listeners;
///
/// let listeners = Listeners::new();
/// listeners.set_max_listeners(100);
/// assert!(listeners.event_names().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Listeners(Arc<ListenersInner>);

/// Holds what the clones of [`Listeners`] share.
struct ListenersInner {
    by_filter: Mutex<BTreeMap<TopicFilter, FilterListeners>>,
    next_id: AtomicU64,
    max: AtomicUsize,
    sinks: ErrorSinks,
}

impl Default for ListenersInner {
    fn default() -> Self {
        ListenersInner {
            by_filter: Mutex::default(),
            next_id: AtomicU64::new(0),
            max: AtomicUsize::new(DEFAULT_MAX_LISTENERS),
            sinks: ErrorSinks::default(),
        }
    }
}

/// Holds the listeners of one filter.
#[derive(Default)]
struct FilterListeners {
    registered: BTreeMap<u64, RegisteredListener>,
    warned: bool,
}

/// Describes one registered listener.
struct RegisteredListener {
    queue: Weak<Queue>,
    /// If this is true, a task calls the listener. Otherwise the program reads the events itself, from
    /// an [`EventStream`](super::EventStream).
    runs_itself: bool,
}

impl Listeners {
    /// Makes a registry without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of listeners on one filter above which the emitter warns. The number 0 turns
    /// the warning off.
    ///
    /// Usually, so many listeners mean that a program registers one listener again and again and
    /// never takes it off.
    pub fn set_max_listeners(&self, max: usize) {
        self.0.max.store(max, Ordering::Relaxed);
    }

    /// Returns how many listeners are registered for exactly this filter.
    #[must_use]
    pub fn count(&self, filter: &TopicFilter) -> usize {
        self.0.by_filter.lock().get(filter).map_or(0, |listeners| listeners.registered.len())
    }

    /// Returns the filters for which there are listeners, sorted.
    #[must_use]
    pub fn event_names(&self) -> Vec<TopicFilter> {
        self.0.by_filter.lock().keys().cloned().collect()
    }

    /// Takes off every listener that is registered for exactly this filter. See
    /// [`Emitter::off`](super::Emitter::off).
    pub fn remove(&self, filter: &TopicFilter) {
        let removed = self.0.by_filter.lock().remove(filter);
        take_off(removed);
    }

    /// Takes every listener off. See [`Emitter::off`](super::Emitter::off).
    pub fn remove_all(&self) {
        let removed = std::mem::take(&mut *self.0.by_filter.lock());
        take_off(removed.into_values());
    }

    /// Returns the queue of a listener that has something to do, unless there is none.
    pub(super) fn busy(&self) -> Option<Arc<Queue>> {
        let by_filter = self.0.by_filter.lock();
        let listeners = by_filter.values().flat_map(|listeners| listeners.registered.values());
        let running = listeners.filter(|listener| listener.runs_itself);
        running.filter_map(|listener| listener.queue.upgrade()).find(|queue| !queue.is_idle())
    }

    /// Returns a stream of the errors that happen from now on. See [`Errors`].
    #[must_use]
    pub fn errors(&self) -> Errors {
        self.0.sinks.open()
    }

    /// Passes an error to every stream. Logs the error if no stream takes it, or if a stream has no
    /// room.
    pub fn report(&self, error: ListenerError) {
        self.0.sinks.report(error);
    }

    /// Registers a listener. It stays registered until the [`Registration`] ends.
    pub(super) fn register(
        &self,
        filter: &TopicFilter,
        queue: &Arc<Queue>,
        runs_itself: bool,
    ) -> Registration {
        let max = self.0.max.load(Ordering::Relaxed);
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let count = {
            let mut by_filter = self.0.by_filter.lock();
            let listeners = by_filter.entry(filter.clone()).or_default();
            let queue = Arc::downgrade(queue);
            listeners.registered.insert(id, RegisteredListener { queue, runs_itself });
            let count = listeners.registered.len();
            let warn = max > 0 && count > max && !listeners.warned;
            listeners.warned |= warn;
            warn.then_some(count)
        };
        if let Some(count) = count {
            let fault = ListenerFault::TooManyListeners { count, max };
            self.report(ListenerError { filter: filter.clone(), event: None, fault });
        }
        Registration { listeners: self.clone(), filter: filter.clone(), id }
    }
}

/// Ends the subscriptions of listeners that were taken out of the registry. The lock of the registry
/// is free, because the end of a subscription may run any code.
fn take_off(removed: impl IntoIterator<Item = FilterListeners>) {
    for listener in removed.into_iter().flat_map(|listeners| listeners.registered.into_values()) {
        if let Some(queue) = listener.queue.upgrade() {
            queue.unsubscribe();
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listeners").field(&self.event_names()).finish()
    }
}

/// Stands for one listener in the registry. Dropping it takes the listener out.
#[derive(Debug)]
pub(super) struct Registration {
    listeners: Listeners,
    filter: TopicFilter,
    id: u64,
}

impl Registration {
    pub(super) fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    pub(super) fn filter(&self) -> &TopicFilter {
        &self.filter
    }

    /// Takes the listener out of the registry. A second call does nothing.
    pub(super) fn end(&self) {
        let mut by_filter = self.listeners.0.by_filter.lock();
        if let Some(listeners) = by_filter.get_mut(&self.filter) {
            listeners.registered.remove(&self.id);
            if listeners.registered.is_empty() {
                by_filter.remove(&self.filter);
            }
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.end();
    }
}
