use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::api::testing::{Notes, Reply as Answer, Vendor};

const TOKEN: &str = "canary-token";

fn transport() -> Transport {
    Transport::through(Proxies::default(), Duration::from_secs(20)).unwrap()
}

fn text(mut body: Incoming) -> Result<String, Box<str>> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut body, &mut text).map_err(|_| "could not be read")?;
    Ok(text)
}

async fn get_from(transport: &Transport, url: Url, notes: &Notes) -> Result<(u16, String), ApiError> {
    let token = Secret::new(TOKEN.to_owned());
    let call = Call { endpoint: Endpoint::CurrentUsage, url, bearer: Some(&token), json: None, signed: None };
    let reply = transport.call(call, notes, text).await;
    if let Err(error) = &reply {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains("//"), "{shown}");
    }
    Ok(match reply? {
        Reply::Success { value, .. } => (200, value),
        Reply::Failure(reply) => (reply.status, String::from_utf8_lossy(&reply.body).into_owned()),
    })
}

fn place(vendor: &Vendor) -> Url {
    let mut url = vendor.url("http");
    url.set_path("/v2/usage/current");
    url.set_query(Some("canary=1"));
    url
}

async fn get(vendor: &Vendor) -> Result<(u16, String), ApiError> {
    get_from(&transport(), place(vendor), &Notes::default()).await
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn asks_as_itself_for_compressed_json() {
    let vendor = Vendor::start(|_| Answer::with(200, "content-encoding: gzip\r\n", gzip(b"{}"))).await;
    let notes = Notes::default();
    let reply = get_from(&transport(), place(&vendor), &notes).await;
    assert_eq!(reply.unwrap(), (200, "{}".to_owned()));
    let request = &vendor.requests()[0];
    assert_eq!(request.line, "GET /v2/usage/current?canary=1 HTTP/1.1");
    assert_eq!(
        request.header("user-agent"),
        Some(concat!("lyve-cloud-exporter/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(request.header("authorization"), Some("Bearer canary-token"));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
    assert_eq!(notes.requests(), [(Endpoint::CurrentUsage, Ok(200))]);
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_once() {
    let vendor = Vendor::start(|request| match request.line.split(' ').nth(1) {
        Some("/v2/usage/current?canary=1") => Answer::with(307, "location: current/\r\n", ""),
        Some("/v2/usage/current/") => Answer::json("arrived"),
        _ => Answer::status(500, ""),
    })
    .await;
    let notes = Notes::default();
    let reply = get_from(&transport(), place(&vendor), &notes).await;
    assert_eq!(reply.unwrap(), (200, "arrived".to_owned()));
    assert_eq!(vendor.requests()[1].header("authorization"), Some("Bearer canary-token"));
    assert_eq!(notes.requests(), [(Endpoint::CurrentUsage, Ok(307)), (Endpoint::CurrentUsage, Ok(200))]);

    let circle = Vendor::start(|_| Answer::with(302, "location: /v2/usage/current\r\n", "")).await;
    assert_eq!(get(&circle).await.unwrap().0, 302);
    assert_eq!(circle.requests().len(), 2);
}

#[tokio::test]
async fn a_redirect_to_another_origin_gets_nothing() {
    let other = Vendor::start(|_| Answer::json("{}")).await;
    let elsewhere = other.url("http");
    for target in [
        elsewhere.to_string(),
        elsewhere.to_string().replace("127.0.0.1", "localhost"),
        elsewhere.to_string().replace("http:", ""),
        elsewhere.to_string().replace("http:", "https:"),
    ] {
        let headers = format!("location: {target}?canary=1\r\n");
        let vendor = Vendor::start(move |_| Answer::with(302, &headers, "")).await;
        let token = Secret::new(TOKEN.to_owned());
        let call = Call {
            endpoint: Endpoint::CurrentUsage,
            url: place(&vendor),
            bearer: Some(&token),
            json: None,
            signed: None,
        };
        let error = transport().call(call, &Notes::default(), text).await.err().unwrap();
        assert_eq!((error.reason, error.status), (Reason::Request, Some(302)));
        assert_eq!(&*error.detail, "redirected (302) to another origin; not followed, check base_url");
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_login_is_not_redirected() {
    let vendor = Vendor::start(|_| Answer::with(308, "location: /v2/auth/token/\r\n", "")).await;
    let json = Zeroizing::new("{}".to_owned());
    let call = Call {
        endpoint: Endpoint::Login,
        url: place(&vendor),
        bearer: None,
        json: Some(&json),
        signed: None,
    };
    let error = transport().call(call, &Notes::default(), text).await.err().unwrap();
    assert_eq!((error.reason, error.status), (Reason::Request, Some(308)));
    assert_eq!(vendor.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_has_a_limit_that_compression_does_not_evade() {
    const LIMIT: usize = 1024 * 1024;
    let bomb = gzip(&vec![b' '; LIMIT * 8]);
    assert!(bomb.len() < LIMIT / 8);
    let vendor = Vendor::start(move |_| Answer::with(200, "content-encoding: gzip\r\n", bomb.clone())).await;
    let transport = transport().with_bounds(LIMIT, LIMIT);
    let error = get_from(&transport, place(&vendor), &Notes::default()).await.unwrap_err();
    assert_eq!((error.reason, error.status), (Reason::Decode, Some(200)));
    assert_eq!(&*error.detail, "the answer is longer than 1048576 bytes, which is the most that is read");

    let fits = Vendor::start(|_| Answer::with(200, "", vec![b'x'; LIMIT])).await;
    let reply = get_from(&transport, place(&fits), &Notes::default()).await;
    assert_eq!(reply.unwrap().1.len(), LIMIT);
}

#[tokio::test]
async fn few_large_answers_are_read_at_once() {
    const LARGE: usize = 1024;
    let vendor = Vendor::start(|request| {
        let stalls = request.line.contains("stall");
        let mut sent = b"HTTP/1.1 200 OK\r\ncontent-length: 2048\r\nconnection: close\r\n\r\n".to_vec();
        sent.resize(sent.len() + if stalls { LARGE + 1 } else { 2 * LARGE }, b'x');
        match () {
            () if request.line.contains("small") => Answer::with(200, "", vec![b'x'; LARGE]),
            () if stalls => Answer::Stall(sent),
            () => Answer::Raw(sent),
        }
    })
    .await;
    let at = |path: &str| {
        let mut url = vendor.url("http");
        url.set_path(path);
        url
    };
    let transport = transport().with_bounds(1024 * 1024, LARGE);
    let (begun, mut began) = tokio::sync::mpsc::channel(2);
    let stalled: Vec<_> = (0..2)
        .map(|_| {
            let (transport, url, begun) = (transport.clone(), at("/stall"), begun.clone());
            tokio::spawn(async move {
                let call =
                    Call { endpoint: Endpoint::CurrentUsage, url, bearer: None, json: None, signed: None };
                let decode = move |body: Incoming| {
                    begun.blocking_send(()).unwrap();
                    text(body)
                };
                let _ = transport.call(call, &Notes::default(), decode).await;
            })
        })
        .collect();
    began.recv().await.unwrap();
    began.recv().await.unwrap();
    let hurried = Transport { timeout: Duration::from_millis(300), ..transport.clone() };
    let small = get_from(&transport, at("/small"), &Notes::default()).await;
    assert_eq!(small.unwrap().1.len(), LARGE, "small ones do not wait");
    let error = get_from(&hurried, at("/large"), &Notes::default()).await.unwrap_err();
    assert_eq!(error.reason, Reason::Timeout, "a third large one waits");

    stalled.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(get_from(&transport, at("/large"), &Notes::default()).await.unwrap().1.len(), 2 * LARGE);
}

#[tokio::test]
async fn accounts_with_certificates_of_their_own_share_the_threads() {
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, certificate().0).unwrap();
    let all = transport();
    let one = all.trusting(&ca_file).unwrap();
    assert!(Arc::ptr_eq(&one.bounds.large_ones, &all.bounds.large_ones));
}

#[tokio::test]
async fn of_a_failure_only_the_beginning_is_read() {
    let vendor = Vendor::start(|_| Answer::with(500, "", vec![b'x'; 1024 * 1024])).await;
    let (status, body) = get(&vendor).await.unwrap();
    assert_eq!((status, body.len()), (500, 64 * 1024));

    // A body that breaks does not hide the status.
    let broken = b"HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let vendor = Vendor::start(move |_| Answer::Raw(broken.clone())).await;
    assert_eq!(get(&vendor).await.unwrap().0, 503);
}

#[tokio::test]
async fn an_answer_that_is_cut_short_ended_early() {
    let half_gzip = gzip(&vec![b'x'; 10_000]);
    let half_gzip = &half_gzip[..half_gzip.len() / 2];
    let mut gzipped = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n".to_vec();
    gzipped.extend_from_slice(half_gzip);
    for raw in [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec(),
        gzipped,
    ] {
        let vendor = Vendor::start(move |_| Answer::Raw(raw.clone())).await;
        let error = get(&vendor).await.unwrap_err();
        assert_eq!((error.reason, &*error.detail), (Reason::Decode, "the answer ended early"));
    }
}

#[tokio::test]
async fn a_damaged_answer_is_told_from_a_cut_one() {
    for raw in [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 14\r\n\r\ncanary, no gzi".to_vec(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\ncanary\r\n".to_vec(),
    ] {
        let vendor = Vendor::start(move |_| Answer::Raw(raw.clone())).await;
        let error = get(&vendor).await.unwrap_err();
        assert_eq!(error.reason, Reason::Decode);
        assert!(error.detail.starts_with("the answer is damaged"), "{error}");
    }
}

#[tokio::test]
async fn no_answer_at_all() {
    let closes = Vendor::start(|_| Answer::Raw(Vec::new())).await;
    let error = get(&closes).await.unwrap_err();
    assert_eq!((error.reason, error.status), (Reason::Connect, None));
    assert!(error.detail.starts_with("the connection was closed"), "{error}");

    let babbles = Vendor::start(|_| Answer::Raw(b"SSH-2.0-canary\r\n\r\n".to_vec())).await;
    let error = get(&babbles).await.unwrap_err();
    assert_eq!(error.reason, Reason::Decode);
    assert!(error.detail.starts_with("the answer is not HTTP"), "{error}");

    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = Url::parse(&format!("http://canary:canary@127.0.0.1:{port}/canary?canary")).unwrap();
    let notes = Notes::default();
    let error = get_from(&transport(), url, &notes).await.unwrap_err();
    assert_eq!(error.reason, Reason::Connect);
    assert!(error.detail.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{error}");
    assert!(!error.detail.contains("canary"), "{error}");
    assert_eq!(notes.requests(), [(Endpoint::CurrentUsage, Err(Reason::Connect))]);
}

#[tokio::test]
async fn the_deadline_covers_the_wait_and_the_body() {
    for (sent, status) in
        [(&b""[..], None), (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", Some(200))]
    {
        let vendor = Vendor::start(move |_| Answer::Stall(sent.to_vec())).await;
        let transport = Transport::new(Duration::from_millis(300)).unwrap();
        let error = get_from(&transport, place(&vendor), &Notes::default()).await.unwrap_err();
        assert_eq!((error.reason, error.status), (Reason::Timeout, status));
        assert_eq!(&*error.detail, "no whole answer within 300ms");
        vendor.left().await;
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_decoder_and_its_connection() {
    let vendor =
        Vendor::start(|_| Answer::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec()))
            .await;
    let (decoder_ended, ended) = tokio::sync::oneshot::channel();
    let (decoder_began, began) = tokio::sync::oneshot::channel();
    let url = place(&vendor);
    let call = tokio::spawn(async move {
        let call = Call { endpoint: Endpoint::CurrentUsage, url, bearer: None, json: None, signed: None };
        let decode = move |mut body: Incoming| -> Result<(), Box<str>> {
            let mut first = [0; 4];
            std::io::Read::read_exact(&mut body, &mut first).unwrap();
            decoder_began.send(first).unwrap();
            let rest = std::io::Read::read(&mut body, &mut first);
            decoder_ended.send(rest.map_err(|error| error.kind())).unwrap();
            Ok(())
        };
        let _ = transport().with_bounds(1024, 3).call(call, &Notes::default(), decode).await;
    });
    assert_eq!(&began.await.unwrap(), b"half");
    call.abort();
    assert_eq!(ended.await.unwrap(), Err(std::io::ErrorKind::ConnectionAborted));
    vendor.left().await;
}

#[tokio::test]
async fn a_decoder_that_has_heard_enough_ends_the_call() {
    let vendor = Vendor::start(|_| {
        let mut sent = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        sent.resize(4 * 1024 * 1024, b'<');
        Answer::Stall(sent)
    })
    .await;
    let call = Call {
        endpoint: Endpoint::CurrentUsage,
        url: place(&vendor),
        bearer: None,
        json: None,
        signed: None,
    };
    let decode = |_: Incoming| -> Result<(), Box<str>> { Err("no more of it".into()) };
    let error = transport().call(call, &Notes::default(), decode).await.err().unwrap();
    assert_eq!((error.reason, &*error.detail), (Reason::Decode, "no more of it"));
}

fn certificate() -> (String, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    (made.cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn a_certificate_is_trusted_only_if_it_was_brought_along() {
    let (pem, acceptor) = certificate();
    let vendor = Vendor::serve(Some(acceptor), |_| Answer::json("{}")).await;
    let mut url = place(&vendor);
    url.set_scheme("https").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();

    // Also where the system trusts nobody at all.
    let (roots, bounds) = (Arc::new(RootCertStore::empty()), body::Bounds::default());
    let nobody = Transport::build(Proxies::default(), roots, None, Duration::from_secs(20), bounds).unwrap();
    for distrusting in [transport(), nobody.clone()] {
        let error = get_from(&distrusting, url.clone(), &Notes::default()).await.unwrap_err();
        assert_eq!(error.reason, Reason::Tls);
        assert!(
            error.detail.starts_with("the connection to ") && error.detail.contains(" is not trusted: "),
            "{error}"
        );
        let trusting = distrusting.trusting(&ca_file).unwrap();
        let reply = get_from(&trusting, url.clone(), &Notes::default()).await;
        assert_eq!(reply.unwrap(), (200, "{}".to_owned()));
    }

    let plain = Vendor::start(|_| Answer::json("{}")).await;
    let reply = get_from(&nobody, place(&plain), &Notes::default()).await;
    assert_eq!(reply.unwrap().0, 200);

    // A vendor that speaks no TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    let answer = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let rejection = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut connection, rejection).await.unwrap();
        connection
    };
    let transport = transport();
    let notes = Notes::default();
    let (error, _connection) = tokio::join!(get_from(&transport, url, &notes), answer);
    let error = error.unwrap_err();
    assert_eq!(error.reason, Reason::Tls);
    assert!(error.detail.ends_with(" does not speak TLS on that port: use http in base_url, iam_url or s3_url, or the port that speaks TLS"), "{error}");
}

#[test]
fn a_file_without_certificates_is_rejected_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let missing = transport().trusting(&path).unwrap_err().to_string();
    assert!(missing.contains(path.to_str().unwrap()), "{missing}");
    for content in [
        "",
        "canary",
        "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\ncanary",
    ] {
        std::fs::write(&path, content).unwrap();
        let error = transport().trusting(&path).unwrap_err();
        assert!(matches!(error, TransportError::Certificates { .. }), "{content}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
}

#[tokio::test]
async fn odd_ways_to_send_an_answer_are_read() {
    let members = [gzip(br#"{"a":"#), gzip(b"1}")].concat();
    let cookies = "set-cookie: canary=1\r\n".repeat(150);
    for (headers, body, read) in [
        ("content-encoding: x-gzip\r\n", gzip(b"{}"), "{}"),
        ("content-encoding: GZIP\r\n", gzip(b"{}"), "{}"),
        ("content-encoding: gzip\r\n", members, r#"{"a":1}"#),
        ("content-encoding: identity\r\n", b"{}".to_vec(), "{}"),
        (cookies.as_str(), b"{}".to_vec(), "{}"),
        ("x-folded: one\r\n  two\r\n\tthree\r\n", b"{}".to_vec(), "{}"),
    ] {
        let headers_sent = headers.to_owned();
        let vendor = Vendor::start(move |_| Answer::with(200, &headers_sent, body.clone())).await;
        assert_eq!(get(&vendor).await.unwrap(), (200, read.to_owned()), "{headers}");
    }
    for (headers, says) in [
        ("content-encoding: br\r\n", "the answer is packed in another way than gzip"),
        ("content-encoding: gzip\r\ncontent-encoding: gzip\r\n", "the answer is packed more than once"),
    ] {
        let vendor = Vendor::start(move |_| Answer::with(200, headers, "canary")).await;
        let error = get(&vendor).await.unwrap_err();
        assert_eq!((error.reason, &*error.detail), (Reason::Decode, says));
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_as_a_request_goes_out_is_opened_again_once() {
    let vendor = Vendor::start({
        let asked = std::sync::atomic::AtomicUsize::new(0);
        move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 | 2 | 3 | 4 => Answer::Raw(Vec::new()),
            _ => Answer::json("{}"),
        }
    })
    .await;
    assert_eq!(get(&vendor).await.unwrap().0, 200);
    assert_eq!(vendor.requests().len(), 2);
    assert_eq!(get(&vendor).await.unwrap_err().reason, Reason::Connect);
    assert_eq!(vendor.requests().len(), 4, "once, not again and again");

    // The vendor may have taken a login that it did not answer.
    let json = Zeroizing::new("{}".to_owned());
    let url = place(&vendor);
    let call = Call { endpoint: Endpoint::Login, url, bearer: None, json: Some(&json), signed: None };
    let error = transport().call(call, &Notes::default(), text).await.err().unwrap();
    assert_eq!(error.reason, Reason::Connect);
    assert_eq!(vendor.requests().len(), 5);
}

/// A certificate of an authority, as `openssl req -x509` makes it, and a server that presents it itself.
fn authority(name: &str, year: i32) -> (String, TlsAcceptor) {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.der().clone()], key)
            .unwrap();
    (made.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn a_server_may_present_the_authority_that_was_brought_along() {
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    for (name, year, says) in [
        ("127.0.0.1", 4000, None),
        ("127.0.0.2", 4000, Some("certificate not valid for name")),
        ("127.0.0.1", 2001, Some("certificate expired")),
    ] {
        let (pem, acceptor) = authority(name, year);
        let vendor = Vendor::serve(Some(acceptor), |_| Answer::json("{}")).await;
        let mut url = place(&vendor);
        url.set_scheme("https").unwrap();
        // Some editors put a byte order mark before it.
        std::fs::write(&ca_file, format!("\u{feff}{pem}")).unwrap();
        let trusting = transport().trusting(&ca_file).unwrap();
        match (get_from(&trusting, url.clone(), &Notes::default()).await, says) {
            (Ok((200, _)), None) => {}
            (Err(error), Some(says)) => assert!(error.detail.contains(says), "{error}"),
            (other, says) => panic!("{other:?}, {says:?}"),
        }
        // Another's authority is none of ours.
        std::fs::write(&ca_file, authority(name, year).0).unwrap();
        let distrusting = transport().trusting(&ca_file).unwrap();
        let error = get_from(&distrusting, url, &Notes::default()).await.unwrap_err();
        assert_eq!(error.reason, Reason::Tls);
    }
}
