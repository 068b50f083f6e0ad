use super::super::bits::Bits;
use super::super::condition::Inputs;
use super::super::headers::check_headers;
use super::super::plan::Plan;
use super::super::rule::{Mode, RuleKind};
use super::super::schema::to_json;
use super::super::scrubber::{ScrubberEvent, ScrubberOutcome};
use super::pass::{Pass, Stop};
use super::render::render;
use super::state::{RuleCount, Scratch, Work};
use super::verdict::{Fixed, Frame, Quarantine, QuarantineReason, Refusal, Verdict};
use crate::wire::{Limits, RefusedCode, walk_all};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

/// How often a message is scrubbed until it must have come to rest.
const ROUNDS: usize = 8;

/// The code of events that a rule refuses.
const REFUSED_BY_RULE: u16 = 17;

impl Plan {
    /// Scrubs one event. Payload and headers must have passed the walker: one well-formed value
    /// each, the headers a map.
    ///
    /// What applied is in [`Scratch::applied`] afterwards.
    pub fn scrub(&self, payload: &[u8], headers: Option<&[u8]>, scratch: &mut Scratch) -> Verdict {
        scratch.counts.clear();
        let counts = (0..self.rules.len()).map(|rule| RuleCount { rule, ..RuleCount::default() });
        scratch.counts.extend(counts);
        match self.run(payload, headers, scratch) {
            Ok(None) => Verdict::Accept,
            Ok(Some(fixed)) => Verdict::Fixed(Box::new(fixed)),
            Err(stop) => self.verdict(stop),
        }
    }

