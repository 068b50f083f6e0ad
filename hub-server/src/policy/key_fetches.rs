//! Fetches the keys of identity providers from their URLs, and lets a client wait for newer keys if the
//! key of its JWT is not known. If clients did not wait, a provider that changes its keys would lock its
//! clients out until the next regular fetch.

use super::access::{Access, Credentials, Fetcher, JwksEndpoint};
use super::access_in_force::AccessInForce;
use crate::supervise::keep_running;
use futures_util::FutureExt;
use futures_util::future::join_all;
use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGauge, Opts};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// One fetch may take this long, from the look-up of the host's name to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// An answer may have at most this many bytes. The largest key set that is allowed, with
/// certificates, is shorter.
const MOST: u64 = 256 * 1024;
/// Two fetches that clients have caused are at least this far apart. So a client that invents keys
/// causes few fetches.
const BETWEEN: Duration = Duration::from_secs(5);
/// A client waits at most this long for newer keys. This is less than the 5 s in which SDKs expect
/// an answer.
const WAIT: Duration = Duration::from_secs(4);

/// Holds the tasks that fetch keys for the access file in force. Another access file replaces all
/// of them.
#[derive(Debug)]
pub(crate) struct KeyFetches {
    tasks: Mutex<JoinSet<()>>,
    metrics: JwksMetrics,
}

impl KeyFetches {
    pub(super) fn new() -> Self {
        KeyFetches { tasks: Mutex::default(), metrics: JwksMetrics::new() }
    }

    pub(crate) fn metrics(&self) -> &JwksMetrics {
        &self.metrics
    }

    /// Fetches the keys that the access file in force names, and ends the fetches for the previous
    /// file. Calls `changed` whenever a fetch brought keys that differ from the previous ones.
    pub(crate) fn follow(
        &self,
        access: &Arc<AccessInForce>,
        changed: impl Fn() + Clone + Send + 'static,
    ) {
        let mut tasks = JoinSet::new();
        for keys in access.current().remote_keys() {
            let (access, keys) = (access.clone(), keys.clone());
            let (metrics, changed) = (self.metrics.clone(), changed.clone());
            tasks.spawn(keep_running("what fetches keys", move || {
                let fetcher = Fetcher(keys.clone());
                keep(fetcher, access.clone(), metrics.clone(), changed.clone()).map(Ok)
            }));
        }
        *self.tasks.lock() = tasks;
        show_age(&access.current(), &self.metrics);
    }
}

/// Makes sure that the keys for these credentials are up to date. If the keys may be old, the
/// returned future asks for a fetch, waits for it for a bounded time, and resolves to whether it
/// brought keys. Returns `None` if there is nothing to wait for.
pub(crate) fn newer(
    in_force: &Arc<AccessInForce>,
    credentials: &Credentials,
) -> Option<impl Future<Output = bool> + use<>> {
    let mut access = in_force.current();
    let mut missing = access.missing_keys(credentials);
    if missing.is_empty() {
        return None;
    }
    let (in_force, credentials) = (in_force.clone(), credentials.clone());
    let fetched = async move {
        loop {
            let ended = join_all(missing.iter().map(|keys| keys.newer())).await;
            if let Some(good) = ended.into_iter().collect::<Option<Vec<_>>>() {
                return good.into_iter().all(|good| good);
            }
            let former = std::mem::replace(&mut access, in_force.current());
            if Arc::ptr_eq(&former, &access) {
                // No other access file is in force, so the hub is stopping.
                return false;
            }
            missing = access.missing_keys(&credentials);
        }
    };
    Some(async move { timeout(WAIT, fetched).await.unwrap_or(false) })
}

/// Keeps the keys of one provider up to date.
async fn keep(
    fetcher: Fetcher,
    access: Arc<AccessInForce>,
    metrics: JwksMetrics,
    changed: impl Fn(),
) {
    let keys = &fetcher.0;
    let mut failures = 0;
    let mut asked: Option<Instant> = None;
    loop {
        keys.begin();
        let answer = fetch(keys.source.clone()).await;
        let kept = keys.keep(answer, SystemTime::now());
        let outcome = if kept.is_ok() { "good" } else { "failed" };
        metrics.fetches.with_label_values(&[outcome]).inc();
        show_age(&access.current(), &metrics);
        // The fetch ends for clients only here, after it was counted. Otherwise a client that waited
        // for the fetch could see metrics without it.
        keys.end(kept.is_ok());
        let place = &keys.declared_at;
        match kept {
            Ok(differs) => {
                failures = 0;
                if differs {
                    tracing::info!(place, "the keys of an identity provider are in force");
                    for why in keys.warnings() {
                        tracing::warn!(place, why, "the other keys are in force");
                    }
                    changed();
                }
            }
            Err(why) => {
                failures += 1;
                if keys.fetched_at().is_some() {
                    tracing::warn!(place, why, "no new keys; the last good ones stay in force");
                } else {
                    tracing::error!(
                        place,
                        why,
                        "no keys: clients with a JWT of this issuer are refused until there are some"
                    );
                }
            }
        }
        tokio::select! {
            () = sleep(keys.pause(failures)) => {}
            () = keys.asked() => {
                if let Some(last) = asked {
                    sleep_until(last + BETWEEN).await;
                }
                asked = Some(Instant::now());
            }
        }
    }
}

