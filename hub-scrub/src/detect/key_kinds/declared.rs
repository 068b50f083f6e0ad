//! The declarations of all kinds of content that keys name.

use super::declaration::KeyKindDeclaration;
use super::secret_names::{
    NO_AUTHORIZATION_NAMES, NO_PIN_NAMES, NO_SECRET_NAMES, NO_SECRETS_NAMES, SECRET_NAMES,
    SECRETS_NAMES,
};
use crate::model::ValueHead;

/// The list has every kind.
pub(super) const DECLARATIONS: &[KeyKindDeclaration] =
    &[SECRET, SECRETS, AUTHORIZATION, SESSION, CONNECTION_STRING, CARD_CODE, BIRTH_DATE, PHONE];

/// The kinds of secrets have these indexes in the list.
pub(super) const SECRET_NUMBER: u8 = 0;
pub(super) const SECRETS_NUMBER: u8 = 1;
pub(super) const AUTHORIZATION_NUMBER: u8 = 2;

/// Keys with these names have the content itself, in a map under the key that names it: `token: { value: … }`.
#[rustfmt::skip]
pub(super) const VALUES: &[&str] =
    &["value", "data", "raw", "text", "content", "plain", "plaintext", "string", "number", "national", "e164"];

/// Returns whether a value can be a secret: a number, or text that is not empty, not masked already, no word for the
/// state of a setting, and no name of a resource.
fn is_secret(value: &ValueHead<'_>) -> bool {
    const STATES: [&[u8]; 20] = [
        b"true",
        b"false",
        b"null",
        b"none",
        b"yes",
        b"no",
        b"on",
        b"off",
        b"enabled",
        b"disabled",
        b"required",
        b"optional",
        b"read",
        b"write",
        b"admin",
        b"active",
        b"inactive",
        b"valid",
        b"invalid",
        b"expired",
    ];
    // The names of resources at providers of clouds say where a secret is kept.
    const RESOURCES: [&[u8]; 3] = [b"arn:", b"/subscriptions/", b"projects/"];
    match value {
        ValueHead::Str(text) | ValueHead::Bin(text) => {
            !text.iter().all(|b| matches!(b, b'*' | b' '))
                && !STATES.iter().any(|state| text.eq_ignore_ascii_case(state))
                && !RESOURCES.iter().any(|prefix| text.starts_with(prefix))
        }
        // Small numbers count something.
        ValueHead::UInt(number) => *number > 999,
        ValueHead::Int(_) | ValueHead::Float(_) => true,
        _ => false,
    }
}

fn is_secret_text(value: &ValueHead<'_>) -> bool {
    matches!(value, ValueHead::Str(_) | ValueHead::Bin(_)) && is_secret(value)
}

/// Returns whether a value can be what authorizes a request. A word alone, such as `read-only`, cannot.
fn is_authorization(value: &ValueHead<'_>) -> bool {
    match value {
        ValueHead::Str(text) | ValueHead::Bin(text) => {
            let plain = |b: &u8| b.is_ascii_lowercase() || matches!(b, b'-' | b'_');
            is_secret(value) && !text.iter().skip(1).all(plain)
        }
        _ => false,
    }
}

/// Returns whether a value can be the identifier of a session: at least 16 characters, and no UUID.
fn is_session(value: &ValueHead<'_>) -> bool {
    let uuid = |text: &[u8]| text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text[*at] == b'-');
    matches!(value, ValueHead::Str(text) if text.len() > 15 && !uuid(text) && is_secret(value))
}

/// Returns whether a value can be a connection string with something that lets somebody in.
fn is_connection_string(value: &ValueHead<'_>) -> bool {
    const SIGNS: [&[u8]; 6] = [b"password", b"pwd", b"secret", b"key=", b"token", b"@"];
    let ValueHead::Str(text) = value else { return false };
    let has = |sign: &[u8]| text.windows(sign.len()).any(|part| part.eq_ignore_ascii_case(sign));
    is_secret(value) && SIGNS.iter().any(|sign| has(sign))
}

/// Returns whether a value can be a code: at least three letters and digits.
fn is_code(value: &ValueHead<'_>) -> bool {
    match value {
        ValueHead::Str(text) => {
            is_secret(value) && text.len() > 2 && text.iter().any(u8::is_ascii_digit)
        }
        ValueHead::UInt(_) => true,
        _ => false,
    }
}

/// Returns whether a value can be a date: a number, or text with a digit.
fn is_date(value: &ValueHead<'_>) -> bool {
    match value {
        ValueHead::Str(text) => text.iter().any(u8::is_ascii_digit),
        ValueHead::UInt(_) | ValueHead::Int(_) | ValueHead::Float(_) | ValueHead::Ext(..) => true,
        _ => false,
    }
}

/// Returns whether a value can be a telephone number: it has 5 to 24 digits (E.164 allows 15; a prefix and an
/// extension may be with them), signs between them, and at most the letters of an extension.
fn is_phone(value: &ValueHead<'_>) -> bool {
    match value {
        ValueHead::Str(text) => {
            let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
            let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
            (5..=24).contains(&digits) && letters <= 12 && letters < digits && text.len() <= 48
        }
        ValueHead::UInt(number) => (10_000..10_u64.pow(17)).contains(number),
        _ => false,
    }
}

