use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Month;

use super::world::{AccountState, Bucket, SubAccountMonth, SubAccountPart, Validity};
use super::{ExpirationDate, Permission, ServiceAccount, Shared, SubAccount, Usage};

/// A simulated account: built like a sentence, and changed while the simulator runs.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// # use std::sync::Arc;
/// # use lyve_cloud_exporter::{clock, simulator::Simulator};
/// let simulator = Simulator::start(Arc::new(clock::System)).await?;
/// let acme = simulator
///     .account("acme")
///     .secret("first")
///     .bucket("backups", 534.51)
///     .bucket("media", 3957.45);
/// acme.set_bucket_usage("backups", 600.0);
/// let second = acme.regenerate();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SimulatedAccount {
    pub(super) shared: Arc<Shared>,
    pub(super) id: String,
}

impl SimulatedAccount {
    pub(super) fn new(shared: Arc<Shared>, id: &str) -> Self {
        let account = Self { shared, id: id.to_owned() };
        account.change(|_| ());
        account
    }

    fn change<T>(&self, change: impl FnOnce(&mut AccountState) -> T) -> T {
        change(self.shared.world().change(&self.id))
    }

    fn with(self, change: impl FnOnce(&mut AccountState)) -> Self {
        self.change(change);
        self
    }

    /// With this access key, the first half of its pair; `AKEXAMPLE` until then.
    pub fn access_key(self, access_key: &str) -> Self {
        self.with(|account| access_key.clone_into(&mut account.access_key))
    }

    /// With this secret, the second half of its pair; `simulated-secret` until then.
    pub fn secret(self, secret: &str) -> Self {
        self.with(|account| secret.clone_into(&mut account.secret))
    }

    /// With a pair that stops working at an instant, and every session with it.
    pub fn credentials_until(self, end: Timestamp) -> Self {
        self.with(|account| account.validity = Validity::Until(end))
    }

    /// With a bucket. A second one of the same name is listed twice.
    pub fn bucket(self, name: &str, usage: impl Into<Usage>) -> Self {
        let name = name.to_owned();
        let usage = usage.into();
        self.with(|account| account.buckets.push(Bucket { name, usage }))
    }

    /// With many buckets, usage in GB.
    pub fn buckets(self, buckets: impl IntoIterator<Item = (String, f64)>) -> Self {
        let buckets = buckets.into_iter().map(|(name, gigabytes)| Bucket { name, usage: gigabytes.into() });
        self.with(|account| account.buckets.extend(buckets))
    }

    /// A master account, with no sub-account yet.
    pub fn master(self) -> Self {
        self.with(|account| account.sub_account_part = SubAccountPart::Listed)
    }

    /// Not a master account, but its answers have a zero total of sub-accounts rather than nothing.
    pub fn zero_sub_account_total(self) -> Self {
        self.with(|account| account.sub_account_part = SubAccountPart::Zero)
    }

    /// A master account, with this sub-account.
    pub fn sub_account(self, sub_account: SubAccount) -> Self {
        self.master().with(|account| account.sub_accounts.push(sub_account))
    }

    /// With the averages of a month, in GB; further figures of the same month are added to it.
    pub fn month(self, month: Month, buckets: &[(&str, f64)]) -> Self {
        self.with(|account| {
            let figures = account.months.entry(month).or_default();
            let buckets = buckets.iter().map(|(name, gigabytes)| ((*name).to_owned(), *gigabytes));
            figures.buckets.extend(buckets);
        })
    }

    /// With a sub-account's average of a month, in GB.
    pub fn sub_account_month(self, month: Month, id: &str, name: &str, gigabytes: f64) -> Self {
        self.master().with(|account| {
            let figures = account.months.entry(month).or_default();
            figures.sub_accounts.push(SubAccountMonth {
                id: id.to_owned(),
                name: name.to_owned(),
                gigabytes,
            });
        })
    }

    /// With a service account.
    pub fn service_account(self, service_account: ServiceAccount) -> Self {
        self.add_service_account(service_account);
        self
    }

