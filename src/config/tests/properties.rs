use proptest::prelude::*;

use super::*;

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

/// A tree of known keys with values of any kind, as JSON, which YAML takes as well.
fn any_tree() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        Just("Canary1".into()),
        Just("[Canary1".into()),
        Just("http://Canary1/".into()),
        Just("15m".into()),
        Just("never".into()),
        Just("secret".into()),
    ];
    let key = prop_oneof![
        9 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => Just("Canary1".to_owned()),
    ];
    let table = |tree| prop::collection::btree_map(key.clone(), tree, 0..6);
    let tree = leaf.prop_recursive(4, 64, 6, |tree| {
        prop_oneof![
            prop::collection::vec(tree.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(prop::sample::select(WORDS), tree, 0..8)
                .prop_map(|table| table.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    });
    (prop::collection::vec(table(tree.clone().boxed()), 0..3), table(tree.boxed())).prop_map(
        |(accounts, rest)| {
            let mut root: serde_json::Map<String, serde_json::Value> = rest.into_iter().collect();
            root.entry("accounts").or_insert(accounts.into_iter().map(serde_json::Map::from_iter).collect());
            serde_json::Value::from(root).to_string()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_rejected_or_taken_without_a_panic(text in any::<String>(), ending in "yaml|toml|json") {
        let place = Place::new();
        // Whatever was drawn, no account with a secret file at the right place comes out of it.
        prop_assert!(place.load_as(&("c.".to_owned() + &ending), &text, &[]).is_err());
    }

    #[test]
    fn no_fault_of_a_tree_shows_a_value(text in any_tree(), ending in "yaml|json") {
        let place = Place::new();
        if let Err(errors) = place.load_as(&("c.".to_owned() + &ending), &text, &[]) {
            prop_assert!(!errors.to_string().contains("Canary1"), "{}", errors);
        }
    }

    #[test]
    fn no_fault_shows_a_value(text in near_yaml(), ending in "yaml|toml|json") {
        let place = Place::new();
        if let Err(errors) = place.load_as(&("c.".to_owned() + &ending), &text, &[]) {
            prop_assert!(!errors.to_string().contains("Canary1"), "{}", errors);
        }
    }

    #[test]
    fn any_variable_is_rejected_or_taken_without_a_panic(
        path in "(__|_|[A-Z]{1,3}|[0-9]{1,22}|ACCOUNTS__0__|POLL__){0,6}",
        value in any::<String>(),
    ) {
        let place = Place::new();
        let name = format!("LYVE_EXPORTER__{path}");
        if let Err(errors) = place.load_as("c.yaml", ACCOUNT, &[(&name, &format!("Canary1{value}"))]) {
            prop_assert!(!errors.to_string().contains("Canary1"), "{}", errors);
        }
    }
}
