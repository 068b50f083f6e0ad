//! Keys and tokens whose issuers gave them a form: a prefix, then so many characters.

use super::builtin::BuiltIn;
use super::scan::Found;

/// A form of a token.
struct Form {
    kind: BuiltIn,
    prefix: &'static str,
    /// Characters behind the prefix, at least and at most.
    min: usize,
    max: usize,
    alphabet: Alphabet,
}

#[derive(Clone, Copy)]
enum Alphabet {
    /// `0-9 A-Z`
    Upper,
    /// `0-9 a-f`
    Hex,
    /// `0-9 A-Z a-z`
    Alphanumeric,
    /// `0-9 A-Z a-z _ -`
    Url,
    /// The same and `.`
    Dotted,
}

impl Alphabet {
    fn has(self, b: u8) -> bool {
        match self {
            Alphabet::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Alphabet::Hex => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            Alphabet::Alphanumeric => b.is_ascii_alphanumeric(),
            Alphabet::Url => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Alphabet::Dotted => Alphabet::Url.has(b) || b == b'.',
        }
    }
}

macro_rules! forms {
    ($($kind:ident $alphabet:ident $min:literal ..= $max:literal: $($prefix:literal)+;)+) => {
        &[$($(Form {
            kind: BuiltIn::$kind, prefix: $prefix, min: $min, max: $max, alphabet: Alphabet::$alphabet,
        },)+)+]
    };
}

/// From the issuers' own documentation of their formats.
#[rustfmt::skip]
const FORMS: &[Form] = forms! {
    AwsKey Upper 16..=16: "AKIA" "ASIA" "ABIA" "ACCA";
    GithubToken Alphanumeric 36..=251: "ghp_" "gho_" "ghu_" "ghs_" "ghr_";
    GithubToken Url 82..=82: "github_pat_";
    GitlabToken Dotted 20..=300: "glpat-" "gldt-" "glrt-" "glptt-" "glcbt-" "glft-" "glsoat-" "glagent-" "glimt-";
    SlackToken Url 10..=250: "xoxb-" "xoxa-" "xoxp-" "xoxr-" "xoxs-" "xoxe-" "xapp-";
    SlackToken Dotted 10..=300: "xoxe.xoxp-" "xoxe.xoxb-";
    StripeKey Alphanumeric 16..=250: "sk_live_" "sk_test_" "rk_live_" "rk_test_" "whsec_";
    GoogleApiKey Url 35..=35: "AIza";
    SendgridKey Dotted 66..=66: "SG.";
    NpmToken Alphanumeric 36..=36: "npm_";
    PypiToken Url 50..=300: "pypi-AgE";
    DigitaloceanToken Hex 64..=64: "dop_v1_" "doo_v1_" "dor_v1_";
    ShopifyToken Hex 32..=32: "shpat_" "shpca_" "shppa_" "shpss_";
    HuggingfaceToken Alphanumeric 30..=50: "hf_";
    AnthropicKey Url 80..=120: "sk-ant-api03-" "sk-ant-admin01-";
    OpenaiKey Url 40..=250: "sk-proj-" "sk-svcacct-" "sk-admin-";
    OpenaiKey Alphanumeric 48..=48: "sk-";
    TwilioKey Hex 32..=32: "SK";
};

/// Longest prefix, so that a start before a long run can be found.
const LONGEST_PREFIX: usize = 16;

/// The forms that a set looks for, by first character.
#[derive(Debug, Clone)]
pub(super) struct Forms {
    /// Bit `i`: `FORMS[i]` begins with this character.
    by_first: Box<[u64; 128]>,
    any: bool,
}

impl Forms {
    /// The forms of the wanted kinds.
    pub(super) fn new(wanted: impl Fn(BuiltIn) -> bool) -> Forms {
        const { assert!(FORMS.len() <= 64) };
        let mut forms = Forms { by_first: Box::new([0; 128]), any: false };
        for (i, form) in FORMS.iter().enumerate() {
            if wanted(form.kind) {
                let first = form.prefix.as_bytes()[0];
                forms.by_first[usize::from(first & 127)] |= 1 << i;
                forms.any = true;
            }
        }
        forms
    }

