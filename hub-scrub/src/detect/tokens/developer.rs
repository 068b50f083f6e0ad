//! This module declares the tokens of registries, code hosts, build services and tools of developers.
//!
//! Without it, whoever reads an event could publish a package or change what a build makes.

use crate::detect::alphabet::Alphabet::{Alphanumeric, AnyHex, Base64, Hex, Lower, Upper, Url};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::{Text, Uuid};
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::DeveloperToken`].
pub(in crate::detect) const DEVELOPER_TOKEN: Declaration = secret(
    BuiltIn::DeveloperToken,
    "developer_token",
    &[Search::Prefix(&[
        form("Atlassian", &["ATATT3", "ATCTT3"], &[between(150, 250, Base64)]),
        form("Bitbucket", &["ATBB"], &[exactly(32, Alphanumeric)]),
        form("Bitbucket Data Center", &["BBDC-"], &[between(40, 50, Base64)]),
        form("Buildkite", &["bkua_"], &[exactly(40, Lower)]),
        form(
            "CircleCI",
            &["CCIPAT_", "CCIPRJ_"],
            &[exactly(22, Alphanumeric), Text("_"), exactly(40, AnyHex)],
        ),
        form("Clojars", &["CLOJARS_"], &[exactly(60, Lower)]),
        form("crates.io", &["cio"], &[exactly(32, Alphanumeric)]),
        form("Deno Deploy", &["ddp_", "ddw_"], &[exactly(36, Alphanumeric)]),
        form("Dependency-Track", &["odt_"], &[between(32, 255, Alphanumeric)]),
        form("Docker Hub", &["dckr_pat_"], &[exactly(27, Url)]),
        form("Docker Hub", &["dckr_oat_"], &[exactly(32, Url)]),
        form("Endor Labs", &["endr+"], &[exactly(16, Url)]),
        form(
            "Harness",
            &["pat.", "sat."],
            &[
                exactly(22, Url),
                Text("."),
                exactly(24, Alphanumeric),
                Text("."),
                exactly(20, Alphanumeric),
            ],
        ),
        form("JFrog", &["AKCp"], &[exactly(69, Alphanumeric)]),
        form("JFrog", &["cmVmdGtu"], &[exactly(56, Alphanumeric)]),
        form("LaunchDarkly", &["sdk-", "mob-"], &[Uuid]),
        form("NuGet", &["oy2"], &[exactly(43, Lower)]),
        form("Octopus Deploy", &["API-"], &[exactly(26, Upper)]),
        form("Portainer", &["ptr_"], &[between(40, 60, Base64)]),
        form("Postman", &["PMAK-"], &[exactly(24, Hex), Text("-"), exactly(34, Hex)]),
        form("Postman", &["PMAT-"], &[exactly(26, Upper)]),
        form("Prefect", &["pnu_", "pnb_"], &[exactly(36, Alphanumeric)]),
        form("ReadMe", &["rdme_"], &[exactly(70, Lower)]),
        form("RubyGems", &["rubygems_"], &[exactly(48, Hex)]),
        form("SonarQube", &["squ_", "sqp_", "sqa_"], &[exactly(40, Hex)]),
        form("SonarQube", &["sqco_"], &[exactly(59, Alphanumeric)]),
        form("Sourcegraph", &["sgp_", "sgp_local_"], &[exactly(40, AnyHex)]),
        form("Sourcegraph", &["sgp_"], &[exactly(16, AnyHex), Text("_"), exactly(40, AnyHex)]),
        form("Sourcegraph", &["slk_", "sgd_"], &[exactly(64, Hex)]),
        form("StackHawk", &["hawk."], &[exactly(20, Url), Text("."), exactly(20, Url)]),
        form(
            "TeamCity",
            &["eyJ0eXAiOiAiVENWMiJ9."],
            &[between(26, 60, Base64), Text("."), between(40, 80, Base64)],
        ),
        form("TruffleHog", &["thog-key-"], &[exactly(16, Hex)]),
        form("TruffleHog", &["thog-secret-"], &[exactly(32, Hex)]),
    ])],
    &[concat!("cio", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE")],
);
