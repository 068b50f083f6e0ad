//! Promise: a client gets events in the view that its roles name, or else in the one whose `roles`
//! have its first role, whatever else has the same name; and in no other from the moment on at
//! which its roles change.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_server::access::{NewToken, create_token};
use hub_wire::{CloseCode, Credentials, Hello, Packer};
use support::*;
use tempfile::TempDir;

const RULES: &str = r#"
[[rule]]
name = "name"
find = { keys = ["name"] }
action = "mask"
tests = { hits = [{ name = "Ann" }], misses = [{ n = "Ann" }] }

[views.support]
roles = ["lead"]
labels = { name = "keep" }

# The role of clients without credentials is `anonymous`; this is another name for nothing.
[views.anonymous]
roles = ["nobody"]
labels = { name = "keep" }
"#;

const ROLES: &str = r#"
[roles.support]
subscribe.allow = "**"
[roles.lead]
subscribe.allow = "**"
[roles.named]
subscribe.allow = "**"
view = "support"
[roles.misnamed]
subscribe.allow = "**"
view = "lead"
[roles.least]
subscribe.allow = "**"
view = "default"
[roles.publisher]
publish.allow = "**"
[anonymous]
from = "loopback"
roles = "support"
"#;

struct Viewers {
    hub: RunningHub,
    folder: TempDir,
    token: NewToken,
    publisher: NewToken,
}

impl Viewers {
    fn start(roles: &str) -> Viewers {
        let (token, publisher) = (create_token("ann").unwrap(), create_token("bob").unwrap());
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        std::fs::write(folder.path().join("access.toml"), access(roles, &token, &publisher))
            .unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let hub = hub_with(|config| {
            (config.access, config.rules) = (path("access.toml"), path("rules.toml"));
        });
        Viewers { hub, folder, token, publisher }
    }

    fn give(&self, roles: &str) {
        let new = self.folder.path().join("new.toml");
        std::fs::write(&new, access(roles, &self.token, &self.publisher)).unwrap();
        std::fs::rename(new, self.folder.path().join("access.toml")).unwrap();
    }

    fn subscriber(&self, token: Option<&NewToken>) -> Client {
        let credentials = token.map(|created| Credentials::Token(created.token.clone()));
        let hello = Hello { credentials, ..hello("test") };
        let mut client = Client::open_as(self.hub.clients(), &hello);
        client.subscribe(&subscription(1, "people"));
        client
    }

    /// Whether a subscriber sees the name in an event.
    fn shows(&self, client: &mut Client) -> bool {
        let mut payload = Vec::new();
        Packer(&mut payload).map(1).str("name").str("Ann Other");
        let credentials = Some(Credentials::Token(self.publisher.token.clone()));
        let mut publisher =
            Client::open_as(self.hub.clients(), &Hello { credentials, ..hello("test") });
        publisher.send(&event("people", &payload));
        publisher.barrier();
        let event = client.event();
        event.payload == payload
    }
}

fn access(roles: &str, token: &NewToken, publisher: &NewToken) -> String {
    format!(
        "{ROLES}\n[identities.ann]\nroles = {roles}\n{}\n[identities.bob]\nroles = \"publisher\"\n{}\n",
        token.line, publisher.line
    )
}

#[test]
fn a_view_is_found_by_its_own_name_or_by_a_role_that_it_names() {
    for (roles, full) in [
        ("\"lead\"", true),
        ("\"named\"", true),
        ("\"support\"", false),
        ("\"misnamed\"", false),
        ("[\"lead\", \"least\"]", false),
        ("[\"support\", \"lead\"]", false),
        ("[\"lead\", \"support\"]", true),
    ] {
        let viewers = Viewers::start(roles);
        let mut ann = viewers.subscriber(Some(&viewers.token));
        assert_eq!(viewers.shows(&mut ann), full, "roles = {roles}");
    }
}

#[test]
fn clients_without_credentials_have_the_role_anonymous_and_no_view_of_that_name() {
    let viewers = Viewers::start("\"lead\"");
    let mut stranger = viewers.subscriber(None);
    assert!(!viewers.shows(&mut stranger));
}

#[test]
fn another_role_ends_the_connection_if_it_has_another_view() {
    let viewers = Viewers::start("\"lead\"");
    let mut ann = viewers.subscriber(Some(&viewers.token));
    assert!(viewers.shows(&mut ann));
    viewers.give("\"support\"");
    let rest = ann.rest();
    let close = rest.iter().find_map(|got| if let Got::Close(c) = got { Some(c) } else { None });
    assert_eq!(close.map(|close| close.code), Some(CloseCode::RightsChanged), "{rest:?}");
    let mut ann = viewers.subscriber(Some(&viewers.token));
    assert!(!viewers.shows(&mut ann));
}
