//! A view or a role that one of the two files names and the other one does not have is said when the files
//! are loaded, with the nearest names. A role that the access file itself does not have is an error.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::access_support;

use access_support::{load, try_load};
use hub_scrub::{RuleSet, SystemKeys};

const RULES: &str = r#"
[[rule]]
name = "name"
find = { keys = ["name"] }
action = "mask"
tests = { hits = [{ name = "Ann" }], misses = [{ n = "Ann" }] }

[views.support]
roles = ["support", "anonymous"]
labels = { name = "keep" }

[views.full]
roles = ["admins"]
labels = { name = "keep" }
"#;

fn rules() -> RuleSet {
    RuleSet::load(RULES, "rules.toml", &SystemKeys).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_view_that_no_rule_file_has_is_said_with_the_nearest_ones() {
    let access = load("[roles.support]\n[roles.admins]\nview = \"suport\"\n");
    let found = access.unknown_names(Some(&rules()));
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert!(found.starts_with("access.toml:3: the view `suport` does not exist"), "{found}");
    assert!(found.contains("`admins`") && found.contains("are `support`, "), "{found}");
    let found = access.unknown_names(None);
    assert!(matches!(found.as_slice(), [found] if found.contains("no rule file")), "{found:?}");
}

#[test]
fn a_role_of_a_view_that_no_access_file_has_is_said_with_the_nearest_ones() {
    let access = load("[roles.support]\nview = \"full\"\n[roles.admin]\nview = \"default\"\n");
    let found = access.unknown_names(Some(&rules()));
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert!(found.contains("the view `full`") && found.contains("the role `admins`"), "{found}");
    assert!(found.ends_with("are `admin`, `support`"), "{found}");
}

#[test]
fn files_that_agree_say_nothing() {
    let access = load("[roles.support]\nview = \"support\"\n[roles.admins]\n");
    assert_eq!(access.unknown_names(Some(&rules())), Vec::<String>::new());
    let without_file = hub_server::access::Access::default_loopback();
    assert_eq!(without_file.unknown_names(Some(&rules())), Vec::<String>::new());
    assert_eq!(load("[roles.r]\n").unknown_names(None), Vec::<String>::new());
}

#[test]
fn a_role_that_does_not_exist_is_an_error_with_the_nearest_ones() {
    let file = "[roles.support]\n[roles.orders]\n[identities.a]\nroles = \"suport\"";
    let error = try_load(file).unwrap_err();
    assert_eq!((error.line, error.key.as_str()), (4, "identities.a.roles"));
    assert_eq!(error.message, "is not a role; the nearest are `support`, `orders`");
}
