//! Keys and tokens of issuers that gave them a format. The formats are from the documentation of the issuers.
//!
//! Without this module, such a key would be found only if `high_entropy` finds it.

use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::secret_format::{Alphabet, SecretFormat};

/// Declares [`BuiltIn::AwsKey`].
pub(super) const AWS_KEY: Declaration = Declaration {
    kind: BuiltIn::AwsKey,
    name: "aws_key",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["AKIA", "ASIA", "ABIA", "ACCA"],
        alphabet: Alphabet::Upper,
        min: 16,
        max: 16,
    }])],
    check: None,
    examples: &[concat!("AKIA", "AB3DE6GH9JK2MN5P")],
};

/// Declares [`BuiltIn::GithubToken`].
pub(super) const GITHUB_TOKEN: Declaration = Declaration {
    kind: BuiltIn::GithubToken,
    name: "github_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[
        SecretFormat {
            prefixes: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
            alphabet: Alphabet::Alphanumeric,
            min: 36,
            max: 251,
        },
        SecretFormat { prefixes: &["github_pat_"], alphabet: Alphabet::Url, min: 82, max: 82 },
    ])],
    check: None,
    examples: &[
        concat!("ghp_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9"),
        concat!(
            "github_pat_",
            "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ7a"
        ),
    ],
};

/// Declares [`BuiltIn::GitlabToken`].
pub(super) const GITLAB_TOKEN: Declaration = Declaration {
    kind: BuiltIn::GitlabToken,
    name: "gitlab_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &[
            "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "glagent-",
            "glimt-",
        ],
        alphabet: Alphabet::Dotted,
        min: 20,
        max: 300,
    }])],
    check: None,
    examples: &[concat!("glpat-", "aB3dE6gH9jK2mN5pQ8sT")],
};

/// Declares [`BuiltIn::SlackToken`].
pub(super) const SLACK_TOKEN: Declaration = Declaration {
    kind: BuiltIn::SlackToken,
    name: "slack_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[
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
    check: None,
    examples: &[
        concat!("xoxb-", "aB3dE6gH9jK2mN5pQ8sT1vX4"),
        concat!("xoxe.xoxp-", "aB3dE6gH9jK2mN5pQ8sT1vX4"),
    ],
};

/// Declares [`BuiltIn::StripeKey`].
pub(super) const STRIPE_KEY: Declaration = Declaration {
    kind: BuiltIn::StripeKey,
    name: "stripe_key",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        alphabet: Alphabet::Alphanumeric,
        min: 16,
        max: 250,
    }])],
    check: None,
    examples: &[concat!("sk_live_", "aB3dE6gH9jK2mN5pQ8sT1vX4")],
};

/// Declares [`BuiltIn::GoogleApiKey`].
pub(super) const GOOGLE_API_KEY: Declaration = Declaration {
    kind: BuiltIn::GoogleApiKey,
    name: "google_api_key",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["AIza"],
        alphabet: Alphabet::Url,
        min: 35,
        max: 35,
    }])],
    check: None,
    examples: &[concat!("AIza", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH")],
};

/// Declares [`BuiltIn::SendgridKey`].
pub(super) const SENDGRID_KEY: Declaration = Declaration {
    kind: BuiltIn::SendgridKey,
    name: "sendgrid_key",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["SG."],
        alphabet: Alphabet::Dotted,
        min: 66,
        max: 66,
    }])],
    check: None,
    examples: &[concat!(
        "SG.",
        "aB3dE6gH9jK2mN5pQ8sT1v.aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5p"
    )],
};

/// Declares [`BuiltIn::NpmToken`].
pub(super) const NPM_TOKEN: Declaration = Declaration {
    kind: BuiltIn::NpmToken,
    name: "npm_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["npm_"],
        alphabet: Alphabet::Alphanumeric,
        min: 36,
        max: 36,
    }])],
    check: None,
    examples: &[concat!("npm_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9")],
};

/// Declares [`BuiltIn::PypiToken`].
pub(super) const PYPI_TOKEN: Declaration = Declaration {
    kind: BuiltIn::PypiToken,
    name: "pypi_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["pypi-AgE"],
        alphabet: Alphabet::Url,
        min: 50,
        max: 300,
    }])],
    check: None,
    examples: &[concat!("pypi-AgE", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX")],
};

/// Declares [`BuiltIn::DigitaloceanToken`].
pub(super) const DIGITALOCEAN_TOKEN: Declaration = Declaration {
    kind: BuiltIn::DigitaloceanToken,
    name: "digitalocean_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["dop_v1_", "doo_v1_", "dor_v1_"],
        alphabet: Alphabet::Hex,
        min: 64,
        max: 64,
    }])],
    check: None,
    examples: &[concat!(
        "dop_v1_",
        "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3"
    )],
};

/// Declares [`BuiltIn::ShopifyToken`].
pub(super) const SHOPIFY_TOKEN: Declaration = Declaration {
    kind: BuiltIn::ShopifyToken,
    name: "shopify_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["shpat_", "shpca_", "shppa_", "shpss_"],
        alphabet: Alphabet::Hex,
        min: 32,
        max: 32,
    }])],
    check: None,
    examples: &[concat!("shpat_", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9")],
};

/// Declares [`BuiltIn::HuggingfaceToken`].
pub(super) const HUGGINGFACE_TOKEN: Declaration = Declaration {
    kind: BuiltIn::HuggingfaceToken,
    name: "huggingface_token",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["hf_"],
        alphabet: Alphabet::Alphanumeric,
        min: 30,
        max: 50,
    }])],
    check: None,
    examples: &[concat!("hf_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3")],
};

/// Declares [`BuiltIn::AnthropicKey`].
pub(super) const ANTHROPIC_KEY: Declaration = Declaration {
    kind: BuiltIn::AnthropicKey,
    name: "anthropic_key",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["sk-ant-api03-", "sk-ant-admin01-"],
        alphabet: Alphabet::Url,
        min: 80,
        max: 120,
    }])],
    check: None,
    examples: &[concat!(
        "sk-ant-api03-",
        "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ"
    )],
};

/// Declares [`BuiltIn::OpenaiKey`].
pub(super) const OPENAI_KEY: Declaration = Declaration {
    kind: BuiltIn::OpenaiKey,
    name: "openai_key",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[
        SecretFormat {
            prefixes: &["sk-proj-", "sk-svcacct-", "sk-admin-"],
            alphabet: Alphabet::Url,
            min: 40,
            max: 250,
        },
        SecretFormat { prefixes: &["sk-"], alphabet: Alphabet::Alphanumeric, min: 48, max: 48 },
    ])],
    check: None,
    examples: &[
        concat!("sk-proj-", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2m"),
        concat!("sk-", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1"),
    ],
};

/// Declares [`BuiltIn::TwilioKey`].
pub(super) const TWILIO_KEY: Declaration = Declaration {
    kind: BuiltIn::TwilioKey,
    name: "twilio_key",
    words: &[],
    trigger: Trigger::Run,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Prefix(&[SecretFormat {
        prefixes: &["SK"],
        alphabet: Alphabet::Hex,
        min: 32,
        max: 32,
    }])],
    check: None,
    examples: &[concat!("SK", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9")],
};
