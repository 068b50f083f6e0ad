//! Keeps the keys of an issuer that come from a URL. `crate::policy::key_fetches` fetches them. This
//! module keeps the last good set, and lets clients wait for a newer set. Without it, a failed fetch
//! would take the keys away.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jsonwebtoken::Algorithm;
use parking_lot::RwLock;
use rustls::pki_types::CertificateDer;
use tokio::sync::{Notify, watch};
use ureq::http::Uri;

use super::jwks::KeySet;

/// The pause after a failed fetch is between these two times.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Names the URL from which keys are fetched, and the CAs that are trusted there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct JwksEndpoint {
    pub(crate) url: Uri,
    /// These CAs are trusted. `None` means the CAs of the system.
    pub(crate) ca: Option<Vec<CertificateDer<'static>>>,
}

/// Holds the keys of one `[[jwt]]` with a URL.
pub(crate) struct RemoteKeys {
    /// The keys come from this URL.
    pub(crate) source: JwksEndpoint,
    /// The `[[jwt]]` is in this file and line. The log shows them.
    pub(crate) declared_at: String,
    /// The keys are fetched at this interval.
    every: Duration,
    allowed: Vec<Algorithm>,
    fetched: RwLock<Option<Fetched>>,
    asked: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Clone)]
struct Fetched {
    /// The answer is kept as it came, because an access file that is loaded later may allow other
    /// algorithms.
    text: String,
    keys: Arc<KeySet>,
    at: SystemTime,
}

/// Holds numbers of fetches, which are counted from 1.
#[derive(Default)]
struct Progress {
    begun: u64,
    ended: u64,
    /// The last fetch that brought keys has this number.
    good: u64,
    /// Is true if there will be no more fetches.
    over: bool,
}

impl RemoteKeys {
    pub(super) fn new(
        source: JwksEndpoint,
        declared_at: String,
        every: Duration,
        allowed: Vec<Algorithm>,
    ) -> Self {
        RemoteKeys {
            source,
            declared_at,
            every,
            allowed,
            fetched: RwLock::default(),
            asked: Notify::new(),
            progress: watch::Sender::default(),
        }
    }

    /// Returns the last good keys, or `None` if there were none yet.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.fetched.read().as_ref().map(|fetched| fetched.keys.clone())
    }

    /// Returns when these keys were fetched, or `None` if there are none yet.
    pub(crate) fn fetched_at(&self) -> Option<SystemTime> {
        self.fetched.read().as_ref().map(|fetched| fetched.at)
    }

    /// Takes the keys that were fetched for another access file from the same source.
    pub(super) fn take_over(&self, former: &RemoteKeys) {
        let Some(known) = former.fetched.read().clone() else { return };
        if let Ok(keys) = KeySet::parse(&known.text, &self.allowed) {
            *self.fetched.write() = Some(Fetched { keys: Arc::new(keys), ..known });
        }
    }

    /// Asks for a fetch, waits until it has ended, and returns whether it brought keys. Returns
    /// `None` if nothing fetches these keys any more, because another access file is in force.
    ///
    /// A fetch in progress counts only if there are no keys at all, because it may have read keys
    /// that are old by now.
    pub(crate) async fn newer(&self) -> Option<bool> {
        let mut progress = self.progress.subscribe();
        let Progress { begun, ended, .. } = *progress.borrow();
        let mut wanted = begun;
        if begun == ended || self.fetched_at().is_some() {
            wanted += 1;
            self.asked.notify_one();
        }
        let done = progress.wait_for(|now| now.over || now.ended >= wanted).await.ok()?;
        (done.ended >= wanted).then_some(done.good >= wanted)
    }

    /// Waits until a client asks for a fetch.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Notes that a fetch begins.
    pub(crate) fn begin(&self) {
        self.progress.send_modify(|progress| {
            progress.begun += 1;
            // An earlier task that fetched these keys may have panicked, and its end has set
            // `over`.
            progress.over = false;
        });
    }

    /// Keeps the keys that a fetch brought, if they are good. Returns whether the answer differs
    /// from the previous one.
    ///
    /// # Errors
    /// The error says why there are no newer keys.
    pub(crate) fn keep(
        &self,
        answer: Result<String, String>,
        at: SystemTime,
    ) -> Result<bool, String> {
        let text = answer?;
        let keys = KeySet::parse(&text, &self.allowed);
        let keys = Arc::new(keys.map_err(|why| format!("the answer {why}"))?);
        let mut fetched = self.fetched.write();
        let changed = fetched.as_ref().is_none_or(|before| before.text != text);
        *fetched = Some(Fetched { text, keys, at });
        Ok(changed)
    }

    /// Names each of the present keys that the hub cannot use, and says why.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.current().iter().flat_map(|keys| keys.warnings()).collect()
    }

    /// Notes that the fetch has ended, and that its result is kept and counted. Clients that wait
    /// for the fetch go on.
    pub(crate) fn end(&self, good: bool) {
        self.progress.send_modify(|progress| {
            progress.ended = progress.begun;
            if good {
                progress.good = progress.begun;
            }
        });
    }

    /// Returns how long to wait for the next fetch after this many failed fetches in a row.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let (first, most) = RETRY;
        match failures {
            0 => self.every,
            _ => (first * 2_u32.saturating_pow(failures.min(10) - 1)).min(most).min(self.every),
        }
    }
}

/// Belongs to the task that fetches these keys. When the task ends and drops it, no client waits
/// for the keys any more.
pub(crate) struct Fetcher(pub(crate) Arc<RemoteKeys>);

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.0.progress.send_modify(|progress| progress.over = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_fails_is_asked_less_and_less_often() {
        let source = JwksEndpoint { url: Uri::from_static("https://id.example.org/"), ca: None };
        let every = Duration::from_secs(20);
        let keys = RemoteKeys::new(source, String::new(), every, Vec::new());
        let pauses: Vec<_> = (0..=7).map(|failures| keys.pause(failures).as_secs()).collect();
        assert_eq!(pauses, [20, 1, 2, 4, 8, 16, 20, 20]);
        assert_eq!(keys.pause(u32::MAX).as_secs(), 20);
    }
}
