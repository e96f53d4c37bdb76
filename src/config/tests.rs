use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A directory with files of an account in it, and the configuration that a test writes there.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("secret"), "s3cret\n").unwrap();
        std::fs::write(directory.path().join("blank"), " \n").unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load_as(&self, name: &str, text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        load(Some(&path), &variables(environment))
    }

    fn load(&self, text: &str) -> Result<Config, ConfigFaults> {
        self.load_as("config.yaml", text, &[])
    }

    /// The faults of `text`, a line each.
    fn faults(&self, text: &str) -> Vec<String> {
        lines(&self.load(text).unwrap_err())
    }
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn lines(faults: &ConfigFaults) -> Vec<String> {
    faults.all().iter().map(ToString::to_string).collect()
}

fn at(text: &str) -> Expiry {
    Expiry::At(text.parse().unwrap())
}

const ACCOUNT: &str = "accounts: [{name: a, account_id: acme, access_key: AK, secret_file: secret}]\n";

#[test]
fn the_least_that_is_needed_takes_every_default() {
    let place = Place::new();
    let config = place.load(ACCOUNT).unwrap();
    assert_eq!(config.poll, Poll::default());
    assert_eq!(config.history, History::default());
    assert_eq!(config.series.max_per_account, 50_000);
    assert!(config.series.buckets.allows("any"));
    assert_eq!(config.data_max_age, Duration::from_secs(86_400));
    let [account] = &config.accounts[..] else { panic!() };
    assert_eq!(account.name, "a");
    assert_eq!(account.base_url.as_str(), "https://api.lyvecloud.seagate.com/v2");
    assert_eq!(account.access_key, SecretSource::Inline(Secret::new("AK".to_owned())));
    assert_eq!(account.secret, SecretSource::File(place.path("secret")));
    assert_eq!(account.credential, Expiry::Unknown);
    assert_eq!(account.ca_file, None);
}

#[test]
fn the_example_loads_as_it_is_and_with_every_comment_taken_as_a_value() {
    let example = include_str!("../../config/lyve-cloud-exporter.yaml");
    let place = Place::new();
    let at_the_example = |text: &str| {
        text.replace("/run/credentials/lyve-secret", place.path("secret").to_str().unwrap())
            .replace("/etc/ssl/proxy-ca.pem", place.path("ca.pem").to_str().unwrap())
    };
    let certificate = rcgen::generate_simple_self_signed(vec!["proxy".to_owned()]).unwrap();
    std::fs::write(place.path("ca.pem"), certificate.cert.pem()).unwrap();

    let config = place.load(&at_the_example(example)).unwrap();
    assert_eq!(config.accounts[0].name, "production");
    assert_eq!(config.accounts[0].credential, at("2027-01-31T00:00:00Z"));
    assert_eq!(config.poll, Poll::default());

    // The head of the file is prose, and the two ways to give an expiry exclude each other.
    let (_, body) = example.split_once("\naccounts:").unwrap();
    let uncommented: String = body
        .lines()
        .map(|line| match line.trim_start().starts_with("# ") {
            true => line.replacen("# ", "", 1),
            false => line.to_owned(),
        })
        .filter(|line| !line.trim_start().starts_with("expires:"))
        .fold("accounts:".to_owned(), |text, line| text + &line + "\n");
    let full = place.load(&at_the_example(&uncommented)).unwrap();
    assert_eq!(full.poll, Poll::default());
    assert_eq!(full.history, History::default());
    assert_eq!(full.data_max_age, config.data_max_age);
    assert_eq!(full.series.max_per_account, config.series.max_per_account);
    assert_eq!(full.series.buckets.include.len(), 1);
    assert_eq!(full.accounts[0].base_url, config.accounts[0].base_url);
    assert_eq!(full.accounts[0].ca_file, Some(place.path("ca.pem")));
    assert_eq!(full.accounts[0].credential, at("2027-01-31T00:00:00Z"));
    assert_eq!(full.credential_warning, config.credential_warning);
    assert!(config.alertmanager.is_none());
    assert_eq!(full.alertmanager.unwrap().urls[0].as_str(), "http://localhost:9093/");
}

