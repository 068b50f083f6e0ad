//! Claim: headers are read as they were written, and an error of headers names the key of the header.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use hub_core::emitter::Headers;
use hub_wire::{
    HeaderErrorKind, HeaderFacts, Limits, MAX_HEADERS, Packer, RefusedCode, TopicName,
    check_headers, check_headers_of_hub,
};
use proptest::option::of;
use proptest::prelude::*;

fn fault(map: &[u8]) -> (Option<String>, HeaderErrorKind, RefusedCode) {
    let error = check_headers(map, &Limits::default()).unwrap_err();
    (error.key.as_deref().map(str::to_owned), error.kind, error.code())
}

fn map(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut pack = Packer(&mut bytes);
    pack.map(entries.len() as u32);
    for (key, value) in entries {
        pack.str(key).raw(value);
    }
    bytes
}

#[test]
fn no_headers_are_no_bytes() {
    assert_eq!(Headers::new().encode(), None);
    let none = Headers::parse(&[0x80], &Limits::default()).unwrap();
    assert!(none.is_empty());
    assert_eq!(none, Headers::new());
}

#[test]
fn what_is_wrong_is_said_with_the_key() {
    for key in ["id", "re", "trace", "type", "key", "reply"] {
        let wrong =
            (Some(key.to_owned()), HeaderErrorKind::WrongType("a string"), RefusedCode::BadHeader);
        assert_eq!(fault(&map(&[("x", &[1]), (key, &[1])])), wrong);
    }
    let (key, kind, _) = fault(&map(&[("reply", b"\xa4a..b")]));
    assert_eq!(key.as_deref(), Some("reply"));
    assert!(matches!(kind, HeaderErrorKind::BadTopic(_)));
    let (key, kind, _) = fault(&map(&[("a", &[1]), ("b", &[1]), ("a", &[1])]));
    assert_eq!((key.as_deref(), kind), (Some("a"), HeaderErrorKind::Duplicate));
    let (key, kind, code) = fault(&map(&[("$seq", &[1])]));
    assert_eq!((key.as_deref(), kind), (Some("$seq"), HeaderErrorKind::Reserved));
    assert_eq!(code, RefusedCode::ReservedHeader);
}

#[test]
fn what_is_no_map_of_strings_is_refused() {
    assert_eq!(fault(&[0x81, 1, 2]).1, HeaderErrorKind::KeyNotText);
    assert_eq!(fault(&[0x81, 1, 2]).2, RefusedCode::BadHeader);
    for bad in [&[0x91, 1][..], &[], &[0x81], &[0x80, 0x80], b"\x81\xa1x", b"\x81\xa1x\xc1"] {
        let (key, kind, code) = fault(bad);
        assert!(
            matches!(kind, HeaderErrorKind::Malformed(_) | HeaderErrorKind::KeyNotText),
            "{bad:x?} {kind}"
        );
        assert!(matches!(code, RefusedCode::Malformed | RefusedCode::BadHeader));
        assert_eq!(key, None);
    }
    let deep = map(&[("x", &[0x91; 100])]);
    assert_eq!(fault(&deep).2, RefusedCode::TooDeep);
}

#[test]
fn keys_are_counted_and_not_quoted_at_length() {
    let keys: Vec<_> = (0..=MAX_HEADERS).map(|n| n.to_string()).collect();
    let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), &[1][..])).collect();
    assert_eq!(fault(&map(&entries)).1, HeaderErrorKind::TooMany);
    assert!(check_headers(&map(&entries[1..]), &Limits::default()).is_ok());
    let long = format!("${}", "é".repeat(1000));
    assert_eq!(fault(&map(&[(&long, &[1])])).0.unwrap().len(), 63);
}

fn headers() -> impl Strategy<Value = Headers> {
    let other = proptest::collection::btree_map("x[a-z]{0,3}", any::<Option<i64>>(), 0..4);
    let texts = (of(".{0,40}"), of(".{0,3}"), of(".*"), of("[a-z]{0,5}"), of(".{0,300}"));
    (texts, of("[a-z]{1,5}(\\.[a-z]{1,5}){0,3}"), other).prop_map(
        |((id, re, trace, kind, key), reply, other)| {
            let mut headers = Headers::new();
            headers = id.map_or(headers.clone(), |text| headers.with_id(text));
            headers = re.map_or(headers.clone(), |text| headers.with_re(text));
            headers = trace.map_or(headers.clone(), |text| headers.with_trace(text));
            headers = kind.map_or(headers.clone(), |text| headers.with_kind(text));
            headers = key.map_or(headers.clone(), |text| headers.with_key(text));
            let reply = reply.map(|name| TopicName::parse(&name).unwrap());
            headers = reply.map_or(headers.clone(), |topic| headers.with_reply(topic));
            other
                .into_iter()
                .fold(headers, |headers, (key, value)| headers.with(key, &value).unwrap())
        },
    )
}

proptest! {
    #[test]
    fn headers_read_as_they_were_written(headers in headers()) {
        let limits = Limits::default();
        let Some(encoded) = headers.encode() else {
            prop_assert!(headers.is_empty());
            return Ok(());
        };
        let facts = check_headers(&encoded, &limits).unwrap();
        let reply = headers.reply().map(TopicName::as_str);
        prop_assert_eq!(facts, HeaderFacts { reply, key: headers.key() });
        prop_assert_eq!(Headers::parse(&encoded, &limits).unwrap(), headers);
    }

    /// The check looks at names without allocating; it must not disagree with the parser.
    #[test]
    fn a_reply_is_taken_exactly_if_it_is_a_topic(name in "[a-c.*$ é]{0,8}|(a\\.){30,33}a|a{250,260}") {
        let mut value = Vec::new();
        Packer(&mut value).str(&name);
        let taken = check_headers(&map(&[("reply", &value)]), &Limits::default()).is_ok();
        prop_assert_eq!(taken, TopicName::parse(&name).is_ok());
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let limits = Limits::default();
        let checked = check_headers_of_hub(&bytes, &limits).is_ok();
        prop_assert_eq!(checked, Headers::parse(&bytes, &limits).is_ok());
    }
}
