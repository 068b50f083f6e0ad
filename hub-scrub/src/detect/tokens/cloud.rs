//! This module declares the keys of clouds, databases, secret stores and networks.
//!
//! Without it, whoever reads an event could act for the account that pays for the machines.

use crate::detect::alphabet::Alphabet::{
    Alphanumeric, Base64, Digit, Dotted, Hex, Lower, Upper, Url,
};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::Text;
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::CloudToken`].
pub(in crate::detect) const CLOUD_TOKEN: Declaration = secret(
    BuiltIn::CloudToken,
    "cloud_token",
    &[Search::Prefix(&[
        form("1Password", &["ops_eyJ"], &[between(100, 1300, Base64)]),
        form(
            "1Password",
            &["A3-"],
            &[
                exactly(6, Upper),
                Text("-"),
                exactly(11, Upper),
                Text("-"),
                exactly(5, Upper),
                Text("-"),
                exactly(5, Upper),
                Text("-"),
                exactly(5, Upper),
            ],
        ),
        form(
            "1Password",
            &["A3-"],
            &[
                exactly(6, Upper),
                Text("-"),
                exactly(6, Upper),
                Text("-"),
                exactly(5, Upper),
                Text("-"),
                exactly(5, Upper),
                Text("-"),
                exactly(5, Upper),
                Text("-"),
                exactly(5, Upper),
            ],
        ),
        form("age", &["AGE-SECRET-KEY-1"], &[exactly(58, Upper)]),
        form("Aiven", &["AVNS_"], &[between(15, 24, Url)]),
        form("Alibaba Cloud", &["LTAI"], &[between(17, 21, Alphanumeric)]),
        form("Cloudflare", &["v1.0-"], &[exactly(24, Hex), Text("-"), exactly(146, Hex)]),
        form("Cloudflare", &["cfk_", "cfut_", "cfat_"], &[exactly(48, Alphanumeric)]),
        form("ClickHouse Cloud", &["4b1d"], &[exactly(38, Alphanumeric)]).mixed(),
        form(
            "CockroachDB",
            &["CCDB1_"],
            &[exactly(22, Alphanumeric), Text("_"), exactly(40, Alphanumeric)],
        ),
        form("Databricks", &["dapi"], &[exactly(32, Hex)]),
        form("Databricks", &["dapi"], &[exactly(32, Hex), Text("-"), exactly(1, Digit)]),
        form("Defined Networking", &["dnkey-"], &[exactly(79, Url)]),
        form(
            "Doppler",
            &["dp.pt.", "dp.ct.", "dp.sa.", "dp.st.", "dp.scim.", "dp.audit."],
            &[between(40, 44, Alphanumeric)],
        ),
        form(
            "Doppler",
            &["dp.st."],
            &[between(2, 35, Url), Text("."), between(40, 44, Alphanumeric)],
        ),
        form("Fly.io", &["fo1_"], &[exactly(43, Url)]),
        form("Fly.io", &["fm1a_", "fm1r_", "fm2_"], &[between(100, 1000, Base64)]),
        form("Google", &["GOCSPX-"], &[exactly(28, Url)]),
        form("Google", &["ya29."], &[between(26, 1024, Dotted)]),
        form("Google", &["1//0"], &[between(40, 250, Url)]),
        form("HashiCorp Terraform", &[".atlasv1."], &[between(60, 70, Url)]).behind(
            14,
            14,
            Alphanumeric,
        ),
        form("HashiCorp Vault", &["hvs.", "hvr."], &[between(24, 120, Url)]),
        form("HashiCorp Vault", &["hvb."], &[between(50, 300, Url)]),
        form("HashiCorp Vault", &["s."], &[exactly(24, Alphanumeric)]).mixed(),
        form("Heroku", &["HRKU-AA"], &[exactly(58, Url)]),
        form("Infracost", &["ico-"], &[exactly(32, Alphanumeric)]),
        form("Microsoft Azure", &["AccountKey="], &[between(86, 88, Base64)]),
        form("Microsoft Azure", &["SharedAccessKey="], &[between(43, 44, Base64)]),
        form("Microsoft Azure", &["+ACR"], &[exactly(6, Alphanumeric)]).behind(42, 42, Base64),
        form("MongoDB Atlas", &["mdb_sa_sk_"], &[exactly(40, Url)]),
        form("Neon", &["napi_"], &[between(48, 72, Alphanumeric)]),
        form("Netlify", &["nfp_", "nfc_", "nfo_", "nfu_"], &[exactly(36, Url)]),
        form("OpenShift", &["sha256~"], &[exactly(43, Url)]),
        form(
            "PlanetScale",
            &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
            &[between(32, 64, Dotted)],
        ),
        form("Pulumi", &["pul-"], &[exactly(40, Hex)]),
        form("Render", &["rnd_"], &[between(24, 48, Alphanumeric)]).mixed(),
        form("Scaleway", &["SCW"], &[exactly(17, Upper)]),
        form("Scalingo", &["tk-us-"], &[exactly(48, Url)]),
        form("Supabase", &["sbp_", "sbp_oauth_"], &[exactly(40, Lower)]),
        form("Supabase", &["sb_secret_"], &[between(20, 64, Url)]),
        form(
            "Tailscale",
            &["tskey-"],
            &[
                between(2, 20, Lower),
                Text("-"),
                between(8, 40, Alphanumeric),
                Text("-"),
                between(16, 64, Alphanumeric),
            ],
        ),
        form("Tencent Cloud", &["AKID"], &[exactly(32, Alphanumeric)]),
        form("Vercel", &["vcp_", "vci_", "vca_", "vcr_", "vck_"], &[between(20, 60, Alphanumeric)]),
        form("Yandex Cloud", &["AQVN"], &[between(35, 38, Url)]),
        form(
            "Yandex Cloud",
            &["t1."],
            &[between(26, 1000, Base64), Text("."), between(86, 88, Base64)],
        ),
    ])],
    &[concat!("dapi", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9")],
);
