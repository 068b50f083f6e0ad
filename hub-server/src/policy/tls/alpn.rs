//! Names the hub's protocol inside TLS. Client and hub refuse a connection on which the other side
//! speaks another protocol. Without a name, they would take the bytes of that protocol for frames.

/// The hub's protocol has this name inside TLS (ALPN).
pub const ALPN: &[u8] = b"hub/1";
