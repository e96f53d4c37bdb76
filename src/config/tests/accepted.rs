use super::*;
use crate::logging::tests::captured;
use crate::logging::{LogFormat, LogLevel};

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
    assert_eq!(account.address().as_str(), "https://api.lyvecloud.seagate.com/v2");
    assert_eq!(account.access_key, SecretSource::Inline(Secret::new("AK".to_owned())));
    assert_eq!(account.secret, SecretSource::File(place.path("secret")));
    assert_eq!(account.credential, Expiry::Unknown);
    assert_eq!(account.ca_file, None);
}

#[test]
fn the_example_loads_as_it_is_and_with_every_comment_taken_as_a_value() {
    let example = include_str!("../../../config/lyve-cloud-exporter.yaml");
    let place = Place::new();
    let at_the_example = |text: &str| {
        text.replace(
            "/run/credentials/lyve-cloud-exporter.service/secret",
            place.path("secret").to_str().unwrap(),
        )
        .replace("/etc/lyve-cloud-exporter/alertmanager-password", place.path("secret").to_str().unwrap())
        .replace("/etc/ssl/proxy-ca.pem", place.path("ca.pem").to_str().unwrap())
        .replace("/etc/ssl/alertmanager-ca.pem", place.path("ca.pem").to_str().unwrap())
    };
    std::fs::copy(place.path("secret"), place.path("secret2")).unwrap();
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
    assert_eq!(full.accounts[0].api, config.accounts[0].api);
    assert_eq!(full.accounts[0].ca_file, Some(place.path("ca.pem")));
    assert_eq!(full.accounts[0].credential, at("2027-01-31T00:00:00Z"));
    assert_eq!(full.warning, config.warning);
    assert_eq!(config.warning, WarningSteps::default());
    assert_eq!(config.usage_drop.to_bits(), full.usage_drop.to_bits());
    assert_eq!(full.accounts[0].price.as_ref().and_then(|price| price.budget), Some(1500.0));
    assert_eq!(config.state_file, None);
    assert_eq!(full.state_file, Some("/var/lib/lyve-cloud-exporter/state.json".into()));
    assert!(config.alertmanager.is_none());
    let alertmanager = full.alertmanager.unwrap();
    assert_eq!(alertmanager.urls[0].as_str(), "http://localhost:9093/");
    assert_eq!(alertmanager.basic_auth.unwrap().password, SecretSource::File(place.path("secret")));
    assert_eq!(alertmanager.ca_file, Some(place.path("ca.pem")));
    // Two accounts do not share a secret.
    assert_eq!(full.accounts[1].secret, SecretSource::File(place.path("secret2")));
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
fn a_file_with_a_secret_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let warning = |text: &str, mode: u32, environment: &[(&str, &str)]| {
        let path = place.path("config.yaml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        captured(LogLevel::Info, LogFormat::Logfmt, || {
            load(Some(&path), &variables(environment)).unwrap();
        })
    };
    let inline = ACCOUNT.replace("secret_file: secret", "secret: canary");
    let text = warning(&inline, 0o644, &[]);
    assert!(text.contains("level=warn") && text.contains("chmod 600"), "{text}");
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(warning(&inline, 0o600, &[]), "");
    assert_eq!(warning(ACCOUNT, 0o644, &[]), "");
    let by_variable = [("LYVE_EXPORTER__ACCOUNTS__0__SECRET", "canary")];
    assert_eq!(warning(&ACCOUNT.replace(", secret_file: secret", ""), 0o644, &by_variable), "");
}

#[test]
fn each_collector_has_the_interval_of_its_key() {
    let config = Place::new()
        .load(&format!(
            "{ACCOUNT}poll: {{current_usage: 1m, monthly_usage: 2m, credentials: 3m, inventory: 4m, verify_login: 5m}}\n"
        ))
        .unwrap();
    let minutes = crate::api::collectors().map(|declared| (declared.interval)(&config.poll).as_secs() / 60);
    assert_eq!(minutes.collect::<Vec<_>>(), [1, 2, 3, 4, 4, 1, 4, 4]);
    assert_eq!(config.poll.verify_login, Duration::from_secs(300));
}

