//! Gathers checked events by topic: the events of one topic become one run. Without this module,
//! each event would be numbered and queued on its own.

use super::check::too_many;
use super::checked_event::{EventRefusal, QUARANTINE, RunKey};
use super::handles::Handles;
use super::run_builder::{OpenRun, RunBuilder};
use crate::directory::publish_numbers::PublishNumbers;
use hub_core::topic::{PendingRun, Topic, ViewResolver};
use hub_scrub::Verdict;
use hub_wire::{EventFrame, Frame, RefusedCode, header_id};
use std::ops::Range;
use std::sync::Arc;

/// The hub itself publishes under this name.
const HUB: &str = "hub";

impl RunBuilder {
    /// Adds checked EVENT frames of one run, in the form in which they came.
    pub(super) fn add(&mut self, key: RunKey, frames: &[u8], numbers: Range<u64>) {
        let count = (numbers.end - numbers.start) as u32;
        self.run_of(key, frames.len(), numbers).run.push(frames, count);
    }

    /// Adds an event that rules have changed. Refuses the event if the change made it longer than a
    /// frame may be.
    pub(super) fn add_changed(
        &mut self,
        key: RunKey,
        event: &EventFrame<'_>,
        verdict: &Verdict,
        number: u64,
        limit: u32,
    ) -> Result<(), EventRefusal> {
        let Verdict::Fixed(fixed) = verdict else { return Ok(()) };
        let topic = self.topics[key.topic].topic.clone();
        let mut frames = vec![Vec::new(); fixed.renderings()];
        let view = |view: usize| hub_scrub::ViewId::from_index(view);
        for number in 0..self.rules.views() {
            let frame = &mut frames[fixed.rendering_of(view(number))];
            if let Some((payload, headers)) =
                verdict.render(view(number), event.payload, event.headers)
                && frame.is_empty()
            {
                let topic = topic.name().as_str();
                Frame::Event(EventFrame { topic, payload, headers }).write(frame);
            }
        }
        if frames.iter().any(|frame| frame.len() - 4 > limit as usize) {
            let why = "the scrub made it longer than a frame may be";
            return Err(EventRefusal::new(RefusedCode::Quarantined, why));
        }
        let rules: Arc<dyn ViewResolver> = self.rules.clone();
        let gathered = self.run_of(key, frames[0].len(), number..number + 1);
        if event.headers.is_some() {
            let id = event.headers.and_then(header_id);
            gathered.original_ids.push((number, id.map(Box::from)));
        }
        let run = &mut gathered.run;
        match frames.as_slice() {
            [frame] => run.push(frame, 1),
            frames => run.push_views(&rules, |number| &frames[fixed.rendering_of(view(number))]),
        }
        Ok(())
    }

    /// Adds a notice of the hub itself. The notice has no publish number, because no publisher gets
    /// a receipt for it.
    pub(super) fn add_notice(&mut self, topic: Arc<Topic>, payload: &[u8]) {
        let event = EventFrame { topic: topic.name().as_str(), payload, headers: None };
        let frame = Frame::Event(event).to_bytes();
        let mut run = PendingRun::new(self.source(&topic, HUB), frame.len());
        run.push(&frame, 1);
        self.runs.push(OpenRun::new(topic, run, PublishNumbers::default()));
    }

    /// Returns the open run of a key, and begins a run if none is open. The caller adds `bytes`
    /// bytes of events to the run, and this function notes their publish numbers.
    fn run_of(&mut self, key: RunKey, bytes: usize, numbers: Range<u64>) -> &mut OpenRun {
        let known = &mut self.topics[key.topic];
        let open = self.runs.get(known.slot).is_some_and(|gathered| {
            Arc::ptr_eq(&gathered.topic, &known.topic) && gathered.run.is_request() == key.request
        });
        if !open {
            let (usual_bytes, usual_stretches) = std::mem::take(&mut known.gathered);
            let mut run = PendingRun::new(known.source.clone(), bytes.max(usual_bytes));
            if key.request {
                run = run.as_request();
            }
            known.slot = self.runs.len();
            let topic = known.topic.clone();
            let numbers = PublishNumbers::with_capacity(usual_stretches);
            self.runs.push(OpenRun::new(topic, run, numbers));
        }
        known.gathered.0 += bytes;
        known.gathered.1 += 1;
        let gathered = &mut self.runs[known.slot];
        gathered.numbers.push(numbers);
        gathered
    }

    /// Moves a run from a topic that has ended to the new topic of the same name.
    pub(super) fn renew(
        &mut self,
        old: OpenRun,
        hub: &Handles,
        publisher: &str,
    ) -> Result<OpenRun, Box<(OpenRun, EventRefusal)>> {
        let name = old.topic.name().clone();
        let of_quarantine = name.as_str().starts_with(QUARANTINE);
        let found = match of_quarantine {
            true => hub.directory.registry.get_or_create(&name).map_err(|e| too_many(hub, e)),
            false => self.find(hub, name.as_str()),
        };
        let topic = match found {
            Ok(topic) => topic,
            Err(refusal) => return Err(Box::new((old, refusal))),
        };
        let source = if of_quarantine {
            // The session does not remember this topic, because it remembers only topics on which
            // its client may publish.
            self.source(&topic, HUB)
        } else {
            match self.by_name.get(name.as_str().as_bytes()).copied() {
                Some(known) => {
                    let source = self.source(&topic, publisher);
                    let known = &mut self.topics[known];
                    (known.topic, known.source) = (topic.clone(), source.clone());
                    source
                }
                None => {
                    let known = self.remember(name.as_str(), topic.clone(), publisher);
                    self.topics[known].source.clone()
                }
            }
        };
        Ok(OpenRun { topic, run: old.run.retarget(source), ..old })
    }
}
