//! Tokens, passwords, certificates and no credentials at all: who gets in, who does not, and who
//! is out after a reload.

use crate::access_support;

use access_support::{
    ELSEWHERE, HERE, certificate, enter, filter, load, name, now, password, token,
};
use hub_server::access::{
    Access, Credentials, Denied, Identity, Peer, Reason, Subscribable, create_token, hash_password,
};

const ROLES: &str = r#"
    [roles.reader]
    subscribe.allow = "orders.**"
    view = "support"
    [roles.writer]
    publish.allow = "orders.**"
"#;

fn identity(name: &str, roles: &str, lines: &str) -> String {
    format!("{ROLES}\n[identities.{name}]\nroles = {roles}\n{lines}\n")
}

fn reason(result: Result<Identity, Denied>) -> Reason {
    result.expect_err("a refusal").reason()
}

#[test]
fn a_token_lets_its_identity_in_with_the_rights_of_its_roles() {
    let made = create_token("orders-1").unwrap();
    let access = load(&identity("orders", r#"["reader", "writer"]"#, &made.line));
    let orders = enter(&access, &token(&made.token)).unwrap();
    assert_eq!(
        (orders.name(), orders.method(), orders.view()),
        ("orders", "token", Some("support"))
    );
    assert_eq!(orders.roles().collect::<Vec<_>>(), ["reader", "writer"]);
    assert!(!orders.is_anonymous() && orders.expires().is_none());
    assert!(orders.rights().may_publish(&name("orders.placed")));
    assert!(!orders.rights().may_publish(&name("payments.made")));
    assert_eq!(orders.rights().may_subscribe(&filter("orders.*")), Subscribable::All);
    assert_eq!(orders.rights().may_subscribe(&filter("**")), Subscribable::No);
    assert!(!orders.rights().may_admin() && !orders.rights().may_quarantine());
}

#[test]
fn only_the_whole_token_lets_in() {
    let (one, two) = (create_token("one").unwrap(), create_token("two").unwrap());
    let access = load(&identity("orders", "\"reader\"", &format!("{}\n{}", one.line, two.line)));
    let secret = one.token.trim_start_matches("hub_one_");
    assert_eq!(secret.len(), 64, "256 bits");
    for known in [&one.token, &two.token] {
        assert!(enter(&access, &token(known)).is_ok());
    }
    let mut last = one.token.clone();
    let digit = if last.ends_with('0') { "1" } else { "0" };
    last.replace_range(last.len() - 1.., digit);
    assert_eq!(reason(enter(&access, &token(&last))), Reason::WrongSecret);
    // The secret of one token with the id of another.
    assert_eq!(reason(enter(&access, &token(&format!("hub_two_{secret}")))), Reason::WrongSecret);
    assert_eq!(reason(enter(&access, &token(&format!("hub_three_{secret}")))), Reason::Unknown);
    for malformed in [
        String::new(),
        "hub_".into(),
        "hub_one_".into(),
        "hub__".to_owned() + secret,
        secret.to_owned(),
        format!("hub_one_{}", &secret[1..]),
        format!("hub_one_{secret}0"),
        format!("hub_one_{}\n", &secret[1..]),
        format!("HUB_one_{secret}"),
        format!("hub_ONE_{secret}"),
        format!("hub_one_{}", secret.to_uppercase() + "_"),
        format!("hub_{}_{secret}", "x".repeat(33)),
        format!("hub_one\0_{secret}"),
        "x".repeat(1 << 20),
    ] {
        assert_eq!(reason(enter(&access, &token(&malformed))), Reason::Malformed);
    }
}

#[test]
fn a_password_lets_in_its_user_alone() {
    let hash = hash_password("correct horse").unwrap();
    let access = load(&identity("\"ann@b.org\"", "\"reader\"", &format!("password = {hash:?}")));
    let ann = enter(&access, &password("ann@b.org", "correct horse")).unwrap();
    assert_eq!((ann.name(), ann.method()), ("ann@b.org", "password"));
    let refused = |user: &str, secret: &str| reason(enter(&access, &password(user, secret)));
    assert_eq!(refused("ann@b.org", "correct horsf"), Reason::WrongSecret);
    assert_eq!(refused("ann@b.org", ""), Reason::WrongSecret);
    assert_eq!(refused("ann@b%2Eorg", "correct horse"), Reason::Unknown);
    assert_eq!(refused("bob", "correct horse"), Reason::Unknown);
    assert_eq!(refused("ann@b.org\0", "correct horse"), Reason::Malformed);
    assert_eq!(refused("", "correct horse"), Reason::Malformed);
    assert_eq!(refused("ann@b.org", &"x".repeat(1025)), Reason::Malformed);
}

/// The client cannot tell what exists.
#[test]
fn unknown_and_wrong_sound_the_same() {
    let made = create_token("known").unwrap();
    let hash = hash_password("correct horse").unwrap();
    let access =
        load(&identity("ann", "\"reader\"", &format!("{}\npassword = {hash:?}", made.line)));
    let zeros = "0".repeat(64);
    let mut said: Vec<String> = [
        token(&format!("hub_known_{zeros}")),
        token(&format!("hub_unknown_{zeros}")),
        token("hub_malformed"),
        password("ann", "wrong password"),
        password("bob", "wrong password"),
        Credentials::Jwt("a.b.c".to_owned()),
    ]
    .iter()
    .map(|credentials| {
        let denied = enter(&access, credentials).unwrap_err();
        denied.to_string()
    })
    .collect();
    said.dedup();
    assert_eq!(said, ["the credentials were not accepted"]);
    // And an unknown id is hashed too.
    assert!(access.hash_bytes(&token(&format!("hub_unknown_{zeros}"))).is_some());
    assert!(access.hash_bytes(&password("bob", "wrong password")).is_some());
}

#[test]
fn a_secret_that_was_good_is_not_hashed_again_and_a_wrong_one_always_is() {
    let made = create_token("one").unwrap();
    let text = identity("orders", "\"reader\"", &made.line);
    let access = load(&text);
    let (good, wrong) = (token(&made.token), token(&format!("hub_one_{}", "0".repeat(64))));
    assert!(access.hash_bytes(&good).is_some() && access.hash_bytes(&wrong).is_some());
    for _ in 0..2 {
        assert!(enter(&access, &good).is_ok());
        assert_eq!(reason(enter(&access, &wrong)), Reason::WrongSecret);
        assert!(access.hash_bytes(&good).is_none() && access.hash_bytes(&wrong).is_some());
    }
    assert!(load(&text).hash_bytes(&good).is_some(), "a reload forgets");
    for cheap in [Credentials::None, Credentials::Jwt("a.b.c".into()), token("malformed")] {
        assert!(access.hash_bytes(&cheap).is_none());
    }
    // Where there are no secrets, nobody can make the hub hash.
    assert!(Access::default_loopback().hash_bytes(&good).is_none());
}

#[test]
fn a_certificate_lets_in_whom_its_name_stands_for() {
    let uri = "spiffe://example.org/ns/shop/sa/orders";
    let access =
        load(&identity("orders", "\"reader\"", &format!("certificates = [\"Orders\", {uri:?}]")));
    let with = |name: &str| access.authenticate(&Credentials::None, &certificate(name), now());
    for known in [uri, "Orders"] {
        assert_eq!(with(known).unwrap().name(), "orders");
        assert_eq!(with(known).unwrap().method(), "certificate");
    }
    for unknown in ["orders", "Orders ", "", "spiffe://example.org/ns/shop/sa/orders/"] {
        assert_eq!(reason(with(unknown)), Reason::UnknownCertificate);
    }
}

#[test]
fn without_a_file_only_this_machine_gets_in() {
    let access = Access::default_loopback();
    let here = access.authenticate(&Credentials::None, &HERE, now()).unwrap();
    assert_eq!((here.name(), here.is_anonymous()), ("anonymous", true));
    assert!(here.rights().may_publish(&name("a.b")) && here.rights().may_read(&name("a.b")));
    assert!(here.rights().may_admin() && here.rights().may_quarantine());
    assert_eq!(here.rights().may_subscribe(&filter("**")), Subscribable::All);
    assert_eq!(here.rights().may_subscribe(&filter("$hub.**")), Subscribable::All);
    assert!(!here.rights().may_publish(&name("$hub.x")));
    let elsewhere = access.authenticate(&Credentials::None, &ELSEWHERE, now());
    assert_eq!(reason(elsewhere), Reason::CredentialsRequired);

    let open = Access::without_file(true);
    let guest = open.authenticate(&Credentials::None, &ELSEWHERE, now()).unwrap();
    assert!(guest.rights().may_publish(&name("a.b")) && guest.rights().may_read(&name("a.b")));
    assert!(!guest.rights().may_admin() && !guest.rights().may_quarantine());
    assert!(!guest.rights().may_read(&name("$hub.stats")));
}

#[test]
fn with_a_file_anonymous_clients_get_in_only_where_it_says_so() {
    let at = |text: &str, peer| {
        load(&format!("{ROLES}{text}")).authenticate(&Credentials::None, peer, now())
    };
    assert_eq!(reason(at("", &HERE)), Reason::CredentialsRequired);
    assert_eq!(reason(at("", &ELSEWHERE)), Reason::CredentialsRequired);
    let loopback = "[anonymous]\nroles = \"reader\"";
    assert!(at(loopback, &HERE).unwrap().rights().may_read(&name("orders.placed")));
    assert_eq!(reason(at(loopback, &ELSEWHERE)), Reason::CredentialsRequired);
    let everywhere = "[anonymous]\nroles = \"reader\"\nfrom = \"everywhere\"";
    let guest = at(everywhere, &ELSEWHERE).unwrap();
    assert!(guest.rights().may_read(&name("orders.placed")));
    assert!(!guest.rights().may_publish(&name("orders.placed")));
}

/// Who shows something that is not accepted is not let in as somebody less.
#[test]
fn wrong_credentials_are_never_taken_for_none() {
    let access = Access::default_loopback();
    let known = load(&identity("orders", "\"reader\"", "certificates = \"Orders\""));
    let unknown = token(&create_token("unknown").unwrap().token);
    let jwt = Credentials::Jwt(String::new());
    for wrong in [token(""), token("x"), unknown, password("", ""), password("ann", "secret"), jwt]
    {
        assert!(access.authenticate(&wrong, &HERE, now()).is_err());
        assert!(known.authenticate(&wrong, &certificate("Orders"), now()).is_err());
    }
    let peer = Peer { loopback: true, ..certificate("X") };
    let unknown = known.authenticate(&Credentials::None, &peer, now());
    assert_eq!(reason(unknown), Reason::UnknownCertificate);
}

#[test]
fn after_a_reload_each_connection_has_the_new_rights_or_is_out() {
    let (one, two) = (create_token("one").unwrap(), create_token("one").unwrap());
    let hash = format!("password = {:?}", hash_password("correct horse").unwrap());
    let other = format!("password = {:?}", hash_password("correct horse").unwrap());
    let cert = "certificates = \"Orders\"";
    let anonymous = "[anonymous]\nroles = \"reader\"";

    let before = load(&identity(
        "orders",
        "\"reader\"",
        &format!("{}\n{hash}\n{cert}\n{anonymous}", one.line),
    ));
    let by_token = enter(&before, &token(&one.token)).unwrap();
    let by_password = enter(&before, &password("orders", "correct horse")).unwrap();
    let by_certificate =
        before.authenticate(&Credentials::None, &certificate("Orders"), now()).unwrap();
    let guest = before.authenticate(&Credentials::None, &HERE, now()).unwrap();
    for identity in [&by_token, &by_password, &by_certificate, &guest] {
        let same = before.reauthorise(identity, now()).unwrap();
        assert_eq!((same.name(), same.method()), (identity.name(), identity.method()));
        assert_eq!(same.rights(), identity.rights());
    }

    // Another role: the same people with new rights.
    let more = load(&identity(
        "orders",
        "\"writer\"",
        &format!("{}\n{hash}\n{cert}\n{anonymous}", one.line),
    ));
    for identity in [&by_token, &by_password, &by_certificate] {
        let now_may = more.reauthorise(identity, now()).unwrap();
        assert_ne!(now_may.rights(), identity.rights());
        assert!(now_may.rights().may_publish(&name("orders.x")));
        assert!(!now_may.rights().may_read(&name("orders.x")));
        // And again, from the renewed one.
        assert_eq!(before.reauthorise(&now_may, now()).unwrap().rights(), identity.rights());
    }

    // The token under the same id is another, the password is hashed anew, the certificate and
    // the anonymous role are gone.
    let rotated = load(&identity("orders", "\"reader\"", &format!("{}\n{other}", two.line)));
    assert_eq!(reason(rotated.reauthorise(&by_token, now())), Reason::Revoked);
    assert_eq!(reason(rotated.reauthorise(&by_password, now())), Reason::Revoked);
    assert_eq!(reason(rotated.reauthorise(&by_certificate, now())), Reason::UnknownCertificate);
    assert_eq!(reason(rotated.reauthorise(&guest, now())), Reason::CredentialsRequired);

    // The same token and the same certificate, but they stand for somebody else.
    let moved = load(&identity("payments", "\"reader\"", &format!("{}\n{cert}", one.line)));
    assert_eq!(reason(moved.reauthorise(&by_token, now())), Reason::Revoked);
    assert_eq!(reason(moved.reauthorise(&by_certificate, now())), Reason::Revoked);

    // No access file any more: nobody with credentials stays.
    let none = Access::default_loopback();
    for identity in [&by_token, &by_password, &by_certificate] {
        assert!(none.reauthorise(identity, now()).is_err());
    }
    assert!(none.reauthorise(&guest, now()).unwrap().rights().may_admin());
}

#[test]
fn an_id_or_a_password_that_cannot_be_is_not_made() {
    for bad in ["", "A", "a_b", "a.b", "a b", "ä", "a\0", "*", &"x".repeat(33)] {
        assert!(create_token(bad).is_err(), "{bad:?}");
    }
    for bad in ["", "seven77", &"x".repeat(1025)] {
        assert!(hash_password(bad).is_err(), "{bad:?}");
    }
    let (one, two) = (create_token("x").unwrap(), create_token("x").unwrap());
    assert!(one.token != two.token && one.line != two.line);
}
