use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use super::*;

mod accepted;
mod environment;
mod errors;
mod properties;

/// A directory with files of an account in it, and the configuration that a test writes there.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("secret"), "s3cret\n").unwrap();
        std::fs::write(directory.path().join("blank"), " \n").unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load_as(&self, name: &str, text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        load(Some(&path), &variables(environment))
    }

    fn load(&self, text: &str) -> Result<Config, ConfigErrors> {
        self.load_as("config.yaml", text, &[])
    }

    /// The errors of `text`, a line each.
    fn errors(&self, text: &str) -> Vec<String> {
        lines(&self.load(text).unwrap_err())
    }
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn lines(errors: &ConfigErrors) -> Vec<String> {
    errors.all().iter().map(ToString::to_string).collect()
}

fn at(text: &str) -> Expiry {
    Expiry::At(text.parse().unwrap())
}

const ACCOUNT: &str = "accounts: [{name: a, account_id: acme, access_key: AK, secret_file: secret}]\n";
