//! The scrub of one event makes a pass over the event as it came, and passes over each rendering until they
//! find nothing more.
//!
//! Without the passes over the renderings, an action could put a text together that a rule searches for.

use super::interrupt::{Interrupt, InterruptCause};
use super::message_pass::MessagePass;
use super::render::render;
use super::scratch::{PassScratch, RuleCount, Scratch};
use super::steps::Steps;
use super::verdict::{FixedEvent, Quarantine, QuarantineReason, Rendering, RuleRefusal, Verdict};
use crate::model::RuleBits;
use crate::plan::Plan;
use hub_wire::{Limits, RefusedCode, check_headers};
use std::sync::Arc;

/// A rendering is written at most this often. A message that needs more is quarantined.
const ROUNDS: usize = 8;

/// Returns how many bytes an event has.
fn bytes_of(payload: &[u8], headers: Option<&[u8]>) -> usize {
    payload.len() + headers.map_or(0, <[u8]>::len)
}

impl Plan {
    /// Scrubs one event. The payload must be one well-formed MessagePack value, and the headers must be one
    /// well-formed map. The walker must have checked both.
    ///
    /// Afterwards [`Scratch::applied`] returns the rules that applied.
    pub fn scrub(&self, payload: &[u8], headers: Option<&[u8]>, scratch: &mut Scratch) -> Verdict {
        let steps = self.budget_of(payload, headers);
        self.scrub_with(steps, payload, headers, scratch)
    }

