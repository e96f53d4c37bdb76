//! Every field of every answer in JSON with every kind of value that does not belong there.

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::Endpoint;
use serde_json::json;

use super::super::bodies::play_rows;
use super::super::fields::Cell::{self, Absent as A, Fails as F, Invalid as I, Is, Named as N};
use super::super::fields::{Asked, Field, Figure, rows_at};
use super::super::play::play;
use super::before;

/// A count of bytes or objects, beside others that are there.
const COUNT: [Cell; 8] = [A, A, I, Is(7.0), I, Is(7.0), I, I];
const COUNTS: [Cell; 5] = [I, I, I, I, Is(7.0)];
const LIST: [Cell; 8] = [A, A, F, F, F, F, A, F];
const ITEM: [Cell; 8] = [A, F, F, F, F, F, F, F];
const DATE: [Cell; 8] = [F; 8];

fn asked(endpoint: Endpoint, collector: Collector) -> Asked {
    Asked { collector, endpoint, before: before(endpoint) }
}

#[test]
fn of_what_is_billed() {
    const USED: &str = "lyvecloud_account_usage_bytes";
    const GHOST: &str = "lyvecloud_account_ghost_bytes";
    const OBJECTS: &str = "lyvecloud_account_objects";
    const UPLOAD: &str = "lyvecloud_region_day_upload_bytes";
    const DOWNLOAD: &str = "lyvecloud_region_day_download_bytes";
    const DELETE: &str = "lyvecloud_region_day_delete_bytes";
    let day = "2026-11-23T00:00:00Z";
    let body = json!({
        "Stats": {"US-EAST-1": [{"Date": day, "UploadBytes": 1, "DownloadBytes": 2, "DeleteBytes": 3}]},
        "UsedSpace": [{"Date": day, "UsedSpace": 5, "GhostSpace": 4}],
        "ObjectCount": [{"Date": day, "ObjectCount": 6}],
        "UseDecimalByte": true
    });
    let fields: [Field; 15] = [
        ("/UsedSpace", USED, "", LIST),
        ("/UsedSpace/0", USED, "", ITEM),
        ("/UsedSpace/0/Date", USED, "", DATE),
        ("/UsedSpace/0/UsedSpace", USED, "", COUNT),
        ("/UsedSpace/0/GhostSpace", GHOST, "", COUNT),
        ("/ObjectCount", OBJECTS, "", LIST),
        ("/ObjectCount/0", OBJECTS, "", ITEM),
        ("/ObjectCount/0/Date", OBJECTS, "", DATE),
        ("/ObjectCount/0/ObjectCount", OBJECTS, "", COUNT),
        ("/Stats", UPLOAD, "", [A, A, F, F, F, F, F, A]),
        ("/Stats/US-EAST-1", UPLOAD, "", LIST),
        ("/Stats/US-EAST-1/0", UPLOAD, "", ITEM),
        ("/Stats/US-EAST-1/0/UploadBytes", UPLOAD, "", COUNT),
        ("/Stats/US-EAST-1/0/DownloadBytes", DOWNLOAD, "", COUNT),
        ("/Stats/US-EAST-1/0/DeleteBytes", DELETE, "", COUNT),
    ];
    let numbers: [Figure; 6] = [
        ("/UsedSpace/0/UsedSpace", USED, "", COUNTS),
        ("/UsedSpace/0/GhostSpace", GHOST, "", COUNTS),
        ("/ObjectCount/0/ObjectCount", OBJECTS, "", COUNTS),
        ("/Stats/US-EAST-1/0/UploadBytes", UPLOAD, "", COUNTS),
        ("/Stats/US-EAST-1/0/DownloadBytes", DOWNLOAD, "", COUNTS),
        ("/Stats/US-EAST-1/0/DeleteBytes", DELETE, "", COUNTS),
    ];
    let asked = asked(Endpoint::Billing, Collector::BILLING);
    play(async |log| play_rows(rows_at(&asked, &body, &fields, &numbers), log).await);
}

#[test]
fn of_the_statistics_of_buckets() {
    const SIZE: &str = "lyvecloud_bucket_usage_bytes";
    const OBJECTS: &str = "lyvecloud_bucket_objects";
    let body = json!({"backups": {"size": 5, "objects": 6, "replicationPolicy": ["to-eu"]}});
    let fields: [Field; 4] = [
        ("/backups", SIZE, "", [A, A, I, I, I, I, I, A]),
        ("/backups/size", SIZE, "", COUNT),
        ("/backups/objects", OBJECTS, "", COUNT),
        ("/backups/replicationPolicy", SIZE, "", [Is(5.0); 8]),
    ];
    let numbers: [Figure; 2] =
        [("/backups/size", SIZE, "", COUNTS), ("/backups/objects", OBJECTS, "", COUNTS)];
    let asked = asked(Endpoint::BucketStats, Collector::BUCKETS);
    play(async |log| play_rows(rows_at(&asked, &body, &fields, &numbers), log).await);
}

#[test]
fn of_the_users() {
    const MUST_CHANGE: &str = "lyvecloud_user_password_change_required";
    let body = json!([{
        "Name": "j.doe", "Type": "user", "PwdMustChange": true, "CreatedOn": "2026-11-01T00:00:00Z",
        "LastAccess": "0001-01-01T00:00:00Z"
    }]);
    let fields: [Field; 5] = [
        ("/0", MUST_CHANGE, "", ITEM),
        ("/0/Name", MUST_CHANGE, "user", [F, F, F, N("7"), N("x"), N("7"), F, F]),
        ("/0/PwdMustChange", MUST_CHANGE, "", [A, A, Is(1.0), A, A, A, A, A]),
        ("/0/CreatedOn", MUST_CHANGE, "", [Is(1.0); 8]),
        ("/0/LastAccess", MUST_CHANGE, "", [Is(1.0); 8]),
    ];
    let asked = asked(Endpoint::UserInfo, Collector::KEYS);
    let mut rows = rows_at(&asked, &body, &fields, &[]);
    for row in &mut rows {
        // Nobody of these has a key, wherever they come from.
        let none = lyve_cloud_exporter::simulator::Fault::raw("text/xml", "<ListAccessKeysResponse/>");
        row.faults.push((Endpoint::ListAccessKeys, none));
    }
    play(async |log| play_rows(rows, log).await);
}
