use std::fmt;

/// One thing that is wrong with the configuration. Its text never quotes a value: any value may be a misplaced secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `accounts[2].secret_file`, with the variable's name where the value came from the environment; empty
    /// where the whole is meant.
    pub place: String,
    /// What is wrong there, and what to do.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.place, self.problem)
        }
    }
}

/// Everything that is wrong with the configuration: at least one fault, in the order of reading. Shown as a numbered
/// list, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFaults(Vec<Fault>);

impl ConfigFaults {
    /// The only thing that is wrong.
    pub(super) fn one(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(vec![Fault { place: place.into(), problem: problem.into() }])
    }

    /// Every fault, in the order of reading.
    #[must_use]
    pub fn all(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has 1 fault:")?,
            count => write!(f, "the configuration has {count} faults:")?,
        }
        for (index, fault) in self.0.iter().enumerate() {
            write!(f, "\n  {}. {fault}", index + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}

/// The faults found so far, while reading goes on.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Fault { place: place.into(), problem: problem.into() });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// `value`, unless something was wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, ConfigFaults> {
        if self.0.is_empty() { Ok(value) } else { Err(ConfigFaults(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_shown_as_a_numbered_list() {
        let mut faults = Faults::default();
        faults.add("poll.timeout", "is zero");
        faults.add("", "there is no account");
        assert_eq!(
            faults.or(()).unwrap_err().to_string(),
            "the configuration has 2 faults:\n  1. poll.timeout: is zero\n  2. there is no account"
        );
    }
}
