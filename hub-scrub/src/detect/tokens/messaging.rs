//! This module declares the keys of services that send messages.
//!
//! Without it, whoever reads an event could write to customers in somebody else's name.

use crate::detect::alphabet::Alphabet::{Alphanumeric, Base64, Digit, Hex, Lower, Url};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::{Text, Uuid};
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::MessagingToken`].
pub(in crate::detect) const MESSAGING_TOKEN: Declaration = secret(
    BuiltIn::MessagingToken,
    "messaging_token",
    &[Search::Prefix(&[
        form(
            "Brevo",
            &["xkeysib-", "xsmtpsib-"],
            &[exactly(64, Hex), Text("-"), exactly(16, Alphanumeric)],
        ),
        // A bot token begins with the base64 of the bot's number. These are all pairs of letters with which the
        // base64 of two digits begins.
        form(
            "Discord",
            &["MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT"],
            &[between(21, 26, Url), Text("."), exactly(6, Url), Text("."), between(27, 38, Url)],
        )
        .mixed(),
        form("Facebook", &["EAA"], &[between(100, 400, Alphanumeric)]),
        form("Instagram", &["IGQV"], &[between(100, 300, Url)]),
        form("Intercom", &["dG9rO"], &[exactly(55, Base64)]),
        form("Klaviyo", &["pk_"], &[exactly(34, Hex)]),
        form("Klaviyo", &["pk_"], &[exactly(6, Alphanumeric), Text("_"), exactly(34, Hex)]),
        form("Mailchimp", &["-us"], &[between(1, 2, Digit)]).behind(32, 32, Hex),
        form("Mailgun", &["key-"], &[exactly(32, Lower)]),
        form(
            "Matrix",
            &["syt_"],
            &[
                between(2, 200, Alphanumeric),
                Text("_"),
                exactly(20, Alphanumeric),
                Text("_"),
                exactly(6, Alphanumeric),
            ],
        ),
        form("OneSignal", &["os_v2_app_", "os_v2_org_"], &[between(80, 120, Lower)]),
        form("PubNub", &["sec-c-"], &[between(40, 60, Base64)]),
        form("PubNub", &["pub-c-", "sub-c-"], &[Uuid]),
        form("Resend", &["re_"], &[exactly(8, Alphanumeric), Text("_"), exactly(24, Alphanumeric)])
            .mixed(),
        form("Telegram", &[":AA"], &[exactly(33, Url)]).behind(8, 10, Digit),
        form("Telnyx", &["KEY0"], &[exactly(54, Url)]).mixed(),
    ])],
    &[concat!(
        "xkeysib-",
        "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9-aB3dE6gH9jK2mN5p"
    )],
);
