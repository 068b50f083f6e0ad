//! Reloads files on request, for example over the admin API. Each file is loaded whether it has changed
//! or not, because secrets that a file names may have changed.

use super::report::ReloadReport;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

/// Asks the watchers of all files to load them now.
#[derive(Debug, Default)]
pub(crate) struct ReloadRequests(Mutex<Vec<mpsc::UnboundedSender<oneshot::Sender<ReloadReport>>>>);

/// Receives the requests for one file. Each sender of a request waits until it is answered.
pub(crate) type RequestsForFile = mpsc::UnboundedReceiver<oneshot::Sender<ReloadReport>>;

impl ReloadRequests {
    /// Returns the requests for one more file. From this call on, each request is for this file as
    /// well.
    pub(crate) fn register(&self) -> RequestsForFile {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.lock().push(sender);
        receiver
    }

    /// Loads every file, and returns the report on each.
    pub(crate) async fn all(&self) -> Vec<ReloadReport> {
        let ask = |follower: &mpsc::UnboundedSender<_>| {
            let (answer, answered) = oneshot::channel();
            follower.send(answer).is_ok().then_some(answered)
        };
        let answers: Vec<_> = self.0.lock().iter().filter_map(ask).collect();
        join_all(answers).await.into_iter().flatten().collect()
    }
}
