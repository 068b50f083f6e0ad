//! The detectors that come with Hub: each variant describes what it finds and what it cannot find.
//!
//! Everything else about a detector is in its [`Declaration`](super::declaration::Declaration). Without these
//! variants, code could name a detector only by a text, and a misspelt name would find nothing.

/// A detector that comes with Hub.
///
/// Every detector requires that a match is alone: no ASCII letter or digit is directly in front of
/// it or behind it. A match is *ambiguous* if it needs one of the detector's
/// [`words`](BuiltIn::words) nearby. *Cannot* lists what a detector cannot find or tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuiltIn {
    /// Payment card numbers: 12 to 19 digits with Luhn's check digit (ISO/IEC 7812-1) and a prefix
    /// and length that a network has published, in one piece or in groups joined by spaces,
    /// hyphens or points.
    ///
    /// Ambiguous: a Visa of 13 digits that is a valid EAN too. Cannot find: UATP; cards with letters
    /// between the digits. Cannot tell a number that passes by chance (1 in 10 of those with a
    /// card's prefix) from a card.
    Card,
    /// IBANs (ISO 13616, the IBAN registry): country, length, form and check digits, in one piece
    /// or with single spaces or hyphens, in either case.
    ///
    /// Cannot find: countries that are not in the registry; the national check inside the IBAN.
    Iban,
    /// E-mail addresses: a subset of RFC 5322's `addr-spec` with at least two labels in the domain,
    /// letters of RFC 6531 included.
    ///
    /// Cannot find: quoted local parts, comments, IP addresses as domain, `user at host`, hosts without
    /// a point. `=`, `/`, `?`, `{`, `|` and a backtick, allowed by the RFC, end a local part here,
    /// because in practice they stand before an address, not in it. In text without spaces
    /// between words only what is Latin, Greek, Cyrillic and the like belongs to the address.
    Email,
    /// Telephone numbers (E.164 and national forms): with `+` or `00` and a country code, North
    /// American `NPA-NXX-XXXX`, an area code in parentheses, groups that begin with 0 or have the
    /// layout of Poland's or Brazil's numbers, or 10 to 12 digits that begin with a single 0. An
    /// extension (`x12`, `ext. 12`) belongs to the number.
    ///
    /// Ambiguous: other 9 to 11 digits in one piece or in groups. Cannot find:
    /// numbers shorter than 7 digits, vanity numbers with letters, national forms in which a
    /// shorter number than 8 digits follows no area code.
    Phone,
    /// IPv4 addresses: four numbers of 0 to 255 in decimal without leading zeros.
    ///
    /// Cannot tell a version number of four parts from an address.
    Ipv4,
    /// IPv6 addresses (RFC 4291, 2.2), with `::` and with an IPv4 tail; a zone (`%eth0`), port or
    /// prefix length is not part of the hit.
    ///
    /// Cannot find: addresses of one or two groups without any decimal digit (`a::b`), or of eight
    /// groups of two digits, which are hardware addresses.
    Ipv6,
    /// Social security numbers of the United States: `AAA-GG-SSSS` or with spaces; not the areas
    /// 000, 666 and 900 to 999, group 00 and serial 0000 (SSA, randomised since 2011).
    ///
    /// Ambiguous: nine digits in one piece. There are no check digits, so other numbers of this form
    /// are found too.
    UsSsn,
    /// Dutch burgerservicenummers: the elfproef over 9 digits, or 8.
    ///
    /// Certain as `1234.56.789`; otherwise ambiguous, since 1 in 11 numbers passes.
    NlBsn,
    /// Spanish DNI (8 digits and a letter) and NIE (X, Y or Z, 7 digits and a letter): the letter by
    /// the number modulo 23.
    ///
    /// Ambiguous: a space before the letter.
    EsDni,
    /// Italian codice fiscale: form and check letter, omocodia included.
    ItCodiceFiscale,
    /// French numéro de sécurité sociale (NIR), 15 digits with its key, Corsica's 2A and 2B
    /// included; in one piece or in groups joined by spaces.
    FrNir,
    /// German Steuer-Identifikationsnummer: 11 digits, one digit repeated, ISO 7064 MOD 11,10.
    ///
    /// Certain as `12 345 678 901`, otherwise ambiguous.
    DeSteuerId,
    /// British NHS numbers: 10 digits, modulo 11.
    ///
    /// Certain as `123 456 7890`, otherwise ambiguous.
    UkNhs,
    /// Brazilian CPF: 11 digits with two check digits.
    ///
    /// Certain as `123.456.789-09`, otherwise ambiguous.
    BrCpf,
    /// Polish PESEL: 11 digits that begin with a date of birth, and a check digit.
    PlPesel,
    /// Swedish personnummer and samordningsnummer: date of birth, serial, Luhn, with 10 or 12
    /// digits.
    ///
    /// Ambiguous: 10 digits without the hyphen. Cannot find: the `+` of those older than 100.
    SePersonnummer,
    /// Canadian social insurance numbers: 9 digits, Luhn.
    ///
    /// Certain in three groups, otherwise ambiguous.
    CaSin,
    /// JSON Web Tokens (RFC 7519), signed, unsigned or encrypted: base64url parts whose header is
    /// a JSON object with `alg`.
    Jwt,
    /// AWS access key ids: `AKIA`, `ASIA`, `ABIA`, `ACCA` and 16 characters.
    ///
    /// Cannot find: secret access keys, which have no form; `high_entropy` finds them.
    AwsKey,
    /// GitHub tokens: `ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_`, `github_pat_`.
    GithubToken,
    /// GitLab tokens: `glpat-` and its like.
    GitlabToken,
    /// Slack tokens: `xoxb-`, `xoxp-`, `xapp-` and their like.
    SlackToken,
    /// Stripe's secret and restricted keys and webhook secrets: `sk_live_`, `rk_live_`, `whsec_`
    /// and those for tests.
    StripeKey,
    /// Google API keys: `AIza` and 35 characters.
    GoogleApiKey,
    /// SendGrid API keys: `SG.` and two parts of 22 and 43 characters.
    SendgridKey,
    /// npm access tokens: `npm_` and 36 characters.
    NpmToken,
    /// PyPI upload tokens: `pypi-AgE` and a macaroon.
    PypiToken,
    /// DigitalOcean tokens: `dop_v1_`, `doo_v1_`, `dor_v1_`.
    DigitaloceanToken,
    /// Shopify tokens: `shpat_`, `shpca_`, `shppa_`, `shpss_`.
    ShopifyToken,
    /// Hugging Face tokens: `hf_` and letters and digits.
    HuggingfaceToken,
    /// Anthropic API keys: `sk-ant-api03-`, `sk-ant-admin01-`.
    AnthropicKey,
    /// OpenAI API keys: `sk-proj-`, `sk-svcacct-`, `sk-admin-`, and `sk-` with 48 characters.
    OpenaiKey,
    /// Twilio API key ids: `SK` and 32 hexadecimal digits.
    TwilioKey,
    /// Private keys in PEM (RFC 7468) and their PGP form, from `-----BEGIN` to the end of the
    /// armour, or of the text.
    ///
    /// Cannot find: keys without armour.
    PemPrivateKey,
    /// `name:password` in a URL (RFC 3986, 3.2.1), such as `postgres://app:secret@db`. The hit is
    /// name and password, not the host.
    ///
    /// Cannot find: a password that contains `/`, `?` or `#` unescaped; tokens in a query.
    UrlCredentials,
    /// Runs of 20 to 256 characters of base64 or base64url that look random: both cases, digits,
    /// and 85 % of the entropy that so many characters can have.
    ///
    /// Ambiguous: 32 and more hexadecimal digits. Cannot find: passphrases and short secrets. Cannot
    /// tell a random identifier from a secret.
    HighEntropy,
}
