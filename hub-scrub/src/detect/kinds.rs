//! This module lists the detectors that come with Hub. Each variant describes what its detector finds and
//! what it cannot find.
//!
//! Everything else about a detector is in its [`Declaration`](super::declaration::Declaration). Without these
//! variants, code could name a detector only by a text, and a misspelt name would find nothing.

/// A `BuiltIn` is a detector that comes with Hub.
///
/// Every detector requires that a match is alone: no ASCII letter or digit is directly in front of
/// it or behind it. A match without anything said about it here is likely or certain. A match that is *only
/// possible* becomes likely by one of the detector's [`words`](BuiltIn::words), and certain by its key (see
/// [`Evidence`](super::Evidence)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuiltIn {
    /// Finds payment card numbers: 12 to 19 digits with Luhn's check digit (ISO/IEC 7812-1), and a prefix
    /// and a length that a network has published. The digits are in one piece, or in groups joined by
    /// spaces, hyphens or points.
    ///
    /// A number of 12 or 13 digits that is the number of an article too, and one that is divided like no card, is
    /// only possible. The detector finds no UATP cards, and no cards with letters between the digits. It also
    /// finds other numbers that pass by chance, which 1 in 10 of the numbers with a card's prefix does, unless a
    /// key or a word in front names something else.
    Card,
    /// Finds IBANs with a right country, length, form and check digits (ISO 13616 and the IBAN registry). An
    /// IBAN may have single spaces or hyphens, and letters of either case.
    ///
    /// The detector finds no IBANs of countries that are not in the registry. It does not check the national
    /// check digits inside an IBAN.
    Iban,
    /// Finds e-mail addresses that are an `addr-spec` of RFC 5322 with at least two labels in the domain, of which the
    /// last is a top-level domain or reserved for examples (RFC 2606). They may have letters of RFC 6531.
    ///
    /// Addresses in the domains of a local network, in front of the host of a URL, and with a name of more than 35
    /// characters with digits, are only possible.
    /// The detector finds no quoted local parts, comments, IP addresses as a domain, `user at host`, or
    /// hosts without a point. The RFC allows `=`, `/`, `?`, `{`, `|` and a backtick in a local part, but
    /// they end it here, because in practice they stand in front of an address. Letters of scripts without
    /// spaces between words do not belong to an address.
    Email,
    /// Finds telephone numbers (E.164 and national forms). A number has `+` or `00` and a country code, the
    /// North American form `NPA-NXX-XXXX`, an area code in parentheses, groups that begin with 0, or the layout
    /// of Brazil's numbers. An extension (`x12`, `ext. 12`) belongs to the number.
    ///
    /// Other 9 to 12 digits, in one piece or in groups, are only possible. The detector finds no numbers of
    /// fewer than 7 digits, no vanity numbers with letters, and no numbers of fewer than 8 digits without an
    /// area code. It takes 10 digits that begin with 1 for a time.
    Phone,
    /// Finds IPv4 addresses: four decimal numbers from 0 to 255 without leading zeros, except for those that are no
    /// machine of anybody (RFC 6890: this host, loopback, link-local, multicast, reserved).
    ///
    /// Behind a word for a version, or under such a key, an address is only possible. The detector also finds other
    /// version numbers of four parts.
    Ipv4,
    /// Finds IPv6 addresses (RFC 4291, 2.2), with `::` and with an IPv4 tail. A zone (`%eth0`), a port or a
    /// prefix length is not part of the hit.
    ///
    /// The detector finds no short addresses outside of the blocks from which machines get theirs (`a::b`), no loopback
    /// and multicast addresses, and none of eight groups of two digits, because those are hardware addresses.
    Ipv6,
    /// Finds social security numbers of the United States: `AAA-GG-SSSS`, with hyphens or spaces. The areas
    /// 000, 666 and 900 to 999, the group 00 and the serial 0000 are never issued (SSA, randomised since
    /// 2011).
    ///
    /// Nine digits in one piece are only possible. There are no check digits, so other numbers of this form
    /// are found too.
    UsSsn,
    /// Finds Dutch burgerservicenummers: 8 or 9 digits that pass the elfproef.
    ///
    /// A match in the form `1234.56.789` is likely. Other matches are only possible, because 1 in 11 numbers
    /// passes.
    NlBsn,
    /// Finds the Spanish DNI (8 digits and a letter) and NIE (X, Y or Z, 7 digits and a letter). The number
    /// modulo 23 gives the last letter.
    ///
    /// A match with a space in front of the last letter is only possible.
    EsDni,
    /// Finds the Italian codice fiscale by its form and its check letter, also with omocodia.
    ItCodiceFiscale,
    /// Finds the French numéro de sécurité sociale (NIR): 15 digits with its key, in one piece or in groups
    /// joined by spaces. Corsica's 2A and 2B may stand in place of two digits.
    FrNir,
    /// Finds the German Steuer-Identifikationsnummer: 11 digits that have one digit repeatedly and pass
    /// ISO 7064 MOD 11,10.
    ///
    /// All matches are only possible.
    DeSteuerId,
    /// Finds British NHS numbers: 10 digits that pass a check modulo 11.
    ///
    /// All matches are only possible.
    UkNhs,
    /// Finds the Brazilian CPF: 11 digits, of which the last two are check digits.
    ///
    /// A match in the form `123.456.789-09` is likely. Other matches are only possible.
    BrCpf,
    /// Finds the Polish PESEL: 11 digits that begin with a date of birth and end with a check digit.
    PlPesel,
    /// Finds the Swedish personnummer and samordningsnummer: 10 or 12 digits with a date of birth, a serial
    /// number and Luhn's check digit.
    ///
    /// 10 digits without the hyphen are only possible. The detector finds no numbers with the `+` that people
    /// older than 100 have.
    SePersonnummer,
    /// Finds Canadian social insurance numbers: 9 digits that pass Luhn's algorithm.
    ///
    /// A match in three groups that hyphens join is likely. Other matches are only possible.
    CaSin,
    /// Finds JSON Web Tokens (RFC 7519), signed, unsigned or encrypted. Their parts are base64url, and their
    /// header is a JSON object with `alg`.
    Jwt,
    /// Finds AWS access key ids: `AKIA`, `ASIA`, `ABIA` or `ACCA`, and 16 characters. Finds API keys of Amazon
    /// Bedrock, too, with the prefix `ABSK`.
    ///
    /// The detector finds no secret access keys, because they have no form. `high_entropy` finds them.
    AwsKey,
    /// Finds GitHub tokens with the prefixes `ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_` and `github_pat_`.
    GithubToken,
    /// Finds GitLab tokens with `glpat-` and GitLab's other prefixes, registration tokens of runners
    /// (`GR1348941`), and the session cookie.
    GitlabToken,
    /// Finds Slack tokens with `xoxb-`, `xoxp-`, `xapp-` and Slack's other prefixes.
    SlackToken,
    /// Finds Stripe's secret keys, restricted keys and webhook secrets: `sk_live_`, `rk_live_`, `whsec_`,
    /// and the prefixes of keys for tests.
    StripeKey,
    /// Finds Google API keys: `AIza` and 35 characters.
    GoogleApiKey,
    /// Finds SendGrid API keys: `SG.` and two parts of 22 and 43 characters.
    SendgridKey,
    /// Finds npm access tokens: `npm_` and 36 characters.
    NpmToken,
    /// Finds PyPI upload tokens: `pypi-AgE` and a macaroon.
    PypiToken,
    /// Finds DigitalOcean tokens with the prefixes `dop_v1_`, `doo_v1_` and `dor_v1_`.
    DigitaloceanToken,
    /// Finds Shopify tokens with the prefixes `shpat_`, `shpca_`, `shppa_` and `shpss_`.
    ShopifyToken,
    /// Finds Hugging Face tokens: `hf_` or `api_org_`, and then letters and digits.
    HuggingfaceToken,
    /// Finds Anthropic keys and tokens: `sk-ant-`, the kind of the key, and 80 characters or more.
    AnthropicKey,
    /// Finds OpenAI API keys with the prefixes `sk-proj-`, `sk-svcacct-`, `sk-service-` and `sk-admin-`,
    /// and those with `sk-` and 48 characters.
    OpenaiKey,
    /// Finds Twilio API key ids: `SK` and 32 hexadecimal digits.
    TwilioKey,
    /// Finds keys and tokens of clouds, databases, secret stores and networks, such as Google OAuth, Azure,
    /// Cloudflare, Vault, Terraform, Databricks, Supabase, Doppler and Tailscale. `docs/tokens.md` lists all of
    /// them.
    ///
    /// The detector finds no client secrets of Entra ID, whose mark `Q~` stands in the middle of letters.
    CloudToken,
    /// Finds tokens of registries, code hosts, build services and tools of developers, such as Docker Hub,
    /// RubyGems, crates.io, NuGet, Atlassian, CircleCI, Sourcegraph and Postman. `docs/tokens.md` lists all of
    /// them.
    DeveloperToken,
    /// Finds keys of services that watch other services, such as Grafana, New Relic, Sentry, Dynatrace and
    /// PostHog. `docs/tokens.md` lists all of them.
    ///
    /// The detector finds no keys that are only hexadecimal digits, as Datadog's are.
    MonitoringToken,
    /// Finds keys of services for payments and parcels, such as Square, Braintree, Razorpay, Plaid, EasyPost and
    /// Shippo. `docs/tokens.md` lists all of them.
    CommerceToken,
    /// Finds keys of services that send messages, such as Telegram, Discord, Facebook, Mailgun, Mailchimp, Brevo
    /// and Resend. `docs/tokens.md` lists all of them.
    MessagingToken,
    /// Finds keys of services that run models, such as Groq, xAI, Perplexity, Replicate, OpenRouter and
    /// Pinecone. `docs/tokens.md` lists all of them.
    AiToken,
    /// Finds keys of other services, such as Linear, Notion, Figma, Airtable, Contentful, HubSpot and
    /// Salesforce. `docs/tokens.md` lists all of them.
    SaasToken,
    /// Finds the URLs of incoming webhooks, such as those of Slack, Discord, Microsoft Teams and Zapier. Whoever
    /// has such a URL can send messages. The hit begins at the host. `docs/tokens.md` lists all of them.
    WebhookUrl,
    /// Finds private keys in PEM (RFC 7468) and in the form of PGP. The hit reaches from `-----BEGIN` to the
    /// end of the armour, or to the end of the text.
    ///
    /// The detector finds no keys without armour.
    PemPrivateKey,
    /// Finds `name:password` in a URL (RFC 3986, 3.2.1), such as `postgres://app:secret@db`. The hit is
    /// the name and the password, but not the host.
    ///
    /// The detector finds no password that contains `/`, `?` or `#` unescaped, and no tokens in a query.
    UrlCredentials,
    /// Finds runs of 20 to 256 characters of base64 or base64url that look random: they have letters and digits, change
    /// between them often, and have 80 % of the entropy that as many characters can have. 32 and more hexadecimal
    /// digits look random, too.
    ///
    /// A run is only possible unless the name of a secret stands in front of it. The detector finds no passphrases
    /// and no short secrets.
    HighEntropy,
    /// Finds the values that a text gives to names of secrets, as in `password=hunter2`, `"token": "…"`,
    /// `Authorization: Basic …`, `Cookie: …`, in connection strings, queries and JSON, and the password behind
    /// `curl -u name:`. The names are those of the kinds `secret` and `secrets` (see [`KeyKind`](super::KeyKind)).
    ///
    /// A value that could be a word of a sentence, as in `token: expired`, is only possible. The detector finds no
    /// placeholders such as `${PASSWORD}`, and no password that a space divides from its option, as in
    /// `--password hunter2`.
    AssignedSecret,
}
