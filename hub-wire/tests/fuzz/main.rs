//! Fuzz targets of the wire format: bytes from a fuzzer, and a second reader to compare with.

mod frames;
mod fuzz_common;
mod names;
mod walker;