#[test]
fn toml_and_json_say_the_same_as_yaml() {
    let place = Place::new();
    let yaml = "
accounts:
  - {name: Über, account_id: acme, access_key: '0123', secret_file: secret, credential: {expires: 2027-01-31}}
poll: {current_usage: 5m, max_concurrent_requests: 2}
series: {buckets: {exclude: ['tmp-.*']}}
";
    let toml = "
poll.current_usage = '5m'
poll.max_concurrent_requests = 2
[[accounts]]
name = 'Über'
account_id = 'acme'
access_key = '0123'
secret_file = 'secret'
credential.expires = 2027-01-31
[series.buckets]
exclude = ['tmp-.*']
";
    let json = r#"{
  "accounts": [{"name": "Über", "account_id": "acme", "access_key": "0123", "secret_file": "secret",
                "credential": {"expires": "2027-01-31"}}],
  "poll": {"current_usage": "5m", "max_concurrent_requests": 2},
  "series": {"buckets": {"exclude": ["tmp-.*"]}}
}"#;
    let shown = |name: &str, text: &str| format!("{:?}", place.load_as(name, text, &[]).unwrap());
    let expected = shown("config.yml", yaml);
    assert!(expected.contains("Über") && expected.contains("2027-01-31"), "{expected}");
    assert_eq!(shown("config.toml", toml), expected);
    assert_eq!(shown("config.JSON", json), expected);
    assert_eq!(shown("config", yaml), expected);
    assert_eq!(shown("config.yaml", &format!("\u{feff}{yaml}")), expected);
}

#[test]
fn a_section_with_everything_commented_out_is_as_none() {
    let place = Place::new();
    let config = place.load(&format!("{ACCOUNT}poll:\nseries:\n  buckets:\n    include:\n")).unwrap();
    assert_eq!(config.poll, Poll::default());
}

#[test]
fn every_fault_is_told_at_once() {
    let faults = Place::new().faults(
        "
accounts:
  - {name: a, account_id: acme, access_key: AK, secret: x, secret_file: secret}
  - {name: a, api: object_storage, account_id: 12345, access_key: 0123, secret_file: missing}
  - {name: '', base_url: 'http://example.com', acount_id: acme, access_key_file: blank, secret: true, price: {}}
  - just a text
poll: {current_usage: 15, monthly_usage: 0s, inventory: 2y, verify_login: -5m, time_out: 5s, timeout: 1h,
       max_concurrent_requests: 0}
history: {months: 121}
series: {buckets: {include: ['[a'], exclude: [7]}, max_per_account: 0}
data_max_age: 5m
state_file: /tmp/state
alertmanager: {urls: ['http://alertmanager:9093', 'ftp://x'], basic_auth: {username: me}}
credential_warning: ['30']
Pol: {}
",
    );
    let expected = [
        "accounts[3]: must be a table of keys, and is a text",
        "accounts[0].secret: is given as well as accounts[0].secret_file: keep one of them",
        "accounts[1].name: is the same as that of accounts[0]: each account needs a name of its own",
        "accounts[1].api: this version does not support object_storage yet: use account_v2, or remove the account",
        "accounts[1].account_id: must be a text, and is a number: put it in quotes",
        "accounts[1].access_key: must be a text, and is a number: put it in quotes",
        "accounts[1].secret_file: names a file that cannot be read (entity not found): check its path and its rights",
        "accounts[2].name: is empty: give it a value, or remove the key",
        "accounts[2].base_url: is http, which would send the credentials in clear: use https (http is for this \
         machine only)",
        "accounts[2].account_id: is missing",
        "accounts[2].access_key_file: names a file that is empty: write the value into it",
        "accounts[2].secret: must be a text, and is true or false: put it in quotes",
        "accounts[2].acount_id: is not a known key; did you mean `account_id`?",
        "accounts[2].price: is not supported by this version: remove it",
        "poll.current_usage: has no unit: write 30s, 15m, 6h or 90d",
        "poll.monthly_usage: must be from 1s to 90d",
        "poll.verify_login: must be from 1s to 90d",
        "poll.inventory: counts months or years, which have no fixed length: write days, as in 90d",
        "poll.timeout: must be from 100ms to 10m",
        "poll.max_concurrent_requests: must be a whole number from 1 to 1000",
        "poll.time_out: is not a known key; did you mean `timeout`?",
        "history.months: must be a whole number from 0 to 120",
        "series.buckets.include[0]: is not a regular expression: unclosed character class",
        "series.buckets.exclude[0]: must be a text, and is a number: put it in quotes",
        "series.max_per_account: must be a whole number from 1 to 4294967295",
        "alertmanager.urls[1]: must begin with https://",
        "alertmanager.basic_auth.password: is missing: give password or password_file",
        "alertmanager.urls: has an http address, which would send the password of basic_auth in clear: use https",
        "credential_warning[0]: has no unit: write 30s, 15m, 6h or 90d",
        "Pol: is not a known key; did you mean `poll`?",
        "state_file: is not supported by this version: remove it",
        "data_max_age: must be longer than poll.current_usage, or series would vanish between two polls: raise it, or \
         shorten poll.current_usage",
        "data_max_age: must be longer than poll.monthly_usage, or series would vanish between two polls: raise it, or \
         shorten poll.monthly_usage",
        "data_max_age: must be longer than poll.credentials, or series would vanish between two polls: raise it, or \
         shorten poll.credentials",
        "data_max_age: must be longer than poll.inventory, or series would vanish between two polls: raise it, or \
         shorten poll.inventory",
    ];
    for (found, expected) in faults.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
}

