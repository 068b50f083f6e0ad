//! Properties: what is valid is found with its exact span wherever it stands, and what has one
//! wrong character is not.

use crate::detect_common;

use detect_common::{all, found, iban_digits, luhn_digit, scan, scan_under, set};
use hub_scrub::detect::{BuiltIn, Check, DetectorSet};
use proptest::prelude::*;
use std::sync::LazyLock;

static ALL: LazyLock<DetectorSet> = LazyLock::new(all);

/// Text without digits or marks, so that nothing in it can be found.
fn surroundings() -> impl Strategy<Value = (String, String)> {
    let side = |pattern: &'static str| pattern.prop_map(String::from);
    // No word in front names something else, such as a version: each has two letters beyond ASCII.
    (side("([a-zäéñ]{1,9}[äéñ]{2}[ ,;] ?){0,6}(\\(|\"|= ?)?"), side("([ ,;)\"][a-zöçß]{1,9}){0,6}"))
}

fn card() -> impl Strategy<Value = String> {
    prop_oneof![
        "4[0-9]{14}",
        "5[1-5][0-9]{13}",
        "3[47][0-9]{12}",
        "6011[0-9]{11}",
        "35[3-8][0-9]{12}"
    ]
    .prop_map(|body| format!("{body}{}", luhn_digit(&body)))
}

fn iban() -> impl Strategy<Value = String> {
    let of = |country: &'static str, form: &'static str| {
        form.prop_map(move |bban: String| format!("{country}{}{bban}", iban_digits(country, &bban)))
    };
    prop_oneof![
        of("DE", "[0-9]{18}"),
        of("NL", "[A-Z]{4}[0-9]{10}"),
        of("FR", "[0-9]{10}[A-Z0-9]{11}[0-9]{2}"),
    ]
}

fn email() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9_%+-]{0,12}(\\.[a-z0-9_]{1,8}){0,2}@([a-z][a-z0-9]{0,12}(-[a-z0-9]{1,4})?\\.){1,3}(com|de|example|museum|co\\.uk)"
}

/// An address that the registries give to machines (2000::/3).
fn ipv6() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from(bits >> 3 | 1 << 125).to_string())
}

fn surrounded(one: BoxedStrategy<String>) -> impl Strategy<Value = (String, String, String)> {
    (surroundings(), one).prop_map(|((before, behind), one)| (before, one, behind))
}

fn is_found(kind: BuiltIn, before: &str, one: &str, behind: &str) -> Result<(), TestCaseError> {
    let text = format!("{before}{one}{behind}");
    let hits = scan(&set(&[kind]), &text);
    prop_assert_eq!(hits.len(), 1, "{}", text);
    prop_assert_eq!(&text[hits[0].start..hits[0].end], one, "{}", text);
    Ok(())
}

macro_rules! found_in_any_text {
    ($($name:ident $kind:ident $one:expr;)+) => {
        proptest! {
            $(#[test]
            fn $name((before, one, behind) in surrounded($one.boxed())) {
                is_found(BuiltIn::$kind, &before, &one, &behind)?;
            })+
        }
    };
}

found_in_any_text! {
    cards_are_found_in_any_text Card card();
    ibans_are_found_in_any_text Iban iban();
    emails_are_found_in_any_text Email email();
    ipv4_addresses_are_found_in_any_text Ipv4 (0x0100_0000..0x7f00_0000_u32).prop_map(|n| std::net::Ipv4Addr::from(n).to_string());
    ipv6_addresses_are_found_in_any_text Ipv6 ipv6();
    aws_keys_are_found_in_any_text AwsKey "(AKIA|ASIA)[A-Z0-9]{16}";
    github_tokens_are_found_in_any_text GithubToken "(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})";
    gitlab_tokens_are_found_in_any_text GitlabToken "glpat-[A-Za-z0-9_]{20}";
    slack_tokens_are_found_in_any_text SlackToken "xox[bp]-[0-9]{12}-[0-9]{12}-[A-Za-z0-9]{24}";
    stripe_keys_are_found_in_any_text StripeKey "(sk|rk)_(live|test)_[A-Za-z0-9]{24,99}";
    google_keys_are_found_in_any_text GoogleApiKey "AIza[A-Za-z0-9_]{35}";
    sendgrid_keys_are_found_in_any_text SendgridKey "SG\\.[A-Za-z0-9_]{22}\\.[A-Za-z0-9_]{43}";
    npm_tokens_are_found_in_any_text NpmToken "npm_[A-Za-z0-9]{36}";
    north_american_phones_are_found_in_any_text Phone "(\\+1 ?)?\\([2-9][0-9]{2}\\) [2-9][0-9]{2}-[0-9]{4}";
    international_phones_are_found_in_any_text Phone "\\+(33 [1-9]( [0-9]{2}){4}|44 20 [0-9]{4} [0-9]{4}|31[0-9]{9})";
}

