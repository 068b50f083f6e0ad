//! This module has the list of all declarations, and derives from it what other modules need.
//!
//! A variant of [`BuiltIn`] without its declaration here does not compile.

use super::declaration::{Declaration, Search};
use super::kinds::BuiltIn;
use super::secret_format::SecretFormat;
use super::{
    assigned, card, email, entropy, iban, ip, jwt, national, pem, phone, prefixed_secret, ssn,
    tokens, url,
};
use std::str::FromStr;

/// The declarations are in the order of the variants of [`BuiltIn`].
pub(super) const DECLARATIONS: &[Declaration] = &[
    card::CARD,
    iban::IBAN,
    email::EMAIL,
    phone::PHONE,
    ip::IPV4,
    ip::IPV6,
    ssn::US_SSN,
    national::NL_BSN,
    national::ES_DNI,
    national::IT_CODICE_FISCALE,
    national::FR_NIR,
    national::DE_STEUER_ID,
    national::UK_NHS,
    national::BR_CPF,
    national::PL_PESEL,
    national::SE_PERSONNUMMER,
    national::CA_SIN,
    jwt::JWT,
    prefixed_secret::AWS_KEY,
    prefixed_secret::GITHUB_TOKEN,
    prefixed_secret::GITLAB_TOKEN,
    prefixed_secret::SLACK_TOKEN,
    prefixed_secret::STRIPE_KEY,
    prefixed_secret::GOOGLE_API_KEY,
    prefixed_secret::SENDGRID_KEY,
    prefixed_secret::NPM_TOKEN,
    prefixed_secret::PYPI_TOKEN,
    prefixed_secret::DIGITALOCEAN_TOKEN,
    prefixed_secret::SHOPIFY_TOKEN,
    prefixed_secret::HUGGINGFACE_TOKEN,
    prefixed_secret::ANTHROPIC_KEY,
    prefixed_secret::OPENAI_KEY,
    prefixed_secret::TWILIO_KEY,
    tokens::CLOUD_TOKEN,
    tokens::DEVELOPER_TOKEN,
    tokens::MONITORING_TOKEN,
    tokens::COMMERCE_TOKEN,
    tokens::MESSAGING_TOKEN,
    tokens::AI_TOKEN,
    tokens::SAAS_TOKEN,
    tokens::WEBHOOK_URL,
    pem::PEM_PRIVATE_KEY,
    url::URL_CREDENTIALS,
    entropy::HIGH_ENTROPY,
    assigned::ASSIGNED_SECRET,
];

/// This many searches begin at a sign (`@`, `:` or `=`). A scan keeps an offset for each of them.
pub(super) const SIGN_SEARCHES: usize = count_searches();

/// Returns the number of searches at a sign.
const fn count_searches() -> usize {
    let mut signs = 0;
    let mut n = 0;
    while n < DECLARATIONS.len() {
        let searches = DECLARATIONS[n].searches;
        let mut i = 0;
        while i < searches.len() {
            if let Search::Sign(..) = searches[i] {
                signs += 1;
            }
            i += 1;
        }
        n += 1;
    }
    signs
}

/// The list has all built-ins. It checks at compile time that each declaration is at the index of its
/// variant.
const ALL: [BuiltIn; DECLARATIONS.len()] = {
    let mut all = [BuiltIn::Card; DECLARATIONS.len()];
    let mut n = 0;
    while n < all.len() {
        all[n] = DECLARATIONS[n].kind;
        assert!(all[n] as usize == n, "a declaration is missing or not in its place");
        assert!(!DECLARATIONS[n].examples.is_empty(), "a declaration has no examples");
        assert!(!DECLARATIONS[n].searches.is_empty(), "a declaration has no searches");
        n += 1;
    }
    assert!(all.len() == BuiltIn::AssignedSecret as usize + 1, "the last declaration is missing");
    all
};

impl BuiltIn {
    /// The list has every detector that comes with Hub.
    pub const ALL: &[BuiltIn] = &ALL;

    /// Returns the declaration of the detector.
    pub(super) const fn declaration(self) -> &'static Declaration {
        &DECLARATIONS[self as usize]
    }

    /// Returns texts in each of which the detector has one hit. Tools make other texts of them.
    pub const fn examples(self) -> &'static [&'static str] {
        self.declaration().examples
    }

    /// Returns the prefixes with which secrets of this kind begin. The list is empty if they have none.
    pub fn prefixes(self) -> impl Iterator<Item = &'static str> {
        self.formats().flat_map(|format| format.prefixes).copied()
    }

    /// Returns the formats of the secrets that the detector finds by their prefix.
    pub(super) fn formats(self) -> impl Iterator<Item = &'static SecretFormat> {
        self.declaration().searches.iter().flat_map(|search| match search {
            Search::Prefix(formats) => *formats,
            _ => &[],
        })
    }

    /// Returns the name of the detector in rule files.
    pub const fn name(self) -> &'static str {
        self.declaration().name
    }

    /// Returns the words of the detector. A match that is only possible is likely if one of them is near, as
    /// [`Near`](super::Near) describes.
    pub const fn words(self) -> &'static [&'static str] {
        self.declaration().words
    }

    /// Returns the name of the condition under which a text is scanned for this detector, as
    /// `docs/scrub.md` lists it. A text with characters that may stand for others is always scanned.
    pub(crate) fn prefilter(self) -> &'static str {
        self.declaration().trigger.name()
    }
}

impl FromStr for BuiltIn {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        BuiltIn::ALL.iter().copied().find(|kind| kind.name() == name).ok_or(())
    }
}
