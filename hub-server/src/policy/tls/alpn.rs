//! The name of the hub's protocol inside TLS. Client and hub refuse a connection on which the other side
//! speaks another protocol; without a name, they would take its bytes for frames.

/// The name of the hub's protocol inside TLS (ALPN).
pub const ALPN: &[u8] = b"hub/1";
