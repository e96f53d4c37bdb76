//! The vendor's current platform: the IAM host and the S3 host of Lyve Cloud Object Storage, on the listener of the
//! Account API.
//!
//! Each request is signed with AWS Signature V4, and the signature is verified.

mod answer;
mod change;
mod figure;
mod route;
mod signature;
mod state;
mod user;
mod wire;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::Shared;

use self::state::{Bucket, Day, State};

pub use self::figure::{DailyTransfer, Figure, Transfer};
pub(super) use self::route::Question;
pub(super) use self::signature::Received;
pub(super) use self::state::Accounts;
pub use self::user::{User, UserKind};

/// When a bucket was made, where nothing else is said.
const BUCKET_CREATED: Timestamp = Timestamp::constant(1_704_103_200, 0);

/// A simulated account of Lyve Cloud Object Storage: built like a sentence, and changed while the simulator runs.
///
/// Its pair is the root user's until [`ObjectStorageAccount::set_root`] says otherwise. What is billed and what the
/// buckets hold are told apart, as they do not add up on the wire either.
#[derive(Clone, Debug)]
pub struct ObjectStorageAccount {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
}

impl ObjectStorageAccount {
    pub(super) fn new(shared: Arc<Shared>, name: &str) -> Self {
        let account = Self { shared, name: name.to_owned() };
        account.change(|_| ());
        account
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(self.shared.world().object_storage.change(&self.name))
    }

    fn with(self, change: impl FnOnce(&mut State)) -> Self {
        self.change(change);
        self
    }

    /// With this access key, the first half of its pair; `AK` and its name in capitals until then.
    pub fn access_key(self, access_key: &str) -> Self {
        self.with(|account| access_key.clone_into(&mut account.access_key))
    }

    /// With this secret, the second half of its pair; `simulated-secret` until then.
    pub fn secret(self, secret: &str) -> Self {
        self.with(|account| secret.clone_into(&mut account.secret))
    }

    /// With figures from this day on; zeros before it.
    pub fn since(self, day: Date) -> Self {
        self.with(|account| account.since = day)
    }

    /// With this billed used space, in bytes. A past day has what it had at its end.
    pub fn used_space(self, bytes: impl Into<Figure>) -> Self {
        self.with(|account| account.used_space = bytes.into())
    }

    /// With this ghost space, deleted and still billed, in bytes.
    pub fn ghost_space(self, bytes: impl Into<Figure>) -> Self {
        self.with(|account| account.ghost_space = bytes.into())
    }

    /// With so many objects.
    pub fn objects(self, objects: impl Into<Figure>) -> Self {
        self.with(|account| account.objects = objects.into())
    }

    /// With these figures on one day, whatever the others are.
    pub fn day(self, day: Date, used_space: u64, ghost_space: u64, objects: u64) -> Self {
        self.with(|account| {
            account.days.insert(day, Day { used_space, ghost_space, objects });
        })
    }

    /// With a region, `us-east-1`, and what is transferred there.
    pub fn region(self, name: &str, transfer: impl Into<DailyTransfer>) -> Self {
        self.with(|account| account.regions.push((name.to_owned(), transfer.into())))
    }

    /// With a bucket of so many bytes and objects.
    pub fn bucket(self, name: &str, size: impl Into<Figure>, objects: impl Into<Figure>) -> Self {
        self.add_bucket(name, size.into(), objects.into(), false);
        self
    }

    /// With a bucket that was deleted and still has statistics.
    pub fn deleted_bucket(self, name: &str, size: impl Into<Figure>, objects: impl Into<Figure>) -> Self {
        self.add_bucket(name, size.into(), objects.into(), true);
        self
    }

    fn add_bucket(&self, name: &str, size: Figure, objects: Figure, is_deleted: bool) {
        let name = name.to_owned();
        let replication = Vec::new();
        let bucket = Bucket { name, size, objects, replication, created: BUCKET_CREATED, is_deleted };
        self.change(|account| account.buckets.push(bucket));
    }

    /// With a replication policy on a bucket; nothing where there is none of the name.
    pub fn replicated(self, bucket: &str, policy: &str) -> Self {
        self.with(|account| {
            if let Some(bucket) = account.buckets.iter_mut().find(|this| this.name == bucket) {
                bucket.replication.push(policy.to_owned());
            }
        })
    }

    /// With a user.
    pub fn user(self, user: User) -> Self {
        self.with(|account| account.users.push(user))
    }

    /// The name that the account was made with; the vendor does not know it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its access key and secret as they are now.
    #[must_use]
    pub fn pair(&self) -> (String, String) {
        self.change(|account| (account.access_key.clone(), account.secret.clone()))
    }

    /// Whether its pair is the root user's. Another's cannot ask for what is billed.
    pub fn set_root(&self, is_root: bool) {
        self.change(|account| account.is_root = is_root);
    }

    /// Another pair. The old one is dead at once.
    pub fn rotate(&self, access_key: &str, secret: &str) {
        self.change(|account| {
            access_key.clone_into(&mut account.access_key);
            secret.clone_into(&mut account.secret);
            account.is_deleted = false;
        });
    }

    /// Deletes the pair: no request is accepted.
    pub fn delete_credentials(&self) {
        self.change(|account| account.is_deleted = true);
    }

    /// Sets what a bucket holds; nothing where there is none of the name.
    pub fn set_bucket(&self, name: &str, size: impl Into<Figure>, objects: impl Into<Figure>) {
        self.change(|account| {
            if let Some(bucket) = account.buckets.iter_mut().find(|bucket| bucket.name == name) {
                bucket.size = size.into();
                bucket.objects = objects.into();
            }
        });
    }

    /// Deletes a bucket. Its statistics go on.
    pub fn delete_bucket(&self, name: &str) {
        self.change(|account| {
            for bucket in account.buckets.iter_mut().filter(|bucket| bucket.name == name) {
                bucket.is_deleted = true;
            }
        });
    }

    /// Sets the billed used space, in bytes.
    pub fn set_used_space(&self, bytes: impl Into<Figure>) {
        self.change(|account| account.used_space = bytes.into());
    }

    /// Puts a user in place of the one of the same name, or adds one.
    pub fn set_user(&self, user: User) {
        self.change(|account| match account.users.iter_mut().find(|this| this.name == user.name) {
            Some(this) => *this = user,
            None => account.users.push(user),
        });
    }

    /// Its users as they are now.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        self.change(|account| account.users.clone())
    }

    /// Deletes a user and its keys.
    pub fn remove_user(&self, name: &str) {
        self.change(|account| account.users.retain(|user| user.name != name));
    }

    /// Used space, ghost space and objects of a day.
    #[cfg(test)]
    pub(super) fn figures_of(&self, day: Date) -> (u64, u64, u64) {
        let now = self.shared.now();
        let day = self.change(|account| account.day(day, now));
        (day.used_space, day.ghost_space, day.objects)
    }

    /// Name and bytes of each bucket, and whether it was deleted.
    #[cfg(test)]
    pub(super) fn bucket_sizes(&self) -> Vec<(String, u64, bool)> {
        let now = self.shared.now();
        let sizes = |bucket: &Bucket| (bucket.name.clone(), bucket.size.at(now), bucket.is_deleted);
        self.change(|account| account.buckets.iter().map(sizes).collect())
    }
}
