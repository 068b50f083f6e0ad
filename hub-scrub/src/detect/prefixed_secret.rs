//! This module declares the keys and tokens of issuers that gave them a format. The formats are from the
//! documentation of the issuers.
//!
//! Without this module, such a key would be found only if `high_entropy` finds it.

use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::secret_format::{Alphabet, SecretFormat};

/// Declares a secret that has one of some formats. Its prefix leaves no doubt, so no word has to be near.
const fn secret(
    kind: BuiltIn,
    name: &'static str,
    searches: &'static [Search],
    examples: &'static [&'static str],
) -> Declaration {
    Declaration {
        kind,
        name,
        words: &[],
        trigger: Trigger::Run,
        ambiguous_integers: &[],
        certain_integers: &[],
        searches,
        check: None,
        examples,
    }
}

/// Declares [`BuiltIn::AwsKey`].
pub(super) const AWS_KEY: Declaration = secret(
    BuiltIn::AwsKey,
    "aws_key",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["AKIA", "ASIA", "ABIA", "ACCA"],
        alphabet: Alphabet::Upper,
        min: 16,
        max: 16,
    }])],
    &[concat!("AKIA", "AB3DE6GH9JK2MN5P")],
);

/// Declares [`BuiltIn::GithubToken`].
pub(super) const GITHUB_TOKEN: Declaration = secret(
    BuiltIn::GithubToken,
    "github_token",
    &[Search::Prefix(&[
        SecretFormat {
            prefixes: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
            alphabet: Alphabet::Alphanumeric,
            min: 36,
            max: 251,
        },
        SecretFormat { prefixes: &["github_pat_"], alphabet: Alphabet::Url, min: 82, max: 82 },
    ])],
    &[
        concat!("ghp_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9"),
        concat!(
            "github_pat_",
            "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ7a"
        ),
    ],
);

/// Declares [`BuiltIn::GitlabToken`].
pub(super) const GITLAB_TOKEN: Declaration = secret(
    BuiltIn::GitlabToken,
    "gitlab_token",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &[
            "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "glagent-",
            "glimt-",
        ],
        alphabet: Alphabet::Dotted,
        min: 20,
        max: 300,
    }])],
    &[concat!("glpat-", "aB3dE6gH9jK2mN5pQ8sT")],
);

/// Declares [`BuiltIn::SlackToken`].
pub(super) const SLACK_TOKEN: Declaration = secret(
    BuiltIn::SlackToken,
    "slack_token",
    &[Search::Prefix(&[
        SecretFormat {
            prefixes: &["xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xoxe-", "xapp-"],
            alphabet: Alphabet::Url,
            min: 10,
            max: 250,
        },
        SecretFormat {
            prefixes: &["xoxe.xoxp-", "xoxe.xoxb-"],
            alphabet: Alphabet::Dotted,
            min: 10,
            max: 300,
        },
    ])],
    &[
        concat!("xoxb-", "aB3dE6gH9jK2mN5pQ8sT1vX4"),
        concat!("xoxe.xoxp-", "aB3dE6gH9jK2mN5pQ8sT1vX4"),
    ],
);

/// Declares [`BuiltIn::StripeKey`].
pub(super) const STRIPE_KEY: Declaration = secret(
    BuiltIn::StripeKey,
    "stripe_key",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        alphabet: Alphabet::Alphanumeric,
        min: 16,
        max: 250,
    }])],
    &[concat!("sk_live_", "aB3dE6gH9jK2mN5pQ8sT1vX4")],
);

/// Declares [`BuiltIn::GoogleApiKey`].
pub(super) const GOOGLE_API_KEY: Declaration = secret(
    BuiltIn::GoogleApiKey,
    "google_api_key",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["AIza"],
        alphabet: Alphabet::Url,
        min: 35,
        max: 35,
    }])],
    &[concat!("AIza", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH")],
);

/// Declares [`BuiltIn::SendgridKey`].
pub(super) const SENDGRID_KEY: Declaration = secret(
    BuiltIn::SendgridKey,
    "sendgrid_key",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["SG."],
        alphabet: Alphabet::Dotted,
        min: 66,
        max: 66,
    }])],
    &[concat!("SG.", "aB3dE6gH9jK2mN5pQ8sT1v.aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5p")],
);

/// Declares [`BuiltIn::NpmToken`].
pub(super) const NPM_TOKEN: Declaration = secret(
    BuiltIn::NpmToken,
    "npm_token",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["npm_"],
        alphabet: Alphabet::Alphanumeric,
        min: 36,
        max: 36,
    }])],
    &[concat!("npm_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9")],
);

/// Declares [`BuiltIn::PypiToken`].
pub(super) const PYPI_TOKEN: Declaration = secret(
    BuiltIn::PypiToken,
    "pypi_token",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["pypi-AgE"],
        alphabet: Alphabet::Url,
        min: 50,
        max: 300,
    }])],
    &[concat!("pypi-AgE", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX")],
);

/// Declares [`BuiltIn::DigitaloceanToken`].
pub(super) const DIGITALOCEAN_TOKEN: Declaration = secret(
    BuiltIn::DigitaloceanToken,
    "digitalocean_token",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["dop_v1_", "doo_v1_", "dor_v1_"],
        alphabet: Alphabet::Hex,
        min: 64,
        max: 64,
    }])],
    &[concat!("dop_v1_", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3")],
);

/// Declares [`BuiltIn::ShopifyToken`].
pub(super) const SHOPIFY_TOKEN: Declaration = secret(
    BuiltIn::ShopifyToken,
    "shopify_token",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["shpat_", "shpca_", "shppa_", "shpss_"],
        alphabet: Alphabet::Hex,
        min: 32,
        max: 32,
    }])],
    &[concat!("shpat_", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9")],
);

/// Declares [`BuiltIn::HuggingfaceToken`].
pub(super) const HUGGINGFACE_TOKEN: Declaration = secret(
    BuiltIn::HuggingfaceToken,
    "huggingface_token",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["hf_"],
        alphabet: Alphabet::Alphanumeric,
        min: 30,
        max: 50,
    }])],
    &[concat!("hf_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3")],
);

/// Declares [`BuiltIn::AnthropicKey`].
pub(super) const ANTHROPIC_KEY: Declaration = secret(
    BuiltIn::AnthropicKey,
    "anthropic_key",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["sk-ant-api03-", "sk-ant-admin01-"],
        alphabet: Alphabet::Url,
        min: 80,
        max: 120,
    }])],
    &[concat!(
        "sk-ant-api03-",
        "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ"
    )],
);

/// Declares [`BuiltIn::OpenaiKey`].
pub(super) const OPENAI_KEY: Declaration = secret(
    BuiltIn::OpenaiKey,
    "openai_key",
    &[Search::Prefix(&[
        SecretFormat {
            prefixes: &["sk-proj-", "sk-svcacct-", "sk-admin-"],
            alphabet: Alphabet::Url,
            min: 40,
            max: 250,
        },
        SecretFormat { prefixes: &["sk-"], alphabet: Alphabet::Alphanumeric, min: 48, max: 48 },
    ])],
    &[
        concat!("sk-proj-", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2m"),
        concat!("sk-", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1"),
    ],
);

/// Declares [`BuiltIn::TwilioKey`].
pub(super) const TWILIO_KEY: Declaration = secret(
    BuiltIn::TwilioKey,
    "twilio_key",
    &[Search::Prefix(&[SecretFormat {
        prefixes: &["SK"],
        alphabet: Alphabet::Hex,
        min: 32,
        max: 32,
    }])],
    &[concat!("SK", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9")],
);
