//! Makes dead letters from events that are given up.
//!
//! Without dead letters, an event on which every handler fails would be gone, and nobody could see why.

use super::frames::frame_ends;
use super::pending_run::PendingRun;
use super::queued_run::QueuedRun;
use super::run_source::RunSource;
use super::run_views::ViewResolver;
use hub_wire::{EventFrame, FrameType, Limits, Packer, Reader, TopicName, frame_with};
use std::sync::Arc;

/// The headers of a dead letter begin with this text. No client can send such headers.
const DEAD: &str = "$dead.";

/// Holds events that are given up, ready to be published to a dead-letter topic.
#[derive(Debug)]
pub(super) struct DeadLetters {
    /// They go to this topic.
    pub to: TopicName,
    /// The EVENT frames, in each view.
    views: Vec<Vec<u8>>,
    resolver: Option<Arc<dyn ViewResolver>>,
    /// The events that are given up.
    pub run: QueuedRun,
}

impl DeadLetters {
    pub(super) fn of(run: QueuedRun, to: TopicName, reason: &str) -> Self {
        let letters = |frames: &[u8]| dead_letters(&run, frames, &to, reason);
        let (views, resolver) = match &run.views {
            None => (vec![letters(&run.events)], None),
            Some(views) => (
                views.events.iter().map(|events| letters(events)).collect(),
                Some(views.resolver.clone()),
            ),
        };
        DeadLetters { to, views, resolver, run }
    }

    /// Returns the run to publish.
    pub(super) fn pending(&self, source: Arc<RunSource>) -> PendingRun {
        let mut run = PendingRun::new(source, self.views[0].len());
        let Some(resolver) = &self.resolver else {
            run.push(&self.views[0], self.run.count);
            return run;
        };
        let ends: Vec<Vec<usize>> =
            self.views.iter().map(|view| frame_ends(view).collect()).collect();
        for n in 0..self.run.count as usize {
            run.push_views(resolver, |view| {
                let start = n.checked_sub(1).map_or(0, |before| ends[view][before]);
                &self.views[view][start..ends[view][n]]
            });
        }
        run
    }
}

/// Makes the EVENT frames of dead letters from the EVENT frames `frames` of the run `run`. They go to
/// the topic `to`, and their headers state where each event came from and why it was given up.
fn dead_letters(run: &QueuedRun, frames: &[u8], to: &TopicName, reason: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(frames.len() + frames.len() / 2);
    let mut start = 0;
    for (number, end) in (run.first..).zip(frame_ends(frames)) {
        let frame = &frames[std::mem::replace(&mut start, end)..end];
        // The hub has checked each frame when it came, so each has a body that can be read.
        let body = frame.get(4..).unwrap_or_default();
        let Ok(event) = EventFrame::parse(body, &Limits::NONE) else { continue };
        let mut headers = Vec::new();
        let count = kept_headers(event.headers, &mut headers);
        let mut pack = Packer(&mut headers);
        let mut more = 5;
        pack.str("$dead.topic").str(run.stream.topic.as_str());
        pack.str("$dead.epoch").uint(run.stream.epoch).str("$dead.number").uint(number);
        pack.str("$dead.attempts").uint(run.attempt.into()).str("$dead.reason").str(reason);
        if let Some(group) = &run.group {
            more += 1;
            pack.str("$dead.group").str(group);
        }
        frame_with(&mut out, |out| {
            let mut pack = Packer(out);
            pack.array(4).uint(FrameType::Event.number().into()).str(to.as_str());
            pack.raw(event.payload).map(count + more).raw(&headers);
        });
    }
    out
}

/// Appends the headers of an event that stay in its dead letter to `out`, and returns their number.
///
/// A dead letter is no request, because its reader is not the one that was asked. It states only its
/// own death, if the event was a dead letter itself.
fn kept_headers(headers: Option<&[u8]>, out: &mut Vec<u8>) -> u32 {
    let Some(headers) = headers else { return 0 };
    let mut read = Reader::new(headers, &Limits::NONE);
    let mut kept = 0;
    for _ in 0..read.map("headers").unwrap_or(0) {
        let start = read.position();
        let Ok(key) = read.str("key") else { break };
        if read.value("value").is_err() {
            break;
        }
        if key != "reply" && !key.starts_with(DEAD) {
            out.extend_from_slice(&headers[start..read.position()]);
            kept += 1;
        }
    }
    kept
}
