//! Finds out which layer between a client and a hub is at fault, and what to do about it.
//!
//! The doctor climbs from the name of the host to an event that comes back, as [`Layer`] lists it.
//! For each layer, one module looks and one function judges. Looking gives plain data ([`Seen`]);
//! judging turns data into [`Finding`]s and touches no network. So each verdict is tested from data,
//! and the text, the JSON and the exit code of a [`Report`] come from one source.
//!
//! The crate is a library of its own, and not a part of the command line, for two reasons: the
//! command line takes long to build, because it contains the server; and a service may want to
//! examine its own connection. The crate needs no asynchronous code: it does one thing at a time and
//! measures how long that takes, which a scheduler in between would blur.
//!
//! These are its invariants, each with what breaks without it:
//!
//! - **It shows no secret.** What is seen holds the kind of the credentials and never their text.
//!   Otherwise a report that somebody pastes into an issue would give a token away.
//! - **It sends no secret to a server that has not proven its name**, when the address is `hubs://`.
//! - **It is a light client**: one connection with WELCOME, less than 1 MiB of PINGs, and some
//!   hundred events to its own inbox. Otherwise it would make a hub worse that is already ill.
//! - **Every wait has a deadline.** A tool against silence must not be silent itself.
//! - **Text from the other side is shown without control characters**, which a terminal would obey.
//!
//! The crate is for Linux, because the figures of routes and connections come from netlink. On other
//! systems it is empty.
#![cfg(target_os = "linux")]

mod access;
mod clock;
mod examine;
mod hub;
mod layer;
mod name;
mod netlink;
mod printable;
mod program;
mod report;
mod round_trip;
mod route;
mod tcp;
mod text;
mod tls;
mod watch;
mod wire;

pub use access::{AccessSeen, Right, Shown, TopicRights};
pub use clock::ClockSeen;
pub use examine::{Options, examine};
pub use hub::{Answer, CloseSeen, HubSeen, WelcomeSeen};
pub use layer::{Finding, Layer, Severity, Verdict};
pub use name::{Lookup, NameSeen};
pub use program::{Program, Protocol};
pub use report::{Report, Seen};
pub use round_trip::{RoundTripSeen, Scrub, SizeSeen, Times};
pub use route::{Icmp, Outcome, PathSeen, RouteSeen};
pub use tcp::{Ended, Figures, Frames, Limit, LoadSeen, Narrow, Stall, TcpSeen};
pub use text::{summary, text};
pub use tls::{CertificateSeen, TlsFailure, TlsSeen};
pub use watch::changes;
