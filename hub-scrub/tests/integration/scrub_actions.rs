//! Claim: each action does what its name says, on text, on parts of text, on numbers, on bytes
//! and on containers.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{Revealed, RuleSet, Scratch, ViewId};
use scrub_common::*;
use serde_json::{Value, json};

/// One rule on the path `x`.
fn on_x(action: &str, hit: &str) -> RuleSet {
    load(&format!(
        "{KEYS}\n[[rule]]\nname = \"r\"\nfind = {{ paths = [\"x\"] }}\naction = {action}\n\
         tests = {{ hits = [{{ x = {hit} }}], misses = [{{ y = 1 }}] }}"
    ))
}

/// One rule with a detector for `#` and digits.
fn on_tags(action: &str) -> RuleSet {
    load(&format!(
        "{KEYS}\n[detectors.tag]\npattern = '#[0-9]+'\n[[rule]]\nname = \"r\"\n\
         find = {{ detectors = [\"tag\"] }}\naction = {action}\n\
         tests = {{ hits = [\"a #1\"], misses = [\"a 1\"] }}"
    ))
}

fn x(rules: &RuleSet, value: Value) -> Value {
    scrubbed(rules, &json!({ "x": value }))["x"].take()
}

#[test]
fn mask() {
    let rules = on_x("\"mask\"", "1");
    assert_eq!(x(&rules, json!("secret")), "******");
    assert_eq!(x(&rules, json!("größe")), "*****");
    assert_eq!(x(&rules, json!(12345)), "*****");
    assert_eq!(x(&rules, json!(-1.5)), "***");
    assert_eq!(x(&rules, json!([1, { "y": 2 }])), "***");
    assert_eq!(x(&rules, json!(null)), Value::Null);
    let rules = on_x("{ do = \"mask\", with = \"•\", length = 2 }", "1");
    assert_eq!(x(&rules, json!("secret")), "••");
    assert_eq!(x(&rules, json!(true)), "••");
    assert_eq!(
        scrubbed(&on_tags("\"mask\""), &json!(["a #12, #3", "#"])),
        json!(["a ***, **", "#"])
    );
}

#[test]
fn keep_first_and_last() {
    let rules = on_x("{ do = \"keep_last\", n = 4 }", "1");
    assert_eq!(x(&rules, json!("4111 1111 1111 1234")), "***************1234");
    assert_eq!(x(&rules, json!(4_111_111_111_111_234_u64)), "************1234");
    assert_eq!(x(&rules, json!("1234")), "****", "all of it would be no redaction");
    assert_eq!(x(&rules, json!("1-23-4")), "******", "signs between do not count");
    assert_eq!(x(&rules, json!("DE89 0130 00")), "*******30 00");
    let rules = on_x("{ do = \"keep_first\", n = 2 }", "1");
    assert_eq!(x(&rules, json!("größe")), "gr***");
    assert_eq!(x(&rules, json!({ "a": 1 })), "***");
}

#[test]
fn replace() {
    let rules = on_x("{ do = \"replace\", with = \"[gone]\" }", "1");
    assert_eq!(x(&rules, json!("secret")), "[gone]");
    assert_eq!(x(&rules, json!({ "a": [1] })), "[gone]");
    assert_eq!(x(&on_x("{ do = \"replace\", with = 0 }", "1"), json!("secret")), 0);
    let rules = on_tags("{ do = \"replace\", with = \"[tag]\" }");
    assert_eq!(scrubbed(&rules, &json!("a #12 b")), "a [tag] b");
}