    /// With a permission.
    pub fn permission(self, permission: Permission) -> Self {
        self.with(|account| account.permissions.push(permission))
    }

    /// New service accounts work for so many days; without this they have no end.
    pub fn service_account_days(self, days: i64) -> Self {
        self.with(|account| account.service_account_days = Some(days))
    }

    /// Its service accounts as they are now.
    #[must_use]
    pub fn service_accounts(&self) -> Vec<ServiceAccount> {
        self.change(|account| account.service_accounts.clone())
    }

    /// Its permissions as they are now.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        self.change(|account| account.permissions.clone())
    }

    /// The id with which one logs in.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its access key and secret as they are now.
    #[must_use]
    pub fn pair(&self) -> (String, String) {
        let world = self.shared.world();
        let pair = |account: &AccountState| (account.access_key.clone(), account.secret.clone());
        // An account is made with its handle and never taken away.
        world.account(&self.id).map(pair).unwrap_or_default()
    }

    /// Sets the usage of a bucket, which is added where there is none of the name.
    pub fn set_bucket_usage(&self, name: &str, usage: impl Into<Usage>) {
        let usage = usage.into();
        self.change(|account| match account.buckets.iter_mut().find(|bucket| bucket.name == name) {
            Some(bucket) => bucket.usage = usage,
            None => account.buckets.push(Bucket { name: name.to_owned(), usage }),
        });
    }

    /// Deletes a bucket; its months stay.
    pub fn remove_bucket(&self, name: &str) {
        self.change(|account| account.buckets.retain(|bucket| bucket.name != name));
    }

    /// Deletes a sub-account; its months stay.
    pub fn remove_sub_account(&self, id: &str) {
        self.change(|account| account.sub_accounts.retain(|sub| sub.id != id));
    }

    /// A new secret for the access key. The old one and every session made with it are dead at once.
    pub fn regenerate(&self) -> String {
        let secret: String = std::iter::repeat_with(fastrand::alphanumeric).take(40).collect();
        let (access_key, _) = self.pair();
        self.regenerate_as(&access_key, &secret);
        secret
    }

    /// A new pair, both halves given. The old one and every session made with it are dead at once.
    pub fn regenerate_as(&self, access_key: &str, secret: &str) {
        self.change(|account| {
            access_key.clone_into(&mut account.access_key);
            secret.clone_into(&mut account.secret);
            account.validity = Validity::Active;
            account.generation += 1;
        });
    }

    /// Deletes the pair: no login works, and every session is dead.
    pub fn delete_credentials(&self) {
        self.change(|account| account.validity = Validity::Deleted);
    }

    /// Lets the pair expire now, and every session with it.
    pub fn expire_credentials(&self) {
        let now = self.shared.now();
        self.expire_credentials_at(now);
    }

    /// Lets the pair expire at an instant, and every session with it.
    pub fn expire_credentials_at(&self, end: Timestamp) {
        self.change(|account| account.validity = Validity::Until(end));
    }

    /// Ends every session; the pair still works.
    pub fn revoke_sessions(&self) {
        self.change(|account| account.generation += 1);
    }

    /// Adds a service account.
    pub fn add_service_account(&self, service_account: ServiceAccount) {
        self.change(|account| account.service_accounts.push(service_account));
    }

    /// Deletes a service account.
    pub fn remove_service_account(&self, id: &str) {
        self.change(|account| account.service_accounts.retain(|service| service.id != id));
    }

    /// Sets when a service account ends; nothing where there is none of the id.
    pub fn set_service_account_expiry(&self, id: &str, expires: impl Into<ExpirationDate>) {
        let expires = expires.into();
        self.change(|account| {
            if let Some(service) = account.service_accounts.iter_mut().find(|service| service.id == id) {
                service.expiration_date = expires;
            }
        });
    }

    /// Adds a permission.
    pub fn add_permission(&self, permission: Permission) {
        self.change(|account| account.permissions.push(permission));
    }

    /// Deletes a permission.
    pub fn remove_permission(&self, id: &str) {
        self.change(|account| account.permissions.retain(|permission| permission.id != id));
    }
}
