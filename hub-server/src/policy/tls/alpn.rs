//! The name of the protocol inside TLS. Client and hub refuse a connection on which the other side
//! speaks another protocol.

/// What client and hub agree to speak inside TLS (ALPN).
pub const ALPN: &[u8] = b"hub/1";