#[test]
fn drop_removes_the_entry_and_leaves_indexes_alone() {
    let rules = on_x("\"drop\"", "1");
    assert_eq!(scrubbed(&rules, &json!({ "x": { "y": 1 }, "z": 2 })), json!({ "z": 2 }));
    let rules = on_tags("\"drop\"");
    assert_eq!(
        scrubbed(&rules, &json!({ "a": "#1", "#2": "b", "c": ["#3", { "d": "#4", "e": 5 }, 6] })),
        json!({ "c": [null, { "e": 5 }, 6] })
    );
    assert_eq!(scrubbed(&rules, &json!("#1")), Value::Null);
    let many: Value = (0..40)
        .map(|n| (format!("k{n}"), json!(if n % 2 == 0 { "#1" } else { "." })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(scrubbed(&rules, &many).as_object().unwrap().len(), 20);
}

#[test]
fn hashes_are_stable_keyed_and_alike_for_a_number_and_its_digits() {
    let rules = on_x("{ do = \"hash\", key = \"crm\" }", "1");
    let hash = x(&rules, json!("alice"));
    assert!(hash.as_str().unwrap().starts_with("<hash:crm-2:"), "{hash}");
    assert_eq!(x(&rules, json!("alice")), hash);
    assert_ne!(x(&rules, json!("alicf")), hash);
    assert_eq!(x(&rules, json!(12)), x(&rules, json!("12")));
    let other = format!("{KEYS}[[keys.crm]]\nversion = 3\nenv = \"THIRD\"\n");
    let other = load(&format!(
        "{other}[[rule]]\nname = \"r\"\nfind = {{ paths = [\"x\"] }}\naction = {{ do = \"hash\", key = \"crm\" }}\ntests = {{ hits = [{{ x = 1 }}], misses = [{{}}] }}"
    ));
    assert!(x(&other, json!("alice")).as_str().unwrap().starts_with("<hash:crm-3:"));
    assert_eq!(x(&other, hash.clone()), hash, "what an older version made is known");
}

#[test]
fn what_looks_like_a_mark_and_is_none_is_redacted() {
    let rules = on_x("{ do = \"hash\", key = \"crm\" }", "1");
    for forged in [
        "<hash:crm-2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>",
        "<hash:crm-9:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>",
        "<token:crm-2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>",
        "<hash:crm-2:4111111111111111>",
    ] {
        assert_ne!(x(&rules, json!(forged)), forged);
    }
    let tags = on_tags("{ do = \"hash\", key = \"crm\" }");
    assert!(!scrubbed(&tags, &json!("<hash:crm-2:#12>")).as_str().unwrap().contains("#12"));
}

#[test]
fn tokens_give_the_value_back_to_those_with_the_key() {
    let rules = on_x("{ do = \"token\", key = \"crm\" }", "1");
    let token = x(&rules, json!("alice"));
    assert!(token.as_str().unwrap().starts_with("<token:crm-2:"), "{token}");
    assert_eq!(x(&rules, json!("alice")), token);
    assert_eq!(rules.reveal(token.as_str().unwrap()), Some(Revealed::Text("alice".into())));
    let token = x(&rules, json!([1, 2]));
    assert_eq!(rules.reveal(token.as_str().unwrap()), Some(Revealed::Value(vec![0x92, 1, 2])));
    assert_eq!(rules.reveal("<token:crm-2:AAAA>"), None);

    let rules = on_x("{ do = \"encrypt\", key = \"crm\" }", "1");
    let (one, two) = (x(&rules, json!("alice")), x(&rules, json!("alice")));
    assert_ne!(one, two, "a nonce of its own");
    for sealed in [one, two] {
        assert_eq!(rules.reveal(sealed.as_str().unwrap()), Some(Revealed::Text("alice".into())));
    }
}

#[test]
fn truncate_ip() {
    let rules = on_x("\"truncate_ip\"", "\"10.1.2.3\"");
    assert_eq!(x(&rules, json!("10.1.2.3")), "10.1.2.0");
    assert_eq!(x(&rules, json!("2001:db8:1:2::3")), "2001:db8:1::");
    assert_eq!(x(&rules, json!("::ffff:10.1.2.3")), "10.1.2.0");
    assert_eq!(x(&rules, json!("no address")), "**********");
    let rules = on_x("{ do = \"truncate_ip\", v4 = 0, v6 = 0 }", "\"10.1.2.3\"");
    assert_eq!(x(&rules, json!("10.1.2.3")), "0.0.0.0");
    assert_eq!(x(&rules, json!("2001:db8::3")), "::");
}

#[test]
fn bucket() {
    let rules = on_x("{ do = \"bucket\", size = 10 }", "11");
    assert_eq!(x(&rules, json!(37)), 30);
    assert_eq!(x(&rules, json!(-1)), -10);
    assert_eq!(x(&rules, json!(-199)), -200);
    assert_eq!(x(&rules, json!(37.5)), 30.0);
    assert_eq!(x(&rules, json!(u64::MAX)), u64::MAX - 5);
    assert_eq!(x(&rules, json!("37")), "30");
    assert_eq!(x(&rules, json!("many")), "****");
    // In the shortest form that there is, as whoever wrote it would have done.
    for (number, form) in [(-1, &[0xf6][..]), (-22, &[0xe2]), (37, &[30]), (137, &[0xcc, 130])] {
        let (verdict, bytes) = scrub(&rules, &json!({ "x": number }));
        let (seen, _) = verdict.render(ViewId::DEFAULT, &bytes, None).unwrap();
        assert_eq!(seen, [b"\x81\xa1x", form].concat());
    }
}

#[test]
fn shifted_dates_keep_their_distances() {
    let rules = on_x("{ do = \"shift_date\", key = \"crm\", days = 30 }", "\"2024-02-28\"");
    let day = |text: &str| {
        let shifted = x(&rules, json!(text));
        let shifted = shifted.as_str().unwrap();
        assert!(shifted[10..].contains("[_shift=crm-2-"), "{shifted}");
        shifted[..10].parse::<jiff::civil::Date>().unwrap()
    };
    let (a, b) = (day("2024-02-28"), day("2024-03-01"));
    assert_eq!(a.until(b).unwrap().get_days(), 2);
    let moved = jiff::civil::date(2024, 2, 28).until(a).unwrap().get_days();
    assert!(moved != 0 && moved.abs() <= 30, "{moved}");
    let time = x(&rules, json!("2024-03-01T10:20:30+02:00"));
    assert!(time.as_str().unwrap()[10..].starts_with("T10:20:30+02:00[_shift="), "{time}");
    assert_eq!(x(&rules, time.clone()), time);
    assert_eq!(x(&rules, json!("yesterday")), "*********");
    assert_eq!(x(&rules, json!("2024-03-01 or so")), "****************");
}

#[test]
fn normalise() {
    let rules = on_x("{ do = \"normalise\", trim = true, nfc = true, case = \"lower\" }", "\"A\"");
    assert_eq!(x(&rules, json!("  Alice@B.Example ")), "alice@b.example");
    assert_eq!(x(&rules, json!("E\u{301}")), "é");
    assert_eq!(x(&rules, json!(7)), 7);
    let rules = on_x("{ do = \"normalise\", timestamps = true }", "\"2024-03-01T10:20:30+02:00\"");
    assert_eq!(x(&rules, json!("2024-03-01T10:20:30+02:00")), "2024-03-01T08:20:30Z");
    assert_eq!(x(&rules, json!("2024-03-01")), "2024-03-01");
}

#[test]
fn a_range_is_kept_by_clamping_or_by_refusing() {
    let rules = on_x("{ do = \"range\", min = 0, max = 10.5, outside = \"clamp\" }", "11");
    assert_eq!(x(&rules, json!(11)), 10.5);
    assert_eq!(x(&rules, json!(-3)), 0);
    assert_eq!(x(&rules, json!(5)), 5);
    assert_eq!(x(&rules, json!("11")), "11");
    let rules = on_x("{ do = \"range\", max = 10 }", "11");
    assert_eq!(refused(&rules, &json!({ "x": 11 })), ("r".into(), "x".into()));
}

#[test]
fn unknown_keys_are_refused_or_dropped() {
    let allow = |unknown: &str| {
        load(&format!(
            "[[rule]]\nname = \"r\"\nfind = {{ paths = [\"$\", \"customer\"] }}\n\
             action = {{ do = \"allow_keys\", keys = [\"id\", \"customer\"]{unknown} }}\n\
             tests = {{ hits = [{{ other = 1 }}], misses = [{{ id = 1, customer = {{ id = 2 }} }}] }}"
        ))
    };
    let message = json!({ "id": 1, "debug": { "id": 3 }, "customer": { "id": 2, "phone": 5 } });
    // A key that no rule names is not told.
    let phone = json!({ "id": 1, "customer": { "id": 2, "phone": 5 } });
    assert_eq!(refused(&allow(""), &phone), ("r".into(), "customer.*".into()));
    let fixed = scrubbed(&allow(", unknown = \"drop\""), &message);
    assert_eq!(fixed, json!({ "id": 1, "customer": { "id": 2 } }));
}

#[test]
fn numbers_keys_and_bytes_are_looked_at() {
    let rules = load(
        "[detectors.nine]\npattern = '[0-9]{9}'\n[[rule]]\nname = \"r\"\nfind = { detectors = [\"nine\"] }\n\
         action = \"mask\"\ntests = { hits = [123456789, 123456789.0], misses = [12345678, 1234567.89] }",
    );
    let plan = rules.plan(&topic("t"));
    let run = |payload: rmpv::Value| {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &payload).unwrap();
        let verdict = plan.scrub(&bytes, None, &mut Scratch::default());
        unpack(verdict.render(Default::default(), &bytes, None).unwrap().0)
    };
    use rmpv::Value as V;
    assert_eq!(run(V::from(123_456_789)), V::from("*********"));
    assert_eq!(run(V::from(-123_456_789)), V::from("-*********"));
    assert_eq!(run(V::F64(123_456_789.0)), V::from("*********"));
    assert_eq!(
        run(V::Map(vec![(V::from(123_456_789), V::Nil)])),
        V::Map(vec![(V::from("*********"), V::Nil)])
    );
    assert_eq!(run(V::Binary(b"x 123456789".to_vec())), V::Binary(b"x *********".to_vec()));
    // The bytes of an ext type are read as the type says, and not as text.
    assert_eq!(run(V::Ext(5, b"x 123456789".to_vec())), V::Ext(5, b"x 123456789".to_vec()));
    // Base64 of `card 123456789` and of `card *********`.
    assert_eq!(
        run(V::Binary(b"Y2FyZCAxMjM0NTY3ODk=".to_vec())),
        V::Binary(b"Y2FyZCAqKioqKioqKio=".to_vec())
    );
    let noise = V::Binary(vec![0xff, 0xfe]);
    assert_eq!(run(noise.clone()), noise);
}

#[test]
fn a_find_inside_of_a_find_is_a_misreading() {
    let rules = |inner: &str, views: &str| {
        load(&format!(
            "[detectors.card]\npattern = '4[0-9]{{15}}'\n[detectors.phone]\npattern = '00[0-9]{{4}}'\n\
             [[rule]]\nname = \"phone\"\nfind = {{ detectors = [\"phone\"] }}\naction = \"{inner}\"\n\
             tests = {{ hits = [\"001234\"], misses = [\"1\"] }}\n\
             [[rule]]\nname = \"card\"\nfind = {{ detectors = [\"card\"] }}\naction = {{ do = \"keep_last\", n = 4 }}\n\
             tests = {{ hits = [\"4111111111111111\"], misses = [\"1\"] }}\n{views}"
        ))
    };
    let card = json!("4111100222222222");
    for inner in ["reject", "mask", "drop"] {
        assert_eq!(scrubbed(&rules(inner, ""), &card), "************2222", "{inner}");
    }
    let all = "[views.all]\nlabels = { card = \"keep\" }\n";
    assert_eq!(refused(&rules("reject", all), &card), ("phone".into(), "$".into()));
    let rules = rules("mask", all);
    assert_eq!(scrubbed(&rules, &json!("001234")), "******");
    // Who may see cards and no phone numbers sees no phone number in a card either.
    let all = rules.view("all").unwrap();
    assert_eq!(seen_by(&rules, all, &json!("4111100222222222")), "41111******22222");
}

#[test]
fn finds_that_overlap_are_one_under_the_strictest_action() {
    let rules = |first: &str, second: &str| {
        load(&format!(
            "[detectors.long]\npattern = 'abc+d'\n[detectors.short]\npattern = 'cde'\n\
             [[rule]]\nname = \"one\"\nfind = {{ detectors = [\"long\"] }}\naction = {first}\n\
             tests = {{ hits = [\"abcd\"], misses = [\"\"] }}\n\
             [[rule]]\nname = \"two\"\nfind = {{ detectors = [\"short\"] }}\naction = {second}\n\
             tests = {{ hits = [\"cde\"], misses = [\"\"] }}"
        ))
    };
    let keep = "{ do = \"keep_first\", n = 1 }";
    for (first, second) in [(keep, "\"mask\""), ("\"mask\"", keep)] {
        assert_eq!(
            scrubbed(&rules(first, second), &json!("-abccde-abcd-")),
            if first == keep { "-******-a***-" } else { "-******-****-" }
        );
    }
}