#[test]
fn each_kind_of_fault_has_its_place_and_its_words() {
    let account = |more: &str| format!("accounts: [{{name: a, account_id: acme, access_key: AK, {more}}}]\n");
    let with = |more: &str| account(&format!("secret_file: secret, {more}"));
    let top = |more: &str| format!("{ACCOUNT}{more}\n");
    let place = Place::new();
    for (text, expected) in [
        (account(""), "accounts[0].secret: is missing: give secret or secret_file"),
        (account("secret: ''"), "accounts[0].secret: is empty: give it a value, or remove the key"),
        (account("secret: ~"), "accounts[0].secret: is empty: give it a value, or remove the key"),
        (account("secret: [x]"), "accounts[0].secret: must be a text, and is a list"),
        (
            account("secret: 1.5"),
            "accounts[0].secret: must be a text, and is a number with a fraction: put it in quotes",
        ),
        (
            account("secret_file: ."),
            "accounts[0].secret_file: names a file that cannot be read (is a directory): check its path and its rights",
        ),
        (
            with("credential: {expires: never, generated: 2026-10-01}"),
            "accounts[0].credential: holds expires as well as generated or valid_for: keep expires, or the other two",
        ),
        (
            with("credential: {generated: 2026-10-01}"),
            "accounts[0].credential: holds generated without valid_for: add valid_for, or give expires instead",
        ),
        (
            with("credential: {valid_for: 90d}"),
            "accounts[0].credential: holds valid_for without generated: add generated, or give expires instead",
        ),
        (
            with("credential: {expires: soon}"),
            "accounts[0].credential.expires: is no date: write 2027-01-31 (00:00 UTC of it), or 2027-01-31T12:00:00Z \
             with its offset, or never",
        ),
        (with("credential: never"), "accounts[0].credential: must be a table of keys, and is a text"),
        (with("api: account_v1"), "accounts[0].api: must be account_v2"),
        (
            with("ca_file: missing.pem"),
            "accounts[0].ca_file: names a file that cannot be read (entity not found): check its path and its rights",
        ),
        (
            with("ca_file: secret"),
            "accounts[0].ca_file: names a file without a certificate in it: it must be PEM",
        ),
        (
            with("region: us"),
            "accounts[0].region: is not a known key; known here: name, api, base_url, account_id, access_key, \
             access_key_file, secret, secret_file, credential, ca_file",
        ),
        (with("Base-URL: x"), "accounts[0].Base-URL: is not a known key; did you mean `base_url`?"),
        (top("poll: {timeout: soon}"), "poll.timeout: is not a duration: write 30s, 15m, 1h30m or 90d"),
        (top("poll: 15m"), "poll: must be a table of keys, and is a text"),
        (top("history: {months: -1}"), "history.months: must be a whole number from 0 to 120"),
        (
            top("history: {months: 6.5}"),
            "history.months: must be a whole number, and is a number with a fraction",
        ),
        (top("history: {months: '6'}"), "history.months: must be a whole number, and is a text"),
        (
            top("series: {buckets: {include: '.*'}}"),
            "series.buckets.include: must be a list of texts, and is a text",
        ),
        (
            top("data_max_age: 6h"),
            "data_max_age: must be longer than poll.monthly_usage, or series would vanish between two polls: raise \
             it, or shorten poll.monthly_usage",
        ),
    ] {
        assert_eq!(place.faults(&text), [expected], "{text}");
    }
}