/// An account of Lyve Cloud Object Storage, with these keys beside those of its pair.
fn object_storage(more: &str) -> String {
    format!("accounts: [{{name: a, api: object_storage, access_key: AK, secret_file: secret, {more}}}]\n")
}

#[test]
fn an_account_of_object_storage_needs_a_region_and_no_more() {
    let place = Place::new();
    let account = place.load(&object_storage("region: US-East-1")).unwrap().accounts.remove(0);
    let url = |text: &str| text.parse().unwrap();
    let mut expected = ObjectStorage {
        iam_url: url("https://iam.global.lyve.seagate.com"),
        s3_url: url("https://s3.us-east-1.global.lyve.seagate.com"),
        max_age: None,
        // `printf AK | sha256sum`
        key_digest: Some("3c4e58eff203b042".to_owned()),
    };
    assert_eq!(account.api, Api::ObjectStorage(expected.clone()));
    assert_eq!(account.account_id, "a");
    assert_eq!(account.identity().id, "a, key 3c4e58eff203b042");
    assert_eq!(account.credential, Expiry::Never);

    let more = "account_id: acme, iam_url: 'https://iam.x.example/', s3_url: 'http://127.0.0.1:9000', \
                credential: {max_age: 90d}, price: {per_terabyte_month: 7, currency: EUR}";
    let account = place.load(&object_storage(more)).unwrap().accounts.remove(0);
    expected.iam_url = url("https://iam.x.example");
    expected.s3_url = url("http://127.0.0.1:9000");
    expected.max_age = Some(Duration::from_secs(90 * 86_400));
    expected.key_digest = None;
    assert_eq!(account.api, Api::ObjectStorage(expected));
    assert_eq!(account.account_id, "acme");
    assert_eq!(account.identity().id, "acme", "whatever its keys are");
    assert!(account.price.is_some());
}

#[test]
fn without_an_account_id_another_key_is_another_account() {
    let place = Place::new();
    std::fs::write(place.path("key"), "AK\n").unwrap();
    let identity = |text: &str| place.load(text).unwrap().accounts[0].identity();
    let inline = object_storage("region: us-east-1");
    let file = inline.replace("access_key: AK", "access_key_file: key");
    assert_eq!(identity(&inline), identity(&file), "the id counts, not where it is written");
    assert_eq!(identity(&inline), identity(&inline.replace("secret_file: secret", "secret: other")));
    let before = identity(&file);
    std::fs::write(place.path("key"), "OTHER\n").unwrap();
    assert_ne!(identity(&file), before);
    assert_ne!(identity(&inline.replace("name: a", "name: b")), identity(&inline));
    assert_ne!(identity(&object_storage("region: us-east-1, account_id: a")), identity(&inline));
}

#[test]
fn a_relative_state_file_starts_at_the_configurations_directory() {
    let place = Place::new();
    let config = place.load(&format!("{ACCOUNT}state_file: state.json\n")).unwrap();
    assert_eq!(config.state_file, Some(place.path("state.json")));
}

#[test]
fn two_readings_of_one_text_are_equal_and_a_change_shows() {
    let place = Place::new();
    let text = format!("{ACCOUNT}series: {{buckets: {{include: ['a.*'], exclude: [b]}}}}\n");
    let (one, other) = (place.load(&text).unwrap(), place.load(&text).unwrap());
    assert_eq!(one.accounts, other.accounts);
    assert_eq!(one.series, other.series);
    let changed = place.load(&text.replace("exclude: [b]", "exclude: [c]")).unwrap();
    assert_ne!(one.series, changed.series);
}

