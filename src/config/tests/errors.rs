use super::*;

#[test]
fn all_errors_are_reported_at_once() {
    let errors = Place::new().errors(
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
state_file: /tmp
alertmanager: {urls: ['http://alertmanager:9093', 'ftp://x'], basic_auth: {username: me}}
credential_warning: ['30']
rotation_warning: 14
usage_drop: 50
Pol: {}
",
    );
    let expected = [
        "accounts[3]: must be a table of keys, not a string",
        "accounts[0].secret: is set as well as accounts[0].secret_file: keep one of them",
        "accounts[1].name: is the same as that of accounts[0]: each account needs a name of its own",
        "accounts[1].region: is not set: set the region of the account, such as us-east-1, or s3_url where it has an \
         address of its own",
        "accounts[1].account_id: must be a string, not a number: put it in quotes",
        "accounts[1].access_key: must be a string, not a number: put it in quotes",
        "accounts[1].secret_file: names a file that cannot be read (No such file or directory): check its path and permissions",
        "accounts[2].name: is empty: give it a value, or remove the key",
        "accounts[2].base_url: is http, which would send the credentials in clear: use https (http is for this \
         machine only)",
        "accounts[2].account_id: is not set",
        "accounts[2].access_key_file: names blank, which is empty: write the value into it",
        "accounts[2].secret: must be a string, not true or false: put it in quotes",
        "accounts[2].price.per_terabyte_month: is not set",
        "accounts[2].price.currency: is not set",
        "accounts[2].acount_id: is not a known key; did you mean `account_id`?",
        "poll.current_usage: has no unit: write 30s, 15m, 6h or 90d",
        "poll.monthly_usage: must be from 1s to 90d",
        "poll.verify_login: must be from 1s to 90d",
        "poll.inventory: counts months or years, which have no fixed length: write days, as in 90d",
        "poll.timeout: must be from 100ms to 10m",
        "poll.max_concurrent_requests: must be an integer from 1 to 1000",
        "poll.time_out: is not a known key; did you mean `timeout`?",
        "history.months: must be an integer from 0 to 120",
        "series.buckets.include[0]: is not a regular expression: unclosed character class",
        "series.buckets.exclude[0]: must be a string, not a number: put it in quotes",
        "series.max_per_account: must be an integer from 1 to 4294967295",
        "state_file: names a directory: name a file in it",
        "alertmanager.urls[1]: must begin with https:// or http://",
        "alertmanager.basic_auth.password: is not set: set password or password_file",
        "alertmanager.urls: has an http address, which would send the password of basic_auth in clear: use https",
        "credential_warning[0]: has no unit: write 30s, 15m, 6h or 90d",
        "rotation_warning: has no unit: write 30s, 15m, 6h or 90d",
        "usage_drop: must be a number between 0 and 1, such as 0.5",
        "Pol: is not a known key; did you mean `poll`?",
        "data_max_age: must be longer than poll.current_usage, or series would vanish between two polls: raise it, or \
         shorten poll.current_usage",
        "data_max_age: must be longer than poll.monthly_usage, or series would vanish between two polls: raise it, or \
         shorten poll.monthly_usage",
        "data_max_age: must be longer than poll.credentials, or series would vanish between two polls: raise it, or \
         shorten poll.credentials",
        "data_max_age: must be longer than poll.inventory, or series would vanish between two polls: raise it, or \
         shorten poll.inventory",
    ];
    for (found, expected) in errors.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
}

