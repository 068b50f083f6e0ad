//! The layer *TLS*: what the handshake agreed on, which certificates the server shows, and why a
//! handshake fails. A client says "not accepted"; the doctor says which name, date or CA it is.

mod certificate;
mod handshake;
mod observer;

pub use certificate::CertificateSeen;
pub(crate) use handshake::{Setup, shake, speaks};

use crate::layer::{Finding, Layer};
use crate::program::{Program, Protocol};
use rustls::AlertDescription;
use serde::Serialize;

/// A certificate that expires within so many days is worth a warning.
const EXPIRES_SOON_DAYS: f64 = 14.0;

/// Holds what TLS showed.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct TlsSeen {
    /// The certificate must contain this name.
    pub name: String,
    /// The handshake took this long, in milliseconds.
    pub took_ms: f64,
    /// Both sides agreed on this version.
    pub version: Option<String>,
    /// Both sides agreed on this cipher suite.
    pub cipher: Option<String>,
    /// Both sides agreed on this key exchange.
    pub key_exchange: Option<String>,
    /// The server chose this protocol inside TLS (ALPN).
    pub alpn: Option<String>,
    /// The server showed these certificates, its own first.
    pub chain: Vec<CertificateSeen>,
    /// If this is true, the server asked for a certificate of this client.
    pub client_certificate_asked: bool,
    /// If this is true, this client showed a certificate.
    pub client_certificate_shown: bool,
    /// The handshake failed for this reason, or the server ended TLS for it right afterwards.
    pub failure: Option<TlsFailure>,
}

/// Says why there is no TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TlsFailure {
    /// The server speaks something else than TLS.
    NotTls {
        /// This program has the port, if the doctor knows it.
        program: Option<Program>,
    },
    /// The port speaks TLS, and the address of the hub says that it does not.
    TlsForPlain,
    /// The server speaks TLS and refuses the protocol of a hub inside (ALPN).
    NotAHub,
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// No CA that this client trusts issued the server's certificate.
    UnknownIssuer,
    /// A CA that this client trusts has the issuer's name, and another key.
    OtherCaKey,
    /// The server's certificate is for other names.
    OtherName,
    /// The server's certificate is revoked.
    Revoked,
    /// The server's certificate has another fault.
    Certificate {
        /// The TLS library describes the fault so.
        error: String,
    },
    /// The server requires a certificate of this client.
    ClientCertificateRequired,
    /// The server refuses the certificate of this client.
    ClientCertificateRefused {
        /// The server sent this alert.
        alert: String,
    },
    /// The server ended the handshake with another alert.
    Alert {
        /// The server sent this alert.
        alert: String,
    },
    /// Nothing came in time.
    Silent,
    /// Large packets vanish; smaller ones make the handshake pass.
    BlackHole,
    /// The server ended the connection in order (FIN).
    Ended,
    /// The connection was reset (RST).
    Reset,
    /// The handshake failed with another error.
    Other {
        /// The TLS library describes the error so.
        error: String,
    },
}

impl TlsFailure {
    /// Returns the failure for an alert of the server.
    pub(crate) fn of_alert(alert: AlertDescription) -> TlsFailure {
        let name = alert.as_str().map_or_else(|| format!("{alert:?}"), str::to_owned);
        match alert {
            AlertDescription::NoApplicationProtocol => TlsFailure::NotAHub,
            AlertDescription::CertificateRequired => TlsFailure::ClientCertificateRequired,
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError => {
                TlsFailure::ClientCertificateRefused { alert: name }
            }
            _ => TlsFailure::Alert { alert: name },
        }
    }
}

/// Returns what is wrong with TLS. `at` is the host and port of the address.
pub(crate) fn judge(seen: &TlsSeen, at: &str) -> Vec<Finding> {
    if let Some(failure) = &seen.failure {
        return vec![failed(failure, seen, at)];
    }
    let Some(certificate) = seen.chain.first() else { return Vec::new() };
    if certificate.days_left >= EXPIRES_SOON_DAYS {
        return Vec::new();
    }
    vec![Finding::warning(
        Layer::Tls,
        "expires_soon",
        format!("The certificate of the hub expires in {} days.", certificate.days_left),
        "Renew the certificate, and replace the files of the hub's keys `tls_cert` and `tls_key`; \
         the hub reloads them by itself.",
    )]
}

