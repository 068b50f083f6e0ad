//! This module has the state of one pass over a payload or over headers. It spends the scrub budget, counts
//! finds, and notes the values that were found.
//!
//! Every find goes through [`MessagePass::hit`]. A find that does not would be missing in the counts, and
//! would not spend the budget.

use super::find_report::FindReport;
use super::finds::{Finds, FoundText, FoundValue, ValueForm};
use super::interrupt::{Interrupt, InterruptCause};
use super::scratch::{PassScratch, RuleCount};
use super::shadow_sample::shape;
use super::verdict::QuarantineReason;
use crate::detect::{Evidence, KeyKinds, READS};
use crate::model::{Action, RuleBits, ValueHead, read};
use crate::plan::{Plan, RuleKind};

/// A `MessagePass` is one pass over a payload or over headers.
pub(super) struct MessagePass<'a> {
    pub(super) plan: &'a Plan,
    pub(super) bytes: &'a [u8],
    pub(super) in_headers: bool,
    pub(super) scratch: &'a mut PassScratch,
    pub(super) found: &'a mut Finds,
    pub(super) counts: &'a mut [RuleCount],
    /// These rules apply to this message and search in these bytes. In the payload all rules do, in headers
    /// only some of them.
    pub(super) region: RuleBits,
    /// The pass reads the key or value at this offset.
    pub(super) at: usize,
    /// This speaks for the find that is counted next.
    pub(super) evidence: Option<Evidence>,
    /// If this is true, the pass has paid for the search for candidates.
    pub(super) candidates_paid: bool,
}

/// To count a find, and to note it, costs this many steps.
const FIND: u64 = 4;

/// A `ValueContext` states where a value is, and which rules can apply to it there. `at`, `entry` and `map`
/// are offsets, as in [`FoundValue`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueContext {
    pub(super) at: usize,
    pub(super) entry: usize,
    pub(super) map: Option<usize>,
    /// The key of the value is at this offset. The elements of an array have the key of the array.
    pub(super) key_at: Option<usize>,
    /// The paths of these rules end at the value.
    pub(super) paths: RuleBits,
    /// These rules name the key of the value.
    pub(super) keys: RuleBits,
    /// The key of the value, or a key around it, names content of these kinds.
    pub(super) kinds: KeyKinds,
}

