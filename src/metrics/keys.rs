//! Users and access keys of Lyve Cloud Object Storage. Its keys have no expiry: only their age is known.

use jiff::Timestamp;

use super::{Family, MetricType, Sink, flag};
use crate::clock::unix_seconds;
use crate::model::{AccessKey, StatePart, User};
use crate::store::AccountState;

const KEY: &[&str] = &["account", "user", "access_key_id"];

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_access_key_created_timestamp_seconds",
        help: "Unix timestamp of when the access key was created.",
        kind: MetricType::Gauge,
        labels: KEY,
        part: StatePart::Keys,
        walk: |state, now, sink| {
            keys(state, now, sink, |_, key| key.created.map(unix_seconds));
        },
    },
    Family {
        name: "lyvecloud_access_key_rotation_due_timestamp_seconds",
        help: "Unix timestamp of when the active access key reaches its configured maximum age.",
        kind: MetricType::Gauge,
        labels: KEY,
        part: StatePart::Keys,
        walk: |state, now, sink| {
            keys(state, now, sink, |state, key| key.rotation_due(state.spec.max_key_age).map(unix_seconds));
        },
    },
    Family {
        name: "lyvecloud_access_key_active",
        help: "Whether the access key is enabled.",
        kind: MetricType::Gauge,
        labels: KEY,
        part: StatePart::Keys,
        walk: |state, now, sink| keys(state, now, sink, |_, key| key.active.map(flag)),
    },
    Family {
        name: "lyvecloud_user_password_change_required",
        help: "Whether the user has to change the password.",
        kind: MetricType::Gauge,
        labels: &["account", "user"],
        part: StatePart::Keys,
        walk: passwords,
    },
];

fn keys(
    state: &AccountState,
    now: Timestamp,
    sink: &mut Sink<'_>,
    value: fn(&AccountState, &AccessKey) -> Option<f64>,
) {
    for user in state.good::<Vec<User>>(now).into_iter().flat_map(|good| good.data.iter()) {
        for key in &user.keys {
            if let Some(value) = value(state, key) {
                sink(&[&state.spec.name, &user.name, &key.id], value);
            }
        }
    }
}

fn passwords(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for user in state.good::<Vec<User>>(now).into_iter().flat_map(|good| good.data.iter()) {
        if let Some(required) = user.password_change_required {
            sink(&[&state.spec.name, &user.name], flag(required));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, object_storage, samples, state};
    use crate::model::User;
    use crate::store::AccountSpec;

    const POLLED: &str = "2026-11-24T12:00:00Z";

    #[test]
    fn keys_have_an_age_and_a_state_and_the_active_ones_a_date() {
        let key = |id: &str, active, created: Option<&str>| AccessKey {
            id: id.into(),
            active,
            created: created.map(at),
        };
        let user = |name: &str, password_change_required, keys| User {
            name: name.into(),
            kind: "user".into(),
            password_change_required,
            created: None,
            keys,
        };
        let users = vec![
            user(
                "backup",
                Some(true),
                vec![
                    key("AK1", Some(true), Some("2026-11-01T00:00:00Z")),
                    key("AK2", Some(false), Some("2026-11-02T00:00:00Z")),
                ],
            ),
            user("root", None, vec![key("AK3", None, None)]),
            user("watch", Some(false), Vec::new()),
        ];
        let listed = |state: &mut AccountState| {
            state.succeed(answer(users.clone()), at(POLLED), TOOK);
        };
        let dated = AccountSpec { max_key_age: Some(Duration::from_secs(86_400)), ..object_storage("acme") };
        let dated = state(dated, listed);
        for (name, expected) in [
            (
                "access_key_created_timestamp_seconds",
                &["acme|backup|AK1 1793491200", "acme|backup|AK2 1793577600"][..],
            ),
            ("access_key_rotation_due_timestamp_seconds", &["acme|backup|AK1 1793577600"]),
            ("access_key_active", &["acme|backup|AK1 1", "acme|backup|AK2 0"]),
            ("user_password_change_required", &["acme|backup 1", "acme|watch 0"]),
        ] {
            assert_eq!(samples(&format!("lyvecloud_{name}"), &dated, at(POLLED)), expected, "{name}");
        }
        let undated = state(object_storage("acme"), listed);
        let due = samples("lyvecloud_access_key_rotation_due_timestamp_seconds", &undated, at(POLLED));
        assert_eq!(due, [""; 0]);
    }
}
