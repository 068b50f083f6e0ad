//! This module declares the keys and tokens of issuers that gave them a format. The formats are from the
//! documentation of the issuers.
//!
//! Without this module, such a key would be found only if `high_entropy` finds it.

use super::alphabet::Alphabet::{
    Alphanumeric, AnyHex, Base64, Digit, Dotted, Hex, Lower, Upper, Url,
};
use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::secret_format::Part::Text;
use super::secret_format::{between, exactly, form};

/// Declares a secret that has one of some formats. Its prefix leaves no doubt, so no word has to be near.
pub(super) const fn secret(
    kind: BuiltIn,
    name: &'static str,
    searches: &'static [Search],
    examples: &'static [&'static str],
) -> Declaration {
    Declaration {
        kind,
        name,
        words: &[],
        keys: &[],
        others: &[],
        trigger: Trigger::Run,
        possible_integers: &[],
        likely_integers: &[],
        searches,
        check: None,
        examples,
    }
}

/// Declares [`BuiltIn::AwsKey`].
pub(super) const AWS_KEY: Declaration = secret(
    BuiltIn::AwsKey,
    "aws_key",
    &[Search::Prefix(&[
        form("Amazon Web Services", &["AKIA", "ASIA", "ABIA", "ACCA"], &[exactly(16, Upper)]),
        form("Amazon Web Services", &["ABSK"], &[between(109, 275, Base64)]),
    ])],
    &[concat!("AKIA", "AB3DE6GH9JK2MN5P")],
);

/// Declares [`BuiltIn::GithubToken`].
pub(super) const GITHUB_TOKEN: Declaration = secret(
    BuiltIn::GithubToken,
    "github_token",
    &[Search::Prefix(&[
        form(
            "GitHub",
            &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
            &[between(36, 251, Alphanumeric)],
        ),
        form(
            "GitHub",
            &["ghs_"],
            &[
                between(1, 20, Digit),
                Text("_"),
                between(10, 1000, Url),
                Text("."),
                between(10, 1000, Url),
                Text("."),
                between(10, 1000, Url),
            ],
        ),
        form("GitHub", &["github_pat_"], &[exactly(82, Url)]),
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
    &[Search::Prefix(&[
        form(
            "GitLab",
            &[
                "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "glagent-",
                "glimt-", "glffct-", "gloas-", "glrtr-", "glwt-",
            ],
            &[between(20, 300, Dotted)],
        ),
        form("GitLab", &["GR1348941"], &[exactly(20, Url)]),
        form("GitLab", &["_gitlab_session="], &[exactly(32, Lower)]),
    ])],
    &[concat!("glpat-", "aB3dE6gH9jK2mN5pQ8sT")],
);

/// Declares [`BuiltIn::SlackToken`].
pub(super) const SLACK_TOKEN: Declaration = secret(
    BuiltIn::SlackToken,
    "slack_token",
    &[Search::Prefix(&[
        form(
            "Slack",
            &["xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xoxe-", "xoxo-", "xoxc-", "xapp-"],
            &[between(11, 250, Url)],
        ),
        form("Slack", &["xoxe.xoxp-", "xoxe.xoxb-"], &[between(11, 300, Dotted)]),
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
    &[Search::Prefix(&[form(
        "Stripe",
        &["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_", "whsec_"],
        &[between(16, 250, Alphanumeric)],
    )])],
    &[concat!("sk_live_", "aB3dE6gH9jK2mN5pQ8sT1vX4")],
);

/// Declares [`BuiltIn::GoogleApiKey`].
pub(super) const GOOGLE_API_KEY: Declaration = secret(
    BuiltIn::GoogleApiKey,
    "google_api_key",
    &[Search::Prefix(&[form("Google", &["AIza"], &[exactly(35, Url)])])],
    &[concat!("AIza", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH")],
);

/// Declares [`BuiltIn::SendgridKey`].
pub(super) const SENDGRID_KEY: Declaration = secret(
    BuiltIn::SendgridKey,
    "sendgrid_key",
    &[Search::Prefix(&[form("SendGrid", &["SG."], &[exactly(66, Dotted)])])],
    &[concat!("SG.", "aB3dE6gH9jK2mN5pQ8sT1v.aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5p")],
);

/// Declares [`BuiltIn::NpmToken`].
pub(super) const NPM_TOKEN: Declaration = secret(
    BuiltIn::NpmToken,
    "npm_token",
    &[Search::Prefix(&[form("npm", &["npm_"], &[exactly(36, Alphanumeric)])])],
    &[concat!("npm_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9")],
);

/// Declares [`BuiltIn::PypiToken`].
pub(super) const PYPI_TOKEN: Declaration = secret(
    BuiltIn::PypiToken,
    "pypi_token",
    &[Search::Prefix(&[form("PyPI", &["pypi-AgE"], &[between(50, 1000, Url)])])],
    &[concat!("pypi-AgE", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX")],
);

/// Declares [`BuiltIn::DigitaloceanToken`].
pub(super) const DIGITALOCEAN_TOKEN: Declaration = secret(
    BuiltIn::DigitaloceanToken,
    "digitalocean_token",
    &[Search::Prefix(&[form(
        "DigitalOcean",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        &[exactly(64, Hex)],
    )])],
    &[concat!("dop_v1_", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9e2f5a0b3")],
);

/// Declares [`BuiltIn::ShopifyToken`].
pub(super) const SHOPIFY_TOKEN: Declaration = secret(
    BuiltIn::ShopifyToken,
    "shopify_token",
    &[Search::Prefix(&[form(
        "Shopify",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        &[exactly(32, AnyHex)],
    )])],
    &[concat!("shpat_", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9")],
);

/// Declares [`BuiltIn::HuggingfaceToken`].
pub(super) const HUGGINGFACE_TOKEN: Declaration = secret(
    BuiltIn::HuggingfaceToken,
    "huggingface_token",
    &[Search::Prefix(&[form(
        "Hugging Face",
        &["hf_", "api_org_"],
        &[between(30, 50, Alphanumeric)],
    )])],
    &[concat!("hf_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3")],
);

/// Declares [`BuiltIn::AnthropicKey`].
pub(super) const ANTHROPIC_KEY: Declaration = secret(
    BuiltIn::AnthropicKey,
    "anthropic_key",
    &[Search::Prefix(&[form(
        "Anthropic",
        &["sk-ant-api", "sk-ant-admin", "sk-ant-oat", "sk-ant-ort"],
        &[between(80, 140, Url)],
    )])],
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
        form(
            "OpenAI",
            &["sk-proj-", "sk-svcacct-", "sk-service-", "sk-admin-"],
            &[between(40, 250, Url)],
        ),
        form("OpenAI", &["sk-"], &[exactly(48, Alphanumeric)]),
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
    &[Search::Prefix(&[form("Twilio", &["SK"], &[exactly(32, Hex)])])],
    &[concat!("SK", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9")],
);
