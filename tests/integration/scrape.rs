//! What a scrape gets, and what the other paths answer.

use std::time::Duration;

use hyper::Method;
use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{get, request};
use crate::samples::Samples;
use crate::stage::Stage;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What Prometheus 2.42 sends.
const PROMETHEUS_ACCEPT: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

#[tokio::test]
async fn the_first_scrape_tells_that_nothing_is_known_yet() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    stage.simulator.fail_always(None, Fault::HangBeforeHeaders);
    let exporter = stage.exporter(config).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.all("lyvecloud_exporter_build_info", &[]), [1.0]);
    assert_eq!(samples.value("lyvecloud_up", &[("account", "acme")]), Some(0.0));
    assert_eq!(samples.all("lyvecloud_collector_up", &[]), [0.0; 5]);
    let failures = samples.all("lyvecloud_collector_failures_total", &[]);
    assert_eq!(failures, [0.0; 5 * 9], "every reason of every collector is there from the start");
    assert_eq!(samples.all("lyvecloud_collector_polls_total", &[]), [0.0; 5]);
    assert_eq!(samples.all("lyvecloud_account_usage_bytes", &[]), [0.0; 0], "not known is not zero");
    assert_eq!(samples.all("lyvecloud_credential_status", &[]), [0.0; 0], "before the first login");
}

#[tokio::test]
async fn a_page_has_each_head_once_in_order_and_no_timestamps() {
    let stage = Stage::new().await;
    for name in ["one", "two", "three"] {
        stage.simulator.account(name).bucket("a", 1.0).bucket("b", 2.0);
    }
    let config = Config::of(["one", "two", "three"].map(|name| stage.account(name)).into());
    let exporter = stage.polled_exporter(config).await;
    let text = exporter.get("/metrics").await.text();
    let heads = |kind: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(kind));
        lines.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    let types = heads("# TYPE ");
    assert_eq!(types, heads("# HELP "));
    assert!(types.is_sorted_by(|one, next| one < next), "{types:#?}");
    // The samples of a family follow its head, and none stands elsewhere.
    let mut family = "";
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(head) => family = head.split(' ').next().unwrap_or_default(),
            None if line.starts_with('#') => {}
            None => assert!(line.starts_with(family), "{line} below {family}"),
        }
    }
    // The parser takes no timestamp, and finds no sample twice.
    let samples = Samples::parse(&text).0;
    for (index, sample) in samples.iter().enumerate() {
        let again = samples[index + 1..]
            .iter()
            .find(|other| other.name == sample.name && other.labels == sample.labels);
        assert_eq!(again, None);
    }
}

#[tokio::test]
async fn formats_and_encodings_are_negotiated() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    let ask = |headers: &'static [(&str, &str)]| request(exporter.address, Method::GET, "/metrics", headers);
    // What is about the process itself changes from scrape to scrape.
    let stable = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.contains("process_")).map(str::to_owned).collect()
    };

    let plain = ask(&[]).await;
    assert_eq!(plain.header("content-type"), Some(TEXT));
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("Accept, Accept-Encoding"));

    let zipped = ask(&[("accept-encoding", "gzip")]).await;
    assert_eq!(zipped.header("content-type"), Some(TEXT));
    assert_eq!(stable(&zipped.unzipped()), stable(&plain.text()));
    assert!(zipped.body.len() * 3 < plain.body.len());

    let open = ask(&[("accept", PROMETHEUS_ACCEPT), ("accept-encoding", "gzip")]).await;
    assert_eq!(open.header("content-type"), Some(OPEN_METRICS));
    let open = open.unzipped();
    assert!(open.ends_with("# EOF\n"));
    let samples = |text: &str| -> Vec<String> {
        stable(text).into_iter().filter(|line| !line.starts_with('#') && !line.contains("le=")).collect()
    };
    assert_eq!(samples(&open), samples(&plain.text()));

    for absurd in ["image/png", "", ";;;,,,q=", "*/*;q=0"] {
        let answer = request(exporter.address, Method::GET, "/metrics", &[("accept", absurd)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(TEXT)), "{absurd}");
    }
}

