//! The claim: whatever is shown of an examination, no part of the credentials is in it.

use crate::support::{Hub, options};
use hub_client::Credentials;
use hub_doctor::{Options, Report, examine, text};

const SECRET: &str = "s3cr3t-of-a-client";

/// Everything that can be shown.
fn shown(options: &Options, report: &Report) -> String {
    format!("{}{}{report:?}{options:?}", text(report), report.json())
}

#[test]
fn in_no_text_and_in_no_figure() {
    let hub = Hub::start::<&str>(&[]);
    let password = || Credentials::Password { user: "ann".into(), password: SECRET.into() };
    let all = [
        Credentials::Token(format!("hub_id_{SECRET}")),
        Credentials::Jwt(format!("a.{SECRET}.c")),
        password(),
    ];
    for credentials in all {
        let mut options = options(&hub.url);
        options.credentials = Some(credentials);
        let report = examine(&options).unwrap();
        assert_eq!(report.exit_code(), 16, "{}", text(&report));
        let shown = shown(&options, &report);
        assert!(!shown.contains(SECRET), "{shown}");
    }
}
