//! The answers of this platform, JSON and XML: what the vendor knows, in the form of the wire.

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::simulator::settings::{ErrorForm, ObjectStorageSettings};

use super::state::{Bucket, State};
use super::user::{AccessKey, User, UserKind};
use super::wire;

/// `RSListBillingData` of these days, oldest first.
pub(super) fn billing(
    state: &State,
    settings: &ObjectStorageSettings,
    mut days: Vec<Date>,
    now: Timestamp,
) -> Bytes {
    let form = Form(settings);
    if settings.newest_first {
        days.reverse();
    }
    let date = |day: Date| form.instant(wire::midnight(day));
    let regions = state.regions.iter().map(|(name, daily)| {
        let days = days.iter().map(|day| {
            let transfer = daily.of(*day, state.passed_seconds(*day, now));
            json!({"Date": date(*day), "UploadBytes": transfer.upload, "DownloadBytes": transfer.download,
                "DeleteBytes": transfer.delete})
        });
        // The guide writes regions in capitals here.
        (name.to_ascii_uppercase(), days.collect())
    });
    let figures: Vec<_> = days.iter().map(|day| (date(*day), state.day(*day, now))).collect();
    let used = figures
        .iter()
        .map(|(date, day)| json!({"Date": date, "UsedSpace": day.used_space, "GhostSpace": day.ghost_space}));
    let objects = figures.iter().map(|(date, day)| json!({"Date": date, "ObjectCount": day.objects}));
    json_bytes(&json!({
        "Stats": form.map(regions.collect()),
        "UsedSpace": form.list(used.collect()),
        "ObjectCount": form.list(objects.collect()),
        "UseDecimalByte": true,
    }))
}

/// `RSGetUserInfo`.
pub(super) fn user_info(state: &State, settings: &ObjectStorageSettings) -> Bytes {
    let form = Form(settings);
    let users = state.users.iter().map(|user| {
        json!({
            "Name": user.name,
            "Type": user.kind.text(),
            "PwdMustChange": user.must_change_password,
            "CreatedOn": form.instant(user.created),
            "LastAccess": form.instant_or_never(user.last_access),
        })
    });
    json_bytes(&form.list(users.collect()))
}

/// `RSAvailableRegions`.
pub(super) fn regions(state: &State, settings: &ObjectStorageSettings) -> Bytes {
    let regions = state.regions.iter().map(|(name, _)| Value::from(name.as_str()));
    json_bytes(&json!({"Regions": Form(settings).list(regions.collect()), "ReplicationEnforcement": false}))
}

/// `GET /?rs-bucket-stats=`: deleted buckets are in it.
pub(super) fn bucket_stats(state: &State, settings: &ObjectStorageSettings, now: Timestamp) -> Bytes {
    let buckets =
        state.buckets.iter().map(|bucket| (bucket.name.clone(), bucket_info(bucket, settings, now)));
    json_bytes(&Value::Object(buckets.collect()))
}

/// `GET /<bucket>?rs-info=` of a bucket that is there. The guide does not show it: the same as its statistics.
pub(super) fn one_bucket(
    state: &State,
    name: &str,
    settings: &ObjectStorageSettings,
    now: Timestamp,
) -> Option<Bytes> {
    let bucket = state.buckets.iter().find(|bucket| bucket.name == name && !bucket.is_deleted)?;
    Some(json_bytes(&bucket_info(bucket, settings, now)))
}

fn bucket_info(bucket: &Bucket, settings: &ObjectStorageSettings, now: Timestamp) -> Value {
    let replication = bucket.replication.iter().map(|policy| Value::from(policy.as_str()));
    json!({
        "size": bucket.size.at(now),
        "objects": bucket.objects.at(now),
        "replicationPolicy": Form(settings).list(replication.collect()),
    })
}

/// `GET /`, ListBuckets.
pub(super) fn buckets(state: &State, settings: &ObjectStorageSettings) -> Bytes {
    let form = Form(settings);
    let buckets: String = state
        .buckets
        .iter()
        .filter(|bucket| !bucket.is_deleted)
        .map(|bucket| {
            let fields =
                element("Name", &bucket.name) + &element("CreationDate", &form.instant(bucket.created));
            format!("<Bucket>{fields}</Bucket>")
        })
        .collect();
    xml(&format!(
        "<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>simulated</ID>\
         <DisplayName>simulated</DisplayName></Owner><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>"
    ))
}

