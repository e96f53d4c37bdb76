//! Clients that mean harm or know no better. Each attack is bounded in count, runs on loopback with short limits, and
//! leaves the exporter answering: a normal scrape succeeds meanwhile, and what the attack took is given back.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::Method;
use lyve_cloud_exporter::http::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::binary::{Running, program};
use crate::client::{get, request, request_over};
use crate::pki::{Ca, Client, Files, TLS};
use crate::stage::{Exporter, Stage};

/// Longer than anything here takes, short enough to end a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// A limit that an attack runs into.
const SHORT: Duration = Duration::from_millis(300);
/// A limit that nothing here runs into.
const LONG: Duration = Duration::from_secs(300);

const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

/// Limits that only what a test shortens can be the reason of an end.
const PATIENT: Limits = Limits {
    connections: 64,
    handshake: LONG,
    head: LONG,
    idle: LONG,
    answer: LONG,
    stall: LONG,
    head_bytes: 32 * 1024,
};

async fn exporter(limits: Limits) -> (Stage, Exporter) {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.exporter_with(config, |daemon| daemon.within(limits)).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    (stage, exporter)
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("a connection")
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Reads until the server ends the connection, in whatever way; gives what came before.
async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset ends it as well.
    let _ = in_time("the server ends the connection", stream.read_to_end(&mut bytes)).await;
    bytes
}

