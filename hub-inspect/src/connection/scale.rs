//! The scale of windows, which the SYNs of a connection agree on.
//!
//! The window field has 16 bits. With a scale that is not known, a window of 500 may stand for 64,000
//! bytes, so no sentence about a full window can be trusted.

/// How the windows of a side are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The capture does not have the handshake, so windows are shown as they were sent.
    Unknown,
    /// The sides do not scale windows.
    Unused,
    /// Windows count in units of 2^n bytes.
    Shift(u8),
}

impl Scale {
    /// Returns whether the size of windows is known.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Scale::Unknown
    }

    /// Returns the window in bytes.
    pub(super) fn scaled(self, window: u16) -> u32 {
        match self {
            Scale::Shift(shift) => u32::from(window) << shift,
            Scale::Unknown | Scale::Unused => window.into(),
        }
    }
}
