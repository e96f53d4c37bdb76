//! Reading a report back.

use std::collections::BTreeMap;

use crate::api::shape::Shape;
use crate::command::check::TITLE;
use crate::model::Endpoint;

/// What a report says of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    /// Its API, as the configuration names it.
    pub api: String,
    /// What its endpoints answered.
    pub endpoints: BTreeMap<Endpoint, ReportedAnswer>,
}

/// What a report says of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReportedAnswer {
    /// The status of its last answer; `None` where there was none.
    pub status: Option<u16>,
    /// The vendor's code, where it failed with one.
    pub code: Option<String>,
    /// The shape of its successes.
    pub shape: Option<Shape>,
}

/// Why a file is no report.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReport {
    /// Its beginning is not that of a report.
    #[error("it does not hold the line `{TITLE}`")]
    NotOne,
    /// A line cannot be understood.
    #[error("line {0} cannot be understood; leave the tables in their form")]
    Line(usize),
    /// It has no account.
    #[error("it has no account")]
    NoAccount,
}

/// Understands a report. What stands around it, as in an issue, is passed over.
///
/// # Errors
/// Where it is none.
pub(super) fn read(text: &str) -> Result<Vec<Reported>, BadReport> {
    let mut accounts: Vec<Reported> = Vec::new();
    let mut endpoint = None;
    let mut begun = false;
    for (index, line) in text.lines().enumerate() {
        let (line, bad) = (line.trim(), BadReport::Line(index + 1));
        begun |= line == TITLE;
        if !begun {
            continue;
        }
        if let Some(heading) = line.strip_prefix("## Account ") {
            let (_, api) = heading.split_once(": ").ok_or(bad)?;
            accounts.push(Reported { api: api.to_owned(), ..Reported::default() });
            endpoint = None;
        } else if let Some(name) = line.strip_prefix("### ") {
            let known = Endpoint::ALL.iter().copied().find(|endpoint| endpoint.name() == name).ok_or(bad)?;
            accounts.last_mut().ok_or(BadReport::NoAccount)?.endpoints.entry(known).or_default();
            endpoint = Some(known);
        } else if let Some(answer) = endpoint
            .and_then(|endpoint| accounts.last_mut().and_then(|account| account.endpoints.get_mut(&endpoint)))
        {
            answer.add(line).map_err(|()| bad)?;
        }
    }
    match (begun, accounts.is_empty()) {
        (false, _) => Err(BadReport::NotOne),
        (true, true) => Err(BadReport::NoAccount),
        (true, false) => Ok(accounts),
    }
}

impl ReportedAnswer {
    fn add(&mut self, line: &str) -> Result<(), ()> {
        if line.starts_with("| `") {
            return self.shape.get_or_insert_default().add_row(line).map_err(|_| ());
        }
        let behind = |mark: &str| line.split_once(mark).map(|(_, rest)| rest);
        if let Some(rest) = behind("status ") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            self.status = Some(digits.parse().map_err(|_| ())?);
        }
        if let Some(rest) = behind("code `") {
            self.code = rest.split('`').next().map(str::to_owned);
        }
        Ok(())
    }
}
