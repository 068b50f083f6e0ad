//! Sends an audit as JSON, a few lines at a time. Without this module, the text of an audit of 100,000
//! topics would be in memory as a whole, for as long as its reader takes.

use super::audit_line::Line;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use serde_json::Value;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;

/// The audit looks at this many topics before it lets other requests have their turn.
const TOPICS_A_TURN: usize = 256;

/// Makes the text of an audit while it is sent. The length is known before, so that every reader of
/// HTTP notices if the answer is cut.
#[derive(Debug)]
pub(crate) struct AuditBody {
    /// This text comes first. It ends before the first line.
    head: Bytes,
    lines: std::vec::IntoIter<Line>,
    /// So many bytes are not sent yet.
    left: u64,
    /// No more audits than the hub allows are in memory.
    _permit: Option<OwnedSemaphorePermit>,
}

const END: &str = "]}";

impl AuditBody {
    /// Returns the audit with the figures of the hub, which are a JSON object, and these lines.
    pub(super) async fn new(of_hub: &Value, lines: Vec<Line>) -> Self {
        let mut head = of_hub.to_string();
        head.pop(); // the closing brace of the object
        head.push_str(",\"topics\":[");
        let mut left = (head.len() + END.len()) as u64;
        for (number, line) in lines.iter().enumerate() {
            // All lines but the last have a comma behind them.
            let comma = u64::from(number + 1 < lines.len());
            left += line.to_json().to_string().len() as u64 + comma;
            give_turn_after(number).await;
        }
        AuditBody { head: head.into(), lines: lines.into_iter(), left, _permit: None }
    }

    /// Returns the audit, which gives the permit back when it is sent or given up.
    pub(crate) fn with_permit(self, permit: OwnedSemaphorePermit) -> Self {
        AuditBody { _permit: Some(permit), ..self }
    }

    /// Returns the next part of the text. An empty text means that all of it is sent.
    fn next_part(&mut self) -> Bytes {
        if !self.head.is_empty() {
            return std::mem::take(&mut self.head);
        }
        let mut text = String::new();
        for line in self.lines.by_ref().take(TOPICS_A_TURN) {
            text.push_str(&line.to_json().to_string());
            text.push(',');
        }
        if self.lines.len() == 0 && self.left > 0 {
            text.pop(); // the comma behind the last line
            text.push_str(END);
        }
        text.into()
    }
}

impl Body for AuditBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let part = self.next_part();
        self.left = self.left.saturating_sub(part.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Lets other requests have their turn after every few topics.
pub(super) async fn give_turn_after(topics: usize) {
    if topics.is_multiple_of(TOPICS_A_TURN) {
        yield_now().await;
    }
}
