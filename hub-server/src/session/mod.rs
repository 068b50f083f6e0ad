//! The session actor: one connection from HELLO to FIN.
//!
//! Its life: [`lifecycle`] starts and ends it, [`enter`] brings it from HELLO to WELCOME,
//! [`session_loop`] moves its bytes, [`waits_for`] decides what it waits for, and [`close`] says goodbye.
//! [`credentials_watch`] ends it when its credentials are not good any more.
//!
//! An event's way, as [`ingest`] goes it:
//!
//! 1. [`intake`]: only what the limits allow is taken in ([`held`] counts the rest);
//! 2. [`check`]: is it well-formed and allowed, and what do the rules ([`scrub`]) say?
//! 3. [`gather`]: into the run of its topic ([`run_builder`]);
//! 4. [`send`]: topics number and queue the runs, and connections are flushed. [`quarantine`] shows
//!    events that nobody else may see.
//!
//! All other frames are in [`control`].
//!
//! The invariants, and what breaks without each:
//!
//! - **What a client says keeps its order**: what was gathered is sent before any other frame is looked
//!   at. Otherwise a PONG could come before the events that its PING followed.
//! - **Nothing is read while it cannot be taken in.** It stays in the client's socket, where TCP slows
//!   the client; read anyway, it would take the hub's memory.
//! - **Nothing waits on the thread.** A session that waits is woken; a thread that waits would stop
//!   every session of its arbiter.

mod address;
mod backpressure_wait;
mod check;
mod checked_event;
mod clock;
mod close;
mod control;
mod credentials_watch;
mod enter;
mod gather;
mod handles;
mod held;
mod ingest;
mod intake;
mod lifecycle;
mod messages;
mod output;
mod quarantine;
mod run_builder;
mod scrub;
mod send;
mod session_limits;
mod session_loop;
mod state;
mod waits_for;

pub(crate) use handles::Handles;
pub(crate) use state::Session;
