//! The page that is kept between scrapes.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus::proto::MetricFamily;

use super::body::{Assembly, Body, PackedShort, Piece};
use super::run::{self, AccountAt, Remade, Run};
use super::{Encoding, Format, lines};
use crate::metrics::{self, Family};
use crate::store::AccountState;

/// Everything that is shown of the accounts, as text and, as far as that was asked for, packed. A clone shares it.
#[derive(Clone, Debug)]
pub struct Page {
    families: Vec<KeptFamily>,
    /// What is shown is right from this instant on …
    from: Timestamp,
    /// … until before this one, if the store does not change.
    until: Timestamp,
    short: PackedShort,
}

#[derive(Clone, Debug)]
struct KeptFamily {
    family: &'static Family,
    /// The lines before the samples, in each format.
    headers: [Arc<str>; 2],
    runs: Vec<Arc<Run>>,
}

impl KeptFamily {
    fn new(family: &'static Family) -> Self {
        let headers = [Format::Text, Format::OpenMetrics].map(|format| {
            let mut header = String::new();
            lines::header(format, family.name, family.kind.name(), family.help, &mut header);
            header.into()
        });
        Self { family, headers, runs: Vec::new() }
    }

    fn header(&self, format: Format) -> &str {
        let [text, openmetrics] = &self.headers;
        match format {
            Format::Text => text,
            Format::OpenMetrics => openmetrics,
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

impl Page {
    /// A page without accounts, that holds at no instant.
    #[must_use]
    pub fn new() -> Self {
        let families = metrics::families().iter().copied().map(KeptFamily::new);
        Self {
            families: families.collect(),
            from: Timestamp::MAX,
            until: Timestamp::MAX,
            short: PackedShort::default(),
        }
    }

    /// Whether the page is right at `now`, if the store did not change since it was refreshed.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }

    /// How many bytes of what it shows would be made again for `states`, which are in the order of their names.
    #[must_use]
    pub fn stale(&self, states: &[Arc<AccountState>], now: Timestamp) -> usize {
        self.families.iter().map(|kept| run::stale(&kept.runs, kept.family.part, states, now)).sum()
    }

    /// Whether nothing long has to be packed or unpacked for this encoding.
    pub(super) fn is_at_hand(&self, encoding: Encoding) -> bool {
        self.pieces().all(|piece| piece.is_at_hand(encoding))
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.families.iter().flat_map(|kept| &kept.runs).flat_map(|run| run.pieces())
    }

    /// How many bytes of samples it holds, in all forms.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.pieces().map(Piece::held).sum()
    }

    /// Brings the page up to `states`, which are in the order of their names, at `now`, and tells what
    /// had to be made again.
    pub fn refresh(&mut self, states: &[Arc<AccountState>], now: Timestamp) -> Remade {
        self.refresh_for(states, now, Encoding::Identity)
    }

    /// The same, for scrapes of this encoding: what is made again is kept in it alone.
    pub fn refresh_for(
        &mut self,
        states: &[Arc<AccountState>],
        now: Timestamp,
        encoding: Encoding,
    ) -> Remade {
        let accounts: Vec<_> =
            states.iter().map(|state| AccountAt { state, changes_at: state.changes_at(now) }).collect();
        let mut remade = Remade::default();
        for kept in &mut self.families {
            remade += run::refresh(&mut kept.runs, kept.family, &accounts, now, encoding);
        }
        let changes = accounts.iter().map(|account| account.changes_at);
        self.from = now;
        self.until = changes.min().unwrap_or(Timestamp::MAX);
        remade
    }

    /// The page in a format and an encoding, with the exporter's `own` families (in the order of their names) among
    /// those of the accounts.
    ///
    /// # Errors
    ///
    /// None in practice: what is written goes to memory.
    pub fn body(&self, own: &[MetricFamily], format: Format, encoding: Encoding) -> io::Result<Body> {
        let mut assembly = Assembly::new(format, encoding, &self.short);
        let mut own = own.iter().peekable();
        for kept in &self.families {
            while let Some(before) = own.next_if(|own| own.name() < kept.family.name) {
                lines::family(format, before, assembly.short());
            }
            let mut pieces = kept.runs.iter().flat_map(|run| run.pieces()).peekable();
            // A family without samples is left out whole, as client libraries do.
            if pieces.peek().is_some() {
                assembly.short().push_str(kept.header(format));
            }
            for piece in pieces {
                assembly.piece(piece)?;
            }
        }
        let mut cut = false;
        for after in own {
            if !cut && after.name().starts_with(ALWAYS_NEW) {
                assembly.cut()?;
                cut = true;
            }
            lines::family(format, after, assembly.short());
        }
        if format == Format::OpenMetrics {
            assembly.short().push_str(lines::END);
        }
        assembly.finish()
    }
}

/// The families that are different at each scrape, behind all others. They are packed by themselves, so that what was
/// packed of the others can be sent again.
const ALWAYS_NEW: &str = "process_";