    /// Scrubs one event, as [`scrub`](Self::scrub) does, unless that takes more than `most` steps although the
    /// budget allows more. Then nothing is decided, and the result is `None`.
    pub fn scrub_up_to(
        &self,
        most: u64,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Option<Verdict> {
        let steps = self.budget_of(payload, headers);
        let verdict = self.scrub_with(steps.at_most(most), payload, headers, scratch);
        let over =
            matches!(&verdict, Verdict::Quarantine(why) if why.reason == QuarantineReason::Steps);
        (!over || most >= steps.limit()).then_some(verdict)
    }

    pub(super) fn budget_of(&self, payload: &[u8], headers: Option<&[u8]>) -> Steps {
        Steps::begin(&self.shared.budget, bytes_of(payload, headers))
    }

    fn scrub_with(
        &self,
        steps: Steps,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Verdict {
        scratch.bytes = bytes_of(payload, headers);
        scratch.counts.clear();
        let counts = (0..self.rules.len()).map(|rule| RuleCount { rule, ..RuleCount::default() });
        scratch.counts.extend(counts);
        match self.run(steps, payload, headers, scratch) {
            Ok(None) => Verdict::Accept,
            Ok(Some(fixed)) => Verdict::Fixed(Box::new(fixed)),
            Err(interrupt) => self.verdict(interrupt),
        }
    }

    fn run(
        &self,
        steps: Steps,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Result<Option<FixedEvent>, Interrupt> {
        if self.is_empty() {
            return Ok(None);
        }
        if let Some(rule) = self.topic_hit {
            return Err(InterruptCause::Refuse { rule, path: "$topic".to_owned() }.into());
        }
        let Scratch { first, again, counts, .. } = scratch;
        first.begin_budget(steps);
        again.begin_budget(steps);
        let replaced = self.pass(payload, headers, first, counts)?;
        if replaced.is_none() && first.payload.is_empty() && first.headers.is_empty() {
            return Ok(None);
        }
        // One budget pays for the pass over the event as it came and for all that follows from its finds.
        (again.steps, again.quick_steps) = (first.steps, first.quick_steps);
        let mut fixed = FixedEvent { renderings: Vec::new(), of_view: Vec::new() };
        // Each rendering is listed with the view for which it was written, and with the rules whose actions
        // decided it. A view in which these actions are equal gets the same rendering.
        let mut made: Vec<(usize, RuleBits)> = Vec::new();
        for view in 0..self.actions.len() {
            let alike = |(other, used): &(usize, RuleBits)| {
                used.iter().all(|rule| self.actions[view][rule] == self.actions[*other][rule])
            };
            let rendering = match made.iter().position(alike) {
                Some(rendering) => rendering,
                None => {
                    let came = Rendering { payload: replaced.clone(), headers: None };
                    let (rendering, used) =
                        self.settle(view, payload, headers, came, first, again)?;
                    made.push((view, used));
                    fixed.renderings.push(rendering);
                    made.len() - 1
                }
            };
            fixed.of_view.push(rendering as u16);
        }
        let unchanged = fixed.renderings.iter().all(|rendering| *rendering == Rendering::default());
        Ok((!unchanged).then_some(fixed))
    }

    /// Writes a message for a view, again and again until a pass over the rendering finds nothing to change.
    fn settle(
        &self,
        view: usize,
        payload: &[u8],
        headers: Option<&[u8]>,
        came: Rendering,
        first: &PassScratch,
        again: &mut PassScratch,
    ) -> Result<(Rendering, RuleBits), Interrupt> {
        let (mut rendering, mut used) = (came, RuleBits::NONE);
        for round in 0..ROUNDS {
            let mut steps = again.steps;
            let scratch = if round == 0 { first } else { &*again };
            let now = rendering.payload.as_deref().unwrap_or(payload);
            let new_payload = render(self, view, now, &scratch.payload, &mut used, &mut steps);
            let rendered = new_payload.and_then(|new_payload| {
                let now = rendering.headers.as_deref().or(headers).unwrap_or_default();
                let headers = render(self, view, now, &scratch.headers, &mut used, &mut steps)?;
                Ok((new_payload, headers))
            });
            // The steps count even if they were too many.
            again.steps = steps;
            let (new_payload, new_headers) = rendered?;
            if round > 0 && new_payload.is_none() && new_headers.is_none() {
                if rendering
                    .headers
                    .as_deref()
                    .is_some_and(|map| check_headers(map, &Limits::NONE).is_err())
                {
                    return Err(QuarantineReason::Headers.into());
                }
                return Ok((rendering, used));
            }
            rendering.payload = new_payload.or(rendering.payload);
            rendering.headers = new_headers.or(rendering.headers);
            let now = rendering.payload.as_deref().unwrap_or(payload);
            let headers = headers.map(|map| rendering.headers.as_deref().unwrap_or(map));
            self.scrub_again(now, headers, first, again)?;
        }
        Err(QuarantineReason::Unsettled.into())
    }

    /// Scrubs a message as it came: first with scrubbers, conditions and schemas, then value by value.
    /// Returns the new payload if scrubbers replaced it. The finds are in `scratch`.
    pub(super) fn pass(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut PassScratch,
        counts: &mut [RuleCount],
    ) -> Result<Option<Vec<u8>>, Interrupt> {
        self.begin(payload, headers, scratch)?;
        self.choose_partial_rules(payload, scratch);
        let came = payload;
        let mut replaced: Option<Vec<u8>> = None;
        for rule in self.sets.scrubbers.iter() {
            self.evaluate_condition(rule, came, headers, scratch)?;
            let now = replaced.as_deref().unwrap_or(payload);
            if let Some(new) = self.own_scrubber(rule, now, headers, scratch, counts)? {
                replaced = Some(new);
            }
        }
        let payload = replaced.as_deref().unwrap_or(payload);
        self.whole_message(payload, headers, scratch, counts)?;
        self.walk_event(payload, headers, scratch, counts)?;
        Ok(replaced)
    }

    /// Searches the values of a rendering. Rules about the message as a whole are not checked again, because
    /// they hold for the message as it came. Otherwise a view that removes a field would violate the schema
    /// that requires the field.
    fn scrub_again(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        first: &PassScratch,
        scratch: &mut PassScratch,
    ) -> Result<(), Interrupt> {
        self.begin(payload, headers, scratch)?;
        let finding = self.sets.walking & !self.sets.structures;
        (scratch.active, scratch.shadow) = (first.active & finding, RuleBits::NONE);
        self.walk_event(payload, headers, scratch, &mut [])
    }

    fn begin(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut PassScratch,
    ) -> Result<(), Interrupt> {
        scratch.reset(self);
        if bytes_of(payload, headers) as u64 > self.shared.budget.bytes {
            return Err(QuarantineReason::Bytes.into());
        }
        Ok(())
    }

    fn walk_event(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut PassScratch,
        counts: &mut [RuleCount],
    ) -> Result<(), Interrupt> {
        if self.sets.walking.is_empty() {
            return Ok(());
        }
        // The fast path counts no steps. If the headers need a pass, a clean payload gets one too, so
        // that its steps are counted.
        let clean = self.is_clean(payload, 0, scratch);
        if clean.is_none() {
            self.walk_bytes(payload, false, scratch, counts)?;
        }
        let mut skipped = clean.unwrap_or(0);
        if let Some(map) = headers {
            let Some(clean_headers) = self.is_clean(map, skipped, scratch) else {
                return self.walk_dirty_headers(payload, map, clean.is_some(), scratch, counts);
            };
            skipped += clean_headers;
        }
        scratch.quick_steps += skipped;
        Ok(())
    }

    /// Walks over headers that need a pass, and before them over the payload if the fast path has replaced its
    /// pass.
    fn walk_dirty_headers(
        &self,
        payload: &[u8],
        headers: &[u8],
        payload_skipped: bool,
        scratch: &mut PassScratch,
        counts: &mut [RuleCount],
    ) -> Result<(), Interrupt> {
        if payload_skipped {
            scratch.candidates_known = false;
            self.walk_bytes(payload, false, scratch, counts)?;
            scratch.candidates_known = false;
        }
        self.walk_bytes(headers, true, scratch, counts)
    }

    fn walk_bytes(
        &self,
        bytes: &[u8],
        in_headers: bool,
        scratch: &mut PassScratch,
        counts: &mut [RuleCount],
    ) -> Result<(), Interrupt> {
        let found = if in_headers { &mut scratch.headers } else { &mut scratch.payload };
        let mut found = std::mem::take(found);
        let result = MessagePass::new(self, bytes, in_headers, scratch, &mut found, counts).run();
        *(if in_headers { &mut scratch.headers } else { &mut scratch.payload }) = found;
        result
    }

    pub(super) fn verdict(&self, interrupt: Interrupt) -> Verdict {
        let name = |rule: usize| -> Arc<str> { self.rules[rule].rule.name.clone() };
        match *interrupt.0 {
            InterruptCause::Refuse { rule, path } => {
                let code = RefusedCode::Rejected;
                Verdict::Refuse(RuleRefusal { code, rule: name(rule), path })
            }
            InterruptCause::Quarantine { rule, reason } => {
                Verdict::Quarantine(Quarantine { rule: rule.map(name), reason })
            }
            InterruptCause::Disconnect { rule } => Verdict::Disconnect { rule: name(rule) },
        }
    }
}
