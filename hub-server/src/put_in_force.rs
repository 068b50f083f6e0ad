//! Puts loaded files in force. Only here do a rule file, an access file, the TLS files and the
//! configuration file take effect on a running hub, and only here are its sessions told about them.
//! If each file did that itself, each would have to know the whole hub.

use crate::config::{Config, ConfigFile, Key};
use crate::hub::Hub;
use crate::policy::access::Access;
use crate::policy::access_file::AccessFile;
use crate::policy::rule_file::RuleFile;
use crate::policy::tls::files::TlsFiles;
use crate::policy::tls::names::seconds;
use crate::policy::tls::setup::TlsSetup;
use crate::reload::report::InForce;
use crate::reload::stale_files::FileKind;
use crate::reload::watched_file::{FileSnapshot, WatchedFile};
use crate::reload::watcher::{self, ReloadMetrics};
use crate::telemetry::metrics::Metrics;
use crate::text;
use hub_scrub::RuleSet;
use prometheus::IntCounterVec;
use std::sync::Arc;
use std::time::SystemTime;

/// Describes how a file of one kind takes effect on a running hub.
pub(crate) trait PutInForce: WatchedFile {
    /// The metrics know files of this kind by this name.
    const KIND: FileKind;

    /// Puts the contents that were loaded in force, and returns a summary of them.
    fn put_in_force(hub: &Hub, loaded: Self::Loaded) -> InForce;

    /// Returns the counter of the reloads of this kind of file, by outcome.
    fn reloads(metrics: &Metrics) -> &IntCounterVec;
}

/// Follows a file for as long as the hub runs. `seen` is the state of the file when it was last
/// loaded.
///
/// Requests for a reload reach the file as soon as this function returns, even if the future is not
/// polled yet. Otherwise the answer to a request that comes right after the start would leave the
/// file out.
pub(crate) fn follow<F: PutInForce>(
    hub: Arc<Hub>,
    file: F,
    seen: FileSnapshot,
) -> impl Future<Output = ()> {
    let requests = hub.reloads.register(file.path().display().to_string());
    async move {
        let put_in_force = |loaded| F::put_in_force(&hub, loaded);
        let metrics = ReloadMetrics {
            reloads: F::reloads(&hub.metrics),
            stale: hub.metrics.stale_files.of(F::KIND),
        };
        watcher::follow(file, seen, requests, metrics, put_in_force).await;
    }
}

impl PutInForce for RuleFile {
    const KIND: FileKind = FileKind::Rules;

    fn put_in_force(hub: &Hub, set: RuleSet) -> InForce {
        let rules = set.rules().count();
        hub.metrics.rules.set(i64::try_from(rules).unwrap_or(i64::MAX));
        hub.policy.rules.replace(set);
        tell_unknown_names(hub);
        InForce::All(text::count(rules, "rule", "rules"))
    }

    fn reloads(metrics: &Metrics) -> &IntCounterVec {
        &metrics.scrub_reloads
    }
}

impl PutInForce for AccessFile {
    const KIND: FileKind = FileKind::Access;

    fn put_in_force(hub: &Hub, access: Access) -> InForce {
        let in_force = access.summary();
        for why in access.warnings() {
            tracing::warn!(why, "the rest of the access file is in force");
        }
        let policy = &hub.policy;
        access.take_over_keys(&policy.access.current());
        policy.access.replace(access);
        tell_unknown_names(hub);
        let directory = hub.directory.clone();
        let tell_sessions = move || directory.sessions.for_each(|session| session.access_changed());
        policy.key_fetches.follow(&policy.access, tell_sessions.clone());
        tell_sessions();
        InForce::All(in_force)
    }

    fn reloads(metrics: &Metrics) -> &IntCounterVec {
        &metrics.access_reloads
    }
}

/// Logs the views and roles that the access file and the rule file in force name and that do not exist.
fn tell_unknown_names(hub: &Hub) {
    let rules = hub.policy.rules.current();
    for found in hub.policy.access.current().unknown_names(rules.set()) {
        tracing::warn!("{found}");
    }
}

impl PutInForce for TlsFiles {
    const KIND: FileKind = FileKind::Tls;

    fn put_in_force(hub: &Hub, setup: TlsSetup) -> InForce {
        let (metrics, now) = (&hub.metrics.tls, seconds(SystemTime::now()));
        metrics.certificate_expiry.set(setup.expiry);
        metrics.crl_expiry.set(setup.crl_expiry.unwrap_or(0));
        if let Some(why) = setup.warnings() {
            tracing::warn!(why, "the TLS files are in force");
        }
        if setup.expiry < now {
            tracing::warn!("the TLS certificate has expired; clients will refuse it");
        }
        if setup.crl_expiry.is_some_and(|expiry| expiry < now) {
            tracing::warn!("a revocation list is too old; clients with certificates are refused");
        }
        let setup = Arc::new(setup);
        let before = hub.policy.tls.replace(setup.clone());
        if before.is_some_and(|before| !setup.has_the_trust_of(&before)) {
            hub.directory.sessions.for_each(|session| session.trust_changed());
        }
        InForce::All("the certificate".to_owned())
    }

    fn reloads(metrics: &Metrics) -> &IntCounterVec {
        &metrics.tls.reloads
    }
}

impl PutInForce for ConfigFile {
    const KIND: FileKind = FileKind::Config;

    fn put_in_force(hub: &Hub, config: Config) -> InForce {
        hub.limits.in_force.replace(&config);
        let changed = Key::ALL.iter().filter(|key| key.value(&config) != key.value(&hub.start));
        let (live, fixed): (Vec<&Key>, Vec<&Key>) = changed.partition(|key| key.live);
        let names = |keys: Vec<&Key>| keys.into_iter().map(|key| key.name).collect();
        InForce::Keys { applied: names(live), needs_restart: names(fixed) }
    }

    fn reloads(metrics: &Metrics) -> &IntCounterVec {
        &metrics.config_reloads
    }
}