/// Fetches the keys on a thread that nothing waits for, so that a stopping hub need not wait for a
/// slow provider.
async fn fetch(source: JwksEndpoint) -> Result<String, String> {
    let (answer, answered) = oneshot::channel();
    let work = move || {
        // The access file may have been replaced, or the hub may have stopped, so nothing may wait
        // for the answer any more.
        let _ = answer.send(get(&source));
    };
    std::thread::Builder::new()
        .name("hub-jwks".to_owned())
        .spawn(work)
        .map_err(|error| format!("no thread to fetch them with: {error}"))?;
    answered.await.unwrap_or_else(|_| Err("the fetch failed".to_owned()))
}

/// Makes one GET request. The request follows no redirects and uses no proxies of the environment,
/// because these could bring keys from a place that nobody configured.
fn get(source: &JwksEndpoint) -> Result<String, String> {
    let roots = roots(source).map_err(|error| format!("no CAs to trust: {error}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .tls_config(tls)
        .user_agent(concat!("hub/", env!("CARGO_PKG_VERSION")))
        .accept("application/jwk-set+json, application/json")
        .build()
        .into();
    let mut answer = agent.get(&source.url).call().map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(format!("the answer has status {status}, not 200"));
    }
    answer.body_mut().with_config().limit(MOST).read_to_string().map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(most) => format!("the answer is longer than {most} bytes"),
        error => error.to_string(),
    })
}

fn roots(source: &JwksEndpoint) -> io::Result<Vec<Certificate<'static>>> {
    let certificates = match &source.ca {
        Some(own) => own.clone(),
        // The CAs are read each time, because they can change while the hub runs. Without TLS they
        // are not needed.
        None if source.url.scheme_str() == Some("https") => {
            let found = rustls_native_certs::load_native_certs();
            if found.certs.is_empty() {
                let why = found.errors.first().map(ToString::to_string);
                let why = why.unwrap_or_else(|| "the system has none".to_owned());
                return Err(io::Error::other(why));
            }
            found.certs
        }
        None => Vec::new(),
    };
    Ok(certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect())
}

/// Counts the fetches, and shows the age of the keys.
#[derive(Debug, Clone)]
pub(crate) struct JwksMetrics {
    fetches: IntCounterVec,
    /// Shows when the oldest keys were fetched, in seconds since the Unix epoch.
    fetched: IntGauge,
}

impl JwksMetrics {
    #[allow(clippy::expect_used, reason = "constant, valid names")]
    pub(crate) fn new() -> Self {
        let fetches = Opts::new("hub_jwks_fetches_total", "Fetches of JWT keys, by outcome.");
        let fetches = IntCounterVec::new(fetches, &["outcome"]).expect("a constant, valid name");
        // The counters exist from the start, so that a rate shows the first failure too.
        for outcome in ["good", "failed"] {
            fetches.with_label_values(&[outcome]);
        }
        let fetched = IntGauge::new(
            "hub_jwks_last_fetch_timestamp_seconds",
            "When the oldest of the fetched key sets in force came. 0 if one is missing, or \
             without URLs.",
        );
        JwksMetrics { fetches, fetched: fetched.expect("a constant, valid name") }
    }

    pub(crate) fn register(&self, with: &prometheus::Registry) -> Result<(), prometheus::Error> {
        with.register(Box::new(self.fetches.clone()))?;
        with.register(Box::new(self.fetched.clone()))
    }
}

fn show_age(access: &Access, metrics: &JwksMetrics) {
    // A provider without keys counts as the oldest, so the metric is 0 then.
    let oldest = access.remote_keys().map(|keys| keys.fetched_at()).min().flatten();
    let since = oldest.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    metrics.fetched.set(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
}
