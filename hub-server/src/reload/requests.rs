//! Reloads files on request, for example over the admin API. Each file is loaded whether it has changed
//! or not, because secrets that a file names may have changed.

use super::report::ReloadReport;
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Whoever asks for a reload waits at most this long for the report on a file. A file system that
/// does not answer can take longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the watchers of all files to load them now.
#[derive(Debug, Default)]
pub(crate) struct ReloadRequests(Mutex<Vec<Followed>>);

/// Holds the name of a file that is followed, and the way to its watcher.
#[derive(Debug)]
struct Followed {
    file: String,
    watcher: mpsc::UnboundedSender<oneshot::Sender<ReloadReport>>,
}

/// Receives the requests for one file. Each sender of a request waits until it is answered.
pub(crate) type RequestsForFile = mpsc::UnboundedReceiver<oneshot::Sender<ReloadReport>>;

impl ReloadRequests {
    /// Returns the requests for one more file. From this call on, each request is for this file as
    /// well.
    pub(crate) fn register(&self, file: String) -> RequestsForFile {
        let (watcher, receiver) = mpsc::unbounded_channel();
        self.0.lock().push(Followed { file, watcher });
        receiver
    }

    /// Loads every file, and returns the report on each, within [`PATIENCE`].
    pub(crate) async fn all(&self) -> Vec<ReloadReport> {
        self.within(PATIENCE).await
    }

    async fn within(&self, patience: Duration) -> Vec<ReloadReport> {
        let ask = |followed: &Followed| {
            let (answer, answered) = oneshot::channel();
            // Sending fails only when the hub ends.
            let _ = followed.watcher.send(answer);
            let file = followed.file.clone();
            async move {
                match timeout(patience, answered).await {
                    Ok(Ok(report)) => report,
                    Ok(Err(_)) => ReloadReport::refused(file, "nothing follows the file any more"),
                    Err(_) => ReloadReport::refused(
                        file,
                        "the file is still being loaded; the log will have the result",
                    ),
                }
            }
        };
        let answers: Vec<_> = self.0.lock().iter().map(ask).collect();
        join_all(answers).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_read_in_time_does_not_hold_the_answer() {
        actix_rt::System::new().block_on(async {
            let requests = ReloadRequests::default();
            let mut hangs = requests.register("hangs.toml".to_owned());
            drop(requests.register("ended.toml".to_owned()));
            let reports = requests.within(Duration::ZERO).await;
            assert!(hangs.try_recv().is_ok(), "the watcher was asked");
            let shown: Vec<_> = reports.iter().map(|report| report.to_json().to_string()).collect();
            assert!(shown[0].contains("hangs.toml") && shown[0].contains("still being loaded"));
            assert!(shown[1].contains("ended.toml") && shown[1].contains("refused"));
        });
    }
}
