//! Fuzz targets of the wire format, which read the bytes of a fuzzer, and a second reader to compare with.

mod frames;
mod fuzz_common;
mod names;
mod walker;
