//! Claim: the work of a scrub grows no faster than the message, whatever is in it, and a message over the
//! budget ends soon behind it.
//!
//! The messages come from a search (`worst_case`), which draws from everything that detectors declare, and is
//! guided by the count of steps. `make worst` searches for ten minutes, guided by time.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common::topic;
use crate::worst_case::{Pieces, Random, Recipe, Search, Shape, corpus, rules};
use hub_scrub::detect::{BuiltIn, DetectorSet, DetectorSpec};
use hub_scrub::{Plan, QuarantineReason, Scratch, Verdict, ViewId};
use std::sync::{Arc, LazyLock};

/// A search takes this many turns. With `WORST_TURNS` in the environment, it takes as many as that says.
const TURNS: usize = 60;

/// A byte of a message costs at most this many steps for each rendering of the message. Texts in which each few
/// bytes are a find that is written anew cost the most.
const MOST_STEPS_A_BYTE: u64 = 150;

/// A pattern of a user that reads far ahead costs this many steps more for a match of one byte: the search reads
/// 2 KiB for it, and the words near it are searched in 200 bytes.
const MOST_STEPS_OF_A_PATTERN: u64 = 250;

/// Returns the plan of each rule file, with as good as no budget.
fn unlimited() -> impl Iterator<Item = (&'static str, Arc<Plan>)> {
    rules::FILES.into_iter().map(|(name, text)| {
        (name, rules::load(text, 1 << 40, u32::MAX).plan(&topic("orders.placed")))
    })
}

