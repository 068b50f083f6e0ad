//! Who listens to what, and what went wrong with it: the part of an emitter that is the same
//! in-process and over the network.

use super::trouble::{ErrorSinks, Errors};
use super::{ListenerError, ListenerFault};
use hub_wire::TopicFilter;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// More listeners than this on one filter are worth a warning, unless set otherwise.
pub const DEFAULT_MAX_LISTENERS: usize = 10;

/// The listeners of one emitter, and where their errors go. Clones share both.
///
/// ```
/// use hub_core::emitter::Listeners;
///
/// let listeners = Listeners::new();
/// listeners.set_max_listeners(100);
/// assert!(listeners.event_names().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Listeners(Arc<Shared>);

struct Shared {
    by_filter: Mutex<BTreeMap<TopicFilter, Filed>>,
    max: AtomicUsize,
    sinks: ErrorSinks,
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            by_filter: Mutex::default(),
            max: AtomicUsize::new(DEFAULT_MAX_LISTENERS),
            sinks: ErrorSinks::default(),
        }
    }
}

#[derive(Default)]
struct Filed {
    count: usize,
    warned: bool,
}

impl Listeners {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets from how many listeners on one filter on there is a warning; 0 turns it off.
    ///
    /// So many are usually a listener that is registered again and again and never taken off.
    pub fn set_max_listeners(&self, max: usize) {
        self.0.max.store(max, Ordering::Relaxed);
    }

    /// How many listeners were registered for exactly this filter.
    #[must_use]
    pub fn count(&self, filter: &TopicFilter) -> usize {
        self.0.by_filter.lock().get(filter).map_or(0, |filed| filed.count)
    }

    /// The filters for which there are listeners, sorted.
    #[must_use]
    pub fn event_names(&self) -> Vec<TopicFilter> {
        self.0.by_filter.lock().keys().cloned().collect()
    }

    /// A stream of what goes wrong from now on. See [`Errors`].
    #[must_use]
    pub fn errors(&self) -> Errors {
        self.0.sinks.open()
    }

    /// Passes an error to the streams; logs it if there is none that takes it.
    pub fn report(&self, error: ListenerError) {
        self.0.sinks.report(error);
    }

    /// Files a listener until the registration ends.
    pub(super) fn register(&self, filter: &TopicFilter) -> Registration {
        let max = self.0.max.load(Ordering::Relaxed);
        let count = {
            let mut by_filter = self.0.by_filter.lock();
            let filed = by_filter.entry(filter.clone()).or_default();
            filed.count += 1;
            let warn = max > 0 && filed.count > max && !filed.warned;
            filed.warned |= warn;
            warn.then_some(filed.count)
        };
        if let Some(count) = count {
            tracing::warn!(%filter, count, max, "many listeners on one filter: a leak?");
            let fault = ListenerFault::TooManyListeners { count, max };
            self.report(ListenerError { filter: filter.clone(), place: None, fault });
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

/// A listener's place in the registry.
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

    pub(super) fn end(&self) {
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut by_filter = self.listeners.0.by_filter.lock();
        if let Some(filed) = by_filter.get_mut(&self.filter) {
            filed.count -= 1;
            if filed.count == 0 {
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
