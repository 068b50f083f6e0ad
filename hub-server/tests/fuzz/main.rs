//! Fuzz targets of the hub: what clients send, and what files say.

#[path = "../access_support/mod.rs"]
mod access_support;
mod admin;
mod files;
mod session;
#[path = "../support/mod.rs"]
mod support;