#[test]
fn what_looks_wrong_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let pair = |name: &str, key: &str, more: &str| {
        format!("  - {{name: {name}, account_id: {name}, access_key: {key}, {more}}}\n")
    };
    let warnings = |accounts: &str, content: &str, mode: u32| {
        std::fs::write(place.path("secret"), content).unwrap();
        std::fs::set_permissions(place.path("secret"), std::fs::Permissions::from_mode(mode)).unwrap();
        let config = place.load(&format!("accounts:\n{accounts}")).unwrap();
        let warnings = config.warnings("2026-11-25T00:00:00Z".parse().unwrap());
        assert!(!warnings.iter().any(|warning| warning.contains("Canary1")), "{warnings:?}");
        warnings.join("\n").replace(&place.path("secret").display().to_string(), "FILE")
    };
    let file = pair("a", "AK", "secret_file: secret");
    for (accounts, content, mode, expected) in [
        (&file, " Canary1\n\n", 0o600, ""),
        (&pair("a", "AK", "secret: Canary1, credential: {expires: 2026-11-26}"), "x", 0o644, ""),
        (
            &pair("a", "AK", "secret: Canary1, credential: {expires: 2026-11-25}"),
            "x",
            0o600,
            "account a: its credential ended at 2026-11-25T00:00:00Z by its own date: create another in the vendor's \
             console, or correct the date",
        ),
        (
            &file,
            "Canary1",
            0o640,
            "account a: the secret in FILE can be read by its group or by others: make it readable by the exporter's user only",
        ),
        (
            &file,
            "Canary1 Canary1\n",
            0o600,
            "account a: the secret in FILE has white space or a line break inside: it must be the secret alone",
        ),
        (
            &pair("a", "Canary1 x", "secret_file: secret"),
            "Canary1",
            0o600,
            "account a: the access key has white space or a line break inside: it must be the access key alone",
        ),
        (&format!("{file}{}", pair("b", "AK", "secret_file: secret")), "Canary1", 0o600, ""),
        (
            &format!("{file}{}", pair("b", "other", "secret_file: secret")),
            "Canary1",
            0o600,
            "account b: its secret_file is that of account a too, though their access keys differ: a secret belongs \
             to one access key",
        ),
    ] {
        assert_eq!(warnings(accounts, content, mode), expected);
    }
    // Whoever makes a volume chooses its rights.
    std::os::unix::fs::symlink(".", place.path("..data")).unwrap();
    assert_eq!(warnings(&file, "Canary1", 0o640), "");
}

#[test]
fn an_account_may_have_its_own_thresholds() {
    let text = format!("{ACCOUNT}credential_warning: [60d, 14d]\nrotation_warning: 21d\nusage_drop: 0.3\n");
    let config = Place::new().load(&text).unwrap();
    let day = |days: u64| Duration::from_secs(days * 86_400);
    let spec = |config: &Config| crate::poll::spec(&config.accounts[0], config);
    let own = spec(&config);
    assert_eq!((own.warning.warning, own.warning.critical), (Some(day(60)), Some(day(14))));
    assert_eq!(own.usage_drop.to_bits(), 0.3_f64.to_bits());

    let text = text.replacen("{", "{credential_warning: [3d], usage_drop: 0.9, ", 1);
    let own = spec(&Place::new().load(&text).unwrap());
    assert_eq!((own.warning.warning, own.warning.critical), (None, Some(day(3))));
    assert_eq!(own.warning.rotation, day(21), "what is not its own is that of all");
    assert_eq!(own.usage_drop.to_bits(), 0.9_f64.to_bits());
}

