use std::fmt::Display;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Month, MonthTotal, MonthlyUsage};

/// What the figures of a row are of. Rows of one kind stand together, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The account's own buckets together.
    Account,
    /// One bucket: its name.
    Bucket,
    /// One sub-account: its id, and its name in the newest month of the answer.
    SubAccount,
}

/// One thing of an answer with its months. In the spill it is one line of JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row(pub(super) Kind, pub(super) Vec<Box<str>>, pub(super) Vec<Figure>);

/// A month and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figure(pub(super) Text<Month>, pub(super) u64);

impl Row {
    /// What stays the same where a label changes: the first label.
    pub(super) fn identity(&self) -> &str {
        self.1.first().map_or("", |label| label)
    }
}

/// The rows of an answer, each kind in the order of its identities, months oldest first.
pub(super) fn rows(answer: &MonthlyUsage) -> impl Iterator<Item = Row> {
    let figures = |months: &[MonthTotal]| {
        months.iter().map(|total| Figure(Text(total.month), total.average_bytes)).collect::<Vec<_>>()
    };
    let account =
        (!answer.months.is_empty()).then(|| Row(Kind::Account, Vec::new(), figures(&answer.months)));
    let buckets = answer
        .buckets
        .iter()
        .map(move |bucket| Row(Kind::Bucket, vec![bucket.name.clone()], figures(&bucket.months)));
    let sub_accounts = answer
        .sub_accounts
        .iter()
        .map(move |sub| Row(Kind::SubAccount, vec![sub.id.clone(), sub.name.clone()], figures(&sub.months)));
    account.into_iter().chain(buckets).chain(sub_accounts)
}

/// A value as the text that it is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: std::str::FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}
