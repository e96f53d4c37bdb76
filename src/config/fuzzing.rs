//! An entry point for fuzzing: any text as a configuration. It panics where a promise is broken, and answers nothing.

use std::collections::BTreeMap;
use std::path::Path;

use config::FileFormat;

use super::errors::Errors;
use super::{load, tree};

/// What must not be shown where it is part of a value.
const CANARY: &str = "Canary1";

/// A configuration: a byte for the format, the file, and after a zero the environment, a variable a line.
pub fn configuration(bytes: &[u8]) {
    let Some((format, text)) = bytes.split_first() else { return };
    let format = match format % 3 {
        0 => FileFormat::Yaml,
        1 => FileFormat::Toml,
        _ => FileFormat::Json,
    };
    let mut parts = text.splitn(2, |byte| *byte == 0).map(String::from_utf8_lossy);
    let text = parts.next().unwrap_or_default();
    let variables = parts.next().unwrap_or_default();
    let environment: BTreeMap<String, String> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        // A variable's name is no secret, and is shown.
        .filter(|(name, _)| !name.contains(CANARY))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut values = match tree::parse(&text, format) {
        Ok(values) => values,
        Err(problem) => return assert_silent(&problem),
    };
    let mut errors = Errors::default();
    tree::override_from(&environment, &mut values, &mut errors);
    let (config, _) = load::read(values, &environment, Path::new("nowhere"), &mut errors);
    match errors.or(config) {
        Err(errors) => assert_silent(&errors.to_string()),
        Ok(config) => assert!(!config.accounts.is_empty(), "nothing to watch"),
    }
}

fn assert_silent(text: &str) {
    assert!(!text.is_empty() && !text.contains(CANARY), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What once broke a promise, and what is right, must hold for good.
    #[test]
    fn every_seed_keeps_the_promises() {
        let seeds =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/configuration")).unwrap();
        let count = seeds.map(|seed| configuration(&std::fs::read(seed.unwrap().path()).unwrap())).count();
        assert!(count > 2, "{count} seeds");
    }
}
