use std::time::Duration;

use crate::config;

/// Everything that an account's client is made from. Where two are equal, the client of one serves the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Connection {
    account: config::Account,
    /// A file that has the same name may hold other certificates by now. `None` where it cannot be read, which is
    /// found out when the client is made.
    certificates: Option<Vec<u8>>,
    timeout: Duration,
}

impl Connection {
    /// Blocks on the file system where the account has certificates of its own.
    pub(super) fn of(account: &config::Account, timeout: Duration) -> Self {
        let certificates = account.ca_file.as_ref().and_then(|path| std::fs::read(path).ok());
        Self { account: account.without_ends(), certificates, timeout }
    }

    /// Whether both are of the same account at the same vendor, so that what was known of one is true of the other.
    pub(super) fn is_same_account(&self, other: &Self) -> bool {
        self.account.identity() == other.account.identity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Api, ObjectStorage, Secret, SecretSource};
    use crate::model::Expiry;

    #[test]
    fn what_a_key_may_not_outlive_is_no_part_of_how_it_is_used() {
        let connection = |iam_url: &str, s3_url: &str, max_age, digest: &str| {
            let source = |text: &str| SecretSource::Inline(Secret::new(text.to_owned()));
            let api = ObjectStorage {
                iam_url: iam_url.parse().unwrap(),
                s3_url: s3_url.parse().unwrap(),
                max_age,
                key_digest: Some(digest.to_owned()),
            };
            let account = config::Account {
                name: "archive".to_owned(),
                api: Api::ObjectStorage(api),
                account_id: "archive".to_owned(),
                access_key: source("AK"),
                secret: source("x"),
                credential: Expiry::Never,
                ca_file: None,
                price: None,
                credential_warning: None,
                usage_drop: None,
            };
            Connection::of(&account, Duration::from_secs(30))
        };
        let (iam, s3) = ("https://iam.example", "https://s3.example");
        let before = connection(iam, s3, None, "1");
        assert!(before == connection(iam, s3, Some(Duration::from_secs(1)), "1"));
        let elsewhere = connection(iam, "https://s3.west.example", None, "1");
        assert!(before != elsewhere && before.is_same_account(&elsewhere), "it has the same billing");
        assert!(!before.is_same_account(&connection("https://iam.west.example", s3, None, "1")));
        assert!(!before.is_same_account(&connection(iam, s3, None, "2")), "it may be anybody's key");
    }
}
