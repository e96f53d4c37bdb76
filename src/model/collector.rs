use std::any::Any;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use jiff::Timestamp;

/// One kind of data that is polled on its own schedule and fails on its own. Each is declared once, beside its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collector {
    name: &'static str,
    title: &'static str,
}

impl Collector {
    /// A collector with a name for labels and logs, and a title for people.
    #[must_use]
    pub const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }

    /// The name in labels, logs and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The name on pages.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }
}

impl Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A part of an account's state that is shown together. Each has a version of its own, so that what is made from one part
/// is not made again when another changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatePart {
    /// What is stored now.
    CurrentUsage,
    /// The closed months.
    MonthlyUsage,
    /// The state of credentials: configuration, logins, session, service accounts.
    Credentials,
    /// What costs are estimated from: configuration, and both kinds of usage.
    Cost,
    /// The permissions.
    Permissions,
    /// The access keys, and the age that the configuration allows.
    Keys,
    /// When polls ended, and how many polls and requests there were: every poll changes it.
    Health,
    /// What works and what failed: few polls change it.
    Failures,
    /// What the configuration says, and nothing else. A new one renews all parts.
    Configuration,
}

/// The data of one collector.
pub trait Data: Any + Debug + Send + Sync {
    /// The collector that brings it.
    const COLLECTOR: Collector;

    /// The parts of an account's state that show it.
    const PARTS: &'static [StatePart];
}

trait Erased: Any + Debug + Send + Sync {}

impl<T: Any + Debug + Send + Sync> Erased for T {}

/// The data of any collector. A clone shares it.
#[derive(Clone, Debug)]
pub struct AnyData {
    collector: Collector,
    parts: &'static [StatePart],
    data: Arc<dyn Erased>,
}

impl<T: Data> From<T> for AnyData {
    fn from(data: T) -> Self {
        Self { collector: T::COLLECTOR, parts: T::PARTS, data: Arc::new(data) }
    }
}

impl AnyData {
    /// The collector that brought it.
    #[must_use]
    pub const fn collector(&self) -> Collector {
        self.collector
    }

    /// The parts of an account's state that show it.
    #[must_use]
    pub const fn parts(&self) -> &'static [StatePart] {
        self.parts
    }

    /// The data, if it is of this type.
    #[must_use]
    pub fn get<T: Data>(&self) -> Option<&T> {
        let data: &dyn Any = &*self.data;
        data.downcast_ref()
    }

    /// The same, shared.
    #[must_use]
    pub fn shared<T: Data>(&self) -> Option<Arc<T>> {
        let data: Arc<dyn Any + Send + Sync> = Arc::clone(&self.data) as _;
        data.downcast().ok()
    }
}

/// Something and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamped<T> {
    /// When it came.
    pub at: Timestamp,
    /// What came.
    pub data: T,
}
