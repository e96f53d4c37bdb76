//! Tables for a terminal.

use std::fmt::Write as _;

use crate::text::acts;

/// The most characters of a cell that are shown.
const WIDEST: usize = 200;

/// A text in one line, not longer than a cell. What would act on the terminal is shown escaped.
pub(super) fn printable(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(WIDEST)
        .flat_map(|c| if acts(c) { c.escape_default().collect() } else { vec![c] })
        .collect();
    if text.chars().nth(WIDEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Rows in columns as wide as their widest cell. What would act on the terminal is shown escaped.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
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
    use super::*;

    #[test]
    fn columns_line_up_and_no_name_breaks_a_line() {
        let rows = [["A", "B"], ["long name", "x"], ["n\nl", "y"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "A          B\nlong name  x\nn\\nl       y\n");
        let rows = [["a\u{202e}b".to_owned(), "x".repeat(100_000)]];
        assert_eq!(table(&rows), format!("a\\u{{202e}}b  {}…\n", "x".repeat(WIDEST)));
    }
}
