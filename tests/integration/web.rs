//! The web configuration: passwords, TLS, certificates of clients, headers; and all of it while it changes.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::Method;
use lyve_cloud_exporter::command::health;
use lyve_cloud_exporter::http::{Guard, GuardError};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::client::{Answer, request, request_over};
use crate::pki::{Ca, Client, Files, TLS, example, hash, shown};
use crate::samples::Samples;
use crate::stage::{Exporter, Stage};

const RELOADED: &str = "lyvecloud_exporter_web_config_last_reload_successful";
const PATIENCE: Duration = Duration::from_secs(30);

async fn guarded(files: &Files) -> (Stage, Exporter) {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let guard = files.guard();
    let exporter = stage.exporter_with(config, |daemon| daemon.guarded_by(guard)).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    (stage, exporter)
}

fn basic(claim: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(claim))
}

async fn get_as(address: SocketAddr, path: &str, claim: &str) -> Answer {
    request(address, Method::GET, path, &[("authorization", &basic(claim))]).await
}

/// Tries again until something is so.
async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let reached = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, reached).await.is_ok(), "waited in vain until {what}");
}

/// `None` as well where a reload closes the connection before the request came.
async fn reload_gauge(client: &Client<'_>, address: SocketAddr) -> Option<f64> {
    let stream = client.connect(address).await.expect("TLS");
    let answer = request_over(stream, Method::GET, "/metrics", &[]).await.ok()?;
    Samples::parse(&answer.text()).value(RELOADED, &[])
}

#[tokio::test]
async fn without_a_web_configuration_everybody_may_ask_and_there_is_no_metric_of_it() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    assert_eq!(exporter.scrape().await.value(RELOADED, &[]), None);
}

#[tokio::test]
async fn passwords_keep_everything_but_the_probes() {
    let files = Files::new();
    files.write(
        "web.yaml",
        &format!("basic_auth_users:\n  alice: {}\n  bob: {}\n", hash("secret"), hash("x:y")),
    );
    let (_stage, exporter) = guarded(&files).await;
    let address = exporter.address;

    for path in ["/", "/metrics", "/api/v1/status", "/-/reload", "/nothing", "/-/healthy/", "//-/healthy"] {
        for headers in [
            &[][..],
            &[("authorization", basic("alice:wrong"))],
            &[("authorization", basic("mallory:secret"))],
            &[("authorization", "Bearer secret".to_owned())],
            &[("authorization", "Basic =".to_owned())],
        ] {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            for method in [Method::GET, Method::HEAD, Method::POST] {
                let answer = request(address, method, path, &headers).await;
                assert_eq!(answer.status, 401, "{path}");
                assert!(answer.header("www-authenticate").unwrap().starts_with("Basic realm="));
                assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            }
        }
    }
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(exporter.get(path).await.status, 200);
        assert_eq!(get_as(address, path, "alice:wrong").await.status, 200);
    }
    for claim in ["alice:secret", "bob:x:y", "alice:secret"] {
        let answer = get_as(address, "/metrics", claim).await;
        assert_eq!(answer.status, 200);
        assert_eq!(Samples::parse(&answer.text()).value(RELOADED, &[]), Some(1.0));
        assert!(!answer.text().contains("alice"));
    }
    assert_eq!(get_as(address, "/nothing", "alice:secret").await.status, 404);
}

#[tokio::test]
async fn a_changed_password_is_in_force_without_a_restart() {
    let files = Files::new();
    files.write("web.yaml", &format!("basic_auth_users:\n  alice: {}\n", hash("old")));
    let (_stage, exporter) = guarded(&files).await;
    let address = exporter.address;
    assert_eq!(get_as(address, "/metrics", "alice:old").await.status, 200);

    files.write("web.yaml", &format!("basic_auth_users:\n  alice: {}\n", hash("new")));
    eventually("the new password is good", || async {
        get_as(address, "/metrics", "alice:new").await.status == 200
    })
    .await;
    assert_eq!(get_as(address, "/metrics", "alice:old").await.status, 401, "it was good and known before");

    // Nobody is let in by a file that was broken by an edit, or removed.
    // The empty one is what a file that is just being written looks like.
    for broken in [Some("basic_auth_users: {}\nbasic_auth_user: {}\n"), Some(""), None] {
        match broken {
            Some(text) => files.write("web.yaml", text),
            None => std::fs::remove_file(files.path("web.yaml")).unwrap(),
        }
        eventually("the metric tells of the broken file", || async {
            let answer = get_as(address, "/metrics", "alice:new").await;
            assert_eq!(answer.status, 200);
            Samples::parse(&answer.text()).value(RELOADED, &[]) == Some(0.0)
        })
        .await;
        assert_eq!(exporter.get("/metrics").await.status, 401);
    }
    files.write("web.yaml", &format!("basic_auth_users:\n  alice: {}\n", hash("third")));
    eventually("the mended file is in force", || async {
        let answer = get_as(address, "/metrics", "alice:third").await;
        answer.status == 200 && Samples::parse(&answer.text()).value(RELOADED, &[]) == Some(1.0)
    })
    .await;
}