#[test]
fn slips_that_can_be_run_are_warned_of() {
    let place = Place::new();
    let warnings = |config: &str| {
        let config = place.load(config).unwrap();
        config.warnings("2026-11-25T00:00:00Z".parse().unwrap()).join("\n")
    };
    let v2 = |name: &str, id: &str, more: &str| {
        format!(
            "  - name: {name}\n    account_id: '{id}'\n    access_key: AK{name}\n    secret: Canary1\n    \
             credential: {{expires: never}}\n{more}"
        )
    };
    let archive = |more: &str| {
        format!(
            "accounts:\n  - name: a\n    api: object_storage\n    access_key: AK\n    secret: Canary1\n{more}"
        )
    };
    assert_eq!(warnings(&format!("accounts:\n{}{}", v2("a", "1", ""), v2("b", "2", ""))), "");
    let acme = "    s3_url: https://s3.us-west-1.acme.lyve.seagate.com\n";
    assert_eq!(warnings(&archive(acme)), "");
    for (config, says) in [
        (
            format!("accounts:\n{}{}", v2("a", "1", ""), v2("b", "1", "")),
            "account b: it is the same account at the vendor as a",
        ),
        (
            format!("accounts:\n{}", v2("a", "1", "    base_url: https://api.lyvecloud.seagate.com\n")),
            "account a: base_url does not end with /v2",
        ),
        (
            format!("accounts:\n{}poll: {{inventory: 1s}}\n", v2("a", "1", "")),
            "poll.inventory is 1s: the vendor may answer so many requests with 429",
        ),
        (
            format!("accounts:\n{}", v2("a", "1", "").replace("Canary1", "'\"Canary1\"'")),
            "account a: the secret is in quotes, which are sent with it",
        ),
        (
            archive(&format!("{acme}    iam_url: https://iam.global.lyve.seagate.com\n")),
            "account a: iam_url is of global and s3_url of acme",
        ),
        (
            archive("    s3_url: https://s3.us-east-1.lyvecloud.seagate.com\n"),
            "account a: s3_url is a host for accounts of account_v2",
        ),
    ] {
        let warnings = warnings(&config);
        assert!(warnings.starts_with(says), "{config}: {warnings}");
        assert!(!warnings.contains("Canary1"), "{warnings}");
    }
}

#[test]
fn users_and_keys_are_asked_for_at_the_reseller_of_the_buckets() {
    let place = Place::new();
    for (more, iam) in [
        ("s3_url: https://s3.us-west-1.acme.lyve.seagate.com", "https://iam.acme.lyve.seagate.com/"),
        ("region: us-east-1", "https://iam.global.lyve.seagate.com/"),
        ("s3_url: https://s3.example.test", "https://iam.global.lyve.seagate.com/"),
        (
            "{s3_url: https://s3.us-west-1.acme.lyve.seagate.com, iam_url: https://iam.example.test}",
            "https://iam.example.test/",
        ),
    ] {
        let more = more.trim_matches(['{', '}']).replace(", ", "\n    ");
        let config = place
            .load(&format!(
                "accounts:\n  - name: a\n    api: object_storage\n    access_key: AK\n    secret: x\n    {more}\n"
            ))
            .unwrap();
        assert_eq!(config.accounts[0].address().as_str(), iam);
    }
}

#[test]
fn what_accounts_share_is_written_once() {
    let place = Place::new();
    let config = place
        .load(
            "x-shared: &shared\n  secret: Canary1\n  credential: &end {expires: Never}\n  base_url: https://one.test/v2\n\
             accounts:\n  - <<: *shared\n    name: a\n    account_id: '1'\n    access_key: A\n\
             \x20 - <<: [*shared, {access_key: unused}]\n    name: b\n    account_id: '2'\n    access_key: B\n    \
             base_url: https://two.test/v2\n\
             \x20 - {name: c, account_id: '3', access_key: C, secret: x, credential: *end}\n",
        )
        .unwrap();
    let shown: Vec<_> = config
        .accounts
        .iter()
        .map(|account| (account.name.as_str(), account.address().as_str(), account.credential))
        .collect();
    assert_eq!(
        shown,
        [
            ("a", "https://one.test/v2", Expiry::Never),
            ("b", "https://two.test/v2", Expiry::Never),
            ("c", "https://api.lyvecloud.seagate.com/v2", Expiry::Never),
        ]
    );
    assert_eq!(config.accounts[1].secret, SecretSource::Inline(Secret::new("Canary1".to_owned())));
    assert_eq!(config.accounts[1].access_key, SecretSource::Inline(Secret::new("B".to_owned())));
}
