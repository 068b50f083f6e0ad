//! The fuzz targets of the crate.

mod captures;
mod tls;