/// Returns the seed of the search, which `WORST_SEED` sets. It is fixed otherwise, because a search that finds
/// something new should do so when somebody searches, and not while another change is checked.
fn seed() -> u64 {
    let seed = std::env::var("WORST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    eprintln!("seed {seed}");
    seed
}

fn steps(plan: &Plan, message: &[u8], scratch: &mut Scratch) -> u64 {
    let _ = plan.scrub(message, None, scratch);
    scratch.steps()
}

#[test]
fn the_costliest_messages_of_a_search_take_steps_in_proportion_to_their_length() {
    let seed = seed();
    let turns = std::env::var("WORST_TURNS").ok().and_then(|turns| turns.parse().ok());
    let mut scratch = Scratch::default();
    for (name, plan) in unlimited() {
        let renderings = if name == "views" { 4 } else { 1 };
        let most = MOST_STEPS_A_BYTE + if name == "mixed" { MOST_STEPS_OF_A_PATTERN } else { 0 };
        let mut cost = |recipe: &Recipe| steps(&plan, &recipe.message(1 << 10), &mut scratch);
        let mut search = Search::new(seed, corpus(), &mut cost);
        for _ in 0..turns.unwrap_or(TURNS) {
            search.turn(&mut cost);
        }
        for (_, recipe) in &search.worst {
            let message = recipe.message(8 << 10);
            let steps = steps(&plan, &message, &mut scratch);
            assert!(
                steps <= renderings * most * message.len() as u64,
                "{name}: {steps} steps for {} bytes of {recipe}",
                message.len()
            );
            assert_reads_are_linear(recipe);
        }
    }
}

/// Four times the text cost four times the reads, and a little for what does not fit in evenly.
#[track_caller]
fn assert_reads_are_linear(recipe: &Recipe) {
    static ALL: LazyLock<DetectorSet> = LazyLock::new(|| {
        let specs: Vec<_> = BuiltIn::ALL.iter().map(|kind| DetectorSpec::built_in(*kind)).collect();
        DetectorSet::new(&specs).unwrap()
    });
    let mut scratch = hub_scrub::detect::Scratch::default();
    let [small, large] = [2 << 10, 8 << 10].map(|size| {
        let text = recipe.unit.repeat(size / recipe.unit.len() + 1);
        scratch.limit(u64::MAX);
        ALL.scan_under("phone", &text, &mut scratch, &mut Vec::new());
        scratch.spent() / text.len() as u64
    });
    assert!(large <= small + small / 4 + 20, "{small} reads a byte, and {large} for {recipe}");
}

/// Before, `gldt-` over and over cost a second for each megabyte: each prefix was read on to the longest token.
#[test]
fn what_a_detector_begins_with_over_and_over_costs_few_steps() {
    let plan = rules::load(rules::FILES[0].1, 1 << 40, u32::MAX).plan(&topic("orders.placed"));
    let mut scratch = Scratch::default();
    let seed = seed();
    for unit in Pieces::all().each(&mut Random(seed)) {
        let recipe = Recipe { shape: Shape::Text, unit };
        let message = recipe.message(1 << 10);
        let steps = steps(&plan, &message, &mut scratch);
        assert!(
            steps <= MOST_STEPS_A_BYTE * message.len() as u64,
            "{steps} steps for {} bytes of {recipe}",
            message.len()
        );
    }
}

#[test]
fn a_message_over_the_budget_ends_soon_behind_it() {
    let mut scratch = Scratch::default();
    for (name, text) in rules::FILES {
        for budget in [4_000, 50_000] {
            let plan = rules::load(text, budget, u32::MAX).plan(&topic("orders.placed"));
            for recipe in corpus() {
                let message = recipe.message(32 << 10);
                let verdict = plan.scrub(&message, None, &mut scratch);
                let steps = scratch.steps();
                let over = matches!(&verdict, Verdict::Quarantine(quarantine)
                    if quarantine.reason == QuarantineReason::Steps);
                assert!(!over || steps > budget, "{name}: {steps} of {budget} for {recipe}");
                // Passes that the fast path has replaced are not in the budget, but have one of their own. The
                // cost of a condition or a schema is estimated, and one that is too high is never evaluated.
                assert!(
                    matches!(name, "mixed" | "schemas")
                        || steps <= 2 * budget + message.len() as u64,
                    "{name}: {steps} of {budget} for {recipe}"
                );
            }
        }
    }
}

#[test]
fn a_scrub_up_to_some_steps_decides_the_same_or_nothing() {
    let mut scratch = Scratch::default();
    let (mut decided, mut undecided) = (0, 0);
    // The views seal values with random numbers, so two of their verdicts differ.
    for (name, text) in rules::FILES.into_iter().filter(|(name, _)| *name != "views") {
        let plan = rules::load(text, 50_000, u32::MAX).plan(&topic("orders.placed"));
        for recipe in corpus() {
            let message = recipe.message(4 << 10);
            let what = |verdict: &Verdict| {
                let shown = verdict.render(ViewId::from_index(0), &message, None);
                (format!("{verdict:?}"), shown.map(|(payload, _)| payload.to_vec()))
            };
            let whole = what(&plan.scrub(&message, None, &mut scratch));
            for most in [0, 1_000, 8_000, 25_000, 50_000 + (4 << 10), u64::MAX] {
                match plan.scrub_up_to(most, &message, None, &mut scratch) {
                    Some(verdict) => {
                        assert!(what(&verdict) == whole, "{name}, {most}: {recipe}");
                        decided += 1;
                    }
                    None => {
                        assert!(most < 50_000 + (4 << 10), "{name}, {most}: {recipe}");
                        undecided += 1;
                    }
                }
            }
        }
    }
    assert!(decided > 100 && undecided > 100, "{decided} decided, {undecided} not");
}

#[test]
fn one_budget_pays_for_all_renderings_of_an_event() {
    let one = "[[rule]]\nname = \"e\"\nfind = { detectors = [\"email\"] }\naction = \"mask\"\n\
               tests = { hits = [\"a@b.co\"], misses = [1] }\n";
    let many: String = (1..9)
        .map(|n| {
            format!(
                "[views.v{n}]\nroles = [\"r{n}\"]\nlabels.e = {{ do = \"keep_first\", n = {n} }}\n"
            )
        })
        .collect();
    let recipe = Recipe { shape: Shape::Short, unit: "ann@mail.example, ".into() };
    let message = recipe.message(8 << 10);
    let mut scratch = Scratch::default();
    // The least budget with which the event is fixed.
    let mut least = |rules: &str| {
        let (mut too_few, mut enough) = (0, 10_000_000);
        while enough - too_few > 100 {
            let steps = (too_few + enough) / 2;
            let plan = rules::load(rules, steps, u32::MAX).plan(&topic("orders.placed"));
            match plan.scrub(&message, None, &mut scratch) {
                Verdict::Fixed(_) => enough = steps,
                Verdict::Quarantine(_) => too_few = steps,
                other => panic!("{other:?}"),
            }
        }
        enough
    };
    let (alone, with_views) = (least(one), least(&(one.to_owned() + &many)));
    assert!(with_views > alone * 3 / 2, "{with_views} steps with eight views, and {alone} without");
}
