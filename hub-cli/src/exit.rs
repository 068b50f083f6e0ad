//! Defines the exit codes of the commands, in one table from which the help derives.
//!
//! Scripts depend on these codes. Without this module, each command would choose its own.

use hub_client::{
    CloseCode, ClosedReason, ConnectError, EmitError, RequestError, SubscribeError,
    SubscriptionEnd, TlsError, with_causes,
};
use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;

/// Says how a command ended. The numbers are stable, because scripts compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    Error = 1,
    Usage = 2,
    Unreachable = 3,
    Refused = 4,
    Nobody = 5,
    TimedOut = 6,
    Lost = 7,
    Unauthorized = 8,
}

impl Exit {
    /// Lists every code with its meaning.
    pub(crate) const TABLE: [(Exit, &str); 9] = [
        (Exit::Ok, "done: the command did what it was asked to do"),
        (Exit::Error, "an error that has no code of its own"),
        (Exit::Usage, "the command line or the input has an error"),
        (Exit::Unreachable, "the command cannot connect to the hub"),
        (Exit::Refused, "the hub refused an event or a request"),
        (Exit::Nobody, "nobody is subscribed to the topic of the request"),
        (Exit::TimedOut, "the answer did not come in time"),
        (Exit::Lost, "the connection was lost, or it is unknown whether events arrived"),
        (
            Exit::Unauthorized,
            "the hub does not accept the credentials, or accepts nobody without any",
        ),
    ];

    /// Returns the code for a connection that ended for good.
    pub(crate) fn of_end(reason: &ClosedReason) -> Exit {
        match reason.code() {
            Some(CloseCode::Unauthorized) => Exit::Unauthorized,
            _ => Exit::Lost,
        }
    }

    /// Returns the table as the help shows it.
    pub(crate) fn help() -> String {
        let mut text = "Exit codes:\n".to_owned();
        for (exit, meaning) in Exit::TABLE {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {}  {meaning}", exit as u8);
        }
        text.truncate(text.trim_end().len());
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Says why a command failed, with an exit code for scripts and a message for people.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into() }
    }

    /// Makes a failure whose message names the error and all its causes.
    pub(crate) fn of(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        Failure { exit, message: with_causes(error) }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let exit = match &error {
            ConnectError::Url(_) | ConnectError::Name => Exit::Usage,
            ConnectError::Tls(
                TlsError::File { .. }
                | TlsError::Unusable { .. }
                | TlsError::Incomplete
                | TlsError::Name(_),
            ) => Exit::Usage,
            // Trying again later does not help, as it does with a hub that cannot be reached.
            ConnectError::Tls(TlsError::Refused(_)) => Exit::Unauthorized,
            ConnectError::Closed(close) if close.code == CloseCode::Unauthorized => {
                Exit::Unauthorized
            }
            _ => Exit::Unreachable,
        };
        Failure::of(exit, &error)
    }
}

impl From<EmitError> for Failure {
    fn from(error: EmitError) -> Self {
        let exit = match &error {
            EmitError::Refused(_) | EmitError::TooLarge { .. } => Exit::Refused,
            EmitError::OutcomeUnknown | EmitError::Closed => Exit::Lost,
            EmitError::Ended(reason) => Exit::of_end(reason),
            EmitError::TimedOut | EmitError::NotSent => Exit::TimedOut,
            _ => Exit::Usage,
        };
        Failure::of(exit, &error)
    }
}

impl From<SubscribeError> for Failure {
    fn from(error: SubscribeError) -> Self {
        let exit = match &error {
            SubscribeError::Refused(_) => Exit::Refused,
            SubscribeError::TimedOut => Exit::TimedOut,
            SubscribeError::Ended(reason) => Exit::of_end(reason),
            _ => Exit::Lost,
        };
        Failure::of(exit, &error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let exit = match &error {
            RequestError::NoSubscriber => Exit::Nobody,
            RequestError::TimedOut => Exit::TimedOut,
            RequestError::Refused(_) | RequestError::TooLarge { .. } => Exit::Refused,
            RequestError::OutcomeUnknown | RequestError::Closed => Exit::Lost,
            RequestError::Ended(reason) => Exit::of_end(reason),
            RequestError::Encode(_) | RequestError::Topic(_) => Exit::Usage,
            _ => Exit::Error,
        };
        Failure::of(exit, &error)
    }
}

impl From<SubscriptionEnd> for Failure {
    fn from(end: SubscriptionEnd) -> Self {
        let exit = match &end {
            SubscriptionEnd::Refused(_) => Exit::Refused,
            SubscriptionEnd::Ended(reason) => Exit::of_end(reason),
            _ => Exit::Lost,
        };
        Failure::of(exit, &end)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::of(Exit::Error, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_numbers_its_rows_and_the_help_shows_each() {
        let help = Exit::help();
        for (row, (exit, meaning)) in Exit::TABLE.into_iter().enumerate() {
            assert_eq!(exit as usize, row);
            assert!(help.contains(&format!("  {row}  {meaning}")), "{help}");
        }
    }
}
