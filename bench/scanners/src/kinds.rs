//! The twelve kinds of sensitive text that both scanners look for. If the two looked for different
//! texts, their speeds could not be compared.

use dd_sds::SecondaryValidator::{self, IbanChecker, JwtClaimsValidator, LuhnChecksum};
use dd_sds::{ClaimRequirement, JwtClaimsValidatorConfig};

/// A kind of sensitive text.
pub struct Kind {
    /// Hub's detector.
    pub detector: &'static str,
    /// The regular expression for the crate that finds what the detector finds.
    pub pattern: &'static str,
    /// The further checks of the crate, as Hub's detector has them.
    pub validator: Option<SecondaryValidator>,
    /// A text that contains one.
    pub text: &'static str,
    /// The part of `text` that is redacted.
    pub secret: &'static str,
}

const fn kind(detector: &'static str, pattern: &'static str, secret: &'static str) -> Kind {
    Kind { detector, pattern, validator: None, text: secret, secret }
}

/// Returns the twelve kinds.
///
/// The crate has no prefilter of its own. Its regex engine skips ahead to literals, so each pattern
/// names all the literals that it can, and none begins with a repetition that can match nothing.
/// Keywords would cost the crate another search of each text, and would change what it finds, so
/// neither side has any here.
pub fn kinds() -> [Kind; 12] {
    [
        Kind {
            validator: Some(LuhnChecksum),
            ..kind(
                "card",
                r"\b(?:4\d{3}|5[0-8]\d{2}|2[2-7]\d{2}|3\d{3}|6\d{3})(?:[ .-]?\d){8,15}\b",
                "4111 1111 1111 1111",
            )
        },
        Kind {
            validator: Some(IbanChecker),
            ..kind(
                "iban",
                r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b",
                "NL91ABNA0417164300",
            )
        },
        kind(
            "email",
            r"\b[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}\b",
            "user417@mail.example.org",
        ),
        kind(
            "phone",
            r"(?:\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}|(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4})\b",
            "+31 20 794 7061",
        ),
        kind(
            "ipv4",
            r"\b(?:(?:25[0-5]|2[0-4]\d|1\d{2}|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d{2}|[1-9]?\d)\b",
            "10.41.207.7",
        ),
        kind(
            "ipv6",
            r"(?:\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|\b(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}|::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4})\b",
            "2001:db8:85a3::8a2e:370:7334",
        ),
        kind(
            "us_ssn",
            r"\b(?:00[1-9]|0[1-9]\d|[1-57-8]\d{2}|6(?:[0-57-9]\d|6[0-57-9]))[ -](?:0[1-9]|[1-9]\d)[ -](?:000[1-9]|00[1-9]\d|0[1-9]\d{2}|[1-9]\d{3})\b",
            "536-45-7281",
        ),
        Kind {
            validator: Some(JwtClaimsValidator {
                config: JwtClaimsValidatorConfig {
                    required_headers: [("alg".into(), ClaimRequirement::Present)].into(),
                    ..Default::default()
                },
            }),
            ..kind(
                "jwt",
                r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
            )
        },
        kind("aws_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", "AKIAQYLPMN5HHHFPZAM2"),
        kind(
            "github_token",
            r"\b(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{82})\b",
            "ghp_k2R7vQx9Lm4TzB8wNc1YdHf6Jp3Gs5a0EuXi",
        ),
        kind(
            "pem_private_key",
            r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (?:[A-Z]+ ){0,3}PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n\
             MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v5xPqRkYw0tLb7uNcE8mVfGdS4aQjXo2iTzKp\n\
             -----END PRIVATE KEY-----",
        ),
        Kind {
            // A host with a dot would make Hub read `hunter2@host` as an e-mail address as well.
            text: "postgres://app:hunter2@db/shop",
            ..kind("url_credentials", r"://(?P<sds_match>[^\s:/?#@]+:[^\s/?#@]+)@", "app:hunter2")
        },
    ]
}