#[tokio::test]
async fn pages_are_packed_where_that_is_accepted_and_reload_where_that_is_asked_for() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    for path in ["/", "/?account=acme", "/api/v1/status"] {
        let plain = exporter.get(path).await;
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        let zipped =
            request(exporter.address, Method::GET, path, &[("accept-encoding", "gzip, deflate, br")]).await;
        assert_eq!(zipped.unzipped(), plain.text(), "{path}");
        for answer in [plain, zipped] {
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path}");
            assert_eq!(answer.header("refresh"), None, "{path}");
        }
    }
    assert_eq!(exporter.get("/?account=acme&refresh=60").await.header("refresh"), Some("60"));
    assert_eq!(exporter.get("/?refresh=0").await.header("refresh"), Some("5"));
}

#[tokio::test]
async fn only_what_is_there_is_answered_and_only_to_readers() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    for path in ["/metrics", "/", "/api/v1/status", "/-/healthy", "/-/ready"] {
        let answer = exporter.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let head = request(exporter.address, Method::HEAD, path, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), answer.header("content-type"), "{path}");
        let post = request(exporter.address, Method::POST, path, &[]).await;
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")), "{path}");
    }
    for path in ["/nothing", "/metrics/", "/-/", "/api/v1/"] {
        assert_eq!(exporter.get(path).await.status, 404, "{path}");
    }
    let page = exporter.get("/").await;
    for path in ["/metrics", "/api/v1/status"] {
        assert!(page.text().contains(&format!("href=\".{path}\"")), "{path} is linked");
    }
    assert!(
        page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'"))
    );
}

#[tokio::test]
async fn ready_means_that_each_collector_had_its_first_attempt() {
    let stage = Stage::new().await;
    let (acme, mut config) = stage.acme();
    config.poll.timeout = Duration::from_secs(1);
    acme.fail_always(Endpoint::Permissions, Fault::HangBeforeHeaders);
    let exporter = stage.exporter(config).await;
    stage.simulator.wait_for_requests(Endpoint::Permissions, 1).await;
    assert_eq!(exporter.get("/-/ready").await.status, 503);
    assert_eq!(exporter.get("/-/healthy").await.status, 200);
    exporter.until("the hanging poll was given up", |store| store.ready()).await;
    assert_eq!(exporter.get("/-/ready").await.status, 200, "a failed attempt is an attempt");
}

#[tokio::test]
async fn the_status_says_as_json_what_the_page_shows() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    acme.fail_always(Endpoint::Permissions, Fault::empty(500));
    let exporter = stage.polled_exporter(config).await;
    let status = exporter.get("/api/v1/status").await.json();
    let account = &status["accounts"][0];
    assert_eq!(account["account"], "acme");
    assert_eq!(account["usage_bytes"], 4_492_000_000_000_u64);
    assert_eq!(account["up"], false);
    assert_eq!(account["credentials"][0]["status"], "unknown");
    let permissions =
        account["collectors"].as_array().unwrap().iter().find(|c| c["collector"] == "permissions").unwrap();
    assert_eq!(permissions["failure"]["reason"], "server");
    assert!(permissions["last_success"].is_null());
}

#[tokio::test]
async fn a_scrape_under_way_is_finished_when_the_exporter_stops() {
    let stage = Stage::new().await;
    let buckets = (0..50_000).map(|number| (format!("bucket-with-a-rather-long-name-{number:05}"), 1.0));
    stage.simulator.account("acme").buckets(buckets);
    let exporter = stage.polled_exporter(Config::of(vec![stage.account("acme")])).await;
    let address = exporter.address;

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    // More is under way than the buffers between the two hold: the answer cannot be finished yet.
    let mut answer = vec![0; 1024];
    stream.read_exact(&mut answer).await.unwrap();
    let stopped = tokio::spawn(exporter.stop());
    let rejected = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), rejected).await.expect("new connections are refused");
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.len() > 4_000_000);
    assert!(
        answer.ends_with(b"\n") && String::from_utf8_lossy(&answer).contains("process_virtual_memory_bytes")
    );
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_scrape_asks_the_vendor_nothing() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    let before = stage.simulator.request_count(None);
    for path in ["/metrics", "/", "/api/v1/status", "/-/ready"] {
        get(exporter.address, path).await;
    }
    assert_eq!(stage.simulator.request_count(None), before);
}