/// Waits until the server has ended a connection of which nothing is read.
async fn ended(stream: &mut TcpStream) {
    in_time("the server ends the connection", async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn normal_scrape(exporter: &Exporter) {
    let samples = in_time("a normal scrape", exporter.scrape()).await;
    assert_eq!(samples.value("lyvecloud_up", &[("account", "acme")]), Some(1.0));
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until no more tasks are alive than before.
async fn given_back(before: usize) {
    in_time("the tasks end", async {
        while tasks() > before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_connections_lock_nobody_out() {
    let (_stage, exporter) = exporter(PATIENT).await;
    normal_scrape(&exporter).await;
    let before = tasks();
    // In rounds, so that a usual limit of open files is enough.
    for round in 0..8 {
        let mut crowd = Vec::new();
        for number in 0..300 {
            let mut stream = connect(exporter.address).await;
            // Some have asked something before they fall silent, some are in the middle of it, most never begin.
            match number % 4 {
                0 => stream.write_all(SCRAPE).await.unwrap(),
                1 => stream.write_all(&SCRAPE[..20]).await.unwrap(),
                _ => {}
            }
            crowd.push(stream);
        }
        normal_scrape(&exporter).await;
        let more = tasks().saturating_sub(before);
        assert!(
            more <= PATIENT.connections + 8,
            "round {round}: {more} tasks more for {} clients",
            crowd.len()
        );
        // Near the limit it depends on which requests were looked at first.
        let mut ends = JoinSet::new();
        for mut stream in crowd.drain(..crowd.len() - 2 * PATIENT.connections) {
            ends.spawn(async move { read_to_end(&mut stream).await });
        }
        ends.join_all().await;
    }
    given_back(before).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_rejected_at_the_limit() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let ask = async |length: usize| {
        let head = "GET /-/healthy HTTP/1.1\r\nhost: x\r\nx: ".to_owned();
        let filling = "a".repeat(length - head.len() - 4);
        let mut stream = connect(exporter.address).await;
        // It may be rejected before it was sent.
        let _ = stream.write_all(format!("{head}{filling}\r\n\r\n").as_bytes()).await;
        let mut answer = [0; 12];
        in_time("an answer", stream.read_exact(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    assert_eq!(ask(PATIENT.head_bytes).await, "200");
    for length in [PATIENT.head_bytes + 1, 40_000, 50_000, 64_000] {
        assert_eq!(ask(length).await, "431", "{length}");
    }
    normal_scrape(&exporter).await;
}

#[tokio::test]
async fn a_connection_that_scrapes_outlives_a_crowd_of_idle_ones() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let mut scraper = connect(exporter.address).await;
    let mut crowd = Vec::new();
    for _ in 0..10 {
        scraper.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        let count = in_time("an answer", scraper.read(&mut answer)).await.unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200 OK"));
        for _ in 0..PATIENT.connections / 2 {
            crowd.push(connect(exporter.address).await);
        }
    }
}

#[tokio::test]
async fn slow_heads_are_cut_off() {
    let (_stage, exporter) = exporter(Limits { head: SHORT, ..PATIENT }).await;
    let before = tasks();
    let mut attackers = JoinSet::new();
    for begin in ["", "G", "GET /metrics HTTP/1.1\r\n", "GET / HTTP/1.1\r\nX: "] {
        for trickle in [false, true] {
            let mut stream = connect(exporter.address).await;
            attackers.spawn(async move {
                stream.write_all(begin.as_bytes()).await.unwrap();
                if trickle {
                    ended(&mut stream).await
                } else {
                    assert!(read_to_end(&mut stream).await.is_empty())
                }
            });
        }
    }
    normal_scrape(&exporter).await;
    attackers.join_all().await;
    given_back(before).await;
}

#[tokio::test]
async fn between_requests_a_connection_may_be_silent_longer_than_a_head_may_take() {
    let (_stage, exporter) = exporter(Limits { head: SHORT, ..PATIENT }).await;
    let mut stream = connect(exporter.address).await;
    for _ in 0..2 {
        stream.write_all(b"HEAD /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        let count = in_time("an answer", stream.read(&mut answer)).await.unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200 OK"));
        tokio::time::sleep(SHORT * 3).await;
    }
    // But a head that has begun has to end.
    stream.write_all(b"HEAD").await.unwrap();
    assert!(read_to_end(&mut stream).await.is_empty());
}

#[tokio::test]
async fn silence_between_requests_ends_too() {
    let (_stage, exporter) = exporter(Limits { idle: SHORT, ..PATIENT }).await;
    let mut stream = connect(exporter.address).await;
    stream.write_all(SCRAPE).await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn bodies_are_not_waited_for() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let before = tasks();
    for (head, status) in [
        ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nabc", "405"),
        ("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nabc", "200"),
        ("GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "200"),
        ("PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", "404"),
    ] {
        let mut stream = connect(exporter.address).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with(format!("HTTP/1.1 {status}").as_bytes()), "{head}");
    }
    normal_scrape(&exporter).await;
    given_back(before).await;
}

#[tokio::test]
async fn huge_heads_are_rejected() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let before = tasks();
    let many: String = (0..10_000).fold(String::new(), |mut lines, number| {
        let _ = write!(lines, "X-{number}: y\r\n");
        lines
    });
    for head in [
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(4 << 20)),
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(4 << 20)),
        format!("{} / HTTP/1.1\r\nHost: x\r\n\r\n", "Y".repeat(4 << 20)),
    ] {
        let mut stream = connect(exporter.address).await;
        // The server may end it before it is all sent, and the answer may be lost by that.
        let _ = in_time("the head is taken or rejected", stream.write_all(head.as_bytes())).await;
        let answer = read_to_end(&mut stream).await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    normal_scrape(&exporter).await;
    given_back(before).await;
}

#[tokio::test]
async fn absurd_accept_headers_get_the_text_format() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let longest = 30 * 1024;
    for accept in [
        ",".repeat(longest),
        ";q=".repeat(longest / 3),
        "a/b;q=0.5,".repeat(longest / 10),
        "text/plain;".repeat(longest / 11),
        format!("text/plain;version=\"{}", "\\\"".repeat(longest / 3)),
        "application/openmetrics-text;version=9.9.9;q=1e999".to_owned(),
        "*/*;q=NaN, \t;;,=;q=-1".to_owned(),
        "image/webp".to_owned(),
    ] {
        for header in ["accept", "accept-encoding"] {
            let answer = in_time(
                "an answer",
                request(exporter.address, Method::GET, "/metrics", &[(header, &accept)]),
            )
            .await;
            assert_eq!(answer.status, 200, "{header}: {}…", &accept[..accept.len().min(40)]);
            assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
        }
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let mut stream = connect(exporter.address).await;
    let mut requests = String::new();
    for number in 0..1000 {
        let path = if number % 2 == 0 { "/-/healthy" } else { "/nothing" };
        let close = if number == 999 { "Connection: close\r\n" } else { "" };
        let _ = write!(requests, "GET {path} HTTP/1.1\r\nHost: x\r\n{close}\r\n");
    }
    let (mut reader, mut writer) = stream.split();
    let mut answers = Vec::new();
    let (read, written) = in_time("all answers", async {
        tokio::join!(reader.read_to_end(&mut answers), writer.write_all(requests.as_bytes()))
    })
    .await;
    read.unwrap();
    written.unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let codes: Vec<&str> =
        answers.match_indices("HTTP/1.1 ").map(|(index, _)| &answers[index + 9..index + 12]).collect();
    assert_eq!(codes, ["200", "404"].repeat(500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_are_cut_off() {
    let (_stage, exporter) = exporter(Limits { stall: SHORT, ..PATIENT }).await;
    let before = tasks();
    let mut attackers = JoinSet::new();
    for _ in 0..8 {
        let mut stream = connect(exporter.address).await;
        attackers.spawn(async move {
            // More answers than fit between the two ends: tens of megabytes.
            let _ =
                in_time("the requests are taken or rejected", stream.write_all(&SCRAPE.repeat(10_000))).await;
            ended(&mut stream).await;
        });
    }
    normal_scrape(&exporter).await;
    attackers.join_all().await;
    given_back(before).await;
}

#[tokio::test]
async fn a_client_that_reads_a_little_now_and_then_is_cut_off_in_the_end() {
    let stage = Stage::new().await;
    let (mut acme, config) = stage.acme();
    // An answer that is larger than the buffers between the two ends.
    for number in 0..8_000 {
        acme = acme.bucket(&format!("bucket-{number:0>1000}"), 1.0);
    }
    let limits = Limits { answer: SHORT * 3, ..PATIENT };
    let exporter = stage.exporter_with(config, |daemon| daemon.within(limits)).await;
    in_time("everything was polled once", exporter.until("it was polled", |store| store.ready())).await;
    let mut stream = connect(exporter.address).await;
    stream.write_all(SCRAPE).await.unwrap();
    let mut bytes = [0; 1024];
    let mut read = in_time("the head of the answer", stream.read(&mut bytes)).await.unwrap();
    let head = String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let whole: usize = length.unwrap_or_else(|| panic!("no length in {head}")).trim().parse().unwrap();
    let limit = tokio::time::Instant::now() + limits.answer * 2;
    while tokio::time::Instant::now() < limit {
        read += in_time("a little of the answer", stream.read(&mut bytes)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What was on its way by then still comes.
    read += read_to_end(&mut stream).await.len();
    assert!(read < whole, "{read} of {whole} bytes");
}

#[tokio::test]
async fn half_closed_connections_end() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let before = tasks();
    for begin in [&b""[..], b"GET / HTT"] {
        let mut stream = connect(exporter.address).await;
        stream.write_all(begin).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert_eq!(String::from_utf8_lossy(&answer), "", "nothing was asked");
    }
    given_back(before).await;
    normal_scrape(&exporter).await;
    given_back(before).await;
}

#[tokio::test]
async fn who_half_closes_behind_a_whole_request_is_answered() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let before = tasks();
    // Whether the end or the answer comes first is a matter of luck.
    for _ in 0..50 {
        let mut stream = connect(exporter.address).await;
        stream.write_all(SCRAPE).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = String::from_utf8(read_to_end(&mut stream).await).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "a whole body: {head}");
        assert!(body.contains("\nlyvecloud_up{account=\"acme\"} 1\n"));
    }
    given_back(before).await;
}

#[tokio::test]
async fn what_is_no_http_is_rejected() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let before = tasks();
    for (bytes, expected) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "HTTP/1.1 400 Bad Request\r\n"),
        (b"\0\0\0\0\0\0\0\0\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        (b"GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        // Who begins in the next version would not understand an answer in this one.
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
    ] {
        let mut stream = connect(exporter.address).await;
        stream.write_all(bytes).await.unwrap();
        let answer = String::from_utf8(read_to_end(&mut stream).await).unwrap();
        let asked = String::from_utf8_lossy(bytes);
        assert!(answer.starts_with(expected), "{asked:?}: {answer:?}");
        assert_eq!(answer.is_empty(), expected.is_empty(), "{asked:?}: {answer:?}");
        // The head, and not a word of what there is to see.
        assert!(answer.is_empty() || answer.ends_with("\r\n\r\n"), "{asked:?}: {answer:?}");
        assert_eq!(
            answer.matches("HTTP/").count(),
            usize::from(!expected.is_empty()),
            "{asked:?}: {answer:?}"
        );
    }
    normal_scrape(&exporter).await;
    given_back(before).await;
}

#[tokio::test]
async fn what_is_asked_of_a_proxy_is_not_done() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let before = tasks();
    for (request, expected) in [
        (
            "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\n",
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"),
        ("GET http://example.com/nowhere HTTP/1.0\r\n\r\n", "HTTP/1.0 404 Not Found\r\n"),
        // The address of a page may be whole, as every server has to understand; it is always this server's page.
        ("GET http://example.com/-/healthy HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n"),
    ] {
        let mut stream = connect(exporter.address).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = String::from_utf8(read_to_end(&mut stream).await).unwrap();
        assert!(answer.starts_with(expected), "{request:?}: {answer:?}");
        assert_eq!(
            answer.ends_with("\r\n\r\nhealthy\n"),
            expected.contains("200"),
            "{request:?}: {answer:?}"
        );
    }
    normal_scrape(&exporter).await;
    given_back(before).await;
}

/// An exporter that speaks TLS, and who signed its certificate.
async fn tls_exporter(limits: Limits, users: &str) -> (Stage, Exporter, Ca) {
    let (stage, ca, files) = (Stage::new().await, Ca::new(), Files::new());
    files.write_pair(&ca.issue());
    files.write("web.yaml", &format!("{TLS}{users}"));
    let (_, config) = stage.acme();
    let guard = files.guard();
    let exporter = stage.exporter_with(config, |daemon| daemon.guarded_by(guard).within(limits)).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    (stage, exporter, ca)
}

#[tokio::test]
async fn handshakes_that_stall_or_make_no_sense_are_cut_off() {
    let (_stage, exporter, ca) = tls_exporter(Limits { handshake: SHORT, ..PATIENT }, "").await;
    let before = tasks();
    let mut attackers = JoinSet::new();
    for bytes in [
        &b""[..],
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01",
        b"\x16\x03\x01\xff\xff\x01",
        b"\x80\x2e\x01\x00\x02\x00\x15",
        b"\0\0\0\0\0\0\0\0",
        b"hello",
    ] {
        for _ in 0..4 {
            let mut stream = connect(exporter.address).await;
            attackers.spawn(async move {
                stream.write_all(bytes).await.unwrap();
                let answer = read_to_end(&mut stream).await;
                assert!(answer.len() < 16, "an alert at most: {answer:?}");
            });
        }
    }
    let stream = in_time("a handshake", Client::trusting(&ca).connect(exporter.address)).await.unwrap();
    assert_eq!(request_over(stream, Method::GET, "/metrics", &[]).await.unwrap().status, 200);
    attackers.join_all().await;
    given_back(before).await;
}

#[tokio::test]
async fn slow_heads_and_idle_crowds_are_no_better_inside_tls() {
    let limits = Limits { head: SHORT, connections: 16, ..PATIENT };
    let (_stage, exporter, ca) = tls_exporter(limits, "").await;
    let before = tasks();
    let client = Client::trusting(&ca);
    let mut crowd = Vec::new();
    for _ in 0..40 {
        let mut stream = in_time("a handshake", client.connect(exporter.address)).await.unwrap();
        let _ = stream.write_all(b"GET /met").await;
        crowd.push(stream);
    }
    let stream = in_time("a handshake", client.connect(exporter.address)).await.unwrap();
    assert_eq!(request_over(stream, Method::GET, "/metrics", &[]).await.unwrap().status, 200);
    for mut stream in crowd {
        let mut bytes = Vec::new();
        let _ = in_time("the server ends the connection", stream.read_to_end(&mut bytes)).await;
        assert!(bytes.is_empty());
    }
    given_back(before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_wrong_passwords_does_not_hold_up_who_has_the_right_one() {
    // Dear enough that the flood cannot be over before the scrapes are.
    let hash = bcrypt::hash("secret", 9).unwrap();
    let (_stage, exporter, ca) =
        tls_exporter(PATIENT, &format!("basic_auth_users:\n  alice: {hash}\n")).await;
    let basic = |claim: &str| format!("Basic {}", BASE64_STANDARD.encode(claim));
    let scrape = async || {
        let stream = Client::trusting(&ca).connect(exporter.address).await.unwrap();
        let headers = [("authorization", basic("alice:secret"))];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        request_over(stream, Method::GET, "/metrics", &headers).await.unwrap().status
    };
    assert_eq!(in_time("a scrape", scrape()).await, 200);

    let mut flood = JoinSet::new();
    for number in 0..40 {
        let client = Client::trusting(&ca).connect(exporter.address).await.unwrap();
        let name = if number % 2 == 0 { "alice" } else { "mallory" };
        let claim = basic(&format!("{name}:{number}"));
        flood.spawn(async move {
            let headers = [("authorization", claim.as_str())];
            request_over(client, Method::GET, "/metrics", &headers).await.unwrap().status
        });
    }
    for _ in 0..5 {
        assert_eq!(in_time("a scrape", scrape()).await, 200);
    }
    let statuses = in_time("the flood's answers", flood.join_all()).await;
    assert!(statuses.iter().all(|status| matches!(status, 401 | 503)), "{statuses:?}");
    assert!(statuses.contains(&401));
}

#[tokio::test]
async fn a_request_without_a_host_or_with_two_is_rejected() {
    let (_stage, exporter) = exporter(PATIENT).await;
    let get = |version: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        format!("GET /metrics HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n")
    };
    for (request, status) in [
        (get("1.1", &[]), "400"),
        (get("1.1", &["a", "b"]), "400"),
        (get("1.1", &["a", "a"]), "400"),
        (get("1.0", &["a", "b"]), "400"),
        (get("1.1", &["a"]), "200"),
        (get("1.1", &[""]), "200"),
        (get("1.0", &[]), "200"),
    ] {
        let mut stream = connect(exporter.address).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request:?}: {answer:?}");
        assert!(status == "200" || answer.ends_with("a request must have one Host header\n"), "{answer:?}");
    }
}

#[tokio::test]
async fn with_few_descriptors_idle_connections_give_way_at_once() {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 128; exec \"$0\" demo --log.level=info \"$@\""])
        .arg(program().as_std().get_program());
    let running = Running::start(command.kill_on_drop(true)).await;
    running.until_ready().await;
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(connect(running.address).await);
    }
    let begun = Instant::now();
    assert_eq!(in_time("a scrape", get(running.address, "/metrics")).await.status, 200);
    let took = begun.elapsed();
    // One connection closed each 100 ms would take tens of seconds.
    assert!(took < Duration::from_secs(5), "{took:?}");
    let (status, log) = running.stop("-TERM").await;
    assert_eq!(status, Some(0));
    assert!(log.contains("few open files are allowed"), "{log}");
    assert!(!log.contains("cannot accept connections"), "{log}");
}
