//! `GET /service-accounts` and `GET /permissions`.

use std::io::BufRead;

use jiff::Timestamp;

use crate::api::consistent::{Consistent, Listed, consistent};
use crate::api::figure::{self, Absurd};
use crate::api::wire::{self, Scalar, Undecodable, each, record, unique};
use crate::model::{Collected, DropReason, Dropped, Expiry, Permission, ServiceAccount};

record!(ServiceAccountItem {
    id = "id",
    name = "name",
    enabled = "enabled",
    ready = "readyState",
    expiration = "expirationDate",
});
record!(PermissionItem {
    id = "id",
    name = "name",
    kind = "type",
    actions = "actions",
    ready = "readyState",
});

/// The service accounts, and which of them have an expiry that makes no sense.
#[derive(Debug)]
pub(super) struct ServiceAccounts {
    pub(super) answer: Collected<Vec<ServiceAccount>>,
    /// Their ids. Their expiry is unknown, not never.
    pub(super) unreadable_expiry: Vec<Box<str>>,
}

/// Understands the list of service accounts.
pub(super) fn service_accounts(body: impl BufRead) -> Result<ServiceAccounts, Undecodable> {
    let mut dropped = Dropped::default();
    let mut accounts = Vec::new();
    let mut unreadable_expiry = Vec::new();
    let mut listed = Listed::default();
    wire::read_list(
        body,
        &mut each(|item: Option<ServiceAccountItem>| {
            listed.add(item.as_ref().is_some_and(|item| item.id.is_id()));
            let named = item.and_then(|mut item| Some((std::mem::take(&mut item.id).into_id()?, item)));
            let Some((id, item)) = named else {
                dropped.add(DropReason::Invalid, 1);
                return;
            };
            let expiry = figure::expiry(&item.expiration).unwrap_or_else(|Absurd| {
                unreadable_expiry.push(id.clone());
                Expiry::Unknown
            });
            accounts.push(ServiceAccount {
                id,
                name: item.name.into_name().unwrap_or_default(),
                enabled: item.enabled.flag(),
                ready: ready(&item.ready),
                expiry,
            });
        }),
    )?;
    consistent(Inventory { listed, things: "service accounts" })?;
    // Of two of the same id the one that ends sooner is kept: a warning comes early rather than late.
    accounts.sort_by_key(|account| soonness(account.expiry));
    Ok(ServiceAccounts {
        answer: Collected { data: unique(accounts, |account| &account.id, &mut dropped), dropped },
        unreadable_expiry,
    })
}

/// A list of either.
struct Inventory {
    listed: Listed,
    things: &'static str,
}

impl Consistent for Inventory {
    fn contradiction(&self) -> Option<Undecodable> {
        self.listed.useless(self.things, "an id")
    }
}

/// The less, the sooner something may end.
fn soonness(expiry: Expiry) -> (u8, Option<Timestamp>) {
    match expiry {
        Expiry::At(end) => (0, Some(end)),
        Expiry::Unknown => (1, None),
        Expiry::Never => (2, None),
    }
}

/// Understands the list of permissions.
pub(super) fn permissions(body: impl BufRead) -> Result<Collected<Vec<Permission>>, Undecodable> {
    let mut dropped = Dropped::default();
    let mut permissions = Vec::new();
    let mut listed = Listed::default();
    wire::read_list(
        body,
        &mut each(|item: Option<PermissionItem>| {
            listed.add(item.as_ref().is_some_and(|item| item.id.is_id()));
            let permission = item.and_then(|item| {
                Some(Permission {
                    id: item.id.into_id()?,
                    name: item.name.into_name().unwrap_or_default(),
                    kind: item.kind.into_name().unwrap_or_default(),
                    actions: item.actions.into_name().unwrap_or_default(),
                    ready: ready(&item.ready),
                })
            });
            match permission {
                Some(permission) => permissions.push(permission),
                None => dropped.add(DropReason::Invalid, 1),
            }
        }),
    )?;
    consistent(Inventory { listed, things: "permissions" })?;
    Ok(Collected { data: unique(permissions, |permission| &permission.id, &mut dropped), dropped })
}

