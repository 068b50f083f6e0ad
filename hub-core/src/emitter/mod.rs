//! Typed events and the emitter they travel on.
