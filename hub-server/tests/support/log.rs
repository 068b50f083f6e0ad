//! Keeps the lines that the hub logs, so that tests can check them.

use std::fmt;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Holds every line that this process has logged since [`Log::keep`].
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Mutex<Vec<(Level, String)>>>);

impl Log {
    /// Begins to keep the lines. A process can call this function only once.
    pub(crate) fn keep() -> Log {
        let log = Log(Arc::default());
        tracing::subscriber::set_global_default(Keeper(log.clone())).expect("once a process");
        log
    }

    /// Returns the lines of these levels so far.
    pub(crate) fn lines(&self, levels: &[Level]) -> Vec<String> {
        let lines = self.0.lock().expect("nobody panics with it");
        lines
            .iter()
            .filter(|(level, _)| levels.contains(level))
            .map(|(_, line)| line.clone())
            .collect()
    }
}

struct Keeper(Log);

impl Subscriber for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let level = *event.metadata().level();
        self.0.0.lock().expect("nobody panics with it").push((level, line.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Collects each field as `name=value`.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}
