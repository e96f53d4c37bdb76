//! What of the exporter itself does not work.

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::mark;
use super::urgency::Level;
use super::words;
use crate::problems::{Problem, Subject};

/// As much of an error as is shown; the log has all of it.
const SHOWN: usize = 600;

/// The section with its heading; nothing where all works.
pub(super) fn section(problems: &[Problem], now: Timestamp) -> Markup {
    html! {
        @if !problems.is_empty() {
            section aria-labelledby="exporter" {
                h2 id="exporter" { "The exporter itself" }
                ul.faults.minor {
                    @for problem in problems { li { (one(problem, now)) } }
                }
            }
        }
    }
}

fn one(problem: &Problem, now: Timestamp) -> Markup {
    let (what, remedy) = explained(&problem.subject);
    let shown: String = problem.message.chars().take(SHOWN).collect();
    html! {
        h3 { (mark(Level::Soon, html! {
            (what) @if let Subject::Alertmanager(name) = &problem.subject { " to " (words::name(name)) }
        })) }
        p { strong { "What to do: " } (remedy) }
        p.quiet {
            "Since " (words::moment(problem.since, now)) ": "
            code { (shown) @if shown.len() < problem.message.len() { " …" } }
        }
    }
}

const fn explained(subject: &Subject) -> (&'static str, &'static str) {
    match subject {
        Subject::Config => (
            "The changed configuration was not loaded",
            "The former one stays in force. Correct the file, try it with the command check, and reload.",
        ),
        Subject::WebConfig => (
            "The changed web configuration was not loaded",
            "The former one stays in force. Correct the file: it is read again by itself. What demands less than before \
             needs a restart.",
        ),
        Subject::StateFile => (
            "The state file cannot be written",
            "Check path, permissions and free space. Until then a restart loses what was read since the last write.",
        ),
        Subject::Alertmanager(_) => (
            "Alerts are not delivered",
            "Check alertmanager.urls, the network and the password. The exporter tries again every minute.",
        ),
    }
}
