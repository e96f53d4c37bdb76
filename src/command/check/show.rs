//! What was found, for a terminal: one block for each account, a summary, and the next thing to do.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::findings::{AccountFindings, EndpointFinding, Findings, Verdict};
use crate::http::answers::page::words::length;
use crate::text::acts;

const STRONG: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// The most characters of a name that are shown.
const LONGEST_NAME: usize = 40;

/// How wide the names of endpoints are.
const ENDPOINT: usize = 22;

impl Findings {
    /// The findings as a text with colours. `report` names the file to which a report was written.
    #[must_use]
    pub fn shown(&self, report: Option<&str>) -> String {
        let mut text = String::new();
        for account in &self.accounts {
            account.show(&mut text);
        }
        self.summary(&mut text, report);
        text
    }

    fn summary(&self, text: &mut String, report: Option<&str>) {
        let is_bad =
            |account: &&AccountFindings| account.worst().is_some_and(|worst| worst == Verdict::Failed);
        let bad = self.accounts.iter().filter(is_bad).count();
        let differs =
            self.accounts.iter().flat_map(|a| &a.endpoints).filter(|e| !e.deviations.is_empty()).count();
        let all = length(self.accounts.len(), "account");
        let (style, line) = match (bad, self.failed_polls) {
            (0, 0) => (GOOD, format!("{all}: everything that is watched can be read.")),
            (_, failed) => {
                (BAD, format!("{all}, {bad} with errors: {failed} of {} polls failed.", self.polls))
            }
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{style}{line}{style:#}");
        if differs > 0 {
            let line = format!("{} in another way than documented.", endpoints_answer(differs));
            let _ = writeln!(text, "{ODD}{line}{ODD:#}");
        }
        let next = match (bad, report, differs) {
            (1.., Some(file), _) => {
                format!(
                    "follow the first arrow above; where it does not help, read {file} and send it to this project."
                )
            }
            (0, Some(file), _) => {
                format!("read {file} and send it to this project; it has no name, id or figure of yours.")
            }
            (0, None, 0) => "start the exporter, and have Prometheus scrape it.".to_owned(),
            (0, None, _) => {
                "run it again with --report=FILE, read the file, and send it to this project.".to_owned()
            }
            _ => "follow the first arrow above, then run this again.".to_owned(),
        };
        let _ = writeln!(text, "{STRONG}Next:{STRONG:#} {next}");
    }
}

fn endpoints_answer(count: usize) -> String {
    if count == 1 { "1 endpoint answers".to_owned() } else { format!("{count} endpoints answer") }
}

impl AccountFindings {
    fn worst(&self) -> Option<Verdict> {
        let rank = |verdict: &Verdict| matches!(verdict, Verdict::Failed);
        self.endpoints.iter().map(|endpoint| endpoint.result).max_by_key(rank)
    }

    fn show(&self, text: &mut String) {
        let proxy = self.proxy.as_ref().map_or(String::new(), |proxy| format!(" through the proxy {proxy}"));
        let _ = writeln!(
            text,
            "{STRONG}{}{STRONG:#}  {DIM}{}, {}{proxy}{DIM:#}",
            name(&self.account),
            self.api,
            self.hosts.join(" and ")
        );
        let is_asked = |endpoint: &&EndpointFinding| endpoint.result != Verdict::NotAsked;
        self.endpoints.iter().filter(is_asked).for_each(|endpoint| endpoint.show(text));
        let others: Vec<_> = self.endpoints.iter().filter(|endpoint| !is_asked(endpoint)).collect();
        if let Some(first) = others.first() {
            let names: Vec<_> = others.iter().map(|endpoint| endpoint.endpoint).collect();
            let _ = writeln!(text, "  {DIM}- {}: {}{DIM:#}", first.summary, names.join(", "));
        }
        for note in &self.notes {
            let _ = writeln!(text, "  {ODD}!{ODD:#} {note}");
        }
        let names: Vec<String> = self.credentials.iter().map(|credential| name(&credential.name)).collect();
        let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        let statuses = self.credentials.iter().map(|credential| credential.status.chars().count());
        let status_width = statuses.max().unwrap_or_default();
        if !names.is_empty() {
            let _ = writeln!(text, "  {DIM}credentials{DIM:#}");
        }
        for (credential, name) in self.credentials.iter().zip(names) {
            let end = credential.expires_at.map_or("-".to_owned(), |end| end.to_string());
            let style = match credential.status.as_str() {
                "Expired" | "Rejected" => BAD,
                "Unknown" => ODD,
                _ => Style::new(),
            };
            let _ = writeln!(
                text,
                "    {name:widest$}  {style}{:status_width$}{style:#}  {end:20}  {DIM}{}{DIM:#}",
                credential.status, credential.source
            );
        }
        text.push('\n');
    }
}

impl EndpointFinding {
    fn show(&self, text: &mut String) {
        let (style, sign) = match self.result {
            Verdict::Works => (GOOD, '✓'),
            Verdict::Differs => (ODD, '!'),
            Verdict::Failed => (BAD, '✗'),
            Verdict::NotAsked => (DIM, '-'),
        };
        let _ = write!(text, "  {style}{sign}{style:#} {:ENDPOINT$} ", self.endpoint);
        match &self.error {
            None => {
                let _ = writeln!(text, "{}", self.summary);
            }
            Some(error) => {
                let _ = writeln!(text, "{BAD}{}{BAD:#}: {}", error.step.name(), error.detail);
                let mut below = |style: Style, sign: &str, words: &str| {
                    let _ = writeln!(text, "    {sign:ENDPOINT$} {style}{words}{style:#}");
                };
                if let Some(looked) = &error.looked {
                    below(Style::new(), "", looked);
                }
                below(DIM, "", error.meaning);
                below(STRONG, "", &format!("→ {}", error.advice));
            }
        }
        for deviation in &self.deviations {
            let _ = writeln!(text, "    {:ENDPOINT$} {ODD}not as documented:{ODD:#} {deviation}", "");
        }
    }
}

/// A name that breaks no line, and is not longer than it is worth.
fn name(name: &str) -> String {
    let plain: String =
        name.chars().flat_map(|c| if acts(c) { c.escape_default().collect() } else { vec![c] }).collect();
    if plain.chars().count() <= LONGEST_NAME {
        return plain;
    }
    plain.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}
