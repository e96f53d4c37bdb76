//! The samples of consecutive accounts in one family, kept and made again together.

use std::sync::Arc;

use jiff::Timestamp;

use super::body::Piece;
use super::{Encoding, samples};
use crate::metrics::Family;
use crate::model::StatePart;
use crate::store::AccountState;

/// A run is closed where it has reached this many bytes, so that a change makes little more than this again.
const RUN: usize = 32 * 1024;

/// A run that is made again may grow to this before it is divided, so that small changes leave the boundaries alone.
const LONGEST_RUN: usize = 2 * RUN;

/// The text of an account that is a run by itself is cut into pieces of about this many bytes, so that nothing has to
/// hold or pack the whole at once.
const PIECE: usize = 128 * 1024;

/// An account at the instant of a refresh.
#[derive(Debug)]
pub(super) struct AccountAt<'a> {
    pub(super) state: &'a AccountState,
    /// See [`AccountState::changes_at`].
    pub(super) changes_at: Timestamp,
}

/// What a refresh had to make again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remade {
    /// How many times an account was gone through for the samples of a family.
    pub walks: usize,
    /// How many bytes of text came of it.
    pub bytes: usize,
}

impl std::ops::AddAssign for Remade {
    fn add_assign(&mut self, other: Self) {
        self.walks += other.walks;
        self.bytes += other.bytes;
    }
}

/// The samples of consecutive accounts.
#[derive(Debug)]
pub(super) struct Run {
    /// The name of the first account. The run is responsible for every account from it on up to the next run's first.
    first: Arc<str>,
    /// The version of the family's part in each account's state.
    versions: Vec<u64>,
    /// The text is right from this instant on …
    from: Timestamp,
    /// … until before this one.
    until: Timestamp,
    pieces: Vec<Piece>,
}

impl Run {
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    fn holds(&self, versions: impl Iterator<Item = u64>, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now) && self.versions.iter().copied().eq(versions)
    }
}

/// How many bytes of a family's runs do not hold any more, by the states' versions at `now`.
pub(super) fn stale(
    runs: &[Arc<Run>],
    part: StatePart,
    states: &[Arc<AccountState>],
    now: Timestamp,
) -> usize {
    let mut rest = states;
    let mut stale = 0;
    for (position, run) in runs.iter().enumerate() {
        let next = runs.get(position + 1);
        let end = next.map_or(rest.len(), |next| rest.partition_point(|state| state.spec.name < next.first));
        let (mine, after) = rest.split_at(end);
        rest = after;
        if !run.holds(mine.iter().map(|state| state.version(part)), now) {
            stale += run.pieces.iter().map(Piece::length).sum::<usize>();
        }
    }
    stale
}

/// Makes the runs of a family follow the accounts: keeps those that still hold and makes the others again.
pub(super) fn refresh(
    runs: &mut Vec<Arc<Run>>,
    family: &Family,
    accounts: &[AccountAt<'_>],
    now: Timestamp,
    encoding: Encoding,
) -> Remade {
    let mut cutter = Cutter {
        family,
        now,
        encoding,
        remade: Remade::default(),
        open: None,
        runs: Vec::with_capacity(runs.len()),
    };
    let mut rest = accounts;
    let mut old = std::mem::take(runs).into_iter().peekable();
    if old.peek().is_none() {
        cutter.render(rest);
    }
    while let Some(run) = old.next() {
        let end = old
            .peek()
            .map_or(rest.len(), |next| rest.partition_point(|account| account.state.spec.name < next.first));
        let (mine, after) = rest.split_at(end);
        rest = after;
        if run.holds(mine.iter().map(|account| account.state.version(family.part)), now) {
            cutter.close();
            cutter.runs.push(run);
        } else {
            cutter.render(mine);
        }
    }
    cutter.close();
    *runs = cutter.runs;
    cutter.remade
}

/// Divides what is made again into runs.
struct Cutter<'a> {
    family: &'a Family,
    now: Timestamp,
    /// For which the text is kept.
    encoding: Encoding,
    remade: Remade,
    open: Option<OpenRun>,
    runs: Vec<Arc<Run>>,
}

/// A run that still grows.
struct OpenRun {
    first: Arc<str>,
    versions: Vec<u64>,
    until: Timestamp,
    text: String,
}

impl Cutter<'_> {
    /// Makes the samples of the accounts of one old run. Runs that are made again one after the other become one
    /// where they are short.
    fn render(&mut self, accounts: &[AccountAt<'_>]) {
        for account in accounts {
            self.account(account);
        }
        self.close_from(RUN);
    }

    fn account(&mut self, account: &AccountAt<'_>) {
        let state = account.state;
        let version = state.version(self.family.part);
        let lines = samples::lines(self.family, state, self.now, PIECE);
        let bytes = lines.iter().map(String::len).sum();
        self.remade += Remade { walks: 1, bytes };
        if bytes >= RUN {
            // By itself, so that it is not made again for the sake of its neighbours.
            self.close();
            self.runs.push(Arc::new(Run {
                first: Arc::clone(&state.spec.name),
                versions: vec![version],
                from: self.now,
                until: account.changes_at,
                pieces: lines.into_iter().map(|text| Piece::new(text, self.encoding)).collect(),
            }));
            return;
        }
        let open = self.open.get_or_insert_with(|| OpenRun {
            first: Arc::clone(&state.spec.name),
            versions: Vec::new(),
            until: Timestamp::MAX,
            text: String::new(),
        });
        open.versions.push(version);
        open.until = open.until.min(account.changes_at);
        open.text.extend(lines);
        self.close_from(LONGEST_RUN);
    }

    fn close_from(&mut self, bytes: usize) {
        if self.open.as_ref().is_some_and(|open| open.text.len() >= bytes) {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let text = (!open.text.is_empty()).then_some(open.text);
            self.runs.push(Arc::new(Run {
                first: open.first,
                versions: open.versions,
                from: self.now,
                until: open.until,
                pieces: text.into_iter().map(|text| Piece::new(text, self.encoding)).collect(),
            }));
        }
    }
}
