//! Fuzz targets of the scrub: rule files and messages of a fuzzer's bytes.

#[path = "../../../hub-wire/tests/fuzz/fuzz_common/mod.rs"]
mod fuzz_common;
mod rules;
#[path = "../integration/scrub_common/mod.rs"]
mod scrub_common;