const SECRET: KeyKindDeclaration = KeyKindDeclaration {
    name: "secret",
    about: "what lets somebody in: a password, a token, a private key, a cookie",
    names: SECRET_NAMES,
    except: NO_SECRET_NAMES,
    collective: false,
    fits: is_secret,
    examples: &["redis_password", "JWT_SECRET", "apiKey", "X-Api-Key", "Set-Cookie", "dbPassword"],
    counter_examples: &["token_count", "secret_name", "partition_key", "nextPageToken", "key"],
};

const SECRETS: KeyKindDeclaration = KeyKindDeclaration {
    name: "secrets",
    about: "several secrets, as text; numbers under such keys are counts",
    names: SECRETS_NAMES,
    except: NO_SECRETS_NAMES,
    collective: true,
    fits: is_secret_text,
    examples: &["tokens", "client_secrets", "apiKeys", "credentials"],
    counter_examples: &["max_tokens", "token", "promptTokens", "allow_credentials"],
};

const AUTHORIZATION: KeyKindDeclaration = KeyKindDeclaration {
    name: "authorization",
    about: "what authorizes a request, with or without its scheme",
    names: &["authorization", "auth", "auth string", "auth header", "basic auth"],
    except: NO_AUTHORIZATION_NAMES,
    collective: false,
    fits: is_authorization,
    examples: &["Authorization", "Proxy-Authorization", "_auth"],
    counter_examples: &["authority", "oauth", "card_authorization", "author"],
};

const SESSION: KeyKindDeclaration = KeyKindDeclaration {
    name: "session",
    about: "the identifier of a session, with which somebody else could go on with it; not a UUID, which most often is \
            the identifier of a record",
    names: &["session id", "phpsessid", "jsessionid", "connect sid", "asp net session id"],
    except: &[
        "checkout session id",
        "upload session id",
        "game session id",
        "training session id",
        "debug session id",
        "chat session id",
        "class session id",
        "workout session id",
    ],
    collective: false,
    fits: is_session,
    examples: &["session_id", "JSESSIONID", "ASP.NET_SessionId"],
    counter_examples: &["session_count", "checkout_session_id", "session"],
};

const CONNECTION_STRING: KeyKindDeclaration = KeyKindDeclaration {
    name: "connection_string",
    about: "how a program reaches a database or a service, with a password or a key in it",
    names: &[
        "connection string",
        "connection strings",
        "conn string",
        "conn str",
        "connstr",
        "dsn",
        "default connection",
        "connection strings default",
        "jaas config",
    ],
    except: &["odbc dsn"],
    collective: false,
    fits: is_connection_string,
    examples: &["ConnectionStrings.Default", "MYSQL_DSN", "sasl.jaas.config"],
    counter_examples: &["connection", "connection_string_name", "dsn_name"],
};

const CARD_CODE: KeyKindDeclaration = KeyKindDeclaration {
    name: "card_code",
    about: "the security code, the PIN or the track data of a payment card",
    names: &[
        "cvv",
        "cvv2",
        "cvc",
        "cvc2",
        "csc",
        "cvn",
        "card verification",
        "card verification value",
        "security code",
        "pin",
        "pin block",
        "track1",
        "track2",
        "track data",
        "track 1 data",
        "track 2 data",
    ],
    except: NO_PIN_NAMES,
    collective: false,
    fits: is_code,
    examples: &["cvc", "cardSecurityCode", "PIN", "track2", "pin_code"],
    counter_examples: &["pinned", "code", "pin_count", "led_pin"],
};

const BIRTH_DATE: KeyKindDeclaration = KeyKindDeclaration {
    name: "birth_date",
    about: "when somebody was born",
    names: &[
        "birth date",
        "date of birth",
        "birthday",
        "birth day",
        "dob",
        "born",
        "born on",
        "birth year",
        "year of birth",
        "geburtsdatum",
        "date de naissance",
        "fecha de nacimiento",
        "data de nascimento",
        "data di nascita",
        "geboortedatum",
    ],
    except: &[],
    collective: false,
    fits: is_date,
    examples: &["dateOfBirth", "patient.dob", "birth_date", "birthdate"],
    counter_examples: &["born_in", "date", "birthday_card"],
};

const PHONE: KeyKindDeclaration = KeyKindDeclaration {
    name: "phone",
    about: "a telephone number, in whatever national form",
    names: &[
        "phone",
        "telephone",
        "mobile",
        "mobile phone",
        "cell",
        "cell phone",
        "fax",
        "msisdn",
        "tel",
        "whatsapp",
        "landline",
        "sms",
        "contact number",
        "telefon",
        "telefono",
        "teléfono",
        "telefone",
        "telefoon",
        "handy",
        "mobil",
        "móvil",
        "celular",
        "rufnummer",
        "telefonnummer",
        "mobilnummer",
        "handynummer",
        "phones",
        "mobiles",
        "phone numbers",
    ],
    except: &[
        "is mobile",
        "is phone",
        "has phone",
        "fuel cell",
        "battery cell",
        "grid cell",
        "table cell",
    ],
    collective: false,
    fits: is_phone,
    examples: &["phone", "homePhone", "mobile_number", "customer.phoneNumber", "PHONE2"],
    counter_examples: &["phone_verified_at", "phone_count", "automobile", "phone_type"],
};
