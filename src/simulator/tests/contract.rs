use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;

#[tokio::test]
async fn service_accounts_with_every_form_of_an_end() {
    let stage = Stage::new().await;
    let service = |id: &str| ServiceAccount::new(id, "ci");
    let _acme = stage
        .acme
        .clone()
        .service_account(service("a1").described("continuous integration").permission("p1"))
        .service_account(service("a2").expires(ExpirationDate::Missing).disabled())
        .service_account(service("a3").expires(ExpirationDate::Null).not_ready())
        .service_account(service("a4").expires(at("2026-12-01T10:00:00Z")))
        .service_account(service("a5").expires(ExpirationDate::Text("soon".to_owned())));
    stage.acme.set_service_account_expiry("a1", jiff::civil::date(2022, 11, 15));
    let client = stage.log_in().await;
    let list = client.get("/service-accounts").await.json();
    assert_eq!(
        list[0],
        json!({"id": "a1", "name": "ci", "description": "continuous integration", "enabled": true,
            "readyState": true, "expirationDate": "2022-11-15"})
    );
    assert_eq!(
        list[1],
        json!({"id": "a2", "name": "ci", "description": "", "enabled": false, "readyState": true})
    );
    assert_eq!(list[2]["expirationDate"], Value::Null);
    assert_eq!(list[2]["readyState"], json!(false));
    assert_eq!(list[3]["expirationDate"], json!("2026-12-01T10:00:00Z"));
    assert_eq!(list[4]["expirationDate"], json!("soon"));

    assert_eq!(client.get("/service-accounts/a1").await.json()["permissions"], json!(["p1"]));
    stage.acme.remove_service_account("a1");
    assert_eq!(client.get("/service-accounts/a1").await.error(), (404, "ServiceAccountNotFound".to_owned()));
    stage.acme.set_service_account_expiry("a4", ExpirationDate::Never);
    let list = client.get("/service-accounts").await.json();
    assert_eq!(list.as_array().unwrap().len(), 4);
    assert_eq!(list[2]["expirationDate"], json!(""));
}

#[tokio::test]
async fn permissions_of_all_types() {
    let stage = Stage::new().await;
    let _acme = stage
        .acme
        .clone()
        .permission(Permission::all_buckets("p1", "all", Actions::AllOperations))
        .permission(Permission::bucket_prefix("p2", "logs", "log-", Actions::WriteOnly).not_ready())
        .permission(Permission::bucket_names("p3", "two", &["a", "b"], Actions::ReadOnly))
        .permission(Permission::policy("p4", "by hand", "{}").described("imported"));
    let client = stage.log_in().await;
    let list = client.get("/permissions").await.json();
    let created = "2022-10-16T14:06:51.494Z";
    assert_eq!(
        list,
        json!([
            {"id": "p1", "name": "all", "description": "", "type": "all-buckets", "readyState": true,
                "actions": "all-operations", "prefix": "", "buckets": [], "policy": "", "createTime": created},
            {"id": "p2", "name": "logs", "description": "", "type": "bucket-prefix", "readyState": false,
                "actions": "write-only", "prefix": "log-", "buckets": [], "policy": "", "createTime": created},
            {"id": "p3", "name": "two", "description": "", "type": "bucket-names", "readyState": true,
                "actions": "read-only", "prefix": "", "buckets": ["a", "b"], "policy": "", "createTime": created},
            {"id": "p4", "name": "by hand", "description": "imported", "type": "policy", "readyState": true,
                "actions": "", "prefix": "", "buckets": [], "policy": "{}", "createTime": created},
        ])
    );
    assert_eq!(client.get("/permissions/p3").await.json(), list[2]);
    stage.acme.remove_permission("p3");
    assert_eq!(client.get("/permissions/p3").await.error(), (404, "PermissionNotFound".to_owned()));
}

#[tokio::test]
async fn a_path_with_a_slash_at_its_end_is_redirected() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    for (path, location) in [
        ("/usage/current/", "/v2/usage/current"),
        ("/usage/monthly/?fromMonth=0", "/v2/usage/monthly?fromMonth=0"),
    ] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (301, Some(location)));
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_404_in_the_form_of_an_error() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    for path in ["/nothing", "", "/", "/usage//current"] {
        assert_eq!(client.get(path).await.error(), (404, "NotFound".to_owned()), "{path}");
    }
    assert_eq!(stage.simulator.violations(), []);
}

#[tokio::test]
async fn the_vendor_goes_down_and_comes_up_again() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    stage.simulator.fail_once(None, Fault::HangBeforeHeaders);
    let mut hanging = client.send("GET", "/usage/current", "").await.unwrap();
    stage.simulator.wait_for_requests(Endpoint::CurrentUsage, 1).await;
    stage.simulator.stop().await;
    assert_eq!(stage.simulator.in_flight(), 0);
    let mut bytes = Vec::new();
    let _ = hanging.read_to_end(&mut bytes).await;
    assert!(bytes.is_empty());
    assert!(client.ask("GET", "/usage/current", "").await.is_err());

    stage.simulator.start_again().await.unwrap();
    assert_eq!(client.get("/usage/current").await.status, 200);

    let address = stage.simulator.address();
    let clock = Arc::new(stage.clock.clone());
    stage.simulator.stop().await;
    let another = Simulator::start_on(clock, address).await.unwrap();
    assert_eq!(another.address(), address);
    assert_eq!(client.get("/usage/current").await.error(), (400, "ExpiredToken".to_owned()));
}

#[tokio::test]
async fn it_stops_when_it_is_dropped() {
    let stage = Stage::new().await;
    stage.simulator.fail_once(None, Fault::HangBeforeHeaders);
    let mut hanging = stage.client().send("GET", "/usage/current", "").await.unwrap();
    stage.simulator.wait_for_requests(None, 1).await;
    drop(stage);
    let mut bytes = Vec::new();
    let _ = hanging.read_to_end(&mut bytes).await;
    assert!(bytes.is_empty());
}

#[tokio::test]
async fn it_speaks_tls() {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certified.cert.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));

    let clock = Arc::new(Manual::new(at("2026-11-24T12:00:00Z")));
    let simulator = Simulator::start_tls(clock, Arc::new(server)).await.unwrap();
    assert_eq!(simulator.base_url(), format!("https://{}/v2", simulator.address()));
    simulator.fail_once(None, Fault::Reset);
    for expected in [None, Some((400, "ExpiredToken".to_owned()))] {
        let stream = TcpStream::connect(simulator.address()).await.unwrap();
        let name = ServerName::from(simulator.address().ip());
        let mut stream = connector.connect(name, stream).await.unwrap();
        let client = Client::new(simulator.address());
        client.send_over(&mut stream, "GET", "/usage/current", "").await.unwrap();
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).await;
        match expected {
            None => assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset),
            Some(expected) => assert_eq!(HttpResponse::parse(&bytes).error(), expected),
        }
    }
}
