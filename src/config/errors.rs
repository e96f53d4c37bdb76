use std::fmt;

/// One thing that is wrong with the configuration. Its text never quotes a value: any value may be a misplaced secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where: `accounts[2].secret_file`, with the variable's name where the value came from the environment; empty
    /// where the whole is meant.
    pub place: String,
    /// What is wrong there, and what to do.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.place, self.problem)
        }
    }
}

/// Everything that is wrong with the configuration: at least one error, in the order of reading. Shown as a numbered
/// list, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The only thing that is wrong.
    pub(super) fn one(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(vec![ConfigError { place: place.into(), problem: problem.into() }])
    }

    /// Every error, in the order of reading.
    #[must_use]
    pub fn all(&self) -> &[ConfigError] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("configuration has 1 error:")?,
            count => write!(f, "configuration has {count} errors:")?,
        }
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "\n  {}. {error}", index + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The errors found so far, while reading goes on.
#[derive(Debug, Default)]
pub(super) struct Errors(Vec<ConfigError>);

impl Errors {
    pub(super) fn add(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.0.push(ConfigError { place: place.into(), problem: problem.into() });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// `value`, unless something was wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, ConfigErrors> {
        if self.0.is_empty() { Ok(value) } else { Err(ConfigErrors(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_shown_as_a_numbered_list() {
        let mut errors = Errors::default();
        errors.add("poll.timeout", "is zero");
        errors.add("", "there is no account");
        assert_eq!(
            errors.or(()).unwrap_err().to_string(),
            "configuration has 2 errors:\n  1. poll.timeout: is zero\n  2. there is no account"
        );
    }
}
