//! One page of a ranked list, without ranking all of it.

use std::cmp::Ordering;

/// A part of a list, best first.
#[derive(Debug)]
pub(super) struct Window<T> {
    /// What is shown.
    pub(super) items: Vec<T>,
    /// How many items the list has.
    pub(super) total: usize,
    /// The number of this page, from 1. The last one where a later one was asked for.
    pub(super) page: usize,
    /// How many pages there are: one at least.
    pub(super) pages: usize,
    /// The place of the first item in the list, from 0.
    pub(super) start: usize,
}

/// The items of page number `page`, from 1, when `size` of them are on each and `order` says which comes first.
///
/// It looks at each item once more than it must, but holds and sorts only about as many as come before the page's end.
pub(super) fn window<T>(
    items: impl Iterator<Item = T> + Clone,
    order: impl Fn(&T, &T) -> Ordering,
    page: usize,
    size: usize,
) -> Window<T> {
    let total = items.clone().count();
    let pages = total.div_ceil(size).max(1);
    let page = page.clamp(1, pages);
    let start = (page - 1) * size;
    let end = (start + size).min(total);

    let mut best: Vec<T> = Vec::with_capacity(total.min(2 * end));
    for item in items {
        if best.len() >= 2 * end {
            keep(&mut best, end, &order);
        }
        best.push(item);
    }
    keep(&mut best, end, &order);
    if start > 0 {
        best.select_nth_unstable_by(start, &order);
        best.drain(..start);
    }
    best.sort_unstable_by(&order);
    Window { items: best, total, page, pages, start }
}

/// Keeps the first `count` in any order.
fn keep<T>(items: &mut Vec<T>, count: usize, order: impl Fn(&T, &T) -> Ordering) {
    if count < items.len() {
        items.select_nth_unstable_by(count, order);
        items.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_past_the_end_is_the_last_one() {
        let last = window([3, 1, 2].into_iter(), Ord::cmp, usize::MAX, 2);
        assert_eq!((last.items, last.total, last.page, last.pages, last.start), (vec![3], 3, 2, 2, 2));
        let empty = window(std::iter::empty::<u8>(), Ord::cmp, 7, 2);
        assert_eq!((empty.items, empty.total, empty.page, empty.pages, empty.start), (vec![], 0, 1, 1, 0));
    }

    #[test]
    fn a_long_list_is_never_held_whole() {
        let first = window(0..1_000_000, |a: &i32, b| b.cmp(a), 1, 50);
        assert_eq!(first.items.first(), Some(&999_999));
        assert!(first.items.capacity() <= 100);
    }

    proptest! {
        #[test]
        fn pages_together_are_the_sorted_list(items in prop::collection::vec(0u8..50, 0..200), size in 1usize..20) {
            let mut shown = Vec::new();
            let mut page = 1;
            loop {
                let part = window(items.iter().copied().enumerate(), |a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0)), page, size);
                prop_assert!(part.items.len() <= size);
                prop_assert_eq!(part.start, shown.len());
                shown.extend(part.items);
                if page == part.pages {
                    break;
                }
                page += 1;
            }
            let mut sorted: Vec<_> = items.into_iter().enumerate().collect();
            sorted.sort_by_key(|(index, item)| (*item, *index));
            prop_assert_eq!(shown, sorted);
        }
    }
}
