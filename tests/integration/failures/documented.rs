//! The page of failures tells what these tables hold, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use lyve_cloud_exporter::model::Reason;
use regex::Regex;

use super::bodies::Expected;
use super::second_poll::{Outcome, Wait};
use super::{answers, bodies, contents, contradictions, lists, login, object_storage, places, second_poll};
use crate::programs::repository;

/// A fault of any table: the table's own test shows what comes of it.
struct Told {
    api: Api,
    name: String,
    reason: Reason,
    wait: Wait,
    says: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    AccountV2,
    ObjectStorage,
}

fn of_polls(api: Api, rows: Vec<second_poll::Row>) -> impl Iterator<Item = Told> {
    rows.into_iter().filter_map(move |row| {
        let Outcome::Fails(reason) = row.outcome else { return None };
        Some(Told { api, name: row.name, reason, wait: row.wait, says: plain(&row.says) })
    })
}

fn of_bodies(api: Api, rows: Vec<bodies::Row>) -> impl Iterator<Item = Told> {
    rows.into_iter().filter_map(move |row| {
        let Expected::Fails(reason, says) = row.expected else { return None };
        Some(Told { api, name: row.name, reason, wait: Wait::Backoff, says: plain(says) })
    })
}

fn told() -> Vec<Told> {
    use Api::{AccountV2, ObjectStorage};
    let one = |api, name: &str, reason, wait, says: &str| Told {
        api,
        name: name.to_owned(),
        reason,
        wait,
        says: plain(says),
    };
    let mut told = Vec::new();
    told.extend(of_polls(AccountV2, answers::rows()));
    told.extend(of_bodies(AccountV2, contents::other_things()));
    told.extend(of_polls(AccountV2, contents::endless()));
    told.extend(of_bodies(AccountV2, lists::rows()));
    told.extend(of_polls(AccountV2, contradictions::account_v2()));
    told.extend(of_polls(ObjectStorage, contradictions::object_storage()));
    told.extend(login::rows().iter().map(|row| one(AccountV2, row.name, row.reason, row.wait, row.says)));
    told.push(one(AccountV2, "an odd lifetime", Reason::Decode, Wait::Backoff, login::NO_LIFETIME));
    told.extend(places::PLACES.map(|(name, reason, says)| {
        let wait = if reason == Reason::Request { Wait::Interval } else { Wait::Backoff };
        one(AccountV2, name, reason, wait, says)
    }));
    told.extend(of_polls(ObjectStorage, object_storage::answers::rows()));
    told.extend(of_bodies(ObjectStorage, object_storage::contents::other_things()));
    told.extend(of_polls(ObjectStorage, object_storage::contents::endless()));
    let rejected = object_storage::keys::rows();
    told.extend(
        rejected.iter().map(|row| one(ObjectStorage, row.name, Reason::Auth, Wait::Backoff, row.says)),
    );
    told
}

/// A row of the page's table that names a reason.
struct Documented {
    /// Whether it is of accounts of object storage alone.
    only_object_storage: bool,
    reason: Reason,
    /// Whether the next poll may come after the backoff, after the vendor's wish, and at the next interval.
    waits: [bool; 3],
    /// What the log says, as far as it is always the same.
    messages: Vec<String>,
}

impl Documented {
    /// Whether it tells of this fault.
    fn tells(&self, told: &Told) -> bool {
        let wait = match told.wait {
            Wait::Backoff => 0,
            Wait::Seconds(_) => 1,
            Wait::Interval => 2,
        };
        let here = told.api == Api::ObjectStorage || !self.only_object_storage;
        here && told.reason == self.reason && self.waits[wait]
    }
}

/// Whether both are of one message; each may be a part of it.
fn is_same(message: &str, says: &str) -> bool {
    !says.is_empty() && (message.contains(says) || says.contains(message))
}

/// A message without which request it was, which status it met, and how long it took.
fn plain(message: &str) -> String {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:(?:GET|POST) /[a-z/-]+: )?(?:\d{3}(?: \([^)]*\))?: )?").expect("an expression")
    });
    static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"within [\d.]+s").expect("an expression"));
    TIME.replace(&PLACE.replace(message, ""), "within 30s").replace('`', "").trim().to_owned()
}

