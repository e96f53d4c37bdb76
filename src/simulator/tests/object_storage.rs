//! The current platform over the wire.

mod client;
mod keys;
mod signature;

use jiff::civil::date;

use super::*;
use client::Request;

const MONTH_AGO: &str = "2026-10-24T12:00:00Z";

/// A simulator with its clock and the account `archive`, access key `AKARCHIVE`, secret `first`.
struct Place {
    clock: Manual,
    simulator: Simulator,
    archive: ObjectStorageAccount,
}

impl Place {
    async fn new() -> Self {
        let clock = Manual::new(at("2026-11-24T12:00:00Z"));
        let simulator = Simulator::start(Arc::new(clock.clone())).await.unwrap();
        let archive = simulator.object_storage_account("archive").secret("first");
        Self { clock, simulator, archive }
    }

    async fn ask(&self, request: &Request) -> HttpResponse {
        request.to(self.simulator.address()).await
    }

    async fn json(&self, request: &Request) -> Value {
        let answer = self.ask(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn xml(&self, request: &Request) -> (u16, String) {
        let answer = self.ask(request).await;
        assert_eq!(answer.header("content-type"), Some("text/xml"));
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<"), "{text}");
        (answer.status, text)
    }

    /// Status, code and message of an error in XML.
    async fn error(&self, request: &Request) -> (u16, String, String) {
        let (status, text) = self.xml(request).await;
        (status, texts(&text, "Code").concat(), texts(&text, "Message").concat())
    }
}

/// The texts of every element of a name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

fn billing(from: &str, till: &str) -> Request {
    Request::iam(&format!("RSListBillingData&From={from}&Till={till}"))
}

#[tokio::test]
async fn billed_days_are_zero_filled_and_include_the_one_under_way() {
    let place = Place::new().await;
    let _archive = place
        .archive
        .clone()
        .since(date(2026, 11, 22))
        .used_space(Figure::curve(|time| time.as_second().unsigned_abs()))
        .ghost_space(7)
        .objects(3)
        .day(date(2026, 11, 22), 100, 10, 1)
        .region("us-east-1", Transfer { upload: 1000, download: 200, delete: 30 })
        .region("eu-west-1", DailyTransfer::by_day(|_| Transfer::default()));
    let answer = place.json(&billing("2026-11-21T00:00:00.000Z", "2026-11-25T00:00:00.000Z")).await;
    let day = |day: i32, upload: u64, download: u64, delete: u64| {
        json!({"Date": format!("2026-11-{day}T00:00:00Z"), "UploadBytes": upload, "DownloadBytes": download,
            "DeleteBytes": delete})
    };
    assert_eq!(
        answer["Stats"]["US-EAST-1"],
        json!([
            day(21, 0, 0, 0),
            day(22, 1000, 200, 30),
            day(23, 1000, 200, 30),
            day(24, 500, 100, 15),
            day(25, 0, 0, 0)
        ])
    );
    assert_eq!(answer["Stats"]["EU-WEST-1"].as_array().unwrap().len(), 5);
    let used: Vec<_> = answer["UsedSpace"].as_array().unwrap().iter().collect();
    let space = |day: i32, used: i64, ghost: u64| json!({"Date": format!("2026-11-{day}T00:00:00Z"), "UsedSpace": used, "GhostSpace": ghost});
    let end = at("2026-11-23T23:59:59Z").as_second();
    let now = at("2026-11-24T12:00:00Z").as_second();
    assert_eq!(
        used,
        [&space(21, 0, 0), &space(22, 100, 10), &space(23, end, 7), &space(24, now, 7), &space(25, 0, 0)]
    );
    let objects = answer["ObjectCount"].as_array().unwrap();
    let counts: Vec<_> = objects.iter().map(|day| day["ObjectCount"].as_u64().unwrap()).collect();
    assert_eq!(counts, [0, 1, 3, 3, 0]);
    assert_eq!(answer["UseDecimalByte"], json!(true));

    place.clock.advance(std::time::Duration::from_secs(60));
    let later = Request {
        time: place.clock.now(),
        ..billing("2026-11-24T00:00:00.000Z", "2026-11-24T00:00:00.000Z")
    };
    assert_eq!(place.json(&later).await["UsedSpace"], json!([space(24, now + 60, 7)]));
}

#[tokio::test]
async fn the_form_of_the_answers_can_be_chosen() {
    let place = Place::new().await;
    let _archive = place.archive.clone().user(User::new("ci", at("2026-09-01T10:20:30.123456789Z")));
    let ask = billing("2026-11-23T00:00:00.000Z", "2026-11-24T00:00:00.000Z");
    place.simulator.configure(|settings| {
        settings.object_storage.newest_first = true;
        settings.object_storage.null_lists = true;
        settings.object_storage.date_digits = 9;
    });
    let answer = place.json(&ask).await;
    let dates: Vec<_> =
        answer["UsedSpace"].as_array().unwrap().iter().map(|day| day["Date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2026-11-24T00:00:00.000000000Z", "2026-11-23T00:00:00.000000000Z"]);
    assert_eq!(answer["Stats"], Value::Null);
    let info = place.json(&Request::iam("RSGetUserInfo")).await;
    assert_eq!(info[0]["CreatedOn"], json!("2026-09-01T10:20:30.123456789Z"));
    assert_eq!(place.json(&Request::iam("RSAvailableRegions")).await["Regions"], Value::Null);
}

#[tokio::test]
async fn a_request_needs_action_version_and_milliseconds() {
    let place = Place::new().await;
    let rejected = |message: &str| (400, "BadRequest".to_owned(), message.to_owned());
    for body in ["", "Action=ListUsers", "Version=2010-05-08", "Action=ListUsers&Version=2020-01-01"] {
        assert_eq!(
            place.error(&Request::form(body)).await,
            rejected("IAM: Missing Action or Version param"),
            "{body}"
        );
    }
    let invalid = rejected("IAM: Invalid request params");
    for (from, till) in [
        ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00.000Z"),
        ("2026-11-01T00:00:00.000Z", "2026-11-02"),
        ("2026-11-03T00:00:00.000Z", "2026-11-02T00:00:00.000Z"),
    ] {
        assert_eq!(place.error(&billing(from, till)).await, invalid);
    }
    assert_eq!(place.error(&Request::iam("RSListBillingData")).await, invalid);

    place.simulator.configure(|settings| settings.object_storage.error_form = ErrorForm::Json);
    let answer = place.ask(&Request::iam("RSListBillingData")).await;
    assert_eq!(answer.json(), json!({"code": "BadRequest", "message": "IAM: Invalid request params"}));
    place.simulator.configure(|settings| settings.object_storage.error_form = ErrorForm::Text);
    let answer = place.ask(&Request::iam("RSListBillingData")).await;
    assert_eq!((answer.status, answer.body.as_slice()), (400, &b"IAM: Invalid request params"[..]));
}

#[tokio::test]
async fn statistics_go_on_for_deleted_buckets_and_do_not_add_up_to_what_is_billed() {
    let place = Place::new().await;
    let _archive = place
        .archive
        .clone()
        .used_space(1_000_000)
        .bucket("alive", 100, 1)
        .bucket("a&<b>", 200, 2)
        .replicated("alive", "to-eu")
        .deleted_bucket("ghost", 300, 3);
    let stats = Request::s3("/?rs-bucket-stats=");
    let listed = Request::s3("/");
    assert_eq!(
        place.json(&stats).await,
        json!({
            "alive": {"size": 100, "objects": 1, "replicationPolicy": ["to-eu"]},
            "a&<b>": {"size": 200, "objects": 2, "replicationPolicy": []},
            "ghost": {"size": 300, "objects": 3, "replicationPolicy": []},
        })
    );
    let (status, xml) = place.xml(&listed).await;
    assert_eq!(status, 200);
    assert_eq!(texts(&xml, "Name"), ["alive", "a&amp;&lt;b&gt;"]);
    assert_eq!(texts(&xml, "CreationDate")[0], "2024-01-01T10:00:00Z");

    place.archive.delete_bucket("alive");
    place.archive.set_bucket("a&<b>", 5, 6);
    assert_eq!(texts(&place.xml(&listed).await.1, "Name"), ["a&amp;&lt;b&gt;"]);
    assert_eq!(place.json(&stats).await["a&<b>"]["size"], json!(5));
    assert_eq!(place.json(&stats).await.as_object().unwrap().len(), 3);
    let info = place.error(&Request::s3("/alive?rs-info=")).await;
    assert_eq!((info.0, info.1.as_str()), (404, "NoSuchBucket"));
    let _archive = place.archive.clone().bucket("media", 8, 9);
    assert_eq!(place.json(&Request::s3("/media?rs-info=")).await["objects"], json!(9));
}

#[tokio::test]
async fn users_and_their_access_keys() {
    let place = Place::new().await;
    let _archive = place
        .archive
        .clone()
        .user(User::new("owner", at(MONTH_AGO)).kind(UserKind::Root).key("AKARCHIVE", at(MONTH_AGO)))
        .user(
            User::new("ops & co", at(MONTH_AGO))
                .kind(UserKind::Admin)
                .last_access(at("2026-11-24T11:00:00Z"))
                .key("AKOPS", at("2026-11-01T00:00:00Z"))
                .inactive_key("AKOLD", at(MONTH_AGO)),
        )
        .user(User::new("ci", at(MONTH_AGO)).must_change_password());
    let (_, xml) = place.xml(&Request::iam("ListUsers")).await;
    assert_eq!(texts(&xml, "UserName"), ["ops &amp; co", "ci"]);
    assert_eq!(texts(&xml, "PasswordLastUsed"), ["2026-11-24T11:00:00Z", "0001-01-01T00:00:00Z"]);
    assert_eq!(texts(&xml, "CreateDate"), [MONTH_AGO, MONTH_AGO]);

    let (_, xml) = place.xml(&Request::iam("ListAccessKeys&UserName=ops+%26+co")).await;
    assert_eq!(texts(&xml, "AccessKeyId"), ["AKOPS", "AKOLD"]);
    assert_eq!(texts(&xml, "Status"), ["Active", "Inactive"]);
    let (_, xml) = place.xml(&Request::iam("ListAccessKeys&UserName=ci")).await;
    assert_eq!(texts(&xml, "AccessKeyMetadata"), [""]);
    let (_, xml) = place.xml(&Request::iam("ListAccessKeys")).await;
    assert_eq!(texts(&xml, "AccessKeyId"), ["AKARCHIVE"]);
    let nobody = place.error(&Request::iam("ListAccessKeys&UserName=nobody")).await;
    assert_eq!((nobody.0, nobody.1.as_str()), (404, "NoSuchEntity"));

    let info = place.json(&Request::iam("RSGetUserInfo")).await;
    assert_eq!(
        info[2],
        json!({"Name": "ci", "Type": "user", "PwdMustChange": true, "CreatedOn": MONTH_AGO,
            "LastAccess": "0001-01-01T00:00:00Z"})
    );
    let kinds: Vec<_> = info.as_array().unwrap().iter().map(|user| user["Type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["root", "admin", "user"]);

    place.archive.set_user(User::new("ci", at(MONTH_AGO)).key("AKCI", at(MONTH_AGO)));
    assert_eq!(
        texts(&place.xml(&Request::iam("ListAccessKeys&UserName=ci")).await.1, "AccessKeyId"),
        ["AKCI"]
    );
    place.archive.remove_user("ci");
    assert_eq!(texts(&place.xml(&Request::iam("ListUsers")).await.1, "UserName"), ["ops &amp; co"]);
}

#[tokio::test]
async fn only_the_root_key_sees_what_is_billed() {
    let place = Place::new().await;
    let _archive = place.archive.clone().region("us-east-1", Transfer::default());
    place.archive.set_root(false);
    let ask = billing("2026-11-23T00:00:00.000Z", "2026-11-24T00:00:00.000Z");
    assert_eq!(place.error(&ask).await, (400, "BadRequest".to_owned(), "Action not supported".to_owned()));
    let regions = place.json(&Request::iam("RSAvailableRegions")).await;
    assert_eq!(regions, json!({"Regions": ["us-east-1"], "ReplicationEnforcement": false}));
    place.archive.set_root(true);
    assert_eq!(place.ask(&ask).await.status, 200);
}

#[tokio::test]
async fn faults_and_records_know_the_account_and_the_endpoint() {
    let place = Place::new().await;
    let other = place.simulator.object_storage_account("other").secret("second");
    let (access_key, secret) = other.pair();
    let theirs = Request { access_key, secret, ..Request::iam("ListUsers") };
    let ours = Request::iam("ListUsers");
    place.archive.fail_once(Endpoint::ListUsers, Fault::xml_error(403, "AccessDenied", "Access Denied"));
    assert_eq!(place.ask(&theirs).await.status, 200);
    assert_eq!(place.error(&ours).await, (403, "AccessDenied".to_owned(), "Access Denied".to_owned()));
    assert_eq!(place.ask(&ours).await.status, 200);
    other.fail_always(None, Fault::empty(503));
    assert_eq!(place.ask(&theirs).await.status, 503);
    place.simulator.clear_faults();

    place.simulator.forget_requests();
    place.ask(&Request::s3("/?rs-bucket-stats=")).await;
    let requests = place.simulator.requests();
    let record = requests.first().unwrap();
    assert_eq!(
        (record.endpoint, record.account.as_deref(), record.is_violation),
        (Endpoint::BucketStats, Some("archive"), false)
    );
    assert!(!format!("{requests:?}").contains("first"));

    for request in [
        Request::iam("CreateUser&UserName=ci"),
        Request::sent("PUT", "/bucket"),
        Request::sent("DELETE", "/bucket"),
        Request { service: "s3", ..Request::sent("POST", "/bucket?delete") },
    ] {
        assert_eq!(place.error(&request).await.0, 405, "{} {}", request.method, request.target);
    }
    assert_eq!(place.simulator.violations().len(), 4);
}

#[tokio::test]
async fn an_endless_answer_is_of_the_right_kind() {
    use tokio::io::AsyncReadExt;

    let place = Place::new().await;
    for (endpoint, request, opening) in [
        (Endpoint::Billing, Request::iam("RSListBillingData"), r#"{"UsedSpace":[{"#),
        (Endpoint::UserInfo, Request::iam("RSGetUserInfo"), r#"[{"Name":"#),
        (Endpoint::AvailableRegions, Request::iam("RSAvailableRegions"), r#"{"Regions":["#),
        (Endpoint::BucketStats, Request::s3("/?rs-bucket-stats="), r#"{"a":{"size""#),
        (Endpoint::ListUsers, Request::iam("ListUsers"), "<ListUsersResponse>"),
        (Endpoint::ListAccessKeys, Request::iam("ListAccessKeys"), "<ListAccessKeysResponse>"),
        (Endpoint::ListBuckets, Request::s3("/"), "<ListAllMyBucketsResult>"),
    ] {
        place.simulator.fail_once(endpoint, Fault::Endless);
        let mut stream = request.open(place.simulator.address()).await;
        let mut bytes = vec![0; 500_000];
        stream.read_exact(&mut bytes).await.unwrap();
        assert!(String::from_utf8(bytes).unwrap().contains(opening), "{endpoint:?}");
    }
}
