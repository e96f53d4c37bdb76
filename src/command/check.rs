use std::fmt::Write;

use jiff::Timestamp;

use super::Once;
use crate::api::Reason;
use crate::model::{CredentialKind, Expiry};

/// What a live check found, for a person: what each endpoint said, and how each credential stands.
#[must_use]
pub fn report(once: &Once, now: Timestamp) -> String {
    let mut endpoints = vec![["ACCOUNT", "COLLECTOR", "RESULT"].map(str::to_owned)];
    for (account, collector, outcome) in &once.polls {
        let result = match outcome {
            Ok(()) => "works".to_owned(),
            Err(error) if error.reason == Reason::Forbidden => {
                format!("not allowed to these credentials: {error}")
            }
            Err(error) => format!("failed ({}): {error}", error.reason.name()),
        };
        endpoints.push([account.to_string(), collector.to_string(), result]);
    }

    let mut credentials =
        vec![["ACCOUNT", "CREDENTIAL", "STATUS", "DATE", "SOURCE OF THE DATE"].map(str::to_owned)];
    for state in once.store.snapshot() {
        for view in state.credentials(now) {
            let source = match (view.kind, view.expiry) {
                (_, Expiry::Unknown) => "nobody said",
                (CredentialKind::AccountApi, _) => "configuration",
                (CredentialKind::ServiceAccount, _) => "vendor",
            };
            let date = if let Expiry::At(end) = view.expiry { end.to_string() } else { "-".to_owned() };
            let words = view.status.words(view.expiry, now);
            credentials.push([
                state.spec.name.to_string(),
                view.name.to_owned(),
                words,
                date,
                source.to_owned(),
            ]);
        }
    }
    format!("{}\n{}", table(&endpoints), table(&credentials))
}

/// The most characters of a cell that are shown.
const WIDEST: usize = 200;

/// Whether a character would do something to the terminal or to the order of a line, and not only show.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Rows in columns as wide as their widest cell. What would act on the terminal is shown escaped.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let printable = |cell: &String| -> String {
        let mut shown: String = cell
            .chars()
            .take(WIDEST)
            .flat_map(|c| if acts(c) { c.escape_default().collect() } else { vec![c] })
            .collect();
        if cell.chars().nth(WIDEST).is_some() {
            shown.push('…');
        }
        shown
    };
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| std::array::from_fn(|column| printable(&row[column]))).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string does not fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{WIDEST, table};

    #[test]
    fn columns_line_up_and_no_name_breaks_a_line() {
        let rows = [["A", "B"], ["long name", "x"], ["n\nl", "y"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "A          B\nlong name  x\nn\\nl       y\n");
        let rows = [["a\u{202e}b".to_owned(), "x".repeat(100_000)]];
        assert_eq!(table(&rows), format!("a\\u{{202e}}b  {}…\n", "x".repeat(WIDEST)));
    }
}