/// Returns the finding for a failed handshake.
fn failed(failure: &TlsFailure, seen: &TlsSeen, at: &str) -> Finding {
    let own = seen.chain.first();
    let fault = |code, what: String, remedy: String| Finding::fault(Layer::Tls, code, what, remedy);
    match failure {
        TlsFailure::TlsForPlain => fault(
            "tls_for_plain",
            "The port speaks TLS, and the address begins with hub://.".into(),
            format!("Use hubs://{at}, with --ca if the hub has a CA of its own."),
        ),
        TlsFailure::NotTls { program } => not_tls(program.as_ref(), at),
        TlsFailure::NotAHub => fault(
            "other_protocol",
            "The server speaks TLS and refuses the protocol of a hub (ALPN hub/1).".into(),
            "Another service is on this port, for example HTTPS. Check the port, and the server \
             names that a proxy in front of the hub passes on."
                .into(),
        ),
        TlsFailure::Expired => fault(
            "certificate_expired",
            format!(
                "The certificate of the hub expired {} days ago.",
                own.map_or(0.0, |own| -own.days_left)
            ),
            "Renew the certificate and replace the file of the hub's key `tls_cert`; the hub \
             reloads it by itself. If it should be valid, check the clock of this machine."
                .into(),
        ),
        TlsFailure::NotYetValid => fault(
            "certificate_not_yet_valid",
            "The certificate of the hub is not valid yet.".into(),
            "Check the clock of this machine (`timedatectl`) and of the machine that issued the \
             certificate."
                .into(),
        ),
        TlsFailure::UnknownIssuer => fault(
            "unknown_ca",
            format!(
                "No CA that this client trusts issued the certificate of the hub; its issuer is \
                 {:?}.",
                own.map_or("unknown", |own| own.issuer.as_str())
            ),
            "Name the file with the CA of the hub with --ca (or HUB_CA). If it is right, the hub's \
             `tls_cert` must also contain the certificates between its own and the CA."
                .into(),
        ),
        TlsFailure::OtherCaKey => fault(
            "other_ca_key",
            format!(
                "This client trusts a CA with the name {:?}, and another key signed the \
                 certificate of the hub.",
                own.map_or("unknown", |own| own.issuer.as_str())
            ),
            "The CA was made anew, or two CAs have one name. Give this client the CA file that \
             belongs to the hub's certificate (--ca or HUB_CA)."
                .into(),
        ),
        TlsFailure::OtherName => fault(
            "certificate_for_other_name",
            format!(
                "The certificate of the hub is not for {}; it is for {}.",
                seen.name,
                own.map_or_else(|| "no name".to_owned(), |own| list(&own.names))
            ),
            "Use one of these names in the address, or name it with --tls-name, or issue the \
             certificate for the name that clients use."
                .into(),
        ),
        TlsFailure::Revoked => fault(
            "certificate_revoked",
            "The certificate of the hub is revoked.".into(),
            "Issue a new certificate and find out why the old one was revoked.".into(),
        ),
        TlsFailure::Certificate { error } => fault(
            "certificate_invalid",
            format!("The certificate of the hub is not accepted: {error}."),
            "Issue the certificate anew, as docs/tls.md shows.".into(),
        ),
        TlsFailure::ClientCertificateRequired => fault(
            "client_certificate_required",
            "The hub requires a certificate of this client, and this client has none.".into(),
            "Name the certificate and its key with --cert and --key. A hub that also accepts \
             tokens has tls_client_auth = \"optional\"."
                .into(),
        ),
        TlsFailure::ClientCertificateRefused { alert } => fault(
            "client_certificate_refused",
            format!("The hub does not accept the certificate of this client ({alert})."),
            "Use a certificate that one of the CAs in the hub's `tls_client_ca` issued, and that \
             has neither expired nor been revoked."
                .into(),
        ),
        TlsFailure::BlackHole => {
            crate::tcp::black_hole("the handshake passes in small packets only", None)
        }
        TlsFailure::Alert { .. } | TlsFailure::Other { .. } => disagreed(failure),
        TlsFailure::Silent | TlsFailure::Ended | TlsFailure::Reset => wordless(failure),
    }
}

