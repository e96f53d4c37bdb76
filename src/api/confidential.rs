//! What an answer must not repeat: a faulty or hostile vendor could name a bucket like the secret that it was sent, and the
//! name would be in every metric, page and log.

use crate::config::Secret;
use crate::model::{
    Billing, Buckets, Collected, CurrentUsage, DropReason, MonthlyUsage, Permission, ServiceAccount, User,
};

/// A secret that is at least this long, bytes, is found within a text too. A shorter one could be a part of an honest name.
const DISTINCT: usize = 8;

/// The secrets of one session, or of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Confidential(Vec<Secret>);

impl Confidential {
    pub(super) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// Whether `text` repeats one of them.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.0.iter().map(Secret::expose).any(|secret| {
            !secret.is_empty() && (text == secret || secret.len() >= DISTINCT && text.contains(secret))
        })
    }

    /// Takes out of an answer every listed thing that repeats one of them, and counts it as invalid.
    pub(super) fn remove_from<T: Listing>(&self, answer: &mut Collected<T>) {
        let removed = answer.data.retain(&|texts| !texts.iter().any(|text| self.is_in(text)));
        answer.dropped.add(DropReason::Invalid, removed as u64);
    }
}

/// An answer that lists things by texts of the vendor's choice.
pub(super) trait Listing {
    /// Keeps the things of whose texts `keep` is true: how many others there were.
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize;
}

fn retain<T, const N: usize>(
    items: &mut Vec<T>,
    texts: fn(&T) -> [&str; N],
    keep: &dyn Fn(&[&str]) -> bool,
) -> usize {
    let listed = items.len();
    items.retain(|item| keep(&texts(item)));
    listed - items.len()
}

impl Listing for CurrentUsage {
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize {
        retain(&mut self.buckets, |bucket| [&bucket.name], keep)
            + retain(&mut self.sub_accounts, |account| [&account.id, &account.name], keep)
    }
}

impl Listing for MonthlyUsage {
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize {
        retain(&mut self.buckets, |bucket| [&bucket.name], keep)
            + retain(&mut self.sub_accounts, |account| [&account.id, &account.name], keep)
    }
}

impl Listing for Vec<ServiceAccount> {
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize {
        retain(self, |account| [&account.id, &account.name], keep)
    }
}

impl Listing for Vec<Permission> {
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize {
        retain(self, |listed| [&listed.id, &listed.name, &listed.kind, &listed.actions], keep)
    }
}

impl Listing for Billing {
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize {
        retain(&mut self.regions, |region| [&region.region], keep)
    }
}

impl Listing for Buckets {
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize {
        retain(&mut self.buckets, |bucket| [&bucket.name], keep)
    }
}

impl Listing for Vec<User> {
    fn retain(&mut self, keep: &dyn Fn(&[&str]) -> bool) -> usize {
        let keys = self.iter_mut().map(|user| retain(&mut user.keys, |key| [&key.id], keep)).sum::<usize>();
        keys + retain(self, |user| [&user.name, &user.kind], keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_secret_is_found_anywhere_and_a_short_one_only_alone() {
        let secrets = ["canary-secret", "short", ""].map(|text| Secret::new(text.to_owned()));
        let confidential = Confidential::new(secrets);
        for text in ["canary-secret", "a canary-secret-bucket", "short"] {
            assert!(confidential.is_in(text), "{text}");
        }
        for text in ["", "canary", "Canary-Secret", "short-term", "backups"] {
            assert!(!confidential.is_in(text), "{text}");
        }
        assert!(!Confidential::default().is_in(""));
    }
}
