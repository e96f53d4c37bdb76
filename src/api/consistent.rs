//! Whether an answer agrees with itself. One that does not is no answer: nothing of it is used.
//!
//! Each answer says in one place, once it is read, what of it contradicts another part of it. Only nothing beside something
//! is a contradiction: figures that differ may be of different moments.

use super::wire::Undecodable;

/// An answer that could contradict itself.
pub(super) trait Consistent {
    /// How it does, in words that hold nothing of it but counts and dates.
    fn contradiction(&self) -> Option<Undecodable>;
}

/// Rejects an answer that contradicts itself.
pub(super) fn consistent<T: Consistent>(answer: T) -> Result<T, Undecodable> {
    answer.contradiction().map_or(Ok(answer), Err)
}

/// How many things a list holds, and of how many it says which ones they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    things: usize,
    identified: usize,
}

impl Listed {
    pub(super) fn add(&mut self, is_identified: bool) {
        self.things += 1;
        self.identified += usize::from(is_identified);
    }

    pub(super) const fn is_empty(self) -> bool {
        self.things == 0
    }

    /// A list of things of which none has what tells it from the others.
    pub(super) fn useless(self, things: &str, identity: &str) -> Option<Undecodable> {
        (self.things > 0 && self.identified == 0)
            .then(|| format!("none of the listed {things} has {identity}, of {}", self.things).into())
    }
}
