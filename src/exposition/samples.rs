//! The lines of one account's samples in one family, without headers.

use jiff::Timestamp;

use super::lines::sample;
use crate::metrics::Family;
use crate::store::AccountState;

/// The lines of an account's samples, which are the same in both formats, in pieces that each end with a line and are longer
/// than `piece` bytes by a line at most; no piece is empty.
pub(super) fn lines(family: &Family, state: &AccountState, now: Timestamp, piece: usize) -> Vec<String> {
    let (mut text, mut pieces) = (String::new(), Vec::new());
    (family.walk)(state, now, &mut |values, value| {
        debug_assert_eq!(values.len(), family.labels.len(), "{}", family.name);
        let labels = family.labels.iter().copied().zip(values.iter().copied());
        sample([family.name, ""], labels, value, &mut text);
        if text.len() >= piece {
            pieces.push(std::mem::take(&mut text));
        }
    });
    if !text.is_empty() {
        pieces.push(text);
    }
    pieces
}
