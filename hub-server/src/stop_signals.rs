//! Ends the process on SIGTERM and SIGINT. Without this module, a thread that hangs, for example in a file
//! system, would keep a hub from stopping, and nobody would hear the second signal.
//!
//! A thread of its own waits for the signals. It needs none of the threads of the hub.

use std::process::exit;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;

/// A hub that has not stopped this long after its time to drain is ended. So it ends within a second
/// after that time.
const BEYOND_DRAIN: Duration = Duration::from_millis(800);
/// The last line of the log has this long to be written.
const LAST_LINE: Duration = Duration::from_millis(50);

/// Resolves at the first SIGTERM or SIGINT. From the first poll on, the process ends at a second
/// signal, and also if it has not ended by itself within `drain` and [`BEYOND_DRAIN`]. In both cases
/// its exit code is 1.
pub(crate) async fn told_to_stop(drain: Duration) {
    let (told, is_told) = oneshot::channel();
    let (ready, is_ready) = mpsc::channel();
    let watch = move || watch(drain, &ready, told);
    let started = thread::Builder::new().name("hub-signals".to_owned()).spawn(watch);
    // The thread registers for the signals at once, so this wait is short.
    if let Err(error) = started.map_err(|error| error.to_string()).and_then(|_| {
        is_ready.recv().map_err(|_| "the system does not let the hub handle signals".to_owned())
    }) {
        tracing::error!(error, "a signal ends the hub without a drain");
    }
    if is_told.await.is_err() {
        std::future::pending().await
    }
}

/// Waits for the signals, and ends the process if it does not end by itself.
fn watch(drain: Duration, ready: &mpsc::Sender<()>, told: oneshot::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let (Ok(mut term), Ok(mut int)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        let _ = ready.send(());
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("draining; another signal ends at once");
        // Nobody hears it if the hub is ending for another reason.
        let _ = told.send(());
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
            () = sleep(drain.saturating_add(BEYOND_DRAIN)) => {
                tracing::error!("the hub did not stop in time, and is ended");
                thread::sleep(LAST_LINE);
            }
        }
        exit(1);
    });
}
