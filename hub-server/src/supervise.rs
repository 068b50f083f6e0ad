//! Starts tasks of the hub again after a panic or an error. Without this module, one panic would
//! stop the reload of files, for example, until the hub is restarted.

use futures_util::FutureExt;
use std::any::Any;
use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::sleep;

/// A task that failed is started again after this pause. Without the pause, a task that fails at
/// once would spin and fill the log.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs a task of the hub until it is done. If the task panics or fails, logs the error and starts
/// the task again.
///
/// The state that the task shares with others has to stay valid wherever the task stops. That holds
/// because a panic poisons no lock of the hub, and because `Drop` gives back everything that is
/// counted.
pub(crate) async fn keep_running<F>(part: &'static str, mut begin: impl FnMut() -> F)
where
    F: Future<Output = io::Result<()>>,
{
    loop {
        let run = AssertUnwindSafe(async { begin().await });
        let why = match run.catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("panicked: {}", panic_message(&*panic)),
        };
        tracing::error!(part, why, "a part of the hub failed, and is started again");
        sleep(PAUSE).await;
    }
}

/// Returns the message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_panics_or_fails_begins_anew_until_it_is_done() {
        let mut runs = 0;
        actix_rt::System::new().block_on(keep_running("one of a test", || {
            runs += 1;
            let run = runs;
            async move {
                match run {
                    1 => panic!("a fault that this test is about"),
                    2 => Err(io::Error::other("another one")),
                    _ => Ok(()),
                }
            }
        }));
        assert_eq!(runs, 3);
    }
}
