//! A JWT gets in only with a signature of its issuer's key, in an algorithm of that key, for this
//! hub and for now. The tests put tokens together by hand, as an attacker would.

use crate::access_support;

use std::sync::OnceLock;
use std::time::Duration;

use access_support::{ELSEWHERE, Memory, name, now};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa::KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_server::access::{Access, Credentials, Denied, Identity, Reason};
use serde_json::{Value, json};

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    /// Somebody else's.
    foreign: RsaKeyPair,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys {
        rsa: RsaKeyPair::generate(KeySize::Rsa2048).expect("a fixture"),
        ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a fixture"),
        ed: Ed25519KeyPair::generate().expect("a fixture"),
        foreign: RsaKeyPair::generate(KeySize::Rsa2048).expect("a fixture"),
    })
}

fn rsa_jwk(kid: &str, key: &RsaKeyPair) -> Value {
    let public = key.public_key();
    let n = b64(public.modulus().big_endian_without_leading_zero());
    let e = b64(public.exponent().big_endian_without_leading_zero());
    json!({"kty": "RSA", "kid": kid, "use": "sig", "n": n, "e": e})
}

fn ec_jwk() -> Value {
    let point = keys().ec.public_key().as_ref();
    json!({"kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(&point[1..33]), "y": b64(&point[33..])})
}

fn ed_jwk() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(keys().ed.public_key())})
}

fn jwks() -> String {
    let encryption = json!({"kty": "RSA", "kid": "enc", "use": "enc", "alg": "RSA-OAEP",
        "n": rsa_jwk("", &keys().foreign)["n"], "e": "AQAB"});
    let unknown = json!({"kty": "QUANTUM", "kid": "q", "z": "AA"});
    let known = [rsa_jwk("rsa", &keys().rsa), ec_jwk(), ed_jwk(), encryption, unknown];
    json!({"keys": known}).to_string()
}

const FILE: &str = r#"
[roles.own]
publish.allow = "from.{identity}.**"
[roles.reader]
subscribe.allow = "orders.**"
[roles.boss]
admin = true
[identities.orders]
roles = "boss"
[[jwt]]
issuer = "https://id.example.org"
audience = ["hub", "hub-test"]
keys = "jwks.json"
leeway_s = 30
roles = "own"
roles_claim = ["realm", "roles"]
claim_roles = { readers = "reader", bosses = ["boss", "reader"] }
"#;

fn try_load(text: &str, jwks: &str) -> Result<Access, String> {
    Access::load(text, "access.toml", &Memory::with("jwks.json", jwks)).map_err(|e| e.to_string())
}

fn access() -> Access {
    try_load(FILE, &jwks()).expect("a fixture")
}

fn seconds(offset: i64) -> i64 {
    1_800_000_000 + offset
}

fn claims() -> Value {
    json!({"iss": "https://id.example.org", "aud": "hub", "sub": "ann", "exp": seconds(60)})
}

/// The claims with one of them changed; `null` removes it.
fn but(key: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().expect("a fixture").remove(key);
    } else {
        claims[key] = value
    }
    claims
}

fn body(header: &Value, claims: &Value) -> String {
    format!("{}.{}", b64(header.to_string()), b64(claims.to_string()))
}

fn rsa_signed(
    header: Value,
    claims: &Value,
    key: &RsaKeyPair,
    how: &'static dyn RsaEncoding,
) -> String {
    let body = body(&header, claims);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(how, &SystemRandom::new(), body.as_bytes(), &mut signature).expect("a fixture");
    format!("{body}.{}", b64(signature))
}

/// As the issuer makes it.
fn issued(claims: &Value) -> String {
    rsa_signed(json!({"alg": "RS256", "kid": "rsa"}), claims, &keys().rsa, &RSA_PKCS1_SHA256)
}

fn hmac_signed(header: Value, claims: &Value, secret: &[u8]) -> String {
    let body = body(&header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body.as_bytes());
    format!("{body}.{}", b64(tag))
}

fn enter(access: &Access, jwt: &str) -> Result<Identity, Denied> {
    access.authenticate(&Credentials::Jwt(jwt.to_owned()), &ELSEWHERE, now())
}