/// The table of the page.
fn documented() -> Vec<Documented> {
    let page = std::fs::read_to_string(repository("docs/failures.md")).unwrap();
    let (_, rest) = page.split_once("<!-- the failures -->\n").expect("where the table begins");
    let (table, _) = rest.split_once("<!-- /the failures -->").expect("where the table ends");
    let quoted = Regex::new("`([^`]+)`").unwrap();
    let mut rows = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [fault, metrics, log, again] = cells[..] else { panic!("four cells: {line}") };
        let names = |reason: &Reason| metrics.contains(&format!("reason=\"{}\"", reason.name()));
        let Some(reason) = Reason::ALL.iter().copied().find(names) else { continue };
        let messages = quoted.captures_iter(log).flat_map(|message| {
            let parts: Vec<String> = message[1].split('\u{2026}').map(plain).collect();
            parts
        });
        rows.push(Documented {
            only_object_storage: fault.starts_with("`object_storage`"),
            reason,
            waits: ["backoff", "`Retry-After`", "next interval"].map(|wait| again.contains(wait)),
            // A lone word could be of any message.
            messages: messages.filter(|part| part.contains(' ')).collect(),
        });
    }
    rows
}

#[test]
fn every_fault_is_told_and_nothing_else() {
    let (told, page) = (told(), documented());
    let mut wrong = BTreeSet::new();
    for told in &told {
        let is_of = |row: &Documented| row.messages.iter().any(|message| is_same(message, &told.says));
        if !page.iter().any(|row| row.tells(told) && is_of(row)) {
            let Told { api, name, reason, wait, says } = told;
            wrong.insert(format!("not on the page: {api:?}, {name}: {reason:?}, {wait:?}, {says:?}\n"));
        }
    }
    for row in &page {
        for message in &row.messages {
            if !told.iter().any(|told| row.tells(told) && is_same(message, &told.says)) {
                wrong.insert(format!("in no table of the tests: {:?}, {message:?}\n", row.reason));
            }
        }
    }
    let wrong = String::from_iter(wrong);
    let named: BTreeSet<&str> = page.iter().map(|row| row.reason.name()).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("failures.txt");
    std::fs::write(&path, &wrong).unwrap();
    assert!(
        wrong.is_empty(),
        "docs/failures.md is not what the tables hold, see {}:\n{wrong}",
        path.display()
    );
    assert_eq!(
        named,
        Reason::ALL.iter().map(|reason| reason.name()).collect(),
        "every reason is on the page"
    );
}

/// The reasons that a cell names.
fn reasons(cell: &str) -> BTreeSet<&'static str> {
    let named = |reason: &Reason| cell.contains(&format!("`{}`", reason.name()));
    Reason::ALL.iter().filter(|reason| named(reason)).map(|reason| reason.name()).collect()
}

#[test]
fn the_vendors_answers_are_told_from_those_of_something_in_between() {
    let page = std::fs::read_to_string(repository("docs/failures.md")).unwrap();
    let (_, rest) = page.split_once("<!-- in between -->\n").expect("where the table begins");
    let (table, _) = rest.split_once("<!-- /in between -->").expect("where the table ends");
    let all = told();
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [status, api, vendors, others] = cells[..] else { panic!("four cells: {line}") };
        let api = if api == "`account_v2`" { Api::AccountV2 } else { Api::ObjectStorage };
        let met = |told: &&Told| told.api == api && told.name.contains(status);
        let (between, own): (Vec<&Told>, Vec<&Told>) =
            all.iter().filter(met).partition(|told| told.says.contains("in between"));
        let found = |told: &[&Told]| told.iter().map(|told| told.reason.name()).collect::<BTreeSet<_>>();
        assert_eq!(found(&own), reasons(vendors), "{line}");
        assert_eq!(found(&between), reasons(others), "{line}");
        assert!(between.iter().all(|told| told.wait == Wait::Backoff), "{line}");
        rows += 1;
    }
    assert_eq!(rows, 10);
}
