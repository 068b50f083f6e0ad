//! Registers the listeners of an emitter, and passes their errors on. Every emitter uses this
//! registry. Otherwise `listener_count` and `errors` would differ between emitters.

use super::errors::{ErrorSinks, Errors};
use super::{ListenerError, ListenerFault};
use hub_wire::TopicFilter;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
    max: AtomicUsize,
    sinks: ErrorSinks,
}

impl Default for ListenersInner {
    fn default() -> Self {
        ListenersInner {
            by_filter: Mutex::default(),
            max: AtomicUsize::new(DEFAULT_MAX_LISTENERS),
            sinks: ErrorSinks::default(),
        }
    }
}

/// Counts the listeners of one filter.
#[derive(Default)]
struct FilterListeners {
    count: usize,
    warned: bool,
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
        self.0.by_filter.lock().get(filter).map_or(0, |listeners| listeners.count)
    }

    /// Returns the filters for which there are listeners, sorted.
    #[must_use]
    pub fn event_names(&self) -> Vec<TopicFilter> {
        self.0.by_filter.lock().keys().cloned().collect()
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
    pub(super) fn register(&self, filter: &TopicFilter) -> Registration {
        let max = self.0.max.load(Ordering::Relaxed);
        let count = {
            let mut by_filter = self.0.by_filter.lock();
            let listeners = by_filter.entry(filter.clone()).or_default();
            listeners.count += 1;
            let warn = max > 0 && listeners.count > max && !listeners.warned;
            listeners.warned |= warn;
            warn.then_some(listeners.count)
        };
        if let Some(count) = count {
            tracing::warn!(%filter, count, max, "one filter has many listeners, which may be a leak");
            let fault = ListenerFault::TooManyListeners { count, max };
            self.report(ListenerError { filter: filter.clone(), event: None, fault });
        }
        Registration {
            listeners: self.clone(),
            filter: filter.clone(),
            ended: AtomicBool::new(false),
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
    ended: AtomicBool,
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
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut by_filter = self.listeners.0.by_filter.lock();
        if let Some(listeners) = by_filter.get_mut(&self.filter) {
            listeners.count -= 1;
            if listeners.count == 0 {
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
