//! Runs the session actor: one connection from HELLO to FIN.
//!
//! The life of a session has these parts: [`lifecycle`] starts and ends it, [`handshake`] brings it
//! from HELLO to WELCOME ([`handshake_wait`] bounds what that takes), [`session_loop`] reads and writes
//! its bytes, [`waits_for`] decides what it waits for, and [`close`] ends it. [`credentials_watch`] ends
//! it when its credentials are no longer valid.
//!
//! [`ingest`] leads an event along this path:
//!
//! 1. [`intake`] takes in only as much as the limits allow, and leaves the rest. [`held`] counts
//!    the bytes that the session keeps.
//! 2. [`check`] decides whether the event is well-formed and allowed, and asks the rules
//!    ([`scrub`]).
//! 3. [`gather`] adds the event to the run of its topic ([`run_builder`]).
//! 4. [`send`] has the topics number and queue the runs, and flushes the connections that got
//!    events. [`quarantine`] publishes a notice about an event that nobody may see.
//!
//! [`control`] handles all other frames, and [`subscribe_rights`] decides whether a client has the rights
//! for a subscription. While events wait, [`look_ahead`] handles the frames behind
//! them that say what the client has finished. When a connection breaks, [`keeping`] keeps
//! subscriptions for the next connection of the client, in a [`kept_connection`].
//!
//! The following invariants hold, and each of them says what would break without it:
//!
//! - **The frames of a client keep their order**: the session publishes the events that it has
//!   gathered before it handles any other frame. Otherwise a PONG could come before the events that
//!   its PING followed.
//! - **The session reads nothing that it cannot take in.** Such bytes stay in the client's socket,
//!   where TCP slows the client down. If they were read anyway, they would take the hub's memory.
//! - **Nothing keeps the thread.** A session that waits is woken later, and a session with much work
//!   lets the others run after a while ([`turns`]). Otherwise one client would stop every session of
//!   its arbiter.
//! - **Owners take turns**, however many sessions each of them has ([`turnstile`], [`turn_queue`]).
//!   Otherwise a client with many connections would have most of the thread.

mod acknowledge;
mod address;
mod backpressure_wait;
mod check;
mod checked_event;
mod clock;
mod close;
mod collect;
mod control;
mod credentials_watch;
mod gather;
mod handles;
mod handshake;
mod handshake_wait;
mod held;
mod ingest;
mod intake;
mod keeping;
mod kept_connection;
mod lifecycle;
mod look_ahead;
mod messages;
mod output;
mod quarantine;
mod run_builder;
mod scrub;
mod scrub_elsewhere;
mod send;
mod session_limits;
mod session_loop;
mod state;
mod subscribe_parts;
mod subscribe_rights;
mod turn_queue;
mod turns;
mod turnstile;
mod unfinished;
mod wait_for_room;
mod waits_for;

pub(crate) use handles::Handles;
pub(crate) use state::Session;