proptest! {
    #[test]
    fn one_changed_digit_makes_no_card((before, card, behind) in surrounded(card().boxed()), at in 0usize..16, by in 1u8..10) {
        let mut digits = card.into_bytes();
        let at = at % digits.len();
        digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
        let text = format!("{before}{}{behind}", String::from_utf8(digits).expect("digits"));
        prop_assert!(scan(&set(&[BuiltIn::Card]), &text).is_empty(), "{}", text);
    }

    #[test]
    fn one_changed_digit_makes_no_iban((before, iban, behind) in surrounded(iban().boxed()), at in 2usize..22, by in 1u8..10) {
        let mut letters = iban.into_bytes();
        let at = at % letters.len();
        prop_assume!(letters[at].is_ascii_digit());
        letters[at] = b'0' + (letters[at] - b'0' + by) % 10;
        let text = format!("{before}{}{behind}", String::from_utf8(letters).expect("ASCII"));
        prop_assert!(scan(&set(&[BuiltIn::Iban]), &text).is_empty(), "{}", text);
    }

    /// The span is the original one, whatever hides the digits.
    #[test]
    fn disguised_cards_are_found(card in card(), how in prop::collection::vec(0u8..7, 16)) {
        let mut hidden = String::new();
        for (c, how) in card.chars().zip(&how) {
            let digit = c as u32 - '0' as u32;
            let other = match how {
                0 => char::from_u32(0xff10 + digit),
                1 => char::from_u32(0x660 + digit),
                2 => char::from_u32(0x1d7ce + digit),
                3 => { hidden.push(c); hidden.push('\u{200b}'); None }
                _ => { hidden.push(c); None }
            };
            hidden.extend(other);
        }
        // No width at the end is not a part of it.
        let hidden = hidden.trim_end_matches('\u{200b}');
        let text = format!("Zahlung größer: {hidden}, ü");
        prop_assert_eq!(found(&set(&[BuiltIn::Card]), &text), [hidden]);
    }

    #[test]
    fn any_text_is_scanned_without_harm(text in "\\PC{0,200}", key in "\\PC{0,10}") {
        scan_under(&ALL, &key, &text);
    }

    #[test]
    fn texts_of_what_detectors_look_for_are_scanned_without_harm(
        parts in prop::collection::vec(prop_oneof![
            Just("@"), Just("eyJ"), Just("."), Just(":"), Just("://"), Just("-----BEGIN PRIVATE KEY-----"),
            Just("4111"), Just(" "), Just("-"), Just("+49"), Just("(0)"), Just("00"), Just("１"), Just("\u{200b}"),
            Just("а"), Just("ghp_"), Just("x12"), Just("X"), Just("DE89"), Just("é"), Just("密"), Just("x"),
        ], 0..60)
    ) {
        scan(&ALL, &parts.concat());
    }

    /// What is hit does not depend on where a block of 64 bytes begins.
    #[test]
    fn hits_move_with_the_text(one in prop_oneof![card(), iban(), email(), ipv6()], by in 0usize..130) {
        let text = format!("{}{one}", " ".repeat(by));
        let hits: Vec<_> = scan(&ALL, &text).iter().map(|hit| (hit.start - by, hit.end - by, hit.detector)).collect();
        let plain: Vec<_> = scan(&ALL, &one).iter().map(|hit| (hit.start, hit.end, hit.detector)).collect();
        prop_assert!(!plain.is_empty());
        prop_assert_eq!(hits, plain);
    }
}

