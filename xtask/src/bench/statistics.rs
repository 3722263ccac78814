//! What several rounds come to: medians, and ratios of what was measured in the same round.

use std::collections::BTreeMap;

/// A figure of each round.
pub type Series = BTreeMap<u32, f64>;

/// Median, lowest and highest of several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Nothing of nothing.
    pub fn of(series: &Series) -> Option<Spread> {
        let mut sorted: Vec<f64> = series.values().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] };
        Some(Spread { median, min, max })
    }
}

/// One over the other, in each round that has both: what disturbed a round, disturbed both.
pub fn ratios(of: &Series, to: &Series) -> Series {
    let both = of.iter().filter_map(|(round, value)| Some((*round, *value, *to.get(round)?)));
    both.filter(|(_, _, to)| *to > 0.0).map(|(round, value, to)| (round, value / to)).collect()
}

/// The best of several in each round.
pub fn best(all: &[Series], more_is_better: bool) -> Series {
    let mut best = Series::new();
    for (round, value) in all.iter().flatten() {
        let known = best.entry(*round).or_insert(*value);
        *known = if more_is_better { known.max(*value) } else { known.min(*value) };
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        (1..).zip(values.iter().copied()).collect()
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_both_middles() {
        assert_eq!(Spread::of(&series(&[3.0, 1.0, 2.0])), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&series(&[4.0, 1.0, 2.0, 10.0])).unwrap().median, 3.0);
        assert_eq!(Spread::of(&series(&[7.0])), Some(Spread { median: 7.0, min: 7.0, max: 7.0 }));
        assert_eq!(Spread::of(&Series::new()), None);
    }

    #[test]
    fn a_ratio_is_taken_within_its_round() {
        // In the second round both were half as fast: of the medians it would be 4 and not 2.
        let ratios = ratios(&series(&[8.0, 4.0, 8.0]), &series(&[4.0, 2.0, 2.0]));
        assert_eq!(ratios, series(&[2.0, 2.0, 4.0]));
        assert_eq!(Spread::of(&ratios).unwrap().median, 2.0);
    }

    #[test]
    fn there_is_no_ratio_to_what_is_missing_or_nothing() {
        let other = Series::from([(2, 0.0), (3, 5.0)]);
        assert_eq!(ratios(&series(&[1.0, 1.0, 10.0]), &other), Series::from([(3, 2.0)]));
    }

    #[test]
    fn the_best_may_be_another_one_in_each_round() {
        let all = [series(&[1.0, 5.0]), series(&[2.0, 3.0])];
        assert_eq!(best(&all, true), series(&[2.0, 5.0]));
        assert_eq!(best(&all, false), series(&[1.0, 3.0]));
    }
}
