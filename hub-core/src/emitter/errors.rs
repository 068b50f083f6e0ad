//! Passes each error of a listener to the readers of a stream, or to the log. Without this module,
//! a listener that fails or misses events would do so unseen.

use super::error_log::ErrorLog;
use super::listener_error::ListenerError;
use futures_util::Stream;
use parking_lot::Mutex;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// At most this many errors wait for one reader of the stream. Further errors are logged.
const ERRORS_WAITING: usize = 256;

/// Yields the errors of an emitter's listeners, as they happen.
///
/// The stream holds a bounded number of errors. An error is logged if it does not fit, or if nobody
/// reads errors. Dropping the stream ends it.
#[derive(Debug)]
pub struct Errors(mpsc::Receiver<ListenerError>);

impl Errors {
    /// Waits for the next error. Returns `None` when the emitter is gone.
    pub async fn next(&mut self) -> Option<ListenerError> {
        self.0.recv().await
    }
}

impl Stream for Errors {
    type Item = ListenerError;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ListenerError>> {
        self.0.poll_recv(cx)
    }
}

/// Holds the streams to which errors go.
#[derive(Debug, Default)]
pub(super) struct ErrorSinks {
    open: Mutex<Vec<mpsc::Sender<ListenerError>>>,
    log: ErrorLog,
}

impl ErrorSinks {
    /// Opens one more stream of errors.
    pub(super) fn open(&self) -> Errors {
        let (sink, errors) = mpsc::channel(ERRORS_WAITING);
        let mut sinks = self.open.lock();
        sinks.retain(|sink| !sink.is_closed());
        sinks.push(sink);
        Errors(errors)
    }

    /// Passes an error to every stream. Logs the error if no stream took it, or if a stream had no
    /// room.
    pub(super) fn report(&self, error: ListenerError) {
        let mut taken = 0;
        let mut lost = 0;
        self.open.lock().retain(|sink| match sink.try_send(error.clone()) {
            Ok(()) => {
                taken += 1;
                true
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                lost += 1;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
        if taken == 0 || lost > 0 {
            self.log.write(&error);
        }
    }
}