#[tokio::test]
async fn pages_have_security_headers_and_the_configured_ones_take_their_place() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    let page = exporter.get("/").await;
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script-src"), "no script may run");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    for path in ["/", "/metrics", "/api/v1/status", "/-/healthy", "/-/ready", "/nothing"] {
        assert_eq!(exporter.get(path).await.header("x-content-type-options"), Some("nosniff"), "{path}");
    }

    let files = Files::new();
    files.write(
        "web.yaml",
        "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    Strict-Transport-Security: max-age=60\n",
    );
    let (_stage, exporter) = guarded(&files).await;
    for path in ["/", "/metrics", "/-/healthy", "/nothing"] {
        let answer = exporter.get(path).await;
        assert_eq!(answer.header("x-frame-options"), Some("sameorigin"));
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=60"));
    }
    assert!(exporter.get("/").await.header("content-security-policy").is_some());
}

#[tokio::test]
async fn tls_is_spoken_in_the_wanted_versions_and_for_http_1_only() {
    let (ca, files) = (Ca::new(), Files::new());
    files.write_pair(&ca.issue());
    files.write("web.yaml", &format!("{TLS}  min_version: TLS13\n"));
    let (_stage, strict) = guarded(&files).await;
    files.write("web.yaml", TLS);
    let (_other_stage, lenient) = guarded(&files).await;

    let client = Client::trusting(&ca);
    for (exporter, versions, protocols, works) in [
        (&lenient, &[&TLS12][..], &[][..], true),
        (&lenient, &[&TLS13], &["h2", "http/1.1"], true),
        (&lenient, &[&TLS13], &["h2"], false),
        (&strict, &[&TLS12], &[], false),
        (&strict, &[&TLS13], &["http/1.1"], true),
    ] {
        let client = Client { versions, protocols, ..Client::trusting(&ca) };
        match client.connect(exporter.address).await {
            Ok(stream) if works => {
                let answer = request_over(stream, Method::GET, "/metrics", &[]).await.unwrap();
                assert_eq!(answer.status, 200);
                assert!(answer.text().contains("lyvecloud_up"));
            }
            outcome => assert!(outcome.is_err() && !works, "{versions:?} {protocols:?}: {outcome:?}"),
        }
    }
    let stranger = Ca::new();
    assert!(Client::trusting(&stranger).connect(lenient.address).await.is_err());
    assert!(client.connect(lenient.address).await.is_ok());
}

#[tokio::test]
async fn certificates_of_clients_are_wanted_as_configured() {
    let (ca, clients, strangers, files) = (Ca::new(), Ca::new(), Ca::new(), Files::new());
    files.write_pair(&ca.issue());
    files.write("clients.crt", &clients.pem());
    let (friend, stranger) = (clients.issue(), strangers.issue());
    for (policy, without) in [("RequireAndVerifyClientCert", false), ("VerifyClientCertIfGiven", true)] {
        let text = format!("{TLS}  client_auth_type: {policy}\n  client_ca_file: clients.crt\n");
        files.write("web.yaml", &text);
        let (_stage, exporter) = guarded(&files).await;
        for (shows, works) in [(Some(&friend), true), (Some(&stranger), false), (None, without)] {
            for version in [&TLS12, &TLS13] {
                let client = Client { shows, versions: &[version], ..Client::trusting(&ca) };
                // With TLS 1.3 a client learns of the rejection when it reads.
                let worked = match client.connect(exporter.address).await {
                    Ok(stream) => request_over(stream, Method::GET, "/-/healthy", &[]).await.is_ok(),
                    Err(_) => false,
                };
                assert_eq!(worked, works, "{policy} {version:?}");
            }
        }
        let answer = health(exporter.address, Some(&files.path("web.yaml")), "").await;
        assert_eq!(answer.is_ok(), without);
        assert!(answer.err().is_none_or(|error| error.contains("requires certificates of clients")));
    }
}

