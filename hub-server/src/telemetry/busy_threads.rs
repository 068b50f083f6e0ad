//! Shows for how long one client has kept a thread. Without this metric, nobody would see that a thread
//! gives others their turn too late, and clients would only seem to be slow at times.

use actix::ArbiterHandle;
use hub_core::topic::ThreadWatch;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Opts};
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::time::Duration;

/// Reads the longest turn of each thread that serves clients when the metrics are scraped.
#[derive(Debug)]
pub(crate) struct BusyThreads {
    threads: Vec<Arc<ThreadWatch>>,
    longest: GaugeVec,
}

impl BusyThreads {
    /// Watches the threads of these arbiters.
    #[allow(clippy::expect_used, reason = "a constant, valid name")]
    pub(crate) fn watch(arbiters: &[ArbiterHandle]) -> Self {
        let threads = arbiters.iter().map(|arbiter| {
            let watch = Arc::new(ThreadWatch::default());
            let watched = watch.clone();
            arbiter.spawn_fn(move || watched.watch_thread(processor_time));
            watch
        });
        let opts = Opts::new(
            "hub_thread_busy_seconds_max",
            "The longest time for which a thread worked before it let the next client have its turn.",
        );
        BusyThreads {
            threads: threads.collect(),
            longest: GaugeVec::new(opts, &["thread"]).expect("a constant, valid name"),
        }
    }
}

impl Collector for BusyThreads {
    fn desc(&self) -> Vec<&Desc> {
        self.longest.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (number, thread) in self.threads.iter().enumerate() {
            let longest = self.longest.with_label_values(&[number.to_string()]);
            longest.set(thread.longest().as_secs_f64());
        }
        self.longest.collect()
    }
}

/// Returns how much processor time the present thread has used.
fn processor_time() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}