/// `readyState`: a truth value, or a word that is `ready` where it is. Any other word is another state.
pub(super) fn ready(state: &Scalar) -> Option<bool> {
    state.flag().or_else(|| {
        let word = state.as_text()?.trim();
        (!word.is_empty()).then(|| word.eq_ignore_ascii_case("ready"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_bad_name_costs_that_name_alone_and_a_bad_id_its_item() {
        let mut body = br#"[{"id":"a","name":"half \ud800 of one"},{"id":"b","name":"no "#.to_vec();
        body.extend_from_slice(b"\xff");
        body.extend_from_slice(
            br#" UTF-8"},{"id":"c\udc00","name":"x"},{"id":"d","name":"good \ud83d\ude00"}]"#,
        );
        let found = service_accounts(body.as_slice()).unwrap().answer;
        let shown: Vec<_> = found.data.iter().map(|account| (&*account.id, &*account.name)).collect();
        assert_eq!(
            shown,
            [("a", "half \u{fffd} of one"), ("b", "no \u{fffd} UTF-8"), ("d", "good \u{1f600}")]
        );
        assert_eq!(found.dropped.get(DropReason::Invalid), 1);
    }

    #[test]
    fn service_accounts_with_every_way_to_write_an_expiry() {
        let found = service_accounts(
            &br#"[{"id":"e","name":"dated","description":"x","enabled":true,"readyState":true,"expirationDate":"2022-11-15"},
                {"id":"d","name":"never","enabled":"false","readyState":"ready","expirationDate":""},
                {"id":"c","name":"silent","readyState":"false"},
                {"id":"b","name":null,"enabled":null,"readyState":"pending","expirationDate":null},
                {"id":7,"enabled":"maybe","readyState":"","expirationDate":"2026-02-30","permissions":["p"]},
                {"id":"a","expirationDate":{"date":"2022-11-15"}},
                {"name":"nobody"},{"id":""},[],
                {"id":"e","name":"again"}]"#[..],
        )
        .unwrap();
        let account = |id: &str, name: &str, enabled, ready, expiry| ServiceAccount {
            id: id.into(),
            name: name.into(),
            enabled,
            ready,
            expiry,
        };
        let date = Expiry::At("2022-11-15T00:00:00Z".parse().unwrap());
        assert_eq!(
            found.answer.data,
            [
                account("7", "", None, None, Expiry::Unknown),
                account("a", "", None, None, Expiry::Unknown),
                account("b", "", None, Some(false), Expiry::Unknown),
                account("c", "silent", None, Some(false), Expiry::Unknown),
                account("d", "never", Some(false), Some(true), Expiry::Never),
                account("e", "dated", Some(true), Some(true), date),
            ]
        );
        assert_eq!(found.answer.dropped.get(DropReason::Invalid), 3);
        assert_eq!(found.answer.dropped.get(DropReason::Duplicate), 1);
        assert_eq!(found.unreadable_expiry, [Box::<str>::from("7"), Box::from("a")]);
    }

    #[test]
    fn of_two_with_one_id_the_one_that_ends_sooner_is_kept() {
        let dates = [r#""2027-01-01""#, r#""2026-12-01""#, r#""nonsense""#, r#""""#];
        for (one, first) in dates.iter().enumerate() {
            for (other, second) in dates.iter().enumerate() {
                let item = |date: &str| format!(r#"{{"id":"a","name":"n","expirationDate":{date}}}"#);
                let body = format!("[{},{}]", item(first), item(second));
                let answer = service_accounts(body.as_bytes()).unwrap().answer;
                let [kept] = &answer.data[..] else { panic!("{:?}", answer.data) };
                // In the order of soonness: the second date, the first, nobody knows, never.
                let expected = [1, 0, 2, 3].into_iter().find(|date| [one, other].contains(date)).unwrap();
                let alone = service_accounts(format!("[{}]", item(dates[expected])).as_bytes()).unwrap();
                assert_eq!(kept.expiry, alone.answer.data[0].expiry, "{body}");
                assert_eq!(answer.dropped.get(DropReason::Duplicate), 1);
            }
        }
    }

    #[test]
    fn permissions_of_every_type() {
        let found = permissions(
            &br#"[{"id":"2","name":"rules","type":"policy","readyState":"ready","policy":"{}"},
                {"id":"1","name":"all","type":"all-buckets","actions":"all-operations","readyState":true,"buckets":[]},
                {"id":"1"},{"type":"policy"}]"#[..],
        )
        .unwrap();
        let permission = |id: &str, name: &str, kind: &str, actions: &str| Permission {
            id: id.into(),
            name: name.into(),
            kind: kind.into(),
            actions: actions.into(),
            ready: Some(true),
        };
        assert_eq!(
            found.data,
            [permission("1", "all", "all-buckets", "all-operations"), permission("2", "rules", "policy", ""),]
        );
        assert_eq!(found.dropped.get(DropReason::Invalid), 1);
        assert_eq!(found.dropped.get(DropReason::Duplicate), 1);
    }

    #[test]
    fn no_list_at_all() {
        assert_eq!(permissions(&b"null"[..]).unwrap().data, []);
        assert_eq!(service_accounts(&b"[]"[..]).unwrap().answer.data, Vec::<ServiceAccount>::new());
        assert_eq!(
            &*permissions(&b"{}"[..]).unwrap_err(),
            "the answer is an object, where a list was expected"
        );
        assert_eq!(
            &*service_accounts(&br#"[{"id":"a"}"#[..]).unwrap_err(),
            "the answer ended early, in line 1 column 11"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_json_never_panics(body in crate::api::arbitrary::json(&[
            "id", "name", "enabled", "readyState", "expirationDate", "type", "actions",
        ])) {
            if let Ok(found) = service_accounts(body.as_bytes()) {
                prop_assert!(found.answer.data.is_sorted_by(|a, b| a.id < b.id));
            }
            if let Ok(found) = permissions(body.as_bytes()) {
                prop_assert!(found.data.is_sorted_by(|a, b| a.id < b.id));
            }
        }
    }
}