#[tokio::test]
async fn a_half_written_file_lets_nobody_in_without_a_certificate() {
    let (files, ca) = (Files::new(), Ca::new());
    files.write_pair(&ca.issue());
    files.write("ca.crt", &ca.pem());
    let whole = format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n");
    files.write("web.yaml", &whole);
    let (_stage, exporter) = guarded(&files).await;
    let address = exporter.address;
    let shown = ca.issue();
    let known = Client { shows: Some(&shown), ..Client::trusting(&ca) };
    assert_eq!(reload_gauge(&known, address).await, Some(1.0));

    files.write("web.yaml", TLS);
    eventually("the cut file is rejected", || async { reload_gauge(&known, address).await == Some(0.0) })
        .await;
    let stranger = async {
        let stream = Client::trusting(&ca).connect(address).await.ok()?;
        request_over(stream, Method::GET, "/metrics", &[]).await.ok()
    };
    assert!(stranger.await.is_none(), "answered without a certificate");

    files.write("web.yaml", &whole);
    eventually("the whole file is taken", || async { reload_gauge(&known, address).await == Some(1.0) })
        .await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let (ca, files) = (Ca::new(), Files::new());
    let (first, second, third) = (ca.issue(), ca.issue(), ca.issue());
    files.write_pair(&first);
    files.write("web.yaml", TLS);
    let (_stage, exporter) = guarded(&files).await;
    let (client, address) = (Client::trusting(&ca), exporter.address);
    let mut old = client.connect(address).await.unwrap();
    assert_eq!(shown(&old), first.der());

    files.write_pair(&second);
    eventually("the new certificate is shown", || async {
        shown(&client.connect(address).await.unwrap()) == second.der()
    })
    .await;
    // Whoever was connected before has to connect again.
    let left = tokio::time::timeout(PATIENCE, old.read(&mut [0; 1])).await.expect("an end");
    assert!(left.is_err() || left.is_ok_and(|count| count == 0));
    assert_eq!(reload_gauge(&client, address).await, Some(1.0));

    for (name, text) in [("server.key", third.key.as_str()), ("server.crt", "garbage"), ("server.crt", "")] {
        files.write(name, text);
        eventually("the metric tells of the broken pair", || async {
            reload_gauge(&client, address).await == Some(0.0)
        })
        .await;
        assert_eq!(shown(&client.connect(address).await.unwrap()), second.der());
    }
    // The command for health does not take a working exporter for a sick one.
    assert_eq!(health(address, Some(&files.path("web.yaml")), "").await, Ok(()));

    files.write("server.crt", &third.certificate);
    eventually("the mended pair is in force", || async {
        shown(&client.connect(address).await.unwrap()) == third.der()
            && reload_gauge(&client, address).await == Some(1.0)
    })
    .await;
}

#[tokio::test]
async fn tls_can_be_switched_on_while_it_runs() {
    let (ca, files) = (Ca::new(), Files::new());
    files.write_pair(&ca.issue());
    files.write("web.yaml", "# nothing yet\n");
    let (_stage, exporter) = guarded(&files).await;
    let mut plain = TcpStream::connect(exporter.address).await.unwrap();
    assert_eq!(exporter.get("/-/healthy").await.status, 200);
    files.write("web.yaml", TLS);
    let client = Client::trusting(&ca);
    eventually("TLS is spoken", || async { client.connect(exporter.address).await.is_ok() }).await;
    // A connection of the former kind does not stay.
    let left = tokio::time::timeout(PATIENCE, plain.read(&mut [0; 1])).await.expect("an end");
    assert!(left.is_err() || left.is_ok_and(|count| count == 0));
    let answer = exporter.get("/-/healthy").await;
    assert_eq!((answer.status, answer.text().as_str()), (400, "this port speaks HTTPS only\n"));
}

