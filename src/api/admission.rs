//! Which of the things that the vendor lists get series.

use crate::config::{Filter, Series};
use crate::model::{AnyData, DropReason, Dropped};

/// Counts the series that an answer makes.
pub type Count<'a> = &'a dyn Fn(AnyData) -> usize;

/// How many series one answer may still make. What is left out is counted, in series.
///
/// Where there is more than the limit, the largest stay: they are what a bill or an alert is about, and which ones they are
/// changes least from poll to poll.
pub struct Budget<'a> {
    left: usize,
    buckets: &'a Filter,
    dropped: &'a mut Dropped,
    count: Count<'a>,
    is_cut: bool,
}

impl<'a> Budget<'a> {
    /// The budget of one answer.
    pub fn new(series: &'a Series, dropped: &'a mut Dropped, count: Count<'a>) -> Self {
        Self { left: series.max_per_account, buckets: &series.buckets, dropped, count, is_cut: false }
    }

    /// Counts the series that an answer makes.
    pub(super) const fn counter(&self) -> Count<'a> {
        self.count
    }

    /// Whether something was left out because there is more than the limit.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Leaves out the buckets that the configuration leaves out.
    pub(super) fn filter<T>(
        &mut self,
        items: &mut Vec<T>,
        name: impl Fn(&T) -> &str,
        series: impl Fn(&T) -> usize,
    ) {
        items.retain(|item| {
            let stays = self.buckets.allows(name(item));
            if !stays {
                self.dropped.add(DropReason::Filtered, series(item) as u64);
            }
            stays
        });
        items.shrink_to_fit();
    }

    /// Keeps as many of the largest items as the budget has series for; they stay in their order.
    pub(super) fn keep_largest<T>(
        &mut self,
        items: &mut Vec<T>,
        size: impl Fn(&T) -> u64,
        series: impl Fn(&T) -> usize,
    ) {
        let weights: Vec<usize> = items.iter().map(series).collect();
        let wanted: usize = weights.iter().sum();
        if wanted <= self.left {
            self.left -= wanted;
            return;
        }
        self.is_cut = true;
        let mut by_size: Vec<usize> = (0..items.len()).collect();
        by_size.sort_by_key(|index| std::cmp::Reverse(size(&items[*index])));
        let mut stays = vec![false; items.len()];
        for index in by_size {
            let needed = weights[index];
            if needed > self.left {
                break;
            }
            self.left -= needed;
            stays[index] = true;
        }
        let mut decisions = stays.into_iter().zip(weights);
        items.retain(|_| {
            let (stays, weight) = decisions.next().unwrap_or_default();
            if !stays {
                self.dropped.add(DropReason::Limit, weight as u64);
            }
            stays
        });
        items.shrink_to_fit();
    }
}
