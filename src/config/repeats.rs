//! What YAML repeats: aliases, within a bound, and merge keys (`<<: *defaults`).

use std::collections::HashMap;

use config::{Value, ValueKind};
use yaml_rust2::Event;
use yaml_rust2::parser::{EventReceiver, Parser};

use super::tree::Table;

/// The most values that a file with aliases may stand for: far above any list of accounts. Aliases of aliases would grow
/// without end.
const MOST: usize = 200_000;

const MERGE: &str = "<<";

/// How the keys begin that hold parts to be repeated, and nothing else.
const PARTS: &str = "x-";

/// Whether a file's aliases stand for more than any configuration has. Nothing is repeated to learn that.
pub(super) fn grow_too_far(text: &str) -> bool {
    let mut sizes = Sizes::default();
    // What is no YAML is told by the parsing that follows.
    let _ = Parser::new_from_str(text).load(&mut sizes, true);
    sizes.has_alias && sizes.total > MOST
}

/// How many values each anchor stands for.
#[derive(Default)]
struct Sizes {
    has_alias: bool,
    total: usize,
    known: HashMap<usize, usize>,
    /// The anchors of what is open, and how many values there were before each.
    open: Vec<(usize, usize)>,
}

impl EventReceiver for Sizes {
    fn on_event(&mut self, event: Event) {
        match event {
            Event::Alias(anchor) => {
                self.has_alias = true;
                self.total = self.total.saturating_add(self.known.get(&anchor).copied().unwrap_or(1));
            }
            Event::Scalar(_, _, anchor, _) => {
                self.total = self.total.saturating_add(1);
                self.known.insert(anchor, 1);
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                self.open.push((anchor, self.total));
                self.total = self.total.saturating_add(1);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, before)) = self.open.pop() {
                    self.known.insert(anchor, self.total - before);
                }
            }
            _ => {}
        }
    }
}

/// Puts what merge keys name in their place, and takes out the parts that are there to be repeated.
pub(super) fn resolve(root: &mut Table) {
    root.retain(|key, _| !key.starts_with(PARTS));
    for value in root.values_mut() {
        merge(value);
    }
}

fn merge(value: &mut Value) {
    match &mut value.kind {
        ValueKind::Array(items) => items.iter_mut().for_each(merge),
        ValueKind::Table(table) => {
            table.values_mut().for_each(merge);
            let others = match table.get(MERGE).map(|merged| &merged.kind) {
                Some(ValueKind::Table(_)) => table.remove(MERGE).into_iter().collect(),
                Some(ValueKind::Array(parts))
                    if parts.iter().all(|part| matches!(part.kind, ValueKind::Table(_))) =>
                {
                    let parts = parts.clone();
                    table.remove(MERGE);
                    parts
                }
                // Told as a key that is not known.
                _ => Vec::new(),
            };
            for other in others {
                if let ValueKind::Table(other) = other.kind {
                    for (key, value) in other {
                        // What is written here wins, and of several the first.
                        table.entry(key).or_insert(value);
                    }
                }
            }
        }
        _ => {}
    }
}