#[test]
fn an_expiry_is_given_or_computed() {
    let place = Place::new();
    for (credential, expected) in [
        ("{expires: 2027-01-31}", at("2027-01-31T00:00:00Z")),
        ("{expires: '2027-01-31T12:00:00+02:00'}", at("2027-01-31T10:00:00Z")),
        ("{expires: never}", Expiry::Never),
        ("{generated: 2026-10-01, valid_for: 90d}", at("2026-12-30T00:00:00Z")),
        ("{}", Expiry::Unknown),
        ("", Expiry::Unknown),
    ] {
        let text = format!(
            "accounts:\n- name: a\n  account_id: acme\n  access_key: AK\n  secret_file: secret\n  credential: {credential}\n"
        );
        assert_eq!(place.load(&text).unwrap().accounts[0].credential, expected, "{credential}");
    }
}

#[test]
fn the_monthly_interval_needs_no_data_where_the_history_is_off() {
    Place::new().load(&format!("{ACCOUNT}data_max_age: 2h\nhistory: {{months: 0}}\n")).unwrap();
}

#[test]
fn a_file_that_cannot_be_parsed_is_told_by_line_and_never_quoted() {
    let place = Place::new();
    for (name, text, expected) in [
        ("c.yaml", "accounts:\n  - secret: canary\n bad\n", "is not valid YAML at line "),
        ("c.yaml", "canary: 1\ncanary: 2\n", "is not valid YAML at line 2, column "),
        ("c.yaml", "secret: *canary\n", "is not valid YAML at line 1, column "),
        ("c.yaml", "a: \"canary\n", "is not valid YAML at line "),
        ("c.yaml", "a: canary\n---\nb: canary\n", "is not valid YAML: there is more than one document in it"),
        ("c.yaml", "canary", "must be a table of keys (accounts, poll and so on) at its top"),
        ("c.toml", "a = 1\nsecret = canary\n", "is not valid TOML at line 2, column 10"),
        (
            "c.toml",
            "canary = 1\ncanary = 2\n",
            "is not valid TOML at line 2, column 1: the same key is there twice",
        ),
        ("c.json", "{\"secret\": canary}", "is not valid JSON at line 1, column "),
        ("c.json", "[\"canary\"]", "must be a table of keys (accounts, poll and so on) at its top"),
    ] {
        let faults = lines(&place.load_as(name, text, &[]).unwrap_err());
        let start = format!("the configuration file {} {expected}", place.path(name).display());
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with(&start), "{text:?}: {}", faults[0]);
        assert!(!faults[0].contains("canary"), "{}", faults[0]);
    }
}

#[test]
fn a_nesting_without_end_is_refused() {
    let place = Place::new();
    for part in ["- ", "? ", "[", "{a: ", "{\"a\":"] {
        for name in ["c.yaml", "c.toml", "c.json"] {
            assert!(place.load_as(name, &part.repeat(100_000), &[]).is_err());
        }
    }
    let steps: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(place.load(&steps).is_err());
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let faults = load(Some(Path::new("/nowhere/c.yaml")), &BTreeMap::new()).unwrap_err();
    assert_eq!(
        lines(&faults),
        ["cannot read the configuration file /nowhere/c.yaml: No such file or directory (os error 2)"]
    );
}

