//! Takes over a rule file when it changes.

use crate::hub::Hub;
use crate::rules::{RuleFile, RulesError};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

/// How often the file is looked at. Reading it is sure where watching it is not: volumes of
/// Kubernetes change by a link, and some file systems tell nobody.
const EVERY: Duration = Duration::from_secs(1);

/// Loads the rules when the file's text is another one, and on SIGHUP, for secrets that changed.
/// A file that is wrong changes nothing.
pub(crate) async fn follow(hub: Arc<Hub>, file: RuleFile, mut text: String) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut tick = tokio::time::interval(EVERY);
    loop {
        let forced = tokio::select! {
            _ = tick.tick() => false,
            _ = hangup.recv() => true,
        };
        let (known, from) = (std::mem::take(&mut text), file.clone());
        // Not on this thread: a rule file runs its own tests.
        let loaded = spawn_blocking(move || {
            let now = match from.read() {
                Ok(now) => now,
                // While it is being replaced there may be no file.
                Err(error) if forced => return (known, Some(Err(error))),
                Err(_) => return (known, None),
            };
            let changed = forced || now != known;
            let loaded = changed.then(|| from.load(&now));
            (now, loaded)
        });
        let Ok((now, loaded)) = loaded.await else { return };
        text = now;
        if let Some(loaded) = loaded {
            apply(&hub, &file, loaded);
        }
    }
}

fn apply(hub: &Hub, file: &RuleFile, loaded: Result<hub_core::scrub::RuleSet, RulesError>) {
    let path = file.path().display();
    let outcome = match loaded {
        Ok(set) => {
            hub.rules.replace(set);
            tracing::info!(file = %path, rules = hub.rules.current().len(), "rules taken over");
            "applied"
        }
        Err(error) => {
            tracing::error!(file = %path, %error, "the rules stay as they were");
            "refused"
        }
    };
    hub.metrics.reloads.with_label_values(&[outcome]).inc();
    hub.metrics.rules.set(i64::try_from(hub.rules.current().len()).unwrap_or(i64::MAX));
}