/// National numbers from their issuers' own examples and from the literature on each.
const NATIONAL: &[(BuiltIn, Check, &[&str])] = &[
    (BuiltIn::NlBsn, Check::NlBsn, &["111222333", "123456782", "1234.56.782"]),
    (BuiltIn::EsDni, Check::EsDni, &["12345678Z", "12345678-Z", "X1234567L", "X-1234567-L"]),
    (BuiltIn::ItCodiceFiscale, Check::ItCodiceFiscale, &["RSSMRA85T10A562S", "MRTMTT91D08F205J"]),
    (
        BuiltIn::FrNir,
        Check::FrNir,
        &["255081416802538", "2 55 08 14 168 025 38", "1 85 05 2A 006 084 35", "185052A00608435"],
    ),
    (BuiltIn::DeSteuerId, Check::DeSteuerId, &["36574261809", "36 574 261 809"]),
    (BuiltIn::UkNhs, Check::UkNhs, &["9434765919", "943 476 5919"]),
    (BuiltIn::BrCpf, Check::BrCpf, &["390.533.447-05", "39053344705"]),
    (BuiltIn::PlPesel, Check::PlPesel, &["44051401359"]),
    (
        BuiltIn::SePersonnummer,
        Check::SePersonnummer,
        &["811228-9874", "19811228-9874", "198112289874"],
    ),
    (BuiltIn::CaSin, Check::CaSin, &["130 692 544", "130-692-544", "130692544"]),
];

#[test]
fn national_numbers_are_found_and_wrong_ones_are_not() {
    for (kind, check, examples) in NATIONAL {
        let one = set(&[*kind]);
        for example in *examples {
            let key = kind.words().first().copied().unwrap_or_default();
            let hits = scan_under(&one, key, &format!("it is {example}, yes"));
            assert_eq!(hits.len(), 1, "{} {example}", kind.name());
            assert_eq!((hits[0].start, hits[0].end), (6, 6 + example.len()));
            assert!(check.passes(example), "{} {example}", kind.name());
            // Another check character: the last one of the number.
            let wrong: String = match example.chars().last() {
                Some(last @ '0'..='8') => {
                    format!("{}{}", &example[..example.len() - 1], last as u8 - b'0' + 1)
                }
                Some('9') => format!("{}0", &example[..example.len() - 1]),
                _ => format!("{}A", &example[..example.len() - 1]),
            };
            assert!(scan_under(&one, key, &wrong).is_empty(), "{} {wrong}", kind.name());
            assert!(!check.passes(&wrong), "{} {wrong}", kind.name());
        }
    }
}

#[test]
fn other_checks_by_their_standards_examples() {
    assert!(Check::Verhoeff.passes("2363") && !Check::Verhoeff.passes("2364"));
    assert!(Check::Gs1.passes("4006381333931") && !Check::Gs1.passes("4006381333932"));
    assert!(
        Check::Mod11.passes("0000-0002-1825-0097") && !Check::Mod11.passes("0000-0002-1825-0098")
    );
    assert!(Check::Mod11.passes("0000-0002-1694-233X"));
    assert!(
        Check::Mod97.passes("3214282912345698765432161182")
            && !Check::Mod97.passes("3214282912345698765432161183")
    );
    assert!(Check::Luhn.passes("79927398713") && !Check::Luhn.passes("79927398710"));
}

