//! The files around the daemon: its configuration, the secrets, the state file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use lyve_cloud_exporter::config;
use lyve_cloud_exporter::reload::Loader;
use lyve_cloud_exporter::simulator::{ObjectStorageAccount, SimulatedAccount, Simulator};
use tempfile::TempDir;

use crate::vendor::{ACCOUNTS, ARCHIVE, SECRET_MARK, Vendor};

/// What differs from one good configuration to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices {
    /// Whether the account that comes and goes is there.
    pub(crate) guest: bool,
    /// Minutes between two polls of the usage.
    pub(crate) current_usage: u32,
    /// Whether some buckets are left out.
    pub(crate) filtered: bool,
    /// Months of history.
    pub(crate) months: u32,
    /// Whether the pairs have a date, and storage a price.
    pub(crate) dated: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self { guest: false, current_usage: 5, filtered: false, months: 6, dated: false }
    }
}

impl Choices {
    /// Whether requests under way may be given up when one becomes the other.
    pub(crate) fn asks_otherwise(&self, other: &Self) -> bool {
        self.filtered != other.filtered || self.months != other.months
    }
}

pub(crate) struct Place {
    directory: TempDir,
    base_urls: BTreeMap<String, String>,
    /// Where both hosts of Object Storage are.
    object_storage_url: String,
    names: Vec<String>,
}

impl Place {
    /// With the secrets that the vendor's accounts have now.
    pub(crate) fn new(vendor: &Vendor) -> Self {
        let base_url = |account: &SimulatedAccount, simulator: &Simulator| {
            (account.id().to_owned(), simulator.base_url())
        };
        let mut base_urls: BTreeMap<_, _> =
            vendor.accounts.iter().map(|account| base_url(account, &vendor.main)).collect();
        base_urls.extend([base_url(&vendor.guest, &vendor.other)]);
        let names = vendor.all().map(|account| account.id().to_owned()).collect();
        let object_storage_url = vendor.main.object_storage_url();
        let directory = tempfile::tempdir().expect("a directory");
        let place = Self { directory, base_urls, object_storage_url, names };
        vendor.all().for_each(|account| place.write_secret(account));
        place.write_access_key(&vendor.archive);
        place.write_archive_secret(&vendor.archive);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Puts a file in its place in one step, as whoever rotates a secret should.
    fn put(&self, name: &str, text: &str) {
        let beside = self.path(&format!("{name}.new"));
        fs::write(&beside, text).expect("a written file");
        fs::rename(beside, self.path(name)).expect("a file in its place");
    }

    /// Brings an account's secret file up to date.
    pub(crate) fn write_secret(&self, account: &SimulatedAccount) {
        self.put(&format!("{}.secret", account.id()), &format!("{}\n", account.pair().1));
    }

    /// Brings the file of the access key up to date, which is of no use without its secret.
    pub(crate) fn write_access_key(&self, account: &ObjectStorageAccount) {
        self.put(&format!("{ARCHIVE}.key"), &format!("{}\n", account.pair().0));
    }

    /// Brings the file of its secret up to date.
    pub(crate) fn write_archive_secret(&self, account: &ObjectStorageAccount) {
        self.put(&format!("{ARCHIVE}.secret"), &format!("{}\n", account.pair().1));
    }

    /// Writes a good configuration.
    pub(crate) fn write(&self, choices: Choices) {
        let mut text = "accounts:\n".to_owned();
        let wanted = |name: &&String| choices.guest || ACCOUNTS.contains(&name.as_str());
        for name in self.names.iter().filter(wanted) {
            let (base_url, secret) = (&self.base_urls[name], self.path(&format!("{name}.secret")));
            let secret = secret.display();
            let more = if choices.dated {
                ", credential: {expires: 2027-03-01}, price: {per_terabyte_month: 7.99, currency: USD}"
            } else {
                ""
            };
            writeln!(
                text,
                "  - {{name: {name}, account_id: {name}, base_url: '{base_url}', access_key: AKEXAMPLE, \
                 secret_file: '{secret}'{more}}}"
            )
            .expect("text");
        }
        let (key, secret) = (self.path(&format!("{ARCHIVE}.key")), self.path(&format!("{ARCHIVE}.secret")));
        let (key, secret, url) = (key.display(), secret.display(), &self.object_storage_url);
        let more = if choices.dated {
            ", credential: {max_age: 90d}, price: {per_terabyte_month: 6.99, currency: EUR}"
        } else {
            ""
        };
        writeln!(
            text,
            "  - {{name: {ARCHIVE}, api: object_storage, account_id: {ARCHIVE}, iam_url: '{url}', s3_url: '{url}', access_key_file: '{key}', \
             secret_file: '{secret}'{more}}}"
        )
        .expect("text");
        let Choices { current_usage, months, .. } = choices;
        writeln!(
            text,
            "poll: {{current_usage: {current_usage}m, monthly_usage: 1h, credentials: 5m, verify_login: 30m, \
             inventory: 30m, timeout: 500ms, max_concurrent_requests: 8}}\nhistory: {{months: {months}}}"
        )
        .expect("text");
        if choices.filtered {
            text += "series: {buckets: {exclude: ['pool-.*']}}\n";
        }
        writeln!(text, "state_file: '{}'", self.path("state.json").display()).expect("text");
        self.put("config.yaml", &text);
    }

    /// Writes one that no daemon may take.
    pub(crate) fn write_broken(&self) {
        self.put("config.yaml", "accounts: []\npoll: {timeout: 5}\nnonsense: true\n");
    }

    pub(crate) fn loader(&self) -> Loader {
        let path = self.path("config.yaml");
        Loader::new(move || config::load(Some(&path), &BTreeMap::new()))
    }

    /// Once the daemon has ended: its last word is on the disk, whole and without a secret.
    pub(crate) fn check_state_file(&self) {
        let text = fs::read_to_string(self.path("state.json")).expect("a state file");
        let state: serde_json::Value = serde_json::from_str(&text).expect("a state file of JSON");
        assert!(ACCOUNTS.iter().all(|name| text.contains(name)), "every account is in the state file");
        assert!(state.is_object() && !text.contains(SECRET_MARK), "the state file holds a secret");
        let aside: Vec<_> = fs::read_dir(self.directory.path())
            .expect("a directory")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with("state") && name != "state.json")
            .collect();
        assert!(aside.is_empty(), "left beside the state file: {aside:?}");
    }
}