fn refused(jwt: &str) -> Reason {
    let denied = enter(&access(), jwt).expect_err("a refusal");
    let told = denied.to_string();
    let expired = denied.reason() == Reason::Expired;
    assert_eq!(told.contains("expired"), expired, "{told}");
    denied.reason()
}

#[test]
fn a_jwt_of_the_issuer_gets_in_with_each_kind_of_key() {
    let ann = enter(&access(), &issued(&claims())).unwrap();
    assert_eq!((ann.name(), ann.method()), ("ann", "jwt"));
    assert!(ann.rights().may_publish(&name("from.ann.x")));
    assert_eq!(ann.expires(), Some(now() + Duration::from_secs(90)));

    let of_body = |alg: &str, kid: &str| body(&json!({"alg": alg, "kid": kid}), &claims());
    let ec = of_body("ES256", "ec");
    let signature = keys().ec.sign(&SystemRandom::new(), ec.as_bytes()).unwrap();
    assert!(enter(&access(), &format!("{ec}.{}", b64(signature))).is_ok());
    let ed = of_body("EdDSA", "ed");
    let signature = keys().ed.sign(ed.as_bytes());
    assert!(enter(&access(), &format!("{ed}.{}", b64(signature))).is_ok());
    let pss = json!({"alg": "PS256", "kid": "rsa"});
    assert!(enter(&access(), &rsa_signed(pss, &claims(), &keys().rsa, &RSA_PSS_SHA256)).is_ok());
}

#[test]
fn a_jwt_without_signature_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE", "", "RS257"] {
        for kid in [json!({"alg": alg, "kid": "rsa"}), json!({"alg": alg})] {
            let body = body(&kid, &claims());
            assert_eq!(refused(&format!("{body}.")), Reason::Malformed);
            assert_eq!(refused(&body), Reason::Malformed);
            assert_eq!(refused(&format!("{body}.{}", b64("x"))), Reason::Malformed);
        }
    }
    let stripped = issued(&claims());
    let stripped = &stripped[..=stripped.rfind('.').unwrap()];
    assert_eq!(refused(stripped), Reason::Signature);
    assert_eq!(refused(&body(&json!({"kid": "rsa"}), &claims())), Reason::Malformed);
}