#[test]
fn each_kind_of_error_has_its_place_and_its_words() {
    let account = |more: &str| format!("accounts: [{{name: a, account_id: acme, access_key: AK, {more}}}]\n");
    let with = |more: &str| account(&format!("secret_file: secret, {more}"));
    let top = |more: &str| format!("{ACCOUNT}{more}\n");
    let place = Place::new();
    for (text, expected) in [
        (account(""), "accounts[0].secret: is not set: set secret or secret_file"),
        (account("secret: ''"), "accounts[0].secret: is empty: give it a value, or remove the key"),
        (account("secret: ~"), "accounts[0].secret: is empty: give it a value, or remove the key"),
        (account("secret: [x]"), "accounts[0].secret: must be a string, not a list"),
        (
            account("secret: 1.5"),
            "accounts[0].secret: must be a string, not a number with a fraction: put it in quotes",
        ),
        (account("secret_file: ."), "accounts[0].secret_file: names ., which is not a file"),
        (
            with("price: {per_terabyte_month: -1, currency: USD}"),
            "accounts[0].price.per_terabyte_month: must be a number that is not negative, such as 7.99",
        ),
        (
            with("price: {per_terabyte_month: 7.99, minimum_terabytes: much, currency: USD}"),
            "accounts[0].price.minimum_terabytes: must be a number that is not negative, such as 7.99",
        ),
        (
            with("price: {per_terabyte_month: 7.99, currency: USD, budget: -5}"),
            "accounts[0].price.budget: must be a number that is not negative, such as 7.99",
        ),
        (with("usage_drop: 1.0"), "accounts[0].usage_drop: must be a number between 0 and 1, such as 0.5"),
        (
            with("credential_warning: [soon]"),
            "accounts[0].credential_warning[0]: is not a duration: write 30s, 15m, 1h30m or 90d",
        ),
        (
            with("price: {per_terabyte_month: 7.99, currency: dollars}"),
            "accounts[0].price.currency: must be the three capital letters of a currency: USD, EUR",
        ),
        (
            with("credential: {expires: never, generated: 2026-10-01}"),
            "accounts[0].credential: has expires as well as generated or valid_for: keep expires, or the other two",
        ),
        (
            with("credential: {generated: 2026-10-01}"),
            "accounts[0].credential: has generated without valid_for: add valid_for, or set expires instead",
        ),
        (
            with("credential: {valid_for: 90d}"),
            "accounts[0].credential: has valid_for without generated: add generated, or set expires instead",
        ),
        (
            with("credential: {expires: soon}"),
            "accounts[0].credential.expires: is not a date: write 2027-01-31 (00:00 UTC of it), or 2027-01-31T12:00:00Z \
             with its offset, or never",
        ),
        (
            with("credential: {expires: 20270131}"),
            "accounts[0].credential.expires: must be a date like 2027-01-31, in quotes, not a number",
        ),
        (
            with("credential: {generated: 20270131, valid_for: 90d}"),
            "accounts[0].credential.generated: must be a date like 2027-01-31, in quotes, not a number",
        ),
        (
            "accounts: {name: a, account_id: acme}\n".to_owned(),
            "accounts: must be a list: begin each account with `- `",
        ),
        ("accounts: acme\n".to_owned(), "accounts: must be a list of tables, not a string"),
        ("accounts: [acme]\n".to_owned(), "accounts[0]: must be a table of keys, not a string"),
        (
            top("alertmanager: {urls: ['alertmanager.example:9093']}"),
            "alertmanager.urls[0]: must begin with https:// or http://",
        ),
        (with("credential: never"), "accounts[0].credential: must be a table of keys, not a string"),
        (
            with("credential: {max_age: 90d}"),
            "accounts[0].credential.max_age: is not supported: these credentials expire on a date: set expires, or \
             generated and valid_for; max_age belongs to object_storage",
        ),
        (
            with("region: us-east-1"),
            "accounts[0].region: is not supported: it belongs to an account with `api: object_storage`",
        ),
        (
            with("api: object_storage, region: us-east-1, credential: {expires: never}"),
            "accounts[0].credential.expires: is not supported: access keys of object_storage have no expiry; set max_age, the age at which a key is due for rotation",
        ),
        (
            with("api: object_storage, region: us-east-1, base_url: 'https://x.example'"),
            "accounts[0].base_url: is not supported: an object_storage account has region, or iam_url and s3_url",
        ),
        (
            with("api: object_storage, region: us-east-1, s3_url: 'https://x.example'"),
            "accounts[0].region: is set as well as accounts[0].s3_url: keep one of them",
        ),
        (
            with("api: object_storage, region: x.canary.example/"),
            "accounts[0].region: must be letters, digits and hyphens, as in us-east-1",
        ),
        (
            with("api: account_v1, region: x, credential: {max_age: 1}"),
            "accounts[0].api: must be account_v2 or object_storage",
        ),
        (
            with("ca_file: missing.pem"),
            "accounts[0].ca_file: names a file that cannot be read (No such file or directory): check its path and permissions",
        ),
        (
            with("ca_file: secret"),
            "accounts[0].ca_file: names a file without a certificate in it: it must be PEM",
        ),
        (
            with("colour: us"),
            "accounts[0].colour: is not a known key; known: name, api, base_url, account_id, access_key, \
             access_key_file, secret, secret_file, credential, ca_file, price, credential_warning, usage_drop",
        ),
        (with("Base-URL: x"), "accounts[0].Base-URL: is not a known key; did you mean `base_url`?"),
        (top("poll: {timeout: soon}"), "poll.timeout: is not a duration: write 30s, 15m, 1h30m or 90d"),
        (top("poll: 15m"), "poll: must be a table of keys, not a string"),
        (top("history: {months: -1}"), "history.months: must be an integer from 0 to 120"),
        (top("history: {months: 6.5}"), "history.months: must be an integer, not a number with a fraction"),
        (top("history: {months: '6'}"), "history.months: must be an integer, not a string"),
        (
            top("series: {buckets: {include: '.*'}}"),
            "series.buckets.include: must be a list of strings, not a string: write it as [a, b]",
        ),
        (
            top("data_max_age: 6h"),
            "data_max_age: must be longer than poll.monthly_usage, or series would vanish between two polls: raise \
             it, or shorten poll.monthly_usage",
        ),
    ] {
        assert_eq!(place.errors(&text), [expected], "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_parsed_is_told_by_line_and_never_quoted() {
    let place = Place::new();
    for (name, text, expected) in [
        ("c.yaml", "accounts:\n  - secret: canary\n bad\n", "is not valid YAML at line "),
        ("c.yaml", "canary: 1\ncanary: 2\n", "is not valid YAML at line 2, column "),
        ("c.yaml", "secret: *canary\n", "is not valid YAML at line 1, column "),
        ("c.yaml", "a: \"canary\n", "is not valid YAML at line "),
        (
            "c.yaml",
            "a:\n  - b: canary\n\tc: canary\n",
            "is not valid YAML: line 3: a tab; indent with spaces",
        ),
        (
            "c.yaml",
            "# canary\n[[accounts]]\nname = \"canary\"\n",
            "looks like TOML: give it a name that ends with .toml",
        ),
        ("c.yaml", "data_max_age = \"canary\"\n", "looks like TOML"),
        ("c.yaml", "a: canary\n---\nb: canary\n", "is not valid YAML: there is more than one document in it"),
        ("c.yaml", "canary", "must be a table of keys at its top"),
        ("c.toml", "a = 1\nsecret = canary\n", "is not valid TOML at line 2, column 10"),
        (
            "c.toml",
            "canary = 1\ncanary = 2\n",
            "is not valid TOML at line 2, column 1: the same key appears twice",
        ),
        ("c.json", "{\"secret\": canary}", "is not valid JSON at line 1, column "),
        ("c.json", "[\"canary\"]", "must be a table of keys at its top"),
    ] {
        let errors = lines(&place.load_as(name, text, &[]).unwrap_err());
        let start = format!("the configuration file {} {expected}", place.path(name).display());
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with(&start), "{text:?}: {}", errors[0]);
        assert!(!errors[0].contains("canary"), "{}", errors[0]);
    }
}

#[test]
fn a_nesting_without_end_is_rejected() {
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
    let errors = load(Some(Path::new("/nowhere/c.yaml")), &BTreeMap::new()).unwrap_err();
    assert_eq!(
        lines(&errors),
        ["cannot read the configuration file /nowhere/c.yaml: No such file or directory (os error 2)"]
    );
}

#[test]
fn aliases_that_would_grow_without_end_are_rejected_before_they_grow() {
    let levels = (1..9).map(|level| {
        let before = format!("*a{}, ", level - 1).repeat(10);
        format!("x{level}: &a{level} [{before}]\n")
    });
    let bomb = format!("x0: &a0 [1]\n{}", levels.collect::<String>());
    let errors = Place::new().errors(&bomb);
    assert!(errors.len() == 1 && errors[0].contains("through its aliases"), "{errors:?}");
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
        let errors = place.load(text).unwrap_err().to_string();
        assert!(!errors.contains("Canary1"), "{errors}");
    }
}
