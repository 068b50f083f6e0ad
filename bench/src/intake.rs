//! Takes apart what a server sends to one connection.

use crate::BenchError;
use crate::dialect::{Control, Dialect, Next};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What one subscriber has received, shown while it runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub messages: AtomicU64,
    pub bytes: AtomicU64,
    /// Messages that the server announced as missing.
    pub missing: AtomicU64,
    /// Highest count of acknowledged messages that the server sent.
    pub acknowledged: AtomicU64,
}

impl Tally {
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Relaxed)
    }
}

/// The state between two reads of a connection.
pub(crate) struct Intake<'a> {
    dialect: &'a dyn Dialect,
    /// The length of a delivered message; all have the same.
    message: usize,
    /// Bytes of messages that were announced and have not come yet.
    due: u64,
    tally: &'a Tally,
    /// Bytes of messages so far.
    taken: u64,
}

/// What to do with each message.
pub(crate) enum Each<'a> {
    /// Only count them, so that most of their bytes are never looked at.
    Count,
    /// Hand over each, complete.
    See(&'a mut dyn FnMut(&[u8])),
}

impl<'a> Intake<'a> {
    pub(crate) fn new(dialect: &'a dyn Dialect, message: usize, tally: &'a Tally) -> Self {
        Intake { dialect, message: message.max(1), due: 0, tally, taken: 0 }
    }

    /// Takes what it can from `bytes` and says how much that was. Answers that the server asked
    /// for are appended to `answers`.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        each: &mut Each<'_>,
        answers: &mut Vec<u8>,
    ) -> Result<usize, BenchError> {
        let mut at = 0;
        loop {
            if self.due > 0 {
                let rest = &bytes[at..];
                let ready = usize::try_from(self.due).unwrap_or(usize::MAX).min(rest.len());
                let used = match each {
                    Each::Count => ready,
                    Each::See(see) => {
                        let mut messages = rest[..ready].chunks_exact(self.message);
                        messages.by_ref().for_each(see);
                        ready - messages.remainder().len()
                    }
                };
                at += used;
                self.taken += used as u64;
                self.due -= used as u64;
                if self.due > 0 {
                    break;
                }
            }
            match self.dialect.next(&bytes[at..])? {
                Next::More => break,
                Next::Messages { skip, count } => {
                    at += skip;
                    self.due = count.saturating_mul(self.message as u64);
                }
                Next::Control { len, what } => {
                    at += len;
                    match what {
                        Control::Nothing => {}
                        Control::Answer(answer) => answers.extend_from_slice(&answer),
                        Control::Acknowledged(count) => {
                            self.tally.acknowledged.store(count, Relaxed);
                        }
                        Control::AcknowledgedOne => {
                            self.tally.acknowledged.fetch_add(1, Relaxed);
                        }
                        Control::Missing(count) => {
                            self.tally.missing.fetch_add(count, Relaxed);
                        }
                    }
                }
            }
        }
        self.tally.bytes.fetch_add(at as u64, Relaxed);
        self.tally.messages.store(self.taken / self.message as u64, Relaxed);
        Ok(at)
    }
}