impl<'a> MessagePass<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        bytes: &'a [u8],
        in_headers: bool,
        scratch: &'a mut PassScratch,
        found: &'a mut Finds,
        counts: &'a mut [RuleCount],
    ) -> MessagePass<'a> {
        let running = scratch.active | scratch.shadow;
        let headers = plan.sets.in_headers | plan.with_paths();
        let region = if in_headers { running & headers } else { running };
        MessagePass {
            plan,
            bytes,
            in_headers,
            scratch,
            found,
            counts,
            region,
            at: 0,
            evidence: None,
            candidates_paid: false,
        }
    }

    /// Spends steps of the budget. Interrupts the pass if too few are left.
    #[inline]
    pub(super) fn step(&mut self, steps: u64) -> Result<(), Interrupt> {
        self.scratch.steps.spend(steps)
    }

    /// Returns how many reads the rest of the budget pays for.
    pub(super) fn reads_left(&self) -> u64 {
        self.scratch.steps.reads_left()
    }

    /// Spends the steps that pay for these reads. Interrupts the pass if too few are left.
    #[inline]
    pub(super) fn step_for(&mut self, reads: u64) -> Result<(), Interrupt> {
        self.step(reads.div_ceil(READS))
    }

    /// Spends one find of the budget. Interrupts the pass if none is left.
    pub(super) fn spend_match(&mut self) -> Result<(), Interrupt> {
        self.step(FIND)?;
        self.scratch.matches += 1;
        if self.scratch.matches > self.plan.shared.budget.matches {
            return Err(QuarantineReason::Matches.into());
        }
        Ok(())
    }

    /// Counts a find, and returns whether the rule acts on it. If the rule acts and its action decides about
    /// the whole message, the pass is interrupted.
    pub(super) fn hit(&mut self, rule: usize) -> Result<bool, Interrupt> {
        self.spend_match()?;
        let acts = self.scratch.active.has(rule);
        if self.scratch.reports.is_some() {
            self.report(rule);
        }
        if let Some(count) = self.counts.get_mut(rule) {
            count.hits += u32::from(acts);
            count.shadow += u32::from(!acts);
        }
        if !acts {
            if self.scratch.samples.is_some() {
                self.sample(rule);
            }
            return Ok(false);
        }
        match &self.plan.rules[rule].rule.action {
            Action::Reject => Err(self.refuse(rule)),
            Action::Quarantine => {
                Err(InterruptCause::Quarantine { rule: Some(rule), reason: QuarantineReason::Rule }
                    .into())
            }
            Action::Disconnect => Err(InterruptCause::Disconnect { rule }.into()),
            _ => Ok(true),
        }
    }

    /// Returns the interrupt by which a rule refuses the message, with the path of the current key or value.
    pub(super) fn refuse(&self, rule: usize) -> Interrupt {
        InterruptCause::Refuse { rule, path: self.path() }.into()
    }

    /// Returns the path of the key or value that the pass reads. Keys that no rule names are written as
    /// `*`.
    pub(super) fn path(&self) -> String {
        self.path_with(|key| self.plan.names(key))
    }

    /// Returns the path of the key or value that the pass reads. Keys that may not be shown are written as `*`.
    fn path_with(&self, may_show: impl Fn(&[u8]) -> bool) -> String {
        let mut path = String::from(if self.in_headers { "$headers" } else { "" });
        for open in &self.scratch.open {
            if !path.is_empty() {
                path.push('.');
            }
            if !open.map {
                path.push_str(&open.index.saturating_sub(1).to_string());
                continue;
            }
            match open.key_at.and_then(|at| read(self.bytes, at)) {
                Some((ValueHead::Str(key), _)) => match std::str::from_utf8(key) {
                    Ok(name) if may_show(name.as_bytes()) => path.push_str(name),
                    _ => path.push('*'),
                },
                _ => path.push('*'),
            }
        }
        if path.is_empty() { "$".to_owned() } else { path }
    }

    /// Notes a value if rules have found something in it, or if it was normalised. The finds in the value
    /// are those from the index `from` of [`Finds::ranges`] on.
    pub(super) fn push(
        &mut self,
        context: ValueContext,
        form: ValueForm,
        text: FoundText,
        normalised: bool,
        from: usize,
    ) {
        let ranges = from..self.found.ranges.len();
        if ranges.is_empty() && !normalised {
            return;
        }
        let ValueContext { at, entry, map, .. } = context;
        let key = map.is_some() && at == entry;
        self.found.values.push(FoundValue { at, entry, map, key, form, text, normalised, ranges });
    }

    /// Notes a value whose edit is the same in all views.
    pub(super) fn push_bare(
        &mut self,
        at: usize,
        entry: usize,
        map: Option<usize>,
        form: ValueForm,
    ) {
        let text = FoundText::None;
        self.found.values.push(FoundValue {
            at,
            entry,
            map,
            key: at == entry && map.is_some(),
            form,
            text,
            normalised: false,
            ranges: 0..0,
        });
    }

    /// Notes a find for a report.
    #[cold]
    fn report(&mut self, rule: usize) {
        let by_key = || match &self.plan.rules[rule].rule.kind {
            RuleKind::Find(find) if !find.named.is_empty() => Some(Evidence::KEY),
            _ => None,
        };
        let evidence = self.evidence.or_else(by_key);
        let path = self.path_with(|_| true);
        if let Some(reports) = self.scratch.reports.as_mut().filter(|reports| reports.has_room()) {
            reports.push(FindReport { rule, path, evidence });
        }
    }

    /// Notes a sample of a rule in shadow mode. It is marked `#[cold]` because almost no event is sampled.
    #[cold]
    pub(super) fn sample(&mut self, rule: usize) {
        // A path is made once for each rule, and not for each find.
        if self.scratch.has_sample(rule) {
            return;
        }
        let (path, shape) = (self.path(), shape(&self.bytes[self.at..]));
        self.scratch.sample(rule, || (path, shape));
    }
}