/// Returns the finding for a port that does not speak TLS.
fn not_tls(program: Option<&Program>, at: &str) -> Finding {
    match program {
        Some(Program { protocol: Protocol::Hub, .. }) => Finding::fault(
            Layer::Tls,
            "plain_for_tls",
            "The hub on this port speaks without TLS, and the address begins with hubs://.",
            format!(
                "Use hub://{at}, or give the hub a certificate (`tls_cert` and `tls_key`). Without \
                 TLS, others on the way can read tokens and events."
            ),
        ),
        other => {
            let program = other.map_or_else(|| "an unknown program".to_owned(), Program::to_string);
            Finding::fault(
                Layer::Tls,
                "not_tls",
                format!("The port does not speak TLS: it belongs to {program}."),
                "Check the port in the address: clients connect to the address in the hub's key \
                 `listen` (4820 unless configured).",
            )
        }
    }
}

/// Returns the finding for two sides that do not agree.
fn disagreed(failure: &TlsFailure) -> Finding {
    let why = match failure {
        TlsFailure::Alert { alert } => format!("the server says {alert}"),
        TlsFailure::Other { error } => error.clone(),
        _ => "unknown".to_owned(),
    };
    Finding::fault(
        Layer::Tls,
        "handshake_failed",
        format!("The TLS handshake failed: {why}."),
        "Both sides need TLS 1.2 or 1.3 and a common cipher suite. With TLS 1.2, a server may say \
         so when it requires a client certificate (--cert, --key). The hub's log names the fault.",
    )
}

/// Returns the finding for a handshake that ended without a word.
fn wordless(failure: &TlsFailure) -> Finding {
    let (code, what) = match failure {
        TlsFailure::Silent => ("handshake_silent", "did not answer the TLS handshake in time"),
        TlsFailure::Ended => ("handshake_ended", "ended the connection during the TLS handshake"),
        _ => ("handshake_reset", "reset the connection during the TLS handshake"),
    };
    Finding::fault(
        Layer::Tls,
        code,
        format!("The other side {what}."),
        "A hub with TLS ends connections so while it has as many as `max_connections` allows, and \
         is silent while its process is stopped or overloaded. A firewall or proxy that inspects \
         TLS does the same: look into the hub's log for the connection.",
    )
}

/// Returns how long the handshake took, in milliseconds; none if the address did not ask for one.
pub(crate) fn time_ms(seen: &TlsSeen) -> Option<f64> {
    (seen.failure != Some(TlsFailure::TlsForPlain)).then_some(seen.took_ms)
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &TlsSeen) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(version) = &seen.version {
        let of = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        lines.push(format!(
            "{version}, {}, {}, ALPN {}; client certificate {}",
            of(&seen.cipher),
            of(&seen.key_exchange),
            of(&seen.alpn),
            match (seen.client_certificate_asked, seen.client_certificate_shown) {
                (false, _) => "not asked for",
                (true, true) => "asked for and shown",
                (true, false) => "asked for and not shown",
            }
        ));
    }
    if let Some(own) = seen.chain.first() {
        lines.push(format!(
            "certificate for {}, asked for {}, issued by {:?}, {} days left, chain of {}",
            list(&own.names),
            seen.name,
            own.issuer,
            own.days_left,
            seen.chain.len()
        ));
    }
    lines
}

/// Returns names as a text.
fn list(names: &[String]) -> String {
    if names.is_empty() { "no name".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