#[test]
fn telephone_numbers_in_the_forms_of_many_countries() {
    let phones = set(&[BuiltIn::Phone]);
    for phone in [
        "+49 (0) 9141 777631",
        "+49(0)778353374",
        "00669 074391",
        "(03449) 78690",
        "+33 1 83 41 77 76",
        "04 15 39 15 00",
        "+34842 91 41 77",
        "+34 912 345 678",
        "+39 0925141776",
        "+31(0)20 1234567",
        "+48 736 317 066",
        "+55 61 9141-7776",
        "12 3915-0008",
        "+46 (0)914 177 76",
        "08-170 669 07",
        "080-9141-7776",
        "+7 (914) 177-76-31",
        "8 (495) 123-45-67",
        "(591)341-7776",
        "206.269.0743x9150",
        "001-537-640-6812x41586",
        "1-800-555-0199",
        "+44 20 7946 0958",
        "(+44) 20 7946 0958",
        "555-234-5678 ext. 12",
        "0049 30 1234567",
        "+86 139 1234 5678",
        "(0161) 4960066",
        "08-58 35 50",
    ] {
        for text in [
            phone.to_string(),
            format!("at {phone}, ok"),
            format!("({phone})."),
            format!("\"{phone}\""),
        ] {
            assert_eq!(found(&phones, &text), [phone], "{text}");
        }
    }
    for text in [
        "2026-03-04",
        "04.03.2026 12:30",
        "2026-03-04 12:30:45",
        "978-0-410-42943-1",
        "9780410429431",
        "1763900000000",
        "10.0.0.1",
        "SO-2026-12345678",
        "3.14159265358979",
        "52.5200066, 13.4049540",
        "4111-1111-1111-1111-1",
        "192.168.100.200",
        "0050294505118",
        "beaf-069463503789",
        "123456789",
    ] {
        assert!(found(&phones, text).is_empty(), "{text}: {:?}", found(&phones, text));
    }
    for text in ["call 123456789", "Handy: 1522 123 4567", "电话13891417776", "携帯 9012345678"]
    {
        assert_eq!(found(&phones, text).len(), 1, "{text}");
    }
}

#[test]
fn nested_and_joined_secrets() {
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7\n-----END RSA PRIVATE KEY-----";
    for (kind, one) in [
        (BuiltIn::Jwt, jwt),
        (BuiltIn::Jwt, "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0."),
        (BuiltIn::PemPrivateKey, pem),
        (BuiltIn::UrlCredentials, "app:s3cr%40t!"),
    ] {
        let text = match kind {
            BuiltIn::UrlCredentials => format!("postgres://{one}@db.internal:5432/x"),
            _ => format!("Bearer {one}\nnext"),
        };
        assert_eq!(found(&set(&[kind]), &text), [one]);
    }
    for text in [
        "https://example.com/a:b@c",
        "https://${USER}:${PASSWORD}@host",
        "https://user@host",
        "eyJhbGci.eyJzdWIi.x",
    ] {
        assert!(found(&set(&[BuiltIn::UrlCredentials, BuiltIn::Jwt]), text).is_empty(), "{text}");
    }
    // The certificate beside it is public.
    let certificate = pem.replace("RSA PRIVATE KEY", "CERTIFICATE");
    assert!(found(&set(&[BuiltIn::PemPrivateKey]), &certificate).is_empty());
}

#[test]
fn entropy_tells_secrets_from_names_and_digests() {
    let entropy = set(&[BuiltIn::HighEntropy]);
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzZ81kQw9xT";
    assert_eq!(found(&entropy, &format!("secret {secret}")), [secret]);
    assert!(found(&entropy, &format!("value {secret}")).is_empty());
    for text in [
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "com/example/SomeLongClassName2/OtherName",
        "2026-01-02T03:04:05.678901Z",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "application/vnd.openxmlformats-officedocument",
        "AbstractSingletonProxyFactoryBean2",
    ] {
        assert!(found(&entropy, text).is_empty(), "{text}");
    }
    let digest = "token: 9f86d081884c7d659a2feaa0c55ad015";
    assert_eq!(found(&entropy, digest), [&digest[7..]]);
}

#[test]
fn a_megabyte_of_near_matches_is_linear() {
    // Quadratic work would take hours here.
    for part in [
        "1",
        "1 ",
        "4111-",
        "4111 1111 1111 1112 ",
        "1.",
        "@",
        "a@",
        "a.",
        "a@a.",
        "eyJ",
        "eyJ.",
        "eyJ-",
        "eyJ/",
        ":",
        "a:",
        "::",
        "://",
        "a://b:",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "ghp_",
        "ghp_/",
        "DE89 ",
        "(0) ",
        "+",
        "0049 ",
        "aB3-",
        "X1",
        "１",
        "а1",
        "\u{200b}",
        "phone 123456789 ",
        "SG.",
        "((((",
        "1-(",
    ] {
        let text = part.repeat(400_000 / part.len());
        let mut hits = Vec::new();
        ALL.scan(&text, &mut hub_scrub::detect::Scratch::default(), &mut hits);
        assert!(hits.iter().all(|hit| hit.end <= text.len()), "{part}");
    }
}
