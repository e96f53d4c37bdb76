//! `RSGetUserInfo`, `ListUsers` and `ListAccessKeys`.

use std::collections::BTreeMap;
use std::io::BufRead;

use jiff::Timestamp;

use super::xml::{self, List, Page};
use crate::api::consistent::{Consistent, Listed, consistent};
use crate::api::figure;
use crate::api::wire::{self, Undecodable, each, record};
use crate::model::{AccessKey, Collected, DropReason, Dropped, User};

const USERS: List<2> =
    List { root: "ListUsers", list: "Users", item: "member", fields: ["UserName", "CreateDate"] };

const KEYS: List<3> = List {
    root: "ListAccessKeys",
    list: "AccessKeyMetadata",
    item: "member",
    fields: ["AccessKeyId", "Status", "CreateDate"],
};

record!(InfoItem {
    name = "Name",
    kind = "Type",
    must_change = "PwdMustChange",
    created = "CreatedOn",
});

/// What is known of the users beside their keys, by name.
pub(super) type Users = BTreeMap<Box<str>, User>;

/// Understands the answer of `RSGetUserInfo`.
pub(super) fn info(body: impl BufRead) -> Result<Collected<Users>, Undecodable> {
    let mut dropped = Dropped::default();
    let mut users = Users::new();
    let mut listed = Listed::default();
    wire::read_list(
        body,
        &mut each(|item: Option<InfoItem>| {
            listed.add(item.as_ref().is_some_and(|item| item.name.is_name()));
            let named = item.and_then(|mut item| Some((std::mem::take(&mut item.name).into_name()?, item)));
            let Some((name, item)) = named else {
                dropped.add(DropReason::Invalid, 1);
                return;
            };
            if users.contains_key(&name) {
                dropped.add(DropReason::Duplicate, 1);
                return;
            }
            let user = User {
                kind: item.kind.into_name().unwrap_or_default(),
                password_change_required: item.must_change.flag(),
                // Never is the year 1.
                created: item.created.as_text().and_then(figure::instant),
                ..nobody(name.clone())
            };
            users.insert(name, user);
        }),
    )?;
    consistent(Info(listed))?;
    Ok(Collected { data: users, dropped })
}

/// The list of `RSGetUserInfo`.
struct Info(Listed);

impl Consistent for Info {
    fn contradiction(&self) -> Option<Undecodable> {
        self.0.useless("users", "a name")
    }
}

/// A user of whom nothing is known but the name.
pub(super) fn nobody(name: Box<str>) -> User {
    User { name, kind: Box::default(), password_change_required: None, created: None, keys: Vec::new() }
}

/// A user's name, and when it was made as far as that is known.
pub(super) type Created = (Box<str>, Option<Timestamp>);

/// Understands one answer of `ListUsers`.
pub(super) fn list(body: impl BufRead) -> Result<Page<Created>, Undecodable> {
    xml::page(body, &USERS, ("users", "a name"), |[name, created]| {
        Some((name?, created.as_deref().and_then(figure::instant)))
    })
}

/// Understands one answer of `ListAccessKeys` for one user.
pub(super) fn keys(body: impl BufRead) -> Result<Page<AccessKey>, Undecodable> {
    xml::page(body, &KEYS, ("access keys", "an id"), |[id, status, created]| {
        Some(AccessKey {
            id: id.filter(|id| wire::is_id(id))?,
            active: status.as_deref().and_then(active),
            created: created.as_deref().and_then(figure::instant),
        })
    })
}

fn active(status: &str) -> Option<bool> {
    if status.eq_ignore_ascii_case("active") {
        Some(true)
    } else if status.eq_ignore_ascii_case("inactive") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn users_with_every_way_to_write_a_date() {
        let answer = info(
            &br#"[{"Name": "root", "Type": "root", "PwdMustChange": false, "CreatedOn": "2024-05-01T10:00:00.1234567Z",
                    "LastAccess": "0001-01-01T00:00:00Z", "New": {}},
                {"Name": "backup", "Type": "user", "PwdMustChange": "true", "CreatedOn": "0001-01-01T00:00:00Z"},
                {"Name": "odd", "Type": null, "PwdMustChange": "maybe", "CreatedOn": "soon"},
                {"Type": "user"}, 7, {"Name": "odd"}]"#[..],
        )
        .unwrap();
        let user = |name: &str, kind: &str, password_change_required, created| User {
            kind: kind.into(),
            password_change_required,
            created,
            ..nobody(name.into())
        };
        assert_eq!(
            answer.data.into_values().collect::<Vec<_>>(),
            [
                user("backup", "user", Some(true), None),
                user("odd", "", None, None),
                user("root", "root", Some(false), at("2024-05-01T10:00:00.1234567Z")),
            ]
        );
        assert_eq!(answer.dropped.get(DropReason::Invalid), 2);
        assert_eq!(answer.dropped.get(DropReason::Duplicate), 1);
        assert_eq!(info(&b"null"[..]).unwrap().data.len(), 0);
        assert!(info(&b"{}"[..]).is_err());
    }

    #[test]
    fn names_and_keys_come_out_of_xml() {
        let listed = list(
            &br#"<ListUsersResponse><ListUsersResult><Users><member><UserId>1</UserId><UserName>b</UserName>
                <CreateDate>2026-01-02T03:04:05Z</CreateDate></member><member><UserName>a</UserName></member>
                <member><UserId>2</UserId></member></Users></ListUsersResult></ListUsersResponse>"#[..],
        )
        .unwrap();
        assert_eq!(listed.items, [("b".into(), at("2026-01-02T03:04:05Z")), ("a".into(), None)]);
        assert_eq!(listed.dropped.get(DropReason::Invalid), 1);

        let answer = keys(
            &br#"<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>
                <member><UserName>a</UserName><AccessKeyId>AK2</AccessKeyId><Status>Inactive</Status>
                    <CreateDate>2026-01-02T03:04:05.123456789Z</CreateDate></member>
                <member><AccessKeyId>AK1</AccessKeyId><Status>Active</Status><CreateDate>0001-01-01T00:00:00Z</CreateDate>
                </member><member><AccessKeyId>AK3</AccessKeyId><Status>Unheard</Status></member>
                </AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>"#[..],
        )
        .unwrap();
        let key = |id: &str, active, created| AccessKey { id: id.into(), active, created };
        assert_eq!(
            answer.items,
            [
                key("AK2", Some(false), at("2026-01-02T03:04:05.123456789Z")),
                key("AK1", Some(true), None),
                key("AK3", None, None),
            ]
        );
    }

    proptest! {
        #[test]
        fn arbitrary_json_never_panics(body in crate::api::arbitrary::json(&[
            "Name", "Type", "PwdMustChange", "CreatedOn",
        ])) {
            if let Ok(answer) = info(body.as_bytes()) {
                prop_assert!(answer.data.keys().all(|name| !name.is_empty()));
            }
        }
    }
}
