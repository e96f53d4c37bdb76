//! Figures that do not fit to each other: a unit or a base may be another one than the vendor's guide says.

use jiff::Timestamp;

use super::AccountState;
use crate::model::{CurrentUsage, MonthlyUsage};

/// By how much the present usage may differ from that of the newest closed month.
const MOST_GROWTH: f64 = 1000.0;

/// By what share the buckets together may differ from the total.
const MOST_DIFFERENCE: f64 = 0.01;

impl AccountState {
    /// What does not fit, in sentences without any figure.
    #[must_use]
    pub fn odd_figures(&self, now: Timestamp) -> Vec<String> {
        let Some(current) = self.good::<CurrentUsage>(now).map(|good| good.data) else { return Vec::new() };
        let newest = self
            .good::<MonthlyUsage>(now)
            .and_then(|good| good.data.months.iter().max_by_key(|total| total.month));
        let month = newest.filter(|newest| newest.average_bytes > 0).map(|newest| newest.average_bytes);
        let mut odd = Vec::new();
        if let (Some(total), Some(month)) = (current.usage_bytes.filter(|total| *total > 0), month) {
            let ratio = as_float(total) / as_float(month);
            if !(1.0 / MOST_GROWTH..=MOST_GROWTH).contains(&ratio) {
                odd.push(
                    "the usage now and that of the newest closed month differ by more than a factor of 1000: their units \
                     may not be those of the guide"
                        .to_owned(),
                );
            }
        }
        if let Some(total) =
            current.usage_bytes.filter(|_| !current.buckets.is_empty() && !self.has_dropped())
        {
            let sum = current.buckets.iter().map(|bucket| bucket.usage_bytes).fold(0, u64::saturating_add);
            let difference = as_float(total.abs_diff(sum));
            if difference > as_float(total.max(sum)) * MOST_DIFFERENCE {
                odd.push(
                    "the buckets together differ from the total by more than 1 %: some may not be listed, or their unit \
                     may not be that of the total"
                        .to_owned(),
                );
            }
        }
        odd
    }

    /// Whether anything that is listed got no series, so that a sum has to be less than its total.
    fn has_dropped(&self) -> bool {
        crate::model::DropReason::ALL.iter().copied().any(|reason| self.dropped.get(reason) > 0)
    }
}

#[allow(clippy::cast_precision_loss, reason = "only the ratio of two figures counts")]
const fn as_float(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, spec, state};
    use crate::model::{BucketUsage, Month, MonthTotal};

    fn odd(total: u64, buckets: &[u64], month: u64) -> Vec<String> {
        let now = at("2026-11-24T12:00:00Z");
        let bucket = |(index, usage_bytes): (usize, &u64)| BucketUsage {
            name: format!("b{index}").into(),
            usage_bytes: *usage_bytes,
        };
        let current = CurrentUsage {
            usage_bytes: Some(total),
            buckets: buckets.iter().enumerate().map(bucket).collect(),
            ..CurrentUsage::default()
        };
        let october: Month = "2026-10".parse().unwrap();
        let months = vec![MonthTotal { month: october, average_bytes: month }];
        let state = state(spec("acme"), |state| {
            state.succeed(answer(current), now, TOOK);
            state.succeed(answer(MonthlyUsage { months, ..MonthlyUsage::default() }), now, TOOK);
        });
        state.odd_figures(now)
    }

    #[test]
    fn figures_that_fit_are_not_odd() {
        assert_eq!(odd(1000, &[600, 400], 900), Vec::<String>::new());
        assert_eq!(odd(1000, &[600, 391], 1_000_000), Vec::<String>::new());
        assert_eq!(odd(0, &[], 900), Vec::<String>::new());
        assert_eq!(odd(1000, &[1000], 0), Vec::<String>::new());
    }

    #[test]
    fn figures_that_do_not_fit_are_told_without_their_values() {
        assert!(odd(1000, &[1000], 1_001_000)[0].contains("factor of 1000"));
        assert!(odd(1_001_000, &[1_001_000], 1000)[0].contains("factor of 1000"));
        assert!(odd(1000, &[600, 389], 1000)[0].contains("more than 1 %"));
        assert!(odd(1000, &[600, 500], 1000)[0].contains("more than 1 %"));
    }
}
