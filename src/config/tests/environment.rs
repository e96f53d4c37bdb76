use super::*;

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
    let errors = place
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
        lines(&errors),
        [
            "LYVE_EXPORTER__HISTORY__MONTHS: is not UTF-8 text",
            "LYVE_EXPORTER__ACCOUNTS: would replace a table or list: set the values inside it one by one",
            "LYVE_EXPORTER__ACCOUNTS__2__SECRET: leaves a gap: items are numbered from 0, and the next one here is 1",
            "LYVE_EXPORTER__ACCOUNTS__99999999999__SECRET: leaves a gap: items are numbered from 0, and the next one here is 1",
            "LYVE_EXPORTER__ACCOUNTS__NAME: addresses a list: name the item by its number from 0, as in \
             LYVE_EXPORTER__ACCOUNTS__0__NAME",
            "LYVE_EXPORTER__DATA_MAX_AGE__X: addresses something inside a plain value",
            "accounts[0].secret (LYVE_EXPORTER__ACCOUNTS__0__SECRET): is set as well as accounts[0].secret_file: \
             keep one of them",
            "poll.timeout (LYVE_EXPORTER__POLL__TIMEOUT): is not a duration: write 30s, 15m, 1h30m or 90d",
            "poll.inventori (LYVE_EXPORTER__POLL__INVENTORI): is not a known key; did you mean `inventory`?",
            "history.months (LYVE_EXPORTER__HISTORY__MONTHS): must be an integer from 0 to 120",
            "data_max_age (LYVE_EXPORTER__DATA_MAX_AGE): is not a duration: write 30s, 15m, 1h30m or 90d",
            " (LYVE_EXPORTER__): is not a known key; known: accounts, poll, history, series, data_max_age, state_file, alertmanager, credential_warning, rotation_warning, usage_drop",
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
    assert_eq!(account.address().as_str(), "http://127.0.0.1:1/v2");
    assert_eq!(account.credential, Expiry::Never);
    assert_eq!(config.poll.timeout, Duration::from_secs(1));
}

#[test]
fn errors_of_the_account_in_variables_name_the_variables() {
    let errors = load(
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
    let found = lines(&errors);
    let expected = [
        "account_id (LYVE_ACCOUNT_ID): is set as well as account_id_file (LYVE_ACCOUNT_ID_FILE)",
        "access_key_file (LYVE_ACCESS_KEY_FILE): names a file that cannot be read (No such file or directory)",
        "LYVE_SECRET: is not set, but other variables of the account are: set it or LYVE_SECRET_FILE",
        "base_url (LYVE_BASE_URL): must not contain a user name or password",
        "expires (LYVE_CREDENTIAL_EXPIRES): is not a date",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    assert!(!errors.to_string().contains("canary"), "{errors}");
}

#[test]
fn accounts_come_from_one_place_and_from_somewhere() {
    let place = Place::new();
    let errors = place.load_as("config.yaml", ACCOUNT, &[("LYVE_SECRET", "s")]).unwrap_err();
    assert_eq!(
        lines(&errors),
        ["accounts: are set as well as an account in the LYVE_ACCOUNT_ID, LYVE_ACCESS_KEY and LYVE_SECRET \
          variables: keep one of the two"]
    );
    let none = ["accounts: not set: list them in a file that --config.file names, or set LYVE_ACCOUNT_ID, \
                 LYVE_ACCESS_KEY and LYVE_SECRET (or each with _FILE)"];
    assert_eq!(lines(&load(None, &BTreeMap::new()).unwrap_err()), none);
    assert_eq!(place.errors("# nothing\n"), none);
    assert_eq!(place.errors("accounts: []\n"), none);
}

#[test]
fn a_variable_that_nobody_reads_is_told_with_the_one_that_is_meant() {
    let place = Place::new();
    for (name, expected) in [
        ("LYVE_EXPORTER_WEB_LISTEN_ADRESS", "did you mean LYVE_EXPORTER_WEB_LISTEN_ADDRESS?"),
        ("lyve_exporter_log_level", "did you mean LYVE_EXPORTER_LOG_LEVEL?"),
        ("LYVE_EXPORTER_ACCOUNTS__0__SECRET_FILE", "did you mean LYVE_EXPORTER__ACCOUNTS__0__SECRET_FILE?"),
        (
            "LYVE_EXPORTER_POLL_INVENTORY",
            "no flag has this name, and a value of the configuration has `__` before each key, as in \
             LYVE_EXPORTER__POLL__TIMEOUT",
        ),
        ("LYVE_CREDENTIAL_EXPIRE", "did you mean LYVE_CREDENTIAL_EXPIRES?"),
        ("lyve_secret", "did you mean LYVE_SECRET?"),
        (
            "LYVE_API",
            "one account from variables is of the Account API only: list an account of object_storage in a file \
             that --config.file names",
        ),
        (
            "LYVE_TIMEOUT\u{1b}",
            "known: LYVE_ACCOUNT_ID, LYVE_ACCOUNT_ID_FILE, LYVE_ACCESS_KEY, LYVE_ACCESS_KEY_FILE, LYVE_SECRET, \
             LYVE_SECRET_FILE, LYVE_BASE_URL, LYVE_CREDENTIAL_EXPIRES; those of flags begin with LYVE_EXPORTER_, \
             those of values with LYVE_EXPORTER__",
        ),
    ] {
        let errors = place.load_as("config.yaml", ACCOUNT, &[(name, "canary")]).unwrap_err();
        let shown = name.replace('\u{1b}', "\\u{1b}");
        assert_eq!(lines(&errors), [format!("{shown}: is not a known variable; {expected}")]);
        place.load_as("config.yaml", ACCOUNT, &[(name, "")]).unwrap();
    }
    let known = crate::cli::variables();
    assert!(known.contains(&"LYVE_EXPORTER_SHARD_INDEX".to_owned()), "{known:?}");
    let links = [
        "LYVE_CLOUD_EXPORTER_SERVICE_HOST",
        "LYVE_CLOUD_EXPORTER_SERVICE_PORT",
        "LYVE_CLOUD_EXPORTER_SERVICE_PORT_METRICS",
        "LYVE_EXPORTER_PORT",
        "LYVE_EXPORTER_PORT_10059_TCP",
        "LYVE_EXPORTER_PORT_10059_TCP_ADDR",
    ];
    for name in known.iter().map(String::as_str).chain(links) {
        place.load_as("config.yaml", ACCOUNT, &[(name, "x")]).unwrap();
    }
}