#[test]
fn any_value_can_be_overridden_from_the_environment() {
    let place = Place::new();
    let config = place
        .load_as(
            "config.yaml",
            &format!("{ACCOUNT}poll: {{current_usage: 10m, timeout: 5s}}\n"),
            &[
                ("LYVE_EXPORTER__POLL__CURRENT_USAGE", "5m"),
                ("lyve_exporter__poll__Max_Concurrent_Requests", "3"),
                ("LYVE_EXPORTER__HISTORY__MONTHS", "0"),
                ("LYVE_EXPORTER__ACCOUNTS__0__NAME", "Name.With[Case]"),
                ("LYVE_EXPORTER__ACCOUNTS__0__CREDENTIAL__EXPIRES", "2027-01-31"),
                ("LYVE_EXPORTER__ACCOUNTS__1__NAME", "b"),
                ("LYVE_EXPORTER__ACCOUNTS__1__ACCOUNT_ID", "0123"),
                ("LYVE_EXPORTER__ACCOUNTS__1__ACCESS_KEY", "true"),
                ("LYVE_EXPORTER__ACCOUNTS__1__SECRET", "1e5"),
                ("LYVE_EXPORTER__SERIES__BUCKETS__EXCLUDE__0", "tmp"),
                ("LYVE_EXPORTER_CONFIG_FILE", "a flag's variable"),
            ],
        )
        .unwrap();
    assert_eq!(config.poll.current_usage, Duration::from_secs(300));
    assert_eq!(config.poll.timeout, Duration::from_secs(5));
    assert_eq!(config.poll.max_concurrent_requests, 3);
    assert_eq!(config.history.months, 0);
    assert_eq!(config.accounts[0].name, "Name.With[Case]");
    assert_eq!(config.accounts[0].credential, at("2027-01-31T00:00:00Z"));
    assert_eq!(config.accounts[1].account_id, "0123");
    assert_eq!(config.accounts[1].access_key, SecretSource::Inline(Secret::new("true".to_owned())));
    assert_eq!(config.accounts[1].secret, SecretSource::Inline(Secret::new("1e5".to_owned())));
    assert!(!config.series.buckets.allows("tmp"));
}

#[test]
fn lists_can_be_built_up_from_the_environment_alone() {
    let names: Vec<String> = (0..12).map(|index| format!("LYVE_EXPORTER__ACCOUNTS__{index}__")).collect();
    let mut environment = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        environment.insert(format!("{name}NAME"), format!("n{index}"));
        environment.insert(format!("{name}ACCOUNT_ID"), "acme".to_owned());
        environment.insert(format!("{name}ACCESS_KEY"), "AK".to_owned());
        environment.insert(format!("{name}SECRET"), "s".to_owned());
    }
    let config = load(None, &environment).unwrap();
    assert_eq!(config.accounts.len(), 12);
    assert_eq!(config.accounts[11].name, "n11");
}

#[test]
fn a_bad_override_names_its_variable() {
    let place = Place::new();
    let faults = place
        .load_as(
            "config.yaml",
            ACCOUNT,
            &[
                ("LYVE_EXPORTER__ACCOUNTS", "canary"),
                ("LYVE_EXPORTER__ACCOUNTS__0__SECRET", "canary"),
                ("LYVE_EXPORTER__ACCOUNTS__2__SECRET", "canary"),
                ("LYVE_EXPORTER__ACCOUNTS__99999999999__SECRET", "canary"),
                ("LYVE_EXPORTER__ACCOUNTS__NAME", "canary"),
                ("LYVE_EXPORTER__DATA_MAX_AGE__X", "canary"),
                ("LYVE_EXPORTER__DATA_MAX_AGE", "canary"),
                ("LYVE_EXPORTER__POLL__TIMEOUT", "canary"),
                ("LYVE_EXPORTER__POLL__INVENTORI", "canary"),
                ("LYVE_EXPORTER__", "canary"),
                ("LYVE_EXPORTER__HISTORY__MONTHS", "\u{fffd}"),
            ],
        )
        .unwrap_err();
    assert_eq!(
        lines(&faults),
        [
            "LYVE_EXPORTER__HISTORY__MONTHS: is not UTF-8 text",
            "LYVE_EXPORTER__ACCOUNTS: would replace a whole table or list: set the values inside it one by one",
            "LYVE_EXPORTER__ACCOUNTS__2__SECRET: the list has 1 items so far: items are numbered from 0, without a gap",
            "LYVE_EXPORTER__ACCOUNTS__99999999999__SECRET: the list has 1 items so far: items are numbered from 0, \
             without a gap",
            "LYVE_EXPORTER__ACCOUNTS__NAME: addresses a list: name the item by its number from 0, as in \
             LYVE_EXPORTER__ACCOUNTS__0__NAME",
            "LYVE_EXPORTER__DATA_MAX_AGE__X: addresses something inside a plain value",
            "accounts[0].secret (LYVE_EXPORTER__ACCOUNTS__0__SECRET): is given as well as accounts[0].secret_file: \
             keep one of them",
            "poll.timeout (LYVE_EXPORTER__POLL__TIMEOUT): is not a duration: write 30s, 15m, 1h30m or 90d",
            "poll.inventori (LYVE_EXPORTER__POLL__INVENTORI): is not a known key; did you mean `inventory`?",
            "history.months (LYVE_EXPORTER__HISTORY__MONTHS): must be a whole number from 0 to 120",
            "data_max_age (LYVE_EXPORTER__DATA_MAX_AGE): is not a duration: write 30s, 15m, 1h30m or 90d",
            " (LYVE_EXPORTER__): is not a known key; known here: accounts, poll, history, series, data_max_age, alertmanager, credential_warning",
        ]
    );
}

