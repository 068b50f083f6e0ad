//! This module declares the keys of services for payments, orders and parcels.
//!
//! Without it, whoever reads an event could pay with somebody else's account.

use crate::detect::alphabet::Alphabet::{Alphanumeric, AnyHex, Base64, Digit, Hex, Lower, Url};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::{Text, Uuid};
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::CommerceToken`].
pub(in crate::detect) const COMMERCE_TOKEN: Declaration = secret(
    BuiltIn::CommerceToken,
    "commerce_token",
    &[Search::Prefix(&[
        form(
            "Braintree",
            &["access_token$production$", "access_token$sandbox$"],
            &[exactly(16, Lower), Text("$"), exactly(32, Hex)],
        ),
        form("Duffel", &["duffel_live_", "duffel_test_"], &[exactly(43, Url)]),
        form("EasyPost", &["EZAK", "EZTK"], &[exactly(54, Alphanumeric)]),
        form("Fleetbase", &["flb_live_"], &[exactly(20, Alphanumeric)]),
        form("Flexport", &["shltm_"], &[exactly(40, Url)]),
        form("Flutterwave", &["FLWSECK-", "FLWSECK_TEST-"], &[exactly(32, Lower), Text("-X")]),
        form(
            "Flutterwave",
            &["FLWSECK-"],
            &[exactly(32, Lower), Text("-"), between(8, 14, Lower), Text("-X")],
        ),
        form("Flutterwave", &["FLWSECK_TEST"], &[exactly(12, Lower)]),
        form("Lob", &["live_", "test_"], &[exactly(35, Hex)]),
        form(
            "Mercado Pago",
            &["APP_USR-"],
            &[
                exactly(16, Digit),
                Text("-"),
                exactly(6, Digit),
                Text("-"),
                exactly(32, Hex),
                Text("-"),
                between(6, 12, Digit),
            ],
        ),
        form(
            "Paddle",
            &["pdl_live_apikey_", "pdl_sdbx_apikey_"],
            &[
                exactly(26, Lower),
                Text("_"),
                exactly(22, Alphanumeric),
                Text("_"),
                exactly(3, Alphanumeric),
            ],
        ),
        form("Pagar.me", &["ak_live_"], &[exactly(30, Alphanumeric)]),
        form("Plaid", &["access-production-", "access-sandbox-", "access-development-"], &[Uuid]),
        form("Ramp", &["ramp_sec_"], &[exactly(48, Alphanumeric)]),
        form("Razorpay", &["rzp_live_", "rzp_test_"], &[exactly(14, Alphanumeric)]),
        form("Robinhood", &["rh-api-"], &[Uuid]),
        form("Shippo", &["shippo_live_", "shippo_test_"], &[exactly(40, AnyHex)]),
        form("Square", &["sq0atp-"], &[exactly(22, Url)]),
        form("Square", &["sq0csp-", "sandbox-sq0csb-"], &[between(40, 50, Url)]),
        form("Square", &["EAAA"], &[exactly(60, Url)]),
        form("WooCommerce", &["ck_", "cs_"], &[exactly(40, Hex)]),
        form("Xendit", &["xnd_production_", "xnd_development_"], &[between(40, 80, Base64)]),
    ])],
    &[concat!("sq0atp-", "aB3dE6gH9jK2mN5pQ8sT1v")],
);