/// HMAC with what everybody knows of the issuer's key, in each form that a library might take for
/// the secret.
#[test]
fn a_public_key_is_never_taken_for_a_shared_secret() {
    let public = keys().rsa.public_key();
    let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
    let line = base64::engine::general_purpose::STANDARD.encode(spki.as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{line}\n-----END PUBLIC KEY-----\n");
    let modulus = public.modulus();
    let modulus = modulus.big_endian_without_leading_zero();
    let (text, set) = (b64(modulus), jwks());
    let secrets: [&[u8]; 9] = [
        spki.as_ref(),
        public.as_ref(),
        pem.as_bytes(),
        modulus,
        text.as_bytes(),
        set.as_bytes(),
        keys().ec.public_key().as_ref(),
        keys().ed.public_key().as_ref(),
        b"",
    ];
    for secret in secrets {
        for kid in ["rsa", "ec", "ed"] {
            let forged = hmac_signed(json!({"alg": "HS256", "kid": kid}), &claims(), secret);
            assert_eq!(refused(&forged), Reason::Algorithm);
            // And with the header of the real one.
            let forged = hmac_signed(json!({"alg": "RS256", "kid": "rsa"}), &claims(), secret);
            assert_eq!(refused(&forged), Reason::Signature);
        }
        let forged = hmac_signed(json!({"alg": "HS256"}), &claims(), secret);
        assert_eq!(refused(&forged), Reason::UnknownKey);
    }
}

#[test]
fn a_key_verifies_only_in_algorithms_of_its_kind() {
    for (alg, kid) in
        [("ES256", "rsa"), ("EdDSA", "rsa"), ("RS256", "ec"), ("ES384", "ec"), ("RS256", "ed")]
    {
        let header = json!({"alg": alg, "kid": kid});
        let jwt = rsa_signed(header, &claims(), &keys().rsa, &RSA_PKCS1_SHA256);
        assert_eq!(refused(&jwt), Reason::Algorithm, "{alg} {kid}");
    }
    // RS384 is possible with the key, but not in the list.
    let listed = FILE.replace("leeway_s", "algorithms = [\"RS256\"]\nleeway_s");
    let access = try_load(&listed, &jwks()).unwrap();
    let header = json!({"alg": "RS384", "kid": "rsa"});
    let jwt = rsa_signed(header, &claims(), &keys().rsa, &RSA_PKCS1_SHA384);
    assert!(enter(&self::access(), &jwt).is_ok());
    assert_eq!(enter(&access, &jwt).unwrap_err().reason(), Reason::Algorithm);
    // Nor what the key itself is not for.
    let mut bound = rsa_jwk("rsa", &keys().rsa);
    bound["alg"] = json!("RS256");
    let access = try_load(FILE, &json!({"keys": [bound]}).to_string()).unwrap();
    assert_eq!(enter(&access, &jwt).unwrap_err().reason(), Reason::Algorithm);
    assert!(enter(&access, &issued(&claims())).is_ok());
}

#[test]
fn a_key_that_the_jwt_brings_is_not_looked_at() {
    let foreign = |header: Value| rsa_signed(header, &claims(), &keys().foreign, &RSA_PKCS1_SHA256);
    let jwk = rsa_jwk("mine", &keys().foreign);
    let here = "data:application/json,{}";
    assert_eq!(refused(&foreign(json!({"alg": "RS256", "kid": "rsa"}))), Reason::Signature);
    assert_eq!(
        refused(&foreign(json!({"alg": "RS256", "kid": "rsa", "jwk": jwk}))),
        Reason::Signature
    );
    for header in [
        json!({"alg": "RS256", "jwk": jwk}),
        json!({"alg": "RS256", "kid": "mine", "jwk": jwk}),
        json!({"alg": "RS256", "kid": "mine", "jku": here, "x5u": here}),
        json!({"alg": "RS256", "kid": "enc"}),
        json!({"alg": "RS256", "kid": "../rsa"}),
        json!({"alg": "RS256"}),
    ] {
        assert_eq!(refused(&foreign(header.clone())), Reason::UnknownKey, "{header}");
    }
    let demanding = json!({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": false});
    let jwt = rsa_signed(demanding, &claims(), &keys().rsa, &RSA_PKCS1_SHA256);
    assert_eq!(refused(&jwt), Reason::Critical);
}

#[test]
fn a_jwt_is_only_good_as_it_was_signed() {
    let good = issued(&claims());
    let parts: Vec<_> = good.split('.').collect();
    let boss = b64(but("realm", json!({"roles": ["bosses"]})).to_string());
    let [header, payload, signature] = parts[..] else { panic!("{good}") };
    assert_eq!(refused(&format!("{header}.{boss}.{signature}")), Reason::Signature);
    let header_too = b64(json!({"kid": "rsa", "alg": "RS256"}).to_string() + " ");
    assert_eq!(refused(&format!("{header_too}.{payload}.{signature}")), Reason::Signature);
    assert_eq!(refused(&format!("{header}.{payload}.{}", &signature[..340])), Reason::Signature);
    for malformed in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "\0",
        &format!("{good}.x"),
        &format!(".{good}"),
        &format!(" {good}"),
        &format!("{good}\n"),
        &"a".repeat(20_000),
        &format!("{header}.{payload}"),
    ] {
        let reason = refused(malformed);
        assert!([Reason::Malformed, Reason::Signature].contains(&reason), "{malformed:?} {reason}");
    }
}

#[test]
fn a_jwt_is_for_this_hub_from_this_issuer() {
    let with = |key, value| enter(&access(), &issued(&but(key, value)));
    let reason = |key, value| with(key, value).unwrap_err().reason();
    for aud in [json!("hub"), json!("hub-test"), json!(["else", "hub"])] {
        assert!(with("aud", aud).is_ok());
    }
    for aud in [
        json!(null),
        json!("Hub"),
        json!("hub "),
        json!(["else"]),
        json!([]),
        json!(7),
        json!({"hub": 1}),
        json!("hub else"),
    ] {
        assert_eq!(reason("aud", aud.clone()), Reason::Audience, "{aud}");
    }
    for iss in [
        json!(null),
        json!("https://id.example.org/"),
        json!("id.example.org"),
        json!(["https://id.example.org"]),
        json!(""),
    ] {
        assert_eq!(reason("iss", iss.clone()), Reason::Issuer, "{iss}");
    }
}

#[test]
fn a_jwt_is_good_from_nbf_until_exp_with_the_leeway_and_no_longer() {
    let with = |key, value| enter(&access(), &issued(&but(key, value))).map_err(|d| d.reason());
    assert!(with("exp", json!(seconds(-29))).is_ok());
    assert_eq!(with("exp", json!(seconds(-30))).unwrap_err(), Reason::Expired);
    assert!(with("exp", json!(seconds(60) as f64 + 0.5)).is_ok());
    assert!(with("nbf", json!(seconds(30))).is_ok());
    assert_eq!(with("nbf", json!(seconds(31))).unwrap_err(), Reason::NotYetValid);
    for exp in [
        json!(null),
        json!("1900000000"),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!([1]),
        json!(true),
    ] {
        assert_eq!(with("exp", exp.clone()).unwrap_err(), Reason::Claim, "{exp}");
    }
    for nbf in [json!("0"), json!(-1), json!(1e300), json!([0])] {
        assert_eq!(with("nbf", nbf.clone()).unwrap_err(), Reason::Claim, "{nbf}");
    }
}

#[test]
fn the_name_is_a_name_and_nobody_elses() {
    let with = |sub| enter(&access(), &issued(&but("sub", sub))).map_err(|d| d.reason());
    for sub in [json!(null), json!(7), json!(["ann"])] {
        assert_eq!(with(sub).unwrap_err(), Reason::Claim);
    }
    for sub in ["", "*", "**", "a*", "a b", "a\n", "\u{0}", "$hub", "a#1", ">", "ä"] {
        assert_eq!(with(json!(sub)).unwrap_err(), Reason::BadName, "{sub:?}");
    }
    for sub in ["orders", "anonymous"] {
        assert_eq!(with(json!(sub)).unwrap_err(), Reason::NameTaken);
    }
    assert_eq!(with(json!("a.b|c")).unwrap().name(), "a.b|c");
    let prefixed =
        FILE.replace("leeway_s", "prefix = \"corp:\"\nidentity_claim = \"mail\"\nleeway_s");
    let access = try_load(&prefixed, &jwks()).unwrap();
    let corp = enter(&access, &issued(&but("mail", json!("orders")))).unwrap();
    assert_eq!(corp.name(), "corp:orders");
    assert!(!corp.rights().may_admin());
}

#[test]
fn a_claim_gives_the_roles_it_is_mapped_to_and_no_others() {
    let with = |realm| enter(&access(), &issued(&but("realm", realm))).unwrap();
    let roles = |realm| with(realm).roles().map(str::to_owned).collect::<Vec<_>>().join(" ");
    assert_eq!(roles(json!({"roles": ["readers"]})), "own reader");
    assert_eq!(roles(json!({"roles": ["bosses", "readers"]})), "own boss reader");
    assert_eq!(roles(json!({"roles": "readers bosses"})), "own reader boss");
    assert!(with(json!({"roles": "bosses"})).rights().may_admin());
    for nothing in [
        json!(null),
        json!([]),
        json!("bosses"),
        json!({"roles": null}),
        json!({"roles": ["boss", "reader"]}),
        json!({"roles": ["readers bosses"]}),
        json!({"roles": {"bosses": 1}}),
        json!({"roles": [["bosses"]]}),
        json!({"Roles": ["bosses"]}),
        json!({"roles": ["BOSSES", " bosses", ""]}),
    ] {
        assert_eq!(roles(nothing.clone()), "own", "{nothing}");
    }
    // Without a role for all, those with none stay out.
    let access = try_load(&FILE.replace("roles = \"own\"", ""), &jwks()).unwrap();
    assert_eq!(enter(&access, &issued(&claims())).unwrap_err().reason(), Reason::NoRole);
}

#[test]
fn roles_from_claims_with_different_views_do_not_get_in() {
    let views = FILE
        .replace("[roles.reader]", "[roles.reader]\nview = \"x\"")
        .replace("[roles.boss]", "[roles.boss]\nview = \"y\"");
    let access = try_load(&views, &jwks()).unwrap();
    let with = |role: &str| enter(&access, &issued(&but("realm", json!({"roles": role}))));
    assert_eq!(with("readers").unwrap().view(), Some("x"));
    assert_eq!(with("bosses").unwrap_err().reason(), Reason::ViewConflict);
}

#[test]
fn a_jwt_ends_with_its_time_its_key_its_issuer_and_its_roles() {
    let before = access();
    let jwt = issued(&but("realm", json!({"roles": "readers"})));
    let ann = enter(&before, &jwt).unwrap();
    assert!(before.reauthorise(&ann, now() + Duration::from_secs(89)).is_ok());
    let late = before.reauthorise(&ann, ann.expires().unwrap()).unwrap_err();
    assert_eq!(late.reason(), Reason::Expired);

    let after = |file: &str, jwks: &str| {
        try_load(file, jwks).unwrap().reauthorise(&ann, now()).map_err(|denied| denied.reason())
    };
    assert_eq!(after(FILE, &jwks()).unwrap().rights(), ann.rights());
    let without = json!({"keys": [ec_jwk()]}).to_string();
    assert_eq!(after(FILE, &without).unwrap_err(), Reason::Revoked);
    let replaced = json!({"keys": [rsa_jwk("rsa", &keys().foreign)]}).to_string();
    assert_eq!(after(FILE, &replaced).unwrap_err(), Reason::Revoked);
    // Keys rotate: the new one comes, the old one stays for a while.
    let rotating = json!({"keys": [rsa_jwk("new", &keys().foreign), rsa_jwk("rsa", &keys().rsa)]});
    assert!(after(FILE, &rotating.to_string()).is_ok());
    let moved = FILE.replace("id.example.org", "id2.example.org");
    assert_eq!(after(&moved, &jwks()).unwrap_err(), Reason::Issuer);
    let audience = FILE.replace("[\"hub\", \"hub-test\"]", "\"hub-test\"");
    assert_eq!(after(&audience, &jwks()).unwrap_err(), Reason::Audience);
    let algorithm = FILE.replace("leeway_s", "algorithms = \"ES256\"\nleeway_s");
    assert_eq!(after(&algorithm, &jwks()).unwrap_err(), Reason::Revoked);
    let prefixed = FILE.replace("leeway_s", "prefix = \"x:\"\nleeway_s");
    assert_eq!(after(&prefixed, &jwks()).unwrap_err(), Reason::Revoked, "another name");
    let declared = FILE.replace("identities.orders", "identities.ann");
    assert_eq!(after(&declared, &jwks()).unwrap_err(), Reason::NameTaken);
    let fewer = FILE.replace("readers = \"reader\", ", "");
    let renewed = after(&fewer, &jwks()).unwrap();
    assert!(!renewed.rights().may_read(&name("orders.x")));
    assert!(renewed.rights().may_publish(&name("from.ann.x")));
}

#[test]
fn issuers_with_the_same_keys_are_told_apart() {
    let two = |prefix: &str| {
        format!(
            "{}\n[[jwt]]\nissuer = \"https://other.example.org\"\naudience = \"hub\"\n\
             keys = \"jwks.json\"\nroles = \"boss\"\nprefix = \"{prefix}\"\n",
            FILE.replace("leeway_s", "prefix = \"one:\"\nleeway_s")
        )
    };
    let access = try_load(&two("two:"), &jwks()).unwrap();
    let one = enter(&access, &issued(&claims())).unwrap();
    let other = enter(&access, &issued(&but("iss", json!("https://other.example.org")))).unwrap();
    assert_eq!((one.name(), one.rights().may_admin()), ("one:ann", false));
    assert_eq!((other.name(), other.rights().may_admin()), ("two:ann", true));
    assert_eq!(access.reauthorise(&other, now()).unwrap().name(), "two:ann");
    let third = enter(&access, &issued(&but("iss", json!("https://third.example.org"))));
    assert_eq!(third.unwrap_err().reason(), Reason::Issuer);
    for clash in ["", "one:", "one:a", "o"] {
        let error = try_load(&two(clash), &jwks()).unwrap_err();
        assert!(error.contains("`jwt`") && error.contains("prefix"), "{error}");
    }
}

#[test]
fn a_key_set_that_is_not_one_is_refused() {
    let private = json!({"kty": "RSA", "kid": "x", "n": "AQAB", "e": "AQAB", "d": "CANARY-d"});
    let shared = json!({"kty": "oct", "kid": "x", "k": "CANARY-k"});
    let mut short = rsa_jwk("short", &keys().rsa);
    short["n"] = json!(b64([0x80; 128]));
    let mut padded = rsa_jwk("padded", &keys().rsa);
    padded["n"] = json!(b64([[0; 128], [0x80; 128]].concat()));
    let mut broken = ec_jwk();
    broken["x"] = json!("CANARY not base64!");
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string();
    for (text, part) in [
        (String::new(), "is not JSON at line 1"),
        ("{\"keys\": [CANARY".to_owned(), "is not JSON at line 1"),
        ("[]".to_owned(), "is no key set"),
        ("{\"keys\": \"CANARY\"}".to_owned(), "is no key set"),
        (set(&[]), "has no key"),
        (set(&[json!({"kty": "QUANTUM"})]), "has no key"),
        (set(&[json!("CANARY")]), "key 1 is no JWK"),
        (set(&[json!("CANARY"), json!(7)]), "key 1 is no JWK, key 2 is no JWK"),
        (set(&[ec_jwk(), private]), "private or shared key: key 2"),
        (set(&[shared]), "private or shared key: key 1"),
        (set(&[short]), "fewer than 2048 bits"),
        (set(&[padded]), "fewer than 2048 bits"),
        (set(&[broken]), "key 1 is malformed"),
        (set(&vec![ec_jwk(); 65]), "more than 64 keys"),
    ] {
        let error = try_load(FILE, &text).unwrap_err();
        assert!(error.contains("access.toml:13:") && error.contains("`jwt.keys`"), "{error}");
        assert!(error.contains(part) && !error.contains("CANARY"), "{error}");
    }
    let error = try_load(&FILE.replace("jwks.json", "gone.json"), "").unwrap_err();
    assert!(error.contains("`jwt.keys` names a file that cannot be read"), "{error}");
    for alg in ["none", "HS256", "HS512", "RS257", ""] {
        let file =
            FILE.replace("leeway_s", &format!("algorithms = [\"RS256\", \"{alg}\"]\nleeway_s"));
        let error = try_load(&file, &jwks()).unwrap_err();
        assert!(error.contains("`jwt.algorithms` has an algorithm that is not allowed"), "{error}");
    }
    for (key, part) in
        [("issuer", "is missing"), ("audience", "is missing"), ("keys", "is missing")]
    {
        let file: String =
            FILE.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect();
        let error = try_load(&file, &jwks()).unwrap_err();
        assert!(error.contains(&format!("`jwt.{key}` {part}")), "{error}");
    }
    for empty in ["audience = []", "audience = \"\"", "audience = [\"hub\", \"\"]"] {
        let file = FILE.replace("audience = [\"hub\", \"hub-test\"]", empty);
        assert!(try_load(&file, &jwks()).unwrap_err().contains("`jwt.audience` must not be empty"));
    }
}

/// One key needs no `kid`; with several the JWT has to say which.
#[test]
fn a_jwt_without_kid_is_for_the_only_key() {
    let mut nameless = rsa_jwk("", &keys().rsa);
    nameless.as_object_mut().unwrap().remove("kid");
    let access = try_load(FILE, &json!({"keys": [nameless]}).to_string()).unwrap();
    let header = json!({"alg": "RS256"});
    let jwt = rsa_signed(header, &claims(), &keys().rsa, &RSA_PKCS1_SHA256);
    assert!(enter(&access, &jwt).is_ok());
    assert_eq!(refused(&jwt), Reason::UnknownKey);
    assert_eq!(enter(&access, &issued(&claims())).unwrap_err().reason(), Reason::UnknownKey);
}
