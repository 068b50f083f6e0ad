//! This module declares the keys of services of all other sorts.
//!
//! Without it, whoever reads an event could read the documents, contacts and plans of somebody else.

use crate::detect::alphabet::Alphabet::{
    Alphanumeric, AnyHex, Base64, Digit, Dotted, Hex, Lower, Upper, Url,
};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::{Text, Uuid};
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::SaasToken`].
pub(in crate::detect) const SAAS_TOKEN: Declaration = secret(
    BuiltIn::SaasToken,
    "saas_token",
    &[Search::Prefix(&[
        form("42", &["s-s4t2ud-", "s-s4t2af-"], &[exactly(64, Hex)]),
        form("Adafruit IO", &["aio_"], &[exactly(28, Alphanumeric)]),
        form("Adobe", &["p8e-"], &[exactly(32, Url)]),
        form("Airtable", &["pat"], &[exactly(14, Alphanumeric), Text("."), exactly(64, Hex)]),
        form("Apify", &["apify_api_"], &[exactly(36, Alphanumeric)]),
        form("Bannerbear", &["bb_pr_", "bb_ma_"], &[exactly(30, Hex)]),
        form("Cal.com", &["cal_live_"], &[exactly(32, Lower)]),
        form("ClickUp", &["pk_"], &[between(7, 9, Digit), Text("_"), exactly(32, Upper)]),
        form("Contentful", &["CFPAT-"], &[exactly(43, Url)]),
        form("dbt Cloud", &["dbtc_", "dbtu_"], &[between(20, 64, Url)]),
        form("Dropbox", &["sl.", "sl.u."], &[between(130, 1300, Url)]),
        form("Figma", &["figd_"], &[between(40, 200, Url)]),
        form("Figma", &["figp_"], &[between(40, 54, Url)]),
        form("Frame.io", &["fio-u-"], &[exactly(64, Url)]),
        form("FullStory", &["na1."], &[exactly(100, Base64)]),
        form("HubSpot", &["pat-na1-", "pat-eu1-"], &[Uuid]),
        form("Ionic", &["ion_"], &[exactly(42, Lower)]),
        form("Kaggle", &["KGAT_"], &[exactly(32, Hex)]),
        form("Lichess", &["lip_"], &[exactly(20, Alphanumeric)]),
        form("Linear", &["lin_api_"], &[exactly(40, Alphanumeric)]),
        form("Linear", &["lin_oauth_"], &[exactly(64, Hex)]),
        form("Linear", &["lin_wh_"], &[between(32, 64, Alphanumeric)]),
        form("Mapbox", &["sk.eyJ1Ijoi", "tk.eyJ1Ijoi"], &[between(60, 240, Dotted)]),
        form("Nightfall", &["NF-"], &[exactly(32, Alphanumeric)]).mixed(),
        form("Notion", &["ntn_"], &[exactly(46, Alphanumeric)]),
        form("Notion", &["secret_"], &[exactly(43, Alphanumeric)]).mixed(),
        form(
            "Ory",
            &["ory_at_", "ory_rt_", "ory_ac_", "ory_st_", "ory_pat_"],
            &[between(32, 120, Dotted)],
        ),
        form("Riot Games", &["RGAPI-"], &[Uuid]),
        form(
            "Salesforce",
            &["00D"],
            &[between(12, 15, Alphanumeric), Text("!"), between(80, 130, Dotted)],
        ),
        form("Salesforce", &["5Aep861"], &[between(80, 200, Dotted)]),
        form("Segment", &["sgp_"], &[exactly(64, Alphanumeric)]),
        form("SettleMint", &["sm_aat_", "sm_pat_", "sm_sat_"], &[exactly(16, Alphanumeric)]),
        form("Stytch", &["secret-live-", "secret-test-"], &[between(32, 64, Base64)]).mixed(),
        form("Trello", &["ATTA"], &[exactly(72, AnyHex)]),
        form("Typeform", &["tfp_"], &[between(40, 59, Dotted)]),
        form("Ubidots", &["BBFF-"], &[exactly(30, Alphanumeric)]),
        form(
            "Voiceflow",
            &["VF.", "VF.DM.", "VF.WS."],
            &[exactly(24, AnyHex), Text("."), exactly(16, Alphanumeric)],
        ),
        form("WakaTime", &["waka_"], &[Uuid]),
        form("WakaTime", &["waka_tok_"], &[between(40, 120, Alphanumeric)]),
    ])],
    &[concat!("lin_api_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2m")],
);
