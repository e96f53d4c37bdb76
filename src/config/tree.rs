//! From a file and the environment to one tree of values, not yet understood.

use std::collections::BTreeMap;
use std::error::Error;

use config::{ConfigError, FileFormat, Format as _, Value, ValueKind};

use super::errors::Errors;
use super::repeats;

/// Variables that override a value begin with this, in capitals or not.
pub(super) const PREFIX: &str = "lyve_exporter__";
/// Between the keys of a path in a variable's name.
const SEPARATOR: &str = "__";

pub(super) type Table = BTreeMap<String, Value>;

/// The values in a file's `text`.
///
/// # Errors
/// With what is wrong and where. What the parsers themselves say is not passed on: they quote the file, and the line
/// that is wrong may be the one with the secret.
pub(super) fn parse(text: &str, format: FileFormat) -> Result<Table, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if format == FileFormat::Yaml && text.lines().any(is_too_deep) {
        return Err("is nested too deeply".to_owned());
    }
    if format == FileFormat::Yaml && repeats::grow_too_far(text) {
        return Err("expands too much through its aliases (*name)".to_owned());
    }
    match format.parse(None, text) {
        Ok(table) => {
            let mut table: Table = table.into_iter().collect();
            if format == FileFormat::Yaml {
                repeats::resolve(&mut table);
            }
            Ok(table)
        }
        Err(_) if format == FileFormat::Yaml && looks_like_toml(text) => {
            Err("looks like TOML: give it a name that ends with .toml".to_owned())
        }
        Err(error) => match text.lines().position(begins_with_tab).filter(|_| format == FileFormat::Yaml) {
            Some(line) => Err(format!("is not valid YAML: line {}: a tab; indent with spaces", line + 1)),
            None => Err(describe(error.as_ref(), format)),
        },
    }
}

/// Whether the first line that says something is TOML's: a table, or a key with `=` and no `:` before it.
fn looks_like_toml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_key = |key: &str| {
        let key = key.trim();
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    };
    lines.next().is_some_and(|line| {
        let table = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        let key = table.map(|name| name.trim_start_matches('[').trim_end_matches(']'));
        key.or(line.split_once('=').map(|(key, _)| key)).is_some_and(is_key)
    })
}

fn begins_with_tab(line: &str) -> bool {
    line.trim_start_matches(' ').starts_with('\t') && !line.trim().is_empty()
}

/// Whether a line of YAML begins further in than any configuration does. The parser calls itself for each level of a
/// block, without a limit, and a stack that overflows ends the process.
fn is_too_deep(line: &str) -> bool {
    let indicators = [' ', '\t', '-', '?', ':'];
    line.chars().take_while(|c| indicators.contains(c)).count() > 200
}

fn describe(error: &(dyn Error + Send + Sync + 'static), format: FileFormat) -> String {
    // Of the parser's own errors this is the only one that is not of syntax.
    if error.is::<ConfigError>() || error.is::<Box<ConfigError>>() {
        return "must be a table of keys at its top".to_owned();
    }
    let text = error.to_string();
    let name = match format {
        FileFormat::Toml => "TOML",
        FileFormat::Json => "JSON",
        _ => "YAML",
    };
    let place = position(&text, format)
        .map(|(line, column)| format!(" at line {line}, column {column}"))
        .unwrap_or_default();
    // TOML's reason follows the quoted line.
    let reason = text.lines().last().unwrap_or_default();
    let hint = hint(reason).map(|hint| format!(": {hint}")).unwrap_or_default();
    format!("is not valid {name}{place}{hint}")
}

/// The line and column in a parser's message. TOML's begins with them, the others end with them; what is between may
/// be the file's own text.
fn position(message: &str, format: FileFormat) -> Option<(u64, u64)> {
    let start = match format {
        FileFormat::Toml => message.find("line "),
        _ => message.rfind("line "),
    }?;
    let mut numbers = message[start..]
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map_while(|digits| digits.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Our own words for what the parsers say most often.
fn hint(message: &str) -> Option<&'static str> {
    [
        ("duplicate", "the same key appears twice"),
        ("documents, expected", "there is more than one document in it"),
        (
            "mapping values are not allowed",
            "put a text that holds \": \" in quotes, and check the indentation",
        ),
        ("simple key", "a line here lacks its \": \", or has the wrong indentation"),
        ("tabs", "indent with spaces, not tabs"),
        ("indent", "the indentation does not fit the lines above"),
        ("unknown anchor", "an alias (*name) has no anchor (&name); put a text that begins with * in quotes"),
        ("EOF while parsing", "it ends too early"),
        ("trailing comma", "there is a comma too many"),
    ]
    .into_iter()
    .find_map(|(part, hint)| message.contains(part).then_some(hint))
}

/// Puts every `LYVE_EXPORTER__…` variable in its place in the tree.
pub(super) fn override_from(environment: &BTreeMap<String, String>, tree: &mut Table, errors: &mut Errors) {
    let mut overrides: Vec<(Vec<Step>, &String, &String)> = environment
        .iter()
        .filter_map(|(name, value)| {
            let lower = name.to_ascii_lowercase();
            let path = lower.strip_prefix(PREFIX)?;
            Some((path.split(SEPARATOR).map(Step::from).collect(), name, value))
        })
        .collect();
    // By number, so that a list can be built up from its first item to beyond its tenth.
    overrides.sort();
    for (path, name, value) in overrides {
        let leaf = Value::new(Some(name), ValueKind::String(value.clone()));
        if let Err(problem) = put(tree, &path, leaf, name) {
            errors.add(name.as_str(), problem);
        }
    }
}

/// One step of a path: into a list, or into a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Item(usize),
    Key(String),
}

impl From<&str> for Step {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Key(text.to_owned()), Self::Item)
    }
}

fn put(tree: &mut Table, path: &[Step], leaf: Value, name: &String) -> Result<(), String> {
    let [Step::Key(first), rest @ ..] = path else {
        return Err("begins with a number: name a key first".to_owned());
    };
    let nothing = || Value::new(Some(name), ValueKind::Nil);
    let mut node = tree.entry(first.clone()).or_insert_with(nothing);
    for step in rest {
        if matches!(node.kind, ValueKind::Nil) {
            *node = match step {
                Step::Item(_) => Value::new(Some(name), ValueKind::Array(Vec::new())),
                Step::Key(_) => Value::new(Some(name), ValueKind::Table(config::Map::new())),
            };
        }
        node = match (step, &mut node.kind) {
            (Step::Key(key), ValueKind::Table(table)) => table.entry(key.clone()).or_insert_with(nothing),
            (Step::Item(index), ValueKind::Array(list)) => {
                let length = list.len();
                if *index > length {
                    return Err(format!(
                        "leaves a gap: items are numbered from 0, and the next one here is {length}"
                    ));
                }
                if *index == length {
                    list.push(nothing());
                }
                &mut list[*index]
            }
            (Step::Key(_), ValueKind::Array(_)) => {
                return Err(format!(
                    "addresses a list: name the item by its number from 0, as in {}ACCOUNTS__0__NAME",
                    PREFIX.to_ascii_uppercase()
                ));
            }
            (Step::Item(_), ValueKind::Table(_)) => {
                return Err("addresses a table by a number: name one of its keys".to_owned());
            }
            _ => return Err("addresses something inside a plain value".to_owned()),
        };
    }
    if matches!(node.kind, ValueKind::Table(_) | ValueKind::Array(_)) {
        return Err("would replace a table or list: set the values inside it one by one".to_owned());
    }
    *node = leaf;
    Ok(())
}
