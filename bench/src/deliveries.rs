//! Describes the deliveries of a load before it begins: how long each message is, and where its time
//! is.
//!
//! The cheapest way to count messages depends on their lengths. If all messages have one length, a
//! subscriber divides the number of bytes by it. Otherwise it has to find the end of each message.

use crate::cycle::Cycle;
use crate::error::BenchError;
use crate::field_offset::FieldOffset;
use crate::intake::Length;
use crate::load_plan::LoadPlan;
use crate::payload::MARK;
use crate::receive::MessageLayout;

/// Describes the deliveries of a load.
#[derive(Debug)]
pub(crate) struct Deliveries {
    /// Holds the length of each delivered message, in the order in which a publisher sends them.
    lengths: Vec<usize>,
    /// It is true if a delivered message states its length.
    told: bool,
    /// Says where the sender's time is in a message. Only paced runs have it.
    stamp: Option<FieldOffset>,
}

impl Deliveries {
    /// Describes the deliveries of the messages of `cycle` on `topic`, or on another topic whose
    /// name is as long.
    ///
    /// # Errors
    /// Returns an error if the run is paced and the messages have no place for a time. The
    /// function also returns an error if a subscriber could not find the end of a message, because
    /// the lengths differ, the server does not state them, and the messages of several publishers
    /// arrive mixed.
    pub(crate) fn new(plan: &LoadPlan<'_>, topic: &str, cycle: &Cycle) -> Result<Self, BenchError> {
        let messages = plan.payload.messages();
        let delivered = || messages.iter().map(|message| plan.dialect.delivered(topic, message));
        let once: Vec<usize> = delivered().map(|message| message.len()).collect();
        let lengths = once.iter().copied().cycle().take(cycle.messages().count()).collect();
        let stamp = plan.rate.map(|_| FieldOffset::of(&MARK, delivered())).transpose()?;
        let deliveries = Deliveries { lengths, told: plan.dialect.tells_length(), stamp };
        let mixed = plan.groups.iter().any(|group| group.publishers > 1);
        if mixed && matches!(deliveries.layout().length, Length::InTurn(_)) {
            let what = "messages of several publishers and of different lengths cannot be counted";
            return Err(BenchError::Plan(format!("{what}: {} marks no end", plan.dialect.name())));
        }
        Ok(deliveries)
    }

    /// Returns the layout by which a subscriber counts the messages.
    pub(crate) fn layout(&self) -> MessageLayout<'_> {
        let length = match self.lengths[..] {
            [first, ref rest @ ..] if rest.iter().all(|length| *length == first) => {
                Length::Same(first)
            }
            _ if self.told => Length::Told,
            _ => Length::InTurn(&self.lengths),
        };
        MessageLayout { length, stamp: self.stamp }
    }

    /// Returns the mean length of a message in bytes.
    pub(crate) fn mean_length(&self) -> usize {
        self.lengths.iter().sum::<usize>() / self.lengths.len().max(1)
    }
}
