//! Each format at every boundary that it has.

use crate::detect_common;

use detect_common::{found, iban_digits, luhn_digit, scan, set};
use hub_scrub::detect::{BuiltIn, Confidence, DetectorSet, DetectorSpec, Scratch};

/// Prefixes and lengths as the card networks publish them: first and last prefix, lengths.
const ISSUED: &[(u32, u32, &[usize])] = &[
    (4000, 4999, &[13, 16, 19]),
    (5100, 5599, &[16]),
    (2221, 2720, &[16]),
    (3400, 3499, &[15]),
    (3700, 3799, &[15]),
    (3528, 3589, &[16, 17, 18, 19]),
    (3500, 3599, &[16]),
    (1800, 1800, &[15]),
    (2131, 2131, &[15]),
    (3000, 3059, &[14, 15, 16, 17, 18, 19]),
    (3095, 3095, &[14, 15, 16, 17, 18, 19]),
    (3600, 3699, &[14, 15, 16, 17, 18, 19]),
    (3800, 3999, &[14, 15, 16, 17, 18, 19]),
    (6011, 6011, &[16, 17, 18, 19]),
    (6440, 6599, &[16, 17, 18, 19]),
    (6200, 6299, &[16, 17, 18, 19]),
    (8100, 8199, &[16, 17, 18, 19]),
    (8200, 8299, &[16]),
    (2200, 2205, &[16, 17, 18, 19]),
    (6000, 6099, &[16]),
    (6370, 6399, &[16]),
    (9792, 9792, &[16]),
    (9860, 9860, &[16]),
    (8600, 8600, &[16]),
    (5000, 5099, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (5600, 5899, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (6304, 6304, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (6390, 6390, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (6700, 6799, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (604, 604, &[12, 13, 14, 15, 16, 17, 18, 19]),
];

#[test]
fn a_card_has_an_issued_prefix_and_length_and_passes_luhn() {
    let cards = set(&[BuiltIn::Card]);
    for prefix in 0..10_000 {
        for len in 11..=20 {
            let body = format!("{prefix:04}{}", &"918273645918273645"[..len - 5]);
            let right = format!("{body}{}", luhn_digit(&body));
            let issued = ISSUED.iter().any(|&(first, last, lengths)| {
                (first..=last).contains(&prefix) && lengths.contains(&len)
            });
            // Under a word, as a Visa of 13 digits may be an article's number.
            let text = format!("card {right}.");
            let expected = if issued { vec![right.as_str()] } else { vec![] };
            assert_eq!(found(&cards, &text), expected, "{text}");
        }
    }
}

#[test]
fn of_ten_last_digits_one_makes_a_card() {
    let cards = set(&[BuiltIn::Card]);
    for len in [13, 16, 19] {
        let body = &"482903175639412856"[..len - 1];
        let right = luhn_digit(body);
        for last in '0'..='9' {
            let hit = !scan(&cards, &format!("visa {body}{last}")).is_empty();
            assert_eq!(hit, last == right, "{body}{last}");
        }
    }
}

#[test]
fn cards_are_found_in_the_groups_in_which_they_are_printed() {
    let cards = set(&[BuiltIn::Card]);
    for card in [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111 1111-1111 1111",
        "3782 822463 10005",
        "3056 930902 5904",
        "6759 6498 2643 8453",
        "41111111 11111111",
        "4111111111111111",
    ] {
        for text in
            [card.to_string(), format!("paid with {card}, thanks"), format!("{card} 12/27 123")]
        {
            assert_eq!(found(&cards, &text), [card], "{text}");
        }
    }
    for text in [
        "x4111111111111111",
        "4111111111111111x",
        "0.4111111111111111",
        "+4111111111111 111",
        "4111  1111  1111  1111",
        "41 11 11 11 11 11 11 11 1",
    ] {
        assert!(found(&cards, text).is_empty(), "{text}");
    }
}

#[test]
fn of_visas_with_13_digits_an_articles_number_needs_a_word() {
    let cards = set(&[BuiltIn::Card]);
    // Valid by both Luhn and the check digit of an EAN.
    let both = (0..1_000_000_u64)
        .map(|n| format!("4006{n:09}"))
        .find(|n| luhn_digit(&n[..12]) == n.chars().last().unwrap_or(' ') && is_ean(n))
        .expect("one in a hundred");
    assert!(scan(&cards, &format!("article {both}")).is_empty());
    assert_eq!(found(&cards, &format!("card {both}")), [both.as_str()]);
}

fn is_ean(digits: &str) -> bool {
    let weighted = digits.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * [1, 3][i % 2]);
    weighted.sum::<u32>() % 10 == 0
}

/// Country, length and form, as in the IBAN registry.
const IBANS: &str = include_str!("detect_common/ibans.txt");

/// Characters for the form of an IBAN.
fn bban(form: &str) -> String {
    let mut out = String::new();
    let mut count = 0;
    for c in form.chars() {
        match c.to_digit(10) {
            Some(digit) => count = count * 10 + digit as usize,
            None => {
                let from = match c {
                    'n' => "7310964285",
                    'a' => "QWERTZUIOP",
                    _ => "7Q3W1E0R9T",
                };
                out.extend(from.chars().cycle().take(count));
                count = 0;
            }
        }
    }
    out
}

#[test]
fn an_iban_has_its_countrys_length_form_and_check_digits() {
    let ibans = set(&[BuiltIn::Iban]);
    let mut countries = 0;
    for line in IBANS.lines() {
        let [country, length, form] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        countries += 1;
        let bban = bban(form);
        assert_eq!(bban.len() + 4, length.parse::<usize>().expect("a length"), "{country}");
        let check = iban_digits(country, &bban);
        for digits in 0..100 {
            let iban = format!("{country}{digits:02}{bban}");
            let expected =
                if format!("{digits:02}") == check { vec![iban.as_str()] } else { vec![] };
            assert_eq!(found(&ibans, &format!("to {iban}.")), expected, "{iban}");
        }
        // Printed in fours, and in small letters.
        let iban = format!("{country}{check}{bban}");
        let fours: Vec<_> = iban.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        for printed in [fours.join(" "), fours.join("-"), iban.to_lowercase()] {
            assert_eq!(found(&ibans, &format!("IBAN: {printed}, thanks")), [printed.as_str()]);
        }
        // Other lengths, with check digits that are right.
        for other in [&bban[1..], &format!("{bban}7"), &bban[..bban.len() - 1]] {
            let wrong = format!("{country}{}{other}", iban_digits(country, other));
            assert!(found(&ibans, &wrong).is_empty(), "{wrong}");
        }
        // A letter where a digit has to be.
        if let Some(place) = form.strip_suffix('n').map(|_| bban.len() - 1) {
            let wrong = format!("{}A", &bban[..place]);
            let wrong = format!("{country}{}{wrong}", iban_digits(country, &wrong));
            assert!(found(&ibans, &wrong).is_empty(), "{wrong}");
        }
    }
    assert_eq!(countries, 89);
}

#[test]
fn no_other_country_has_ibans() {
    let ibans = set(&[BuiltIn::Iban]);
    let bban = "123456789012345678";
    for (a, b) in ('A'..='Z').flat_map(|a| ('A'..='Z').map(move |b| (a, b))) {
        let country = format!("{a}{b}");
        let known = IBANS.lines().find(|line| line.starts_with(&country));
        let expected = known.is_some_and(|line| line.ends_with(" 22 18n"));
        let iban = format!("{country}{}{bban}", iban_digits(&country, bban));
        assert_eq!(!found(&ibans, &iban).is_empty(), expected, "{iban}");
    }
}

#[test]
fn every_area_group_and_serial_boundary_of_an_ssn() {
    let ssns = set(&[BuiltIn::UsSsn]);
    let check = |area: u32, group: u32, serial: u32| {
        let issued = area != 0 && area != 666 && area < 900 && group != 0 && serial != 0;
        let (ssn, spaced) = (
            format!("{area:03}-{group:02}-{serial:04}"),
            format!("{area:03} {group:02} {serial:04}"),
        );
        // Three numbers that spaces divide are a list as well.
        for text in [ssn, format!("ssn {spaced}")] {
            assert_eq!(!scan(&ssns, &text).is_empty(), issued, "{text}");
        }
        assert!(scan(&ssns, &spaced).is_empty(), "{spaced}");
    };
    for area in 0..1000 {
        for group in [0, 1, 50, 99] {
            for serial in [0, 1, 5000, 9999] {
                check(area, group, serial);
            }
        }
    }
    for area in [0, 1, 665, 666, 667, 899, 900, 999] {
        (0..100).for_each(|group| check(area, group, 1234));
        (0..10_000).step_by(7).for_each(|serial| check(area, 45, serial));
    }
    (0..10_000).for_each(|serial| check(123, 45, serial));
}

#[test]
fn nine_digits_are_an_ssn_under_its_name_only() {
    let ssns = set(&[BuiltIn::UsSsn]);
    assert!(scan(&ssns, "order 123456789").is_empty());
    assert_eq!(found(&ssns, "SSN 123456789"), ["123456789"]);
    assert_eq!(detect_common::scan_under(&ssns, "ssn", "123456789").len(), 1);
    for text in ["12-123-45-6789", "123-45-6789-1", "123-45 6789", "a123-45-6789", "123-45-67890"] {
        assert!(scan(&ssns, text).is_empty(), "{text}");
    }
}

#[test]
fn every_number_of_an_ipv4_address_goes_to_255() {
    let addresses = set(&[BuiltIn::Ipv4]);
    for place in 0..4 {
        for number in 0..=1100 {
            let mut numbers = [10, 0, 200, 7];
            numbers[place] = number;
            let text = numbers.map(|n| n.to_string()).join(".");
            // 0, 127 and 224 and above are no machine of anybody (RFC 6890).
            let someones = place > 0 || !matches!(number, 0 | 127 | 224..);
            assert_eq!(!scan(&addresses, &text).is_empty(), number < 256 && someones, "{text}");
            let padded = numbers.map(|n| format!("{n:03}")).join(".");
            assert!(scan(&addresses, &padded).is_empty(), "{padded}");
        }
    }
    for text in ["at 10.0.0.1.", "10.0.0.1/24", "10.0.0.1:80", "(10.0.0.1)", "10.0.0.1-10.0.0.9"] {
        assert_eq!(found(&addresses, text)[0], "10.0.0.1", "{text}");
    }
    for text in [
        "rv:10.0.0.1",
        "1.10.0.0.1",
        "10.0.0.1.1",
        "v10.0.0.1",
        "10.0.0",
        "10.0.0.1a",
        "10..0.0.1",
        ".10.0.0.1",
    ] {
        assert!(found(&addresses, text).is_empty(), "{text}");
    }
}

#[test]
fn ipv6_addresses_in_all_their_forms() {
    let addresses = set(&[BuiltIn::Ipv6, BuiltIn::Ipv4]);
    for address in [
        "2001:db8:0:0:8:800:200c:417a",
        "2001:db8::8:800:200c:417a",
        "fe80::1",
        "::ffff:129.144.52.38",
        "2001:db8:9:77::5",
        "1:2:3:4:5:6:7::",
        "2001:DB8::A",
    ] {
        for text in [
            address.to_string(),
            format!("from [{address}]:443"),
            format!("ip={address}, port 1"),
            format!("ip:{address}"),
            format!("see {address}."),
            format!("{address}%eth0"),
            format!("{address}/64"),
        ] {
            assert_eq!(found(&addresses, &text), [address], "{text}");
        }
    }
    for (text, address) in [
        ("2001:db8:9:77::5:49255", "2001:db8:9:77::5"),
        ("[client ca00:1:2:3:4:5:6:7:64833]", "ca00:1:2:3:4:5:6:7"),
        ("IP6 2001:db8:1:2:3:4:5:6.51514 >", "2001:db8:1:2:3:4:5:6"),
    ] {
        assert_eq!(found(&addresses, text), [address], "{text}");
    }
    for text in [
        "12:30:45",
        "e2e::add",
        "a1::b2::c3",
        // Groups of machines, the own machine, and none.
        "ff01::101",
        "::1",
        "std::fs",
        "a::b",
        "::",
        "00:1a:2b:3c:4d:5e",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "12345::1",
        "gfe80::1",
        "02:00:5e:10:00:00:00:01",
    ] {
        assert!(found(&addresses, text).is_empty(), "{text}");
    }
}

#[test]
fn groups_that_other_numbers_have_too_are_a_telephone_number_near_a_word_only() {
    let phones = set(&[BuiltIn::Phone]);
    let strict = DetectorSpec::built_in(BuiltIn::Phone).from(Confidence::Possible);
    let strict = DetectorSet::new(&[strict]).unwrap();
    for number in ["601 234 567", "32 690 02 48", "320 640 1280", "0104839201"] {
        assert!(found(&phones, &format!("dnia {number}.")).is_empty(), "{number}");
        assert_eq!(found(&phones, &format!("tel. {number}")), [number]);
        assert_eq!(found(&strict, &format!("dnia {number}.")), [number]);
    }
}

#[test]
fn a_number_is_no_more_than_possible_where_a_word_names_something_else() {
    let cards = set(&[BuiltIn::Card]);
    let card = "4111111111111111";
    for text in ["4111111111111111", "it is 4111111111111111.", "card of order: 4111111111111111"] {
        assert_eq!(found(&cards, text), [card], "{text}");
    }
    for text in ["order 4111111111111111", "Order no. 4111111111111111", "id=4111111111111111"] {
        assert!(found(&cards, text).is_empty(), "{text}");
    }
    for (key, named) in [("pan", 1), ("note", 1), ("order_id", 0), ("trackingNumber", 0)] {
        assert_eq!(detect_common::scan_under(&cards, key, card).len(), named, "{key}");
    }
}

#[test]
fn digits_inside_of_an_identifier_are_no_number() {
    let numbers = set(&[BuiltIn::Phone, BuiltIn::Card, BuiltIn::UsSsn, BuiltIn::DeSteuerId]);
    for text in [
        "3f2504e0-4212-5550-1879-0305e82c3301",
        "arn:aws:iam::012345678912:role/x",
        "backup_2125550187.tar.gz",
        "https://host.example/u/2125550187/edit",
        "api-212-555-0187-x2x9z",
    ] {
        assert!(found(&numbers, text).is_empty(), "{text}: {:?}", found(&numbers, text));
    }
    assert_eq!(found(&numbers, "phone-212-555-0187"), ["212-555-0187"]);
}

#[test]
fn an_address_has_a_domain_that_there_is() {
    let emails = set(&[BuiltIn::Email]);
    for text in [
        "git@github.com:org/repo",
        "user@1000.service",
        "left-pad@1.3.0.tgz",
        "pkg@2.0.1.zip",
        "logo@1.5x.png",
        "root@db.internal",
        "https://ann@mail.example/",
        "Message-ID: <2026.1234@mail.example>",
    ] {
        assert!(found(&emails, text).is_empty(), "{text}: {:?}", found(&emails, text));
    }
    for (text, address) in [
        ("to ann@126.com", "ann@126.com"),
        ("mail root@db.internal", "root@db.internal"),
        ("ann@mail.example.", "ann@mail.example"),
    ] {
        assert_eq!(found(&emails, text), [address], "{text}");
    }
}

#[test]
fn integers_are_read_as_their_digits() {
    let numbers = set(&[BuiltIn::Card, BuiltIn::Phone, BuiltIn::UsSsn]);
    let mut scratch = Scratch::default();
    assert_eq!(numbers.scan_uint("", 4_111_111_111_111_111, &mut scratch), Some(0));
    assert_eq!(numbers.scan_uint("", 4_111_111_111_111_112, &mut scratch), None);
    assert_eq!(numbers.scan_uint("mobile", 6_123_456_789, &mut scratch), Some(1));
    assert_eq!(numbers.scan_uint("count", 6_123_456_789, &mut scratch), None);
    assert_eq!(numbers.scan_uint("ssn", 123_456_789, &mut scratch), Some(2));
    for value in [0, 1, u64::MAX, 1_763_900_000_000] {
        assert_eq!(numbers.scan_uint("at", value, &mut scratch), None);
    }
}