    /// Whether there is any form.
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// Reports the tokens that begin in the run of token characters `run.0..run.1`, or just
    /// before it.
    pub(super) fn find(
        &self,
        bytes: &[u8],
        run: (usize, usize),
        mut found: impl FnMut(BuiltIn, Found),
    ) {
        // A prefix with a point (`SG.`) stands before the run.
        let mut at = run.0;
        while run.0 - at < LONGEST_PREFIX && at > 0 && is_prefix_part(bytes[at - 1]) {
            at -= 1;
        }
        while at < run.1 {
            // Of the characters before a run none is beyond ASCII.
            let mut forms = self.by_first[usize::from(bytes[at] & 127)];
            if forms != 0 && at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
                forms = 0;
            }
            let mut end = at + 1;
            while forms != 0 {
                let form = &FORMS[forms.trailing_zeros() as usize];
                forms &= forms - 1;
                if let Some(token) = form.at(bytes, at) {
                    found(form.kind, token);
                    end = token.end;
                    break;
                }
            }
            at = end;
        }
    }
}

fn is_prefix_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'.'
}

impl Form {
    fn at(&self, bytes: &[u8], start: usize) -> Option<Found> {
        let rest = bytes[start..].strip_prefix(self.prefix.as_bytes())?;
        let len = rest.iter().take(self.max + 1).take_while(|b| self.alphabet.has(**b)).count();
        // The point of a sentence may follow.
        let points = rest[..len].iter().rev().take_while(|b| **b == b'.').count();
        let len = len - points;
        let end = start + self.prefix.len() + len;
        let glued = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        let right = (self.min..=self.max).contains(&len) && !glued;
        right.then_some(Found { start, end, certain: true })
    }
}

/// The JSON Web Token that begins at `start` (RFC 7519; compact form of RFC 7515 and 7516).
pub(super) fn jwt(bytes: &[u8], start: usize) -> Option<Found> {
    // The header is a JSON object, so it begins with `{"`; whoever wrote spaces has `eyAi`.
    if !bytes[start..].starts_with(b"eyJ") && !bytes[start..].starts_with(b"eyA") {
        return None;
    }
    let part = |from: usize| bytes[from..].iter().take_while(|b| Alphabet::Url.has(**b)).count();
    let header = part(start);
    let mut end = start + header;
    let mut parts = 1;
    let mut payload = 0;
    while parts < 5 && bytes.get(end) == Some(&b'.') {
        let len = part(end + 1);
        if len == 0 && parts != 2 && parts != 1 {
            break;
        }
        payload += len;
        end += 1 + len;
        parts += 1;
    }
    if parts < 3 || payload < 8 || !names_algorithm(&bytes[start..start + header]) {
        return None;
    }
    Some(Found { start, end, certain: true })
}

/// Whether `text` is a whole JWT header and nothing else: it says how a token is signed, and is no
/// secret without the rest.
pub(super) fn is_header(text: &[u8]) -> bool {
    text.starts_with(b"ey") && {
        let mut json = [0; LONGEST_HEADER];
        let json = decode(text, &mut json);
        let printable = json.iter().all(|b| matches!(b, b' '..=b'~'));
        printable && json.ends_with(b"}") && has_algorithm(json)
    }
}

/// Bytes of a decoded header that are looked at.
const LONGEST_HEADER: usize = 1024;

/// Whether the decoded header has the key `alg`, which every header must have (RFC 7515, 4.1.1).
fn names_algorithm(header: &[u8]) -> bool {
    let mut json = [0; LONGEST_HEADER];
    has_algorithm(decode(header, &mut json))
}

fn has_algorithm(json: &[u8]) -> bool {
    memchr::memmem::find(json, b"\"alg\"").is_some()
}

/// As much of a base64url text as there is room for.
fn decode<'j>(header: &[u8], json: &'j mut [u8; LONGEST_HEADER]) -> &'j [u8] {
    let mut len = 0;
    for four in header[..header.len().min(LONGEST_HEADER)].chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, &b| bits << 6 | sextet(b));
        let bits = bits << (6 * (4 - four.len()));
        let bytes = bits.to_be_bytes();
        let count = four.len().saturating_sub(1);
        json[len..len + count].copy_from_slice(&bytes[1..=count]);
        len += count;
    }
    &json[..len]
}

fn sextet(b: u8) -> u32 {
    u32::from(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'-' => 62,
        _ => 63,
    })
}
