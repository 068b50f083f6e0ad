//! Claim: what stands directly before and behind decides where a hit begins and ends, and whether
//! it is one.

use crate::detect_common;

use detect_common::{found, set};
use hub_scrub::detect::BuiltIn;

#[test]
fn a_hyphen_behind_an_address_belongs_to_the_sentence() {
    let emails = set(&[BuiltIn::Email]);
    let text = "ann@mail.example.com- and (bob@shop.example.org--)";
    assert_eq!(found(&emails, text), ["ann@mail.example.com", "bob@shop.example.org"]);
}

#[test]
fn a_national_number_in_one_piece_stands_alone() {
    let numbers = set(&[BuiltIn::FrNir]);
    let nir = "255081416802538";
    assert_eq!(found(&numbers, &format!("no. {nir}.")), [nir]);
    for other in ["7.255081416802538", "255081416802538x", "7.255081416802538x"] {
        assert_eq!(found(&numbers, other), [""; 0], "{other}");
    }
}

#[test]
fn a_north_american_phone_number_has_one_separator() {
    let phones = set(&[BuiltIn::Phone]);
    for one in ["212-555-0187", "212.555.0187", "(212) 555-0187"] {
        assert_eq!(found(&phones, one), [one]);
    }
    for mixed in ["212-555.0187", "212.555-0187", "212/555.0187"] {
        assert_eq!(found(&phones, mixed), [""; 0], "{mixed}");
    }
}

#[test]
fn a_key_inside_of_a_word_is_none() {
    let keys = set(&[BuiltIn::AwsKey]);
    let key = "AKIAIOSFODNN7EXAMPL2";
    for before in ["", "=", "_", "-", "/", "(", "é"] {
        assert_eq!(found(&keys, &format!("{before}{key}")), [key], "{before}");
    }
    for before in ["x", "7", "aB9"] {
        assert_eq!(found(&keys, &format!("{before}{key}")), [""; 0], "{before}");
        assert_eq!(found(&keys, &format!("{key}{before}")), [""; 0], "{before}");
    }
}
