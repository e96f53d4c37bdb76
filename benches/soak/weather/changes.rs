//! What somebody changes at the vendor, and how the vendor answers.

use std::time::Duration;

use lyve_cloud_exporter::clock;
use lyve_cloud_exporter::simulator::{
    Actions, DeadTokenCode, ErrorForm, ExpirationDate, ObjectStorageSettings, Permission, ServiceAccount,
    User,
};

use super::Weather;
use crate::vendor::{BUCKET_POOL, curve, tide};

impl Weather<'_> {
    pub(super) fn change_archive_buckets(&mut self) {
        let archive = &self.vendor.archive;
        archive.set_used_space(tide(self.rng.u64(1..10_000_000_000_000)));
        for _ in 0..self.rng.usize(1..10) {
            let name = format!("pool-{}", self.rng.usize(..BUCKET_POOL));
            match self.rng.u8(..10) {
                0 => archive.delete_bucket(&name),
                _ => {
                    archive.set_bucket(&name, tide(self.rng.u64(..1_000_000_000_000)), self.rng.u64(..9_000))
                }
            }
        }
    }

    pub(super) fn change_users(&mut self) {
        let archive = &self.vendor.archive;
        let (number, now) = (self.rng.u8(1..20), self.vendor.main.now());
        let name = format!("user-{number}");
        let user = User::new(&name, now);
        match self.rng.u8(..4) {
            0 => archive.remove_user(&name),
            1 => archive.set_user(user.must_change_password()),
            2 => archive.set_user(user.key(&format!("AKU{number}"), now)),
            _ => archive.set_user(user.last_access(now).inactive_key(&format!("AKU{number}"), now)),
        }
    }

    pub(super) fn change_buckets(&mut self) {
        let account = self.account();
        for _ in 0..self.rng.usize(1..10) {
            let name = format!("pool-{}", self.rng.usize(..BUCKET_POOL));
            match self.rng.u8(..3) {
                0 => account.remove_bucket(&name),
                1 => account.set_bucket_usage(&name, self.rng.f64() * 1000.0),
                _ => account.set_bucket_usage(&name, curve(self.rng.f64() * 1000.0)),
            }
        }
    }

    pub(super) fn change_service_accounts(&mut self) {
        let account = self.account();
        let id = format!("sa-{}", self.rng.u8(1..20));
        account.remove_service_account(&id);
        let end = clock::after(self.vendor.main.now(), Duration::from_secs(86_400));
        let expires = match self.rng.u8(..6) {
            0 => return,
            1 => ExpirationDate::Missing,
            2 => ExpirationDate::Null,
            3 => ExpirationDate::Never,
            4 => ExpirationDate::At(end),
            _ => ExpirationDate::Text("soon".to_owned()),
        };
        account.add_service_account(ServiceAccount::new(&id, "a \\ name\n").expires(expires));
    }

    pub(super) fn change_permissions(&mut self) {
        let account = self.account();
        let id = format!("p-{}", self.rng.u8(1..20));
        account.remove_permission(&id);
        if self.rng.bool() {
            account.add_permission(Permission::bucket_prefix(&id, "some", "pool-", Actions::ReadOnly));
        }
    }

    pub(super) fn change_habits(&mut self) {
        let codes = [DeadTokenCode::ExpiredToken, DeadTokenCode::TokenExpired, DeadTokenCode::InvalidToken];
        let lifetimes = [86_400, 3600, 600];
        let (code, lifetime) = (codes[self.rng.usize(..3)], lifetimes[self.rng.usize(..3)]);
        let (number, empty) = (self.rng.bool(), self.rng.bool());
        let latency = Duration::from_millis(self.rng.u64(..30));
        let forms = [ErrorForm::Xml, ErrorForm::Json, ErrorForm::Text];
        let object_storage = ObjectStorageSettings {
            newest_first: self.rng.bool(),
            date_digits: self.rng.u8(..=9),
            null_lists: self.rng.bool(),
            error_form: forms[self.rng.usize(..3)],
        };
        self.simulator().configure(|settings| {
            settings.dead_token_code = code;
            settings.token_lifetime = Duration::from_secs(lifetime);
            settings.expiration_as_number = number;
            settings.leave_out_empty = empty;
            settings.latency = latency;
            settings.object_storage = object_storage;
        });
    }
}