/// `ListUsers`.
pub(super) fn users(state: &State, settings: &ObjectStorageSettings) -> Bytes {
    let form = Form(settings);
    let members: String = state
        .users
        .iter()
        .filter(|user| user.kind != UserKind::Root)
        .map(|user| {
            let fields = [
                element("UserName", &user.name),
                element("UserId", &format!("AID{}", user.name)),
                element("CreateDate", &form.instant(user.created)),
                element("PasswordLastUsed", &form.instant_or_never(user.last_access)),
            ];
            format!("<member>{}</member>", fields.concat())
        })
        .collect();
    iam_result("ListUsers", &format!("<Users>{members}</Users>"))
}

/// `ListAccessKeys`.
pub(super) fn access_keys(user: &User, settings: &ObjectStorageSettings) -> Bytes {
    let form = Form(settings);
    let members: String = user
        .keys
        .iter()
        .map(|key| {
            let fields = [
                element("UserName", &user.name),
                element("AccessKeyId", &key.id),
                element("Status", key.status()),
                element("CreateDate", &form.instant(key.created)),
            ];
            format!("<member>{}</member>", fields.concat())
        })
        .collect();
    let user_name = element("UserName", &user.name);
    iam_result("ListAccessKeys", &format!("{user_name}<AccessKeyMetadata>{members}</AccessKeyMetadata>"))
}

/// `CreateAccessKey`: the only answer with the secret.
pub(super) fn new_access_key(
    user: &str,
    key: &AccessKey,
    secret: &str,
    settings: &ObjectStorageSettings,
) -> Bytes {
    let fields = [
        element("UserName", user),
        element("AccessKeyId", &key.id),
        element("Status", key.status()),
        element("SecretAccessKey", secret),
        element("CreateDate", &Form(settings).instant(key.created)),
    ];
    iam_result("CreateAccessKey", &format!("<AccessKey>{}</AccessKey>", fields.concat()))
}

/// A change that answers nothing of its own.
pub(super) fn changed(action: &str) -> Bytes {
    iam_result(action, "")
}

fn iam_result(action: &str, content: &str) -> Bytes {
    xml(&format!(
        "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>{content}\
         <IsTruncated>false</IsTruncated></{action}Result><ResponseMetadata><RequestId>simulated</RequestId>\
         </ResponseMetadata></{action}Response>"
    ))
}

/// An error of the IAM host: type of content and body. No source says which form it has.
pub(super) fn iam_error(form: ErrorForm, code: &str, message: &str) -> (&'static str, Bytes) {
    match form {
        ErrorForm::Xml => {
            let error = [element("Type", "Sender"), element("Code", code), element("Message", message)];
            let body = format!(
                "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>{}</Error>\
                 <RequestId>simulated</RequestId></ErrorResponse>",
                error.concat()
            );
            (XML, xml(&body))
        }
        ErrorForm::Json => (JSON, json_bytes(&json!({"code": code, "message": message}))),
        ErrorForm::Text => ("text/plain", Bytes::copy_from_slice(message.as_bytes())),
    }
}

/// An error of the S3 host.
pub(super) fn s3_error(code: &str, message: &str) -> (&'static str, Bytes) {
    let error = [element("Code", code), element("Message", message), element("RequestId", "simulated")];
    (XML, xml(&format!("<Error>{}</Error>", error.concat())))
}

pub(super) const JSON: &str = "application/json";
pub(super) const XML: &str = "text/xml";

fn xml(root: &str) -> Bytes {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}").into()
}

fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

fn json_bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

/// How the settings want things written.
struct Form<'a>(&'a ObjectStorageSettings);

impl Form<'_> {
    fn instant(&self, time: Timestamp) -> String {
        wire::instant(time, self.0.date_digits)
    }

    fn instant_or_never(&self, time: Option<Timestamp>) -> String {
        time.map_or_else(|| wire::NEVER.to_owned(), |time| self.instant(time))
    }

    fn list(&self, list: Vec<Value>) -> Value {
        if list.is_empty() && self.0.null_lists { Value::Null } else { Value::Array(list) }
    }

    fn map(&self, map: Map<String, Value>) -> Value {
        if map.is_empty() && self.0.null_lists { Value::Null } else { Value::Object(map) }
    }
}
