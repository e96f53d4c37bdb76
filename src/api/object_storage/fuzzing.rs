//! Entry points for fuzzing: each decoder on any bytes. They panic where a promise is broken, and answer nothing.

use jiff::Timestamp;
use jiff::civil::date;

use super::{billing, buckets, errors, users};
use crate::api::Endpoint;
use crate::api::promises::{assert_plain, assert_unique, decode, failure_reply};

/// The answer of `RSListBillingData`.
pub fn billing(bytes: &[u8]) {
    let (first, last) = (date(2026, 11, 1), date(2026, 11, 24));
    let Some(answer) = decode(bytes, |body| billing::billing(body, first, last)) else { return };
    let days = || answer.data.days.iter().map(|day| day.day);
    assert!(days().is_sorted_by(|a, b| a < b), "each day once, oldest first");
    assert!(days().all(|day| (first..=last).contains(&day)), "none but those asked for");
    assert!(days().all(|day| answer.data.transfer(day).count() <= answer.data.regions.len()));
    assert_unique(answer.data.regions.iter().map(|region| &*region.region));
    for region in &answer.data.regions {
        assert!(region.days.iter().is_sorted_by(|a, b| a.day < b.day), "each day once, oldest first");
    }
    assert!(answer.data.months().is_sorted_by(|a, b| a.month < b.month));
}

/// The answer of `GET /?rs-bucket-stats=`, for two buckets that are there.
pub fn bucket_stats(bytes: &[u8]) {
    let names = ["backups", "media"].map(Box::<str>::from);
    if let Some((buckets, _)) = decode(bytes, |body| buckets::stats(body, &names)) {
        assert!(buckets.iter().map(|bucket| &bucket.name).eq(&names), "those that are there, and no others");
    }
}

/// The answer of `GET /` of the S3 host.
pub fn list_buckets(bytes: &[u8]) {
    if let Some(listed) = decode(bytes, |body| buckets::list(body)) {
        assert!(listed.items.iter().all(|name| !name.is_empty()));
    }
}

/// The answer of `RSGetUserInfo`.
pub fn user_info(bytes: &[u8]) {
    if let Some(answer) = decode(bytes, |body| users::info(body)) {
        assert_unique(answer.data.keys().map(|name| &**name));
        assert!(answer.data.iter().all(|(name, user)| *name == user.name));
    }
}

/// The answer of `ListUsers`.
pub fn list_users(bytes: &[u8]) {
    if let Some(listed) = decode(bytes, |body| users::list(body)) {
        assert!(listed.items.iter().all(|(name, _)| !name.is_empty()));
    }
}

/// The answer of `ListAccessKeys`.
pub fn access_keys(bytes: &[u8]) {
    if let Some(listed) = decode(bytes, |body| users::keys(body)) {
        assert!(listed.items.iter().all(|key| !key.id.is_empty()));
    }
}

/// An answer that is no success, as [`failure_reply`] makes it.
pub fn error_answer(bytes: &[u8]) {
    let Some(reply) = failure_reply(bytes) else { return };
    for endpoint in [Endpoint::Billing, Endpoint::ListAccessKeys] {
        let judged = errors::judge(endpoint, &reply, Timestamp::UNIX_EPOCH);
        assert_plain(&judged.error.to_string());
        assert!(!judged.may_pass || reply.status == 403, "nothing but a 403 passes by itself");
        assert!(!judged.no_user || (400..500).contains(&reply.status));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::promises::{Target, assert_seeds};

    /// What once broke a promise, and what is right, must hold for good.
    #[test]
    fn every_seed_keeps_the_promises() {
        let targets: [Target; 7] = [
            ("billing", billing),
            ("bucket_stats", bucket_stats),
            ("list_buckets", list_buckets),
            ("user_info", user_info),
            ("list_users", list_users),
            ("access_keys", access_keys),
            ("object_storage_error", error_answer),
        ];
        assert_seeds(&targets);
    }
}
