//! What one frame may contain at most.
//!
//! Without these limits, one client could take any amount of memory and of the hub's time.

/// What one frame may contain. The hub announces its limits in WELCOME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest frame in bytes, without its 4-byte length.
    pub frame: u32,
    /// Deepest nesting of arrays and maps in a payload; at most [`Limits::MAX_DEPTH`].
    pub depth: u8,
    /// Most values in a payload, keys included.
    pub elements: u32,
}

impl Limits {
    /// The walker calls itself for each open container; this bounds its stack.
    pub const MAX_DEPTH: u8 = 64;

    /// For bytes that passed the real limits before.
    pub const NONE: Limits =
        Limits { frame: u32::MAX, depth: Limits::MAX_DEPTH, elements: u32::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Limits { frame: 1 << 20, depth: 32, elements: 1 << 16 }
    }
}
