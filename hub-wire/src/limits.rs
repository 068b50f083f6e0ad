//! Defines the limits for the content of one frame.
//!
//! Without these limits, one client could take any amount of memory and of the hub's time.

/// States the limits for the content of one frame. The hub announces its limits in WELCOME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A frame has at most this many bytes, without the 4 bytes of its length.
    pub frame: u32,
    /// Arrays and maps in a payload are nested at most this deep. The limit itself is at most
    /// [`Limits::MAX_DEPTH`].
    pub depth: u8,
    /// A payload has at most this many elements. Each value counts, and so does each key of a map.
    pub elements: u32,
}

impl Limits {
    /// No limit of depth is higher than this. The walker calls itself for each open container, so this
    /// number bounds its stack.
    pub const MAX_DEPTH: u8 = 64;

    /// These limits are for bytes that have already passed the limits of the hub.
    pub const NONE: Limits =
        Limits { frame: u32::MAX, depth: Limits::MAX_DEPTH, elements: u32::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Limits { frame: 1 << 20, depth: 32, elements: 1 << 16 }
    }
}
