use std::fmt::{Debug, Display, Write as _};

use jiff::Timestamp;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata};

use super::LogFormat;
use crate::text::acts;

/// One line of the log, with its end.
pub(super) fn line(format: LogFormat, now: Timestamp, event: &Event<'_>) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let metadata = event.metadata();
    assemble(format, now, *metadata.level(), component(metadata), &fields.message, &fields.others)
}

/// A line of the log about itself.
pub(super) fn own_line(
    format: LogFormat,
    now: Timestamp,
    message: &str,
    field: (&'static str, u64),
) -> String {
    assemble(format, now, Level::WARN, "logging", message, &[(field.0, field.1.into())])
}

fn assemble(
    format: LogFormat,
    now: Timestamp,
    level: Level,
    component: &str,
    message: &str,
    others: &[(&'static str, Value)],
) -> String {
    let text = |text: &str| Value::String(text.to_owned());
    let first = [
        ("ts", text(&format!("{now:.3}"))),
        ("level", text(&level.as_str().to_ascii_lowercase())),
        ("component", text(component)),
        ("msg", text(message)),
    ];
    let mut line = String::with_capacity(256);
    for (index, (key, value)) in first.iter().chain(others).enumerate() {
        // Writing to a string does not fail.
        let _ = match format {
            LogFormat::Logfmt => {
                let space = if index > 0 { " " } else { "" };
                write!(line, "{space}{key}={}", logfmt(value))
            }
            LogFormat::Json => {
                let start = if index > 0 { ',' } else { '{' };
                write!(line, "{start}\"{key}\":{}", shown(value))
            }
        };
    }
    line.push_str(if format == LogFormat::Json { "}\n" } else { "\n" });
    line
}

/// The part of the program that speaks: a module of ours, or another crate.
fn component<'a>(metadata: &Metadata<'a>) -> &'a str {
    let mut path = metadata.target().split("::");
    match path.next().unwrap_or_default() {
        env!("CARGO_CRATE_NAME") => path.next().unwrap_or("main"),
        other => other,
    }
}

/// A value of logfmt: in quotes where it would not be one word.
fn logfmt(value: &Value) -> String {
    let is_word =
        |text: &str| !text.is_empty() && !text.chars().any(|c| c <= ' ' || matches!(c, '=' | '"') || acts(c));
    match value {
        Value::String(text) if is_word(text) => text.clone(),
        value => shown(value),
    }
}

/// A value of JSON, in which no character does anything to a terminal or to the order of a line.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(acts) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if acts(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn take(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => self.others.push((name, value)),
        }
    }

    fn text(&mut self, field: &Field, value: impl Display) {
        self.take(field, Value::String(value.to_string()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.take(field, Value::Number(number)),
            None => self.text(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, value.into());
    }
}
