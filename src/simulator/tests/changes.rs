use std::time::Duration;

use super::*;

async fn change(client: &Client, method: &str, path: &str, body: &Value) -> HttpResponse {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    HttpResponse::parse(&client.ask(method, path, &body).await.unwrap())
}

async fn created(client: &Client, path: &str, body: Value) -> String {
    let answer = change(client, "POST", path, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn everything(name: &str) -> Value {
    json!({"name": name, "description": "d", "type": "all-buckets", "actions": "read-only"})
}

#[tokio::test]
async fn what_is_created_is_ready_after_a_while() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    let permission = created(&client, "/permissions", everything("all")).await;
    let path = format!("/permissions/{permission}");
    assert_eq!(client.get(&path).await.json()["readyState"], false);
    let service = json!({"name": "veeam", "description": "backups", "permissions": [permission]});
    let early = change(&client, "POST", "/service-accounts", &service).await;
    assert_eq!(early.error(), (409, "PermissionNotReady".to_owned()));
    stage.clock.advance(Duration::from_secs(3));
    assert_eq!(client.get(&path).await.json()["readyState"], true);

    let answer = change(&client, "POST", "/service-accounts", &service).await.json();
    let (id, secret) = (answer["id"].as_str().unwrap(), answer["secret"].as_str().unwrap());
    assert_eq!((secret.len(), &answer["expirationDate"]), (40, &json!("")));
    let path = format!("/service-accounts/{id}");
    for (method, path) in
        [("PUT", format!("{path}/enabled")), ("DELETE", format!("{path}/enabled")), ("DELETE", path.clone())]
    {
        let early = change(&client, method, &path, &Value::Null).await;
        assert_eq!(early.error(), (409, "ServiceAccountNotReady".to_owned()), "{method} {path}");
    }
    stage.clock.advance(Duration::from_secs(3));
    let listed = client.get(&path).await.json();
    assert_eq!(
        listed,
        json!({"id": id, "name": "veeam", "description": "backups", "enabled": true, "readyState": true,
            "expirationDate": "", "permissions": [permission]})
    );
    assert!(!client.get("/service-accounts").await.json().to_string().contains(secret));
    let [kept] = &stage.acme.service_accounts()[..] else { panic!() };
    assert_eq!(kept.pair(), Some((answer["accessKey"].as_str().unwrap(), secret)));
    assert!(!format!("{kept:?}").contains(secret));
}

#[tokio::test]
async fn a_new_service_account_ends_when_the_account_says() {
    let stage = Stage::new().await;
    let acme = stage.acme.clone().service_account_days(365);
    let _ = acme.permission(Permission::all_buckets("p1", "all", Actions::ReadOnly));
    let client = stage.log_in().await;
    let service = json!({"name": "veeam", "permissions": ["p1"]});
    let answer = change(&client, "POST", "/service-accounts", &service).await.json();
    assert_eq!(answer["expirationDate"], "2027-11-24");
}

#[tokio::test]
async fn deletes_and_switches_answer_a_text_or_nothing() {
    let stage = Stage::new().await;
    for id in ["a1", "a2"] {
        stage.acme.add_service_account(ServiceAccount::new(id, "veeam"));
    }
    let client = stage.log_in().await;
    let switched = change(&client, "DELETE", "/service-accounts/a1/enabled", &Value::Null).await;
    assert_eq!((switched.status, &switched.body[..]), (200, &b"OK"[..]));
    assert!(!stage.acme.service_accounts()[0].is_enabled());
    stage.simulator.configure(|settings| settings.change_answer = ChangeAnswer::Empty);
    let switched = change(&client, "PUT", "/service-accounts/a1/enabled", &Value::Null).await;
    assert_eq!((switched.status, &switched.body[..]), (200, &b""[..]));
    assert!(stage.acme.service_accounts()[0].is_enabled());
    let deleted = change(&client, "DELETE", "/service-accounts/a1", &Value::Null).await;
    assert_eq!((deleted.status, stage.acme.service_accounts().len()), (200, 1));
    let gone = change(&client, "DELETE", "/service-accounts/a1", &Value::Null).await;
    assert_eq!(gone.error(), (404, "ServiceAccountNotFound".to_owned()));
    assert_eq!(stage.simulator.violations().len(), 4, "each would change something");
}

#[tokio::test]
async fn a_permission_in_use_stays() {
    let stage = Stage::new().await;
    let permission = Permission::all_buckets("p1", "all", Actions::ReadOnly);
    let _ = stage.acme.clone().permission(permission);
    stage.acme.add_service_account(ServiceAccount::new("a1", "veeam").permission("p1"));
    let client = stage.log_in().await;
    let rejected = change(&client, "DELETE", "/permissions/p1", &Value::Null).await;
    assert_eq!(rejected.error(), (409, "PermissionInUse".to_owned()));
    stage.acme.remove_service_account("a1");
    assert_eq!(change(&client, "DELETE", "/permissions/p1", &Value::Null).await.status, 200);
    assert_eq!(stage.acme.permissions().len(), 0);
    let gone = change(&client, "DELETE", "/permissions/p1", &Value::Null).await;
    assert_eq!(gone.error(), (404, "PermissionNotFound".to_owned()));
}

#[tokio::test]
async fn an_update_takes_every_parameter() {
    let stage = Stage::new().await;
    let _ = stage
        .acme
        .clone()
        .bucket("media", 1.0)
        .permission(Permission::all_buckets("p1", "all", Actions::ReadOnly))
        .service_account(ServiceAccount::new("a1", "veeam").expires(jiff::civil::date(2026, 11, 29)));
    let client = stage.log_in().await;
    let names = json!({"name": "two", "description": "", "type": "bucket-names", "actions": "write-only", "buckets": ["media"]});
    assert_eq!(change(&client, "PUT", "/permissions/p1", &names).await.status, 200);
    let listed = client.get("/permissions/p1").await.json();
    assert_eq!((&listed["type"], &listed["buckets"]), (&json!("bucket-names"), &json!(["media"])));

    let service = json!({"name": "restic", "description": "new", "permissions": ["p1"]});
    assert_eq!(change(&client, "PUT", "/service-accounts/a1", &service).await.status, 200);
    let listed = client.get("/service-accounts/a1").await.json();
    assert_eq!((&listed["name"], &listed["permissions"]), (&json!("restic"), &json!(["p1"])));
    assert_eq!(listed["expirationDate"], "2026-11-29", "an update does not move the end");
}

#[tokio::test]
async fn what_makes_no_sense_is_rejected() {
    let stage = Stage::new().await;
    let _ = stage.acme.clone().permission(Permission::all_buckets("p1", "all", Actions::ReadOnly));
    let client = stage.log_in().await;
    let invalid = |body: Value| ("/permissions", body, 400, "InvalidArgument");
    for (path, body, status, code) in [
        invalid(json!([])),
        invalid(json!({"type": "all-buckets", "actions": "read-only"})),
        invalid(json!({"name": "a", "type": "all-buckets", "actions": "everything"})),
        invalid(json!({"name": "a", "type": "all-buckets", "actions": "read-only", "prefix": "b"})),
        invalid(json!({"name": "a", "type": "bucket-prefix", "actions": "read-only"})),
        invalid(json!({"name": "a", "type": "bucket-names", "actions": "read-only"})),
        invalid(json!({"name": "a", "type": "policy", "policy": "no JSON"})),
        invalid(json!({"name": "a", "type": "policy", "actions": "read-only", "policy": "{}"})),
        (
            "/permissions",
            json!({"name": "a", "type": "bucket-names", "actions": "read-only", "buckets": ["none"]}),
            404,
            "BucketNotFound",
        ),
        ("/service-accounts", json!({"name": "a", "permissions": []}), 400, "InvalidArgument"),
        ("/service-accounts", json!({"permissions": ["p1"]}), 400, "InvalidArgument"),
        ("/service-accounts", json!({"name": "a", "permissions": ["p2"]}), 404, "PermissionNotFound"),
    ] {
        let answer = change(&client, "POST", path, &body).await;
        assert_eq!(answer.error(), (status, code.to_owned()), "{body}");
    }
    let dead = change(&stage.client(), "DELETE", "/permissions/p1", &Value::Null).await;
    assert_eq!(dead.error(), (400, "ExpiredToken".to_owned()));
    assert_eq!((stage.acme.permissions().len(), stage.acme.service_accounts().len()), (1, 0));
}

#[tokio::test]
async fn an_answer_that_is_cut_was_carried_out_and_a_reset_was_not() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    stage.simulator.fail_once(Endpoint::CreatePermission, Fault::Reset);
    stage.simulator.fail_once(Endpoint::CreatePermission, Fault::Truncated);
    let body = everything("all").to_string();
    assert!(client.ask("POST", "/permissions", &body).await.unwrap_or_default().is_empty());
    assert_eq!(stage.acme.permissions().len(), 0);
    let _ = client.ask("POST", "/permissions", &body).await;
    assert_eq!(stage.acme.permissions().len(), 1);
}
