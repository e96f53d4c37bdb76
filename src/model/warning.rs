use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How long before a credential ends, or an access key is due for rotation, a person is warned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarningSteps {
    /// Less time left than this is a warning; `None` where the critical step is the only one.
    pub warning: Option<Duration>,
    /// Less time left than this is critical; `None` where nobody is warned before the end.
    pub critical: Option<Duration>,
    /// The notice before an access key is due for rotation.
    pub rotation: Duration,
}

impl WarningSteps {
    /// The steps for the time left of a credential: the longest warns, the shortest is critical.
    #[must_use]
    pub fn of(steps: &[Duration]) -> Self {
        let critical = steps.iter().min().copied();
        let warning = steps.iter().max().copied().filter(|longest| Some(*longest) != critical);
        Self { warning, critical, ..Self::default() }
    }

    /// The same with other steps for the time left of a credential.
    #[must_use]
    pub fn with(self, steps: &[Duration]) -> Self {
        Self { rotation: self.rotation, ..Self::of(steps) }
    }
}

impl Default for WarningSteps {
    fn default() -> Self {
        Self { warning: Some(30 * DAY), critical: Some(7 * DAY), rotation: 14 * DAY }
    }
}