    fn run(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Result<Option<Fixed>, Stop> {
        if self.is_empty() {
            return Ok(None);
        }
        if let Some(rule) = self.topic_hit {
            return Err(Stop::Refuse { rule, path: "$topic".to_owned() });
        }
        let Scratch { first, again, counts } = scratch;
        let replaced = self.pass(payload, headers, first, counts)?;
        if replaced.is_none() && first.payload.is_empty() && first.headers.is_empty() {
            return Ok(None);
        }
        let mut fixed = Fixed { frames: Vec::new(), of_view: Vec::new() };
        // For each frame, the view it was made for, and the rules whose actions it depends on.
        let mut made: Vec<(usize, Bits)> = Vec::new();
        for view in 0..self.actions.len() {
            let alike = |(other, used): &(usize, Bits)| {
                used.iter().all(|rule| self.actions[view][rule] == self.actions[*other][rule])
            };
            let frame = match made.iter().position(alike) {
                Some(frame) => frame,
                None => {
                    let came = Frame { payload: replaced.clone(), headers: None };
                    let (frame, used) = self.settle(view, payload, headers, came, first, again)?;
                    made.push((view, used));
                    fixed.frames.push(frame);
                    made.len() - 1
                }
            };
            fixed.of_view.push(frame as u16);
        }
        let unchanged = fixed.frames.iter().all(|frame| *frame == Frame::default());
        Ok((!unchanged).then_some(fixed))
    }

    /// Writes a message for a view until another pass over it changes nothing.
    fn settle(
        &self,
        view: usize,
        payload: &[u8],
        headers: Option<&[u8]>,
        came: Frame,
        first: &Work,
        again: &mut Work,
    ) -> Result<(Frame, Bits), Stop> {
        let (mut frame, mut used) = (came, Bits::NONE);
        let mut replaced = false;
        for round in 0..ROUNDS {
            let work = if round == 0 { first } else { &*again };
            let now = frame.payload.as_deref().unwrap_or(payload);
            let new_payload = render(self, view, now, &work.payload, &mut used);
            let now = frame.headers.as_deref().or(headers).unwrap_or_default();
            let new_headers = render(self, view, now, &work.headers, &mut used);
            if round > 0 && !replaced && new_payload.is_none() && new_headers.is_none() {
                if frame
                    .headers
                    .as_deref()
                    .is_some_and(|map| check_headers(map, &Limits::NONE).is_err())
                {
                    return Err(QuarantineReason::Headers.into());
                }
                return Ok((frame, used));
            }
            frame.payload = new_payload.or(frame.payload);
            frame.headers = new_headers.or(frame.headers);
            let now = frame.payload.as_deref().unwrap_or(payload);
            let headers = headers.map(|map| frame.headers.as_deref().unwrap_or(map));
            let by_scrubber = self.pass(now, headers, again, &mut [])?;
            replaced = by_scrubber.is_some();
            frame.payload = by_scrubber.or(frame.payload);
        }
        Err(QuarantineReason::Unsettled.into())
    }

    /// Looks at a message once: scrubbers, conditions, schemas, then every byte. Returns the
    /// payload that scrubbers made of it, if they did; what was found in it is in `work`.
    fn pass(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        work: &mut Work,
        counts: &mut [RuleCount],
    ) -> Result<Option<Vec<u8>>, Stop> {
        work.reset(self);
        if (payload.len() + headers.map_or(0, <[u8]>::len)) as u64 > self.shared.budget.bytes {
            return Err(QuarantineReason::Bytes.into());
        }
        self.draw(payload, work);
        let came = payload;
        let mut replaced: Option<Vec<u8>> = None;
        for rule in self.sets.scrubbers.iter() {
            self.weigh(rule, came, headers, work)?;
            let now = replaced.as_deref().unwrap_or(payload);
            if let Some(new) = self.own_scrubber(rule, now, headers, work, counts)? {
                replaced = Some(new);
            }
        }
        let payload = replaced.as_deref().unwrap_or(payload);
        self.whole_message(payload, headers, work, counts)?;
        if self.sets.walking.is_empty() {
            return Ok(replaced);
        }
        for (bytes, in_headers) in [(Some(payload), false), (headers, true)] {
            let Some(bytes) = bytes else { continue };
            let found = if in_headers { &mut work.headers } else { &mut work.payload };
            let mut found = std::mem::take(found);
            let mut pass = Pass { plan: self, bytes, in_headers, work, found: &mut found, counts };
            let result = pass.run();
            *(if in_headers { &mut work.headers } else { &mut work.payload }) = found;
            result?;
        }
        Ok(replaced)
    }

    /// Decides for rules that act on a part of the messages. The choice hangs on the payload, so
    /// it is the same each time.
    fn draw(&self, payload: &[u8], work: &mut Work) {
        if self.sets.partial.is_empty() {
            return;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(payload);
        let draw = hasher.finish() % 100;
        for rule in self.sets.partial.iter() {
            if let Mode::Percent(percent) = self.rules[rule].mode
                && draw >= u64::from(percent)
            {
                work.shadow.set(rule);
                work.active = work.active & !Bits::one(rule);
            }
        }
    }

    fn own_scrubber(
        &self,
        rule: usize,
        payload: &[u8],
        headers: Option<&[u8]>,
        work: &mut Work,
        counts: &mut [RuleCount],
    ) -> Result<Option<Vec<u8>>, Stop> {
        let RuleKind::Scrubber(scrubber) = &self.rules[rule].rule.kind else { return Ok(None) };
        if !(work.active | work.shadow).has(rule) {
            return Ok(None);
        }
        let event = ScrubberEvent { topic: self.topic.as_str(), payload, headers };
        match scrubber.scrub(&event) {
            ScrubberOutcome::Pass => Ok(None),
            ScrubberOutcome::Replace(new) if new == payload => Ok(None),
            ScrubberOutcome::Replace(new) => {
                if walk_all(&new, &Limits::NONE).is_err() {
                    return Err(Stop::Quarantine {
                        rule: Some(rule),
                        reason: QuarantineReason::BadScrubber,
                    });
                }
                let acts = work.active.has(rule);
                count(counts, rule, acts);
                Ok(acts.then_some(new))
            }
            ScrubberOutcome::Hit => self.message_hit(rule, "$", work, counts).map(|()| None),
        }
    }

    /// Conditions and schemas.
    fn whole_message(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        work: &mut Work,
        counts: &mut [RuleCount],
    ) -> Result<(), Stop> {
        let conditional = self.sets.conditional & !self.sets.scrubbers;
        if !conditional.is_empty() {
            let inputs = Inputs::new(self.topic.as_str(), payload, headers);
            for rule in conditional.iter() {
                self.decide(rule, inputs.as_ref(), work)?;
            }
        }
        let running = work.active | work.shadow;
        let schemas = self.sets.schemas & running;
        if !schemas.is_empty() {
            work.steps += payload.len() as u64;
            let json = to_json(payload);
            for rule in schemas.iter() {
                let RuleKind::Schema(schema) = &self.rules[rule].rule.kind else { continue };
                let fault = match &json {
                    Some(json) => schema.fault(json),
                    None => Some("the payload has no JSON".to_owned()),
                };
                if let Some(path) = fault {
                    self.message_hit(rule, &path, work, counts)?;
                }
            }
        }
        for rule in (self.sets.conditions & running).iter() {
            self.message_hit(rule, "$", work, counts)?;
        }
        Ok(())
    }

    /// Evaluates the condition of one rule that has one.
    fn weigh(
        &self,
        rule: usize,
        payload: &[u8],
        headers: Option<&[u8]>,
        work: &mut Work,
    ) -> Result<(), Stop> {
        if !self.sets.conditional.has(rule) {
            return Ok(());
        }
        let inputs = Inputs::new(self.topic.as_str(), payload, headers);
        self.decide(rule, inputs.as_ref(), work)
    }

    fn decide(&self, rule: usize, inputs: Option<&Inputs>, work: &mut Work) -> Result<(), Stop> {
        // What CEL has no values for is in doubt, and then the rule applies.
        let (Some(condition), Some(inputs)) = (&self.rules[rule].rule.condition, inputs) else {
            return Ok(());
        };
        work.steps = work.steps.saturating_add(condition.cost(inputs));
        if work.steps > self.shared.budget.steps {
            return Err(Stop::Quarantine { rule: Some(rule), reason: QuarantineReason::Steps });
        }
        if !condition.holds(inputs) {
            let others = !Bits::one(rule);
            (work.active, work.shadow) = (work.active & others, work.shadow & others);
        }
        Ok(())
    }

    fn message_hit(
        &self,
        rule: usize,
        path: &str,
        work: &mut Work,
        counts: &mut [RuleCount],
    ) -> Result<(), Stop> {
        use super::super::action::Action;
        let acts = work.active.has(rule);
        count(counts, rule, acts);
        if !acts {
            return Ok(());
        }
        Err(match &self.rules[rule].rule.action {
            Action::Disconnect => Stop::Disconnect { rule },
            Action::Quarantine => {
                Stop::Quarantine { rule: Some(rule), reason: QuarantineReason::Rule }
            }
            _ => Stop::Refuse { rule, path: path.to_owned() },
        })
    }

    pub(super) fn verdict(&self, stop: Stop) -> Verdict {
        let name = |rule: usize| -> Arc<str> { self.rules[rule].rule.name.clone() };
        match stop {
            Stop::Refuse { rule, path } => {
                let code = RefusedCode::from_number(REFUSED_BY_RULE);
                Verdict::Refuse(Refusal { code, rule: name(rule), path })
            }
            Stop::Quarantine { rule, reason } => {
                Verdict::Quarantine(Quarantine { rule: rule.map(name), reason })
            }
            Stop::Disconnect { rule } => Verdict::Disconnect { rule: name(rule) },
        }
    }
}

fn count(counts: &mut [RuleCount], rule: usize, acts: bool) {
    if let Some(count) = counts.get_mut(rule) {
        count.hits += u32::from(acts);
        count.shadow += u32::from(!acts);
    }
}
