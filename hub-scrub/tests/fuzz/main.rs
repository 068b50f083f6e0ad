//! Fuzz targets of the scrub: rule files and messages of a fuzzer's bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "../../../hub-wire/tests/fuzz/fuzz_common/mod.rs"]
mod fuzz_common;
mod rules;
#[path = "../integration/scrub_common/mod.rs"]
mod scrub_common;