#[tokio::test]
async fn health_speaks_tls_with_the_very_certificate_of_the_file() {
    let (ca, files, others) = (Ca::new(), Files::new(), Files::new());
    for files in [&files, &others] {
        files.write_pair(&ca.issue());
        let users = format!("basic_auth_users:\n  alice: {}\n", hash("secret"));
        files.write("web.yaml", &format!("{TLS}{users}"));
    }
    let (_stage, exporter) = guarded(&files).await;
    let ask = async |files: &Files| health(exporter.address, Some(&files.path("web.yaml")), "").await;
    assert_eq!(ask(&files).await, Ok(()));
    assert!(ask(&others).await.unwrap_err().starts_with("no answer from "), "another certificate");
    assert!(health(exporter.address, None, "").await.unwrap_err().contains("--web.config.file"));

    files.write("web.yaml", "basic_auth_users: {}\n");
    let (_other_stage, plain) = guarded(&files).await;
    assert_eq!(health(plain.address, Some(&files.path("web.yaml")), "").await, Ok(()));
}

#[test]
fn a_broken_web_configuration_ends_the_start_with_every_fault() {
    let files = Files::new();
    files.write("web.yaml", "tls_server_config:\n  cert_file: none\nbasic_auth_users:\n  alice: canary\n");
    files.write("config.yaml", "accounts: []\n");
    let path = files.path("web.yaml");
    let faults = match Guard::from_file(path.clone()) {
        Err(GuardError::Misconfigured(faults)) => faults,
        other => panic!("{other:?}"),
    };
    let places: Vec<_> = faults.all().iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(
        places,
        ["tls_server_config.cert_file", "tls_server_config.key_file", "basic_auth_users.alice"]
    );

    for command in ["run", "check", "demo"] {
        let output = Command::new(env!("CARGO_BIN_EXE_lyve-cloud-exporter"))
            .args([command, "--web.listen-address=127.0.0.1:0", "--web.config.file"])
            .arg(&path)
            .arg("--config.file")
            .arg(files.path("config.yaml"))
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(&format!("{}: {faults}", path.display())), "{told}");
        assert!(!told.contains("canary"));
        assert_eq!(told.contains("accounts"), command != "demo", "the faults of both files: {told}");
    }
}

#[test]
fn the_example_is_good() {
    let guard = Guard::from_file(example().to_owned()).unwrap();
    assert!(guard.asks_passwords() && !guard.speaks_tls());
}

#[tokio::test]
async fn behind_a_prefix_every_path_and_link_follows() {
    let files = Files::new();
    files.write("web.yaml", &format!("basic_auth_users:\n  alice: {}\n", hash("secret")));
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let guard = files.guard();
    let mut deps = stage.deps(config);
    deps.web.route_prefix = "/ops/lyve".to_owned();
    let exporter = stage.start_with(deps, |daemon| daemon.guarded_by(guard)).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    let address = exporter.address;
    for path in ["", "metrics", "api/v1/status", "-/healthy", "-/ready"] {
        let answer = get_as(address, &format!("/ops/lyve/{path}"), "alice:secret").await;
        assert_eq!(answer.status, 200, "{path}");
        let bare = get_as(address, &format!("/{path}"), "alice:secret").await;
        assert_eq!(bare.status, if path.is_empty() { 302 } else { 404 }, "{path}");
    }
    for (path, location) in [("/", "./ops/lyve/"), ("/ops/lyve", "./lyve/")] {
        let answer = get_as(address, path, "alice:secret").await;
        assert_eq!((answer.status, answer.header("location")), (302, Some(location)));
    }
    for path in ["/ops", "/ops/lyvely/", "/ops/lyve/ops/lyve/metrics"] {
        assert_eq!(get_as(address, path, "alice:secret").await.status, 404, "{path}");
    }
    let page = get_as(address, "/ops/lyve/", "alice:secret").await.text();
    let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() > 4, "{links:?}");
    assert!(links.iter().all(|link| !link.starts_with('/')), "{links:?}");
    // The probes need no password where they are, and only there.
    assert_eq!(exporter.get("/ops/lyve/-/ready").await.status, 200);
    assert_eq!(exporter.get("/-/ready").await.status, 401);
    assert_eq!(exporter.get("/ops/lyve/metrics").await.status, 401);
    let ask = async |prefix| health(address, Some(&files.path("web.yaml")), prefix).await;
    assert_eq!(ask("/ops/lyve").await, Ok(()));
    assert!(ask("").await.unwrap_err().contains("unexpected answer 401"));
}
