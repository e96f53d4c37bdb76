//! Service accounts and permissions, apart from when their keys expire.

use jiff::Timestamp;

use super::{Family, MetricType, Sink, flag, number};
use crate::model::{Permissions, ServiceAccount, StatePart};
use crate::store::AccountState;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_service_account_enabled",
        help: "Whether the service account is enabled.",
        kind: MetricType::Gauge,
        labels: &["account", "service_account_id", "service_account"],
        part: StatePart::Credentials,
        walk: |state, now, sink| service_accounts(state, now, sink, |account| account.enabled),
    },
    Family {
        name: "lyvecloud_service_account_ready",
        help: "Whether the service account is ready in all regions.",
        kind: MetricType::Gauge,
        labels: &["account", "service_account_id", "service_account"],
        part: StatePart::Credentials,
        walk: |state, now, sink| service_accounts(state, now, sink, |account| account.ready),
    },
    Family {
        name: "lyvecloud_permissions",
        help: "Number of permissions of the account, by type and actions.",
        kind: MetricType::Gauge,
        labels: &["account", "permission_type", "actions"],
        part: StatePart::Permissions,
        walk: permissions,
    },
    Family {
        name: "lyvecloud_permission_ready",
        help: "Whether the permission is ready in all regions.",
        kind: MetricType::Gauge,
        labels: &["account", "permission_id", "permission"],
        part: StatePart::Permissions,
        walk: permission_ready,
    },
];

fn service_accounts(
    state: &AccountState,
    now: Timestamp,
    sink: &mut Sink<'_>,
    value: fn(&ServiceAccount) -> Option<bool>,
) {
    let Some(good) = state.good::<Vec<ServiceAccount>>(now) else {
        return;
    };
    for account in good.data.iter() {
        if let Some(value) = value(account) {
            sink(&[&state.spec.name, &account.id, &account.name], flag(value));
        }
    }
}

fn permissions(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    let Some(good) = state.good::<Permissions>(now) else {
        return;
    };
    for sort in &good.data.counts {
        sink(&[&state.spec.name, &sort.kind, &sort.actions], number(sort.count));
    }
}

fn permission_ready(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    let Some(good) = state.good::<Permissions>(now) else {
        return;
    };
    for permission in &good.data.permissions {
        if let Some(ready) = permission.ready {
            sink(&[&state.spec.name, &permission.id, &permission.name], flag(ready));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, samples, spec, state};
    use crate::model::{Expiry, Permission, Permissions};

    const POLLED: &str = "2026-11-24T12:00:00Z";

    #[test]
    fn service_accounts_are_enabled_and_ready_as_far_as_that_is_known() {
        let account = |id: &str, enabled, ready| ServiceAccount {
            id: id.into(),
            name: format!("name of {id}").into(),
            enabled,
            ready,
            expiry: Expiry::Unknown,
        };
        let listed = vec![
            account("s1", Some(true), Some(true)),
            account("s2", Some(false), None),
            account("s3", None, Some(false)),
        ];
        let state = state(spec("acme"), |state| {
            state.succeed(answer(listed), at(POLLED), TOOK);
        });
        assert_eq!(
            samples("lyvecloud_service_account_enabled", &state, at(POLLED)),
            ["acme|s1|name of s1 1", "acme|s2|name of s2 0"]
        );
        assert_eq!(
            samples("lyvecloud_service_account_ready", &state, at(POLLED)),
            ["acme|s1|name of s1 1", "acme|s3|name of s3 0"]
        );
    }

    #[test]
    fn permissions_are_counted_by_what_they_cover_and_allow() {
        let permission = |id: &str, kind: &str, actions: &str, ready| Permission {
            id: id.into(),
            name: format!("name of {id}").into(),
            kind: kind.into(),
            actions: actions.into(),
            ready,
        };
        let listed = vec![
            permission("p1", "policy", "", None),
            permission("p2", "bucket-names", "read-only", Some(true)),
            permission("p3", "bucket-names", "read-only", Some(false)),
            permission("p4", "all-buckets", "all-operations", None),
        ];
        let state = state(spec("acme"), |state| {
            state.succeed(answer(Permissions::of(listed)), at(POLLED), TOOK);
        });
        assert_eq!(
            samples("lyvecloud_permissions", &state, at(POLLED)),
            ["acme|all-buckets|all-operations 1", "acme|bucket-names|read-only 2", "acme|policy| 1",]
        );
        assert_eq!(
            samples("lyvecloud_permission_ready", &state, at(POLLED)),
            ["acme|p2|name of p2 1", "acme|p3|name of p3 0"]
        );
    }
}