#[test]
fn one_account_needs_no_file() {
    let place = Place::new();
    let secret = place.path("secret");
    let secret_path = secret.to_str().unwrap();
    let config = load(
        None,
        &variables(&[
            ("LYVE_ACCOUNT_ID_FILE", secret_path),
            ("LYVE_ACCESS_KEY", "AK"),
            ("LYVE_SECRET_FILE", secret_path),
            ("LYVE_SECRET", ""),
            ("LYVE_BASE_URL", "http://127.0.0.1:1/v2/"),
            ("LYVE_CREDENTIAL_EXPIRES", "never"),
            ("LYVE_EXPORTER__POLL__TIMEOUT", "1s"),
        ]),
    )
    .unwrap();
    let [account] = &config.accounts[..] else { panic!() };
    assert_eq!(account.name, "s3cret");
    assert_eq!(account.account_id, "s3cret");
    assert_eq!(account.access_key, SecretSource::Inline(Secret::new("AK".to_owned())));
    assert_eq!(account.secret, SecretSource::File(secret.clone()));
    assert_eq!(account.base_url.as_str(), "http://127.0.0.1:1/v2");
    assert_eq!(account.credential, Expiry::Never);
    assert_eq!(config.poll.timeout, Duration::from_secs(1));
}

#[test]
fn faults_of_the_account_in_variables_name_the_variables() {
    let faults = load(
        None,
        &variables(&[
            ("LYVE_ACCOUNT_ID", "acme"),
            ("LYVE_ACCOUNT_ID_FILE", "/nowhere"),
            ("LYVE_ACCESS_KEY_FILE", "/nowhere/canary"),
            ("LYVE_BASE_URL", "https://canary@example.com"),
            ("LYVE_CREDENTIAL_EXPIRES", "canary"),
        ]),
    )
    .unwrap_err();
    let found = lines(&faults);
    let expected = [
        "account_id (LYVE_ACCOUNT_ID): is given as well as account_id_file (LYVE_ACCOUNT_ID_FILE)",
        "access_key_file (LYVE_ACCESS_KEY_FILE): names a file that cannot be read (entity not found)",
        "LYVE_SECRET: is not set, but other variables of the account are: set it or LYVE_SECRET_FILE",
        "base_url (LYVE_BASE_URL): must hold no user name or password",
        "expires (LYVE_CREDENTIAL_EXPIRES): is no date",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    assert!(!faults.to_string().contains("canary"), "{faults}");
}

#[test]
fn accounts_come_from_one_place_and_from_somewhere() {
    let place = Place::new();
    let faults = place.load_as("config.yaml", ACCOUNT, &[("LYVE_SECRET", "s")]).unwrap_err();
    assert_eq!(
        lines(&faults),
        [
            "accounts: are given as well as an account in the LYVE_ACCOUNT_ID, LYVE_ACCESS_KEY and LYVE_SECRET \
          variables: keep one of the two"
        ]
    );
    let none = [
        "accounts: there is none: list accounts in a file that --config.file names, or set LYVE_ACCOUNT_ID, \
                 LYVE_ACCESS_KEY and LYVE_SECRET (or each with _FILE)",
    ];
    assert_eq!(lines(&load(None, &BTreeMap::new()).unwrap_err()), none);
    assert_eq!(place.faults("# nothing\n"), none);
    assert_eq!(place.faults("accounts: []\n"), none);
}

#[test]
fn what_may_be_a_secret_in_the_wrong_place_is_not_shown() {
    let place = Place::new();
    for text in [
        "accounts: [{name: a, account_id: acme, access_key: AK, {secret:Canary1}: }]",
        "accounts: [{name: a, account_id: acme, access_key: AK, secret:Canary1}]",
        "accounts: [{name: a, account_id: acme, access_key: AK, secret_file: Canary1}]",
        "accounts: [{name: a, account_id: acme, access_key: {Canary1: Canary1}, secret: [Canary1]}]",
        "accounts: [{name: a, account_id: acme, access_key: AK, secret: s, ca_file: Canary1}]",
        "accounts: [Canary1]",
        "accounts: Canary1",
        "Canary1: Canary1",
        "series: {buckets: {include: ['(Canary1']}}",
    ] {
        let faults = place.load(text).unwrap_err().to_string();
        assert!(!faults.contains("Canary1"), "{faults}");
    }
}

const WORDS: &[&str] = &[
    "accounts",
    "name",
    "api",
    "base_url",
    "account_id",
    "access_key",
    "access_key_file",
    "secret",
    "secret_file",
    "credential",
    "expires",
    "generated",
    "valid_for",
    "ca_file",
    "price",
    "poll",
    "current_usage",
    "timeout",
    "history",
    "months",
    "series",
    "buckets",
    "include",
    "exclude",
    "max_per_account",
    "data_max_age",
];

/// Text that is near to a configuration: lines of keys and values at any depth, right or wrong.
fn near_yaml() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("Canary1".to_owned()),
        Just("'Canary1".to_owned()),
        Just("https://Canary1@h/".to_owned()),
        Just("*Canary1".to_owned()),
        Just("[Canary1, {Canary1: 1e999}]".to_owned()),
        Just(".inf".to_owned()),
        Just("-0x1".to_owned()),
        Just("2027-01-31".to_owned()),
        Just("15m".to_owned()),
        "-?[0-9]{1,25}[smhdy]?",
        "[ -~]{0,8}",
        Just(String::new()),
    ];
    let line = (
        0..4_usize,
        any::<bool>(),
        prop::sample::select(WORDS),
        prop_oneof![Just(": "), Just(":"), Just(" ")],
        value,
    )
        .prop_map(|(depth, item, key, colon, value)| {
            format!("{}{}{key}{colon}{value}\n", "  ".repeat(depth), if item { "- " } else { "" })
        });
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_refused_or_taken_without_a_panic(text in any::<String>(), ending in "yaml|toml|json") {
        let place = Place::new();
        // Whatever was drawn, no account with a secret file at the right place comes out of it.
        prop_assert!(place.load_as(&("c.".to_owned() + &ending), &text, &[]).is_err());
    }

    #[test]
    fn no_fault_shows_a_value(text in near_yaml(), ending in "yaml|toml|json") {
        let place = Place::new();
        if let Err(faults) = place.load_as(&("c.".to_owned() + &ending), &text, &[]) {
            prop_assert!(!faults.to_string().contains("Canary1"), "{}", faults);
        }
    }

    #[test]
    fn any_variable_is_refused_or_taken_without_a_panic(
        path in "(__|_|[A-Z]{1,3}|[0-9]{1,22}|ACCOUNTS__0__|POLL__){0,6}",
        value in any::<String>(),
    ) {
        let place = Place::new();
        let name = format!("LYVE_EXPORTER__{path}");
        if let Err(faults) = place.load_as("c.yaml", ACCOUNT, &[(&name, &format!("Canary1{value}"))]) {
            prop_assert!(!faults.to_string().contains("Canary1"), "{}", faults);
        }
    }
}
