//! Outputs: what an observer of a capture writes for people and for programs.
//!
//! Outputs only write. Everything that they say was found by the layers below, so two outputs cannot
//! disagree.

mod connection_line;
mod escaped;
mod frame_line;
mod frame_text;
mod json;
mod only;
mod plot;
mod points;
mod report_writer;
mod story;
mod subscription_text;
mod text;

pub use json::JsonLines;
pub use only::Only;
pub use plot::PlotError;
pub use points::{MAX_POINTS, Points};
pub use text::{Detail, Text};

/// Returns nanoseconds as seconds.
fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}
