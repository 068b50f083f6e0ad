//! Remembers what a connection above its share was asked to come down to, and for how long it has not.
//!
//! Without demands, the hub would see only whether memory as a whole becomes less. Then a client that
//! gives nothing would win time with each small dip that others cause, and a client that gives what it
//! was asked for would be ended because of others.

use std::time::Duration;

/// A connection meets its demand, and does not get one, with so much above its share: the share divided
/// by this number. Shares change with each sample, so a connection that stays at its share is a little
/// above it at times.
const TOLERANCE: usize = 8;
/// A connection makes progress when it has given this part of what it held: it gets new time then, because
/// a subscriber may need long to read what waits for it.
const PROGRESS: usize = 8;

/// Holds what a connection was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    /// This was the share of the connection when the demand was made.
    share: usize,
    /// The connection held this much when it last made progress.
    held: usize,
    /// The connection has not met the demand and made no progress for this time, counted only while memory
    /// is short.
    pub(super) unmet_for: Duration,
}

impl Demand {
    /// Returns the demand that is in force after `before`, for a connection that holds `holding` bytes and
    /// may hold `share` bytes now. `short_for` is the time since the last call, as far as memory was short.
    /// Without a shortage, no demand begins.
    pub(super) fn next(
        before: Option<Demand>,
        short_for: Duration,
        holding: usize,
        share: usize,
    ) -> Option<Demand> {
        let with_tolerance = |share: usize| share.saturating_add(share / TOLERANCE);
        match before {
            Some(demand) if holding <= share.max(with_tolerance(demand.share)) => None,
            Some(demand) if holding <= demand.held - demand.held / PROGRESS => {
                Some(Demand { held: holding, unmet_for: Duration::ZERO, ..demand })
            }
            Some(demand) => Some(Demand { unmet_for: demand.unmet_for + short_for, ..demand }),
            None => (!short_for.is_zero() && holding > with_tolerance(share)).then_some(Demand {
                share,
                held: holding,
                unmet_for: Duration::ZERO,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEP: Duration = Duration::from_millis(20);

    fn after(samples: &[(usize, usize)]) -> Option<Demand> {
        samples
            .iter()
            .fold(None, |demand, (holding, share)| Demand::next(demand, STEP, *holding, *share))
    }

    #[test]
    fn who_is_a_little_above_the_share_is_not_asked() {
        assert_eq!(after(&[(1_100, 1_000)]), None);
        assert_eq!(after(&[(1_130, 1_000)]).map(|demand| demand.unmet_for), Some(Duration::ZERO));
        assert_eq!(after(&[(5, usize::MAX)]), None);
        assert_eq!(Demand::next(None, Duration::ZERO, 2_000, 1_000), None, "memory is not short");
    }

    #[test]
    fn a_demand_is_met_by_what_was_asked_or_by_what_the_share_is_now() {
        assert_eq!(after(&[(2_000, 1_000), (1_800, 1_000)]).map(|one| one.unmet_for), Some(STEP));
        assert_eq!(after(&[(2_000, 1_000), (1_100, 900)]), None);
        assert_eq!(after(&[(2_000, 1_000), (1_900, 1_900)]), None);
    }

    #[test]
    fn who_gives_much_of_it_gets_new_time() {
        let slowly = [(2_000, 1_000), (1_900, 1_000), (1_760, 1_000)];
        assert_eq!(after(&slowly).map(|one| one.unmet_for), Some(2 * STEP));
        let then = [&slowly[..], &[(1_750, 1_000)]].concat();
        assert_eq!(after(&then).map(|one| one.unmet_for), Some(Duration::ZERO));
        // It has to fall further from there.
        let then = [&then[..], &[(2_000, 1_000), (1_740, 1_000)]].concat();
        assert_eq!(after(&then).map(|one| one.unmet_for), Some(2 * STEP));
    }

    proptest! {
        /// Whoever stays above what it may hold, and above what it was asked for, wins no time by small dips
        /// of its own or of others.
        #[test]
        fn small_dips_win_no_time(
            asked in 1_000..10_000_usize,
            later in proptest::collection::vec((0..990_usize, 0..1_000_usize), 1..100),
        ) {
            let greedy = 2 * asked;
            let later: Vec<_> = later.iter().map(|(dip, others)| {
                (greedy - dip * asked / 4_000, asked + others * asked / 2_000)
            }).collect();
            let all = [vec![(greedy, asked)], later.clone()].concat();
            let unmet_for = after(&all).map(|demand| demand.unmet_for);
            prop_assert_eq!(unmet_for, Some(STEP * u32::try_from(later.len()).unwrap()));
        }

        /// Whoever comes down to its share once, starts anew.
        #[test]
        fn who_met_a_demand_starts_anew(
            before in proptest::collection::vec((0..10_000_usize, 1..5_000_usize), 0..100),
            share in 1..5_000_usize,
        ) {
            let met = [before, vec![(share, share)]].concat();
            prop_assert_eq!(after(&met), None);
        }
    }
}
