//! This module declares the keys of services that watch other services.
//!
//! Without it, whoever reads an event could read the logs of all services, or write into them.

use crate::detect::alphabet::Alphabet::{Alphanumeric, AnyHex, Base64, Hex, Upper, Url};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::{Text, Uuid};
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::MonitoringToken`].
pub(in crate::detect) const MONITORING_TOKEN: Declaration = secret(
    BuiltIn::MonitoringToken,
    "monitoring_token",
    &[Search::Prefix(&[
        form("Axiom", &["xaat-", "xapt-"], &[Uuid]),
        form("Dynatrace", &["dt0c01."], &[exactly(24, Upper), Text("."), exactly(64, Upper)]),
        form(
            "Dynatrace",
            &["dt0s01.", "dt0s02.", "dt0s16."],
            &[between(8, 24, Upper), Text("."), exactly(64, Upper)],
        ),
        form("Elastic Cloud", &["essu_"], &[between(40, 200, Base64)]),
        form("Grafana", &["glsa_"], &[exactly(32, Alphanumeric), Text("_"), exactly(8, AnyHex)]),
        form("Grafana", &["glc_"], &[between(32, 400, Base64)]),
        form("Grafana", &["eyJrIjoi"], &[between(60, 400, Base64)]),
        form("New Relic", &["NRAK-"], &[exactly(27, Alphanumeric)]),
        form("New Relic", &["NRII-", "NRIQ-"], &[between(25, 32, Url)]),
        form("New Relic", &["NRJS-", "NRBR-"], &[exactly(19, Hex)]),
        form("New Relic", &["eu01xx"], &[exactly(26, Hex), Text("FFFFNRAL")]),
        form("PostHog", &["phc_", "phx_", "phs_"], &[between(40, 48, Url)]),
        form("Rootly", &["rootly_"], &[exactly(64, Hex)]),
        form("Sentry", &["sntrys_eyJ"], &[between(80, 500, Base64)]),
        form("Sentry", &["sntryu_"], &[exactly(64, Hex)]),
    ])],
    &[concat!("glsa_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE_a0b3c6d9")],
);
