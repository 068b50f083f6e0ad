//! Alerts: why one side of a TLS connection ends it.
//!
//! A failed handshake ends with an alert and nothing else. Its name says whether the certificate, the name
//! or the version was at fault.

use std::fmt;

/// An alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert(
    /// The number of its description.
    pub u8,
);

impl Alert {
    /// Reads the content of a record.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        match content {
            [1 | 2, description] => Some(Alert(*description)),
            _ => None,
        }
    }

    /// Returns whether the side only says that it has no more data.
    #[must_use]
    pub fn is_close(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            22 => "record_overflow",
            40 => "handshake_failure",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            other => return write!(f, "alert {other}"),
        })
    }
}
