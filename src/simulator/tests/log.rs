use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn requests_are_recorded_without_their_secrets() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    client.get("/usage/monthly?fromMonth=0").await;
    stage.client().get("/nothing").await;
    let requests = stage.simulator.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].endpoint, Endpoint::Login);
    assert_eq!(requests[0].account.as_deref(), Some("acme"));
    assert!(requests[0].body_size > 0 && !requests[0].had_bearer);
    assert_eq!(
        requests[1],
        RequestRecord {
            endpoint: Endpoint::MonthlyUsage,
            method: "GET".to_owned(),
            path: "/v2/usage/monthly".to_owned(),
            query: Some("fromMonth=0".to_owned()),
            account: Some("acme".to_owned()),
            had_bearer: true,
            body_size: 0,
            is_violation: false,
        }
    );
    assert_eq!((requests[2].endpoint, requests[2].account.as_deref()), (Endpoint::Other, None));
    assert_eq!(stage.simulator.request_count(None), 3);
    assert_eq!(stage.simulator.request_count(Endpoint::Login), 1);
    assert!(!format!("{requests:?}").contains("first"));

    stage.simulator.forget_requests();
    assert_eq!(stage.simulator.request_count(None), 0);
    assert_eq!(stage.simulator.requests(), []);
}

#[tokio::test]
async fn whoever_tries_to_change_something_is_told_on() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    for (method, path) in [
        ("PATCH", "/permissions/p1"),
        ("PUT", "/permissions"),
        ("DELETE", "/auth/token"),
        ("POST", "/usage/current"),
    ] {
        let answer = HttpResponse::parse(&client.ask(method, path, "{}").await.unwrap());
        assert_eq!(answer.error(), (405, "MethodNotAllowed".to_owned()));
        assert_eq!(answer.header("allow"), Some("GET"));
        let told = stage.simulator.violations();
        let last = told.last().unwrap();
        assert_eq!((last.method.as_str(), last.path.as_str()), (method, format!("/v2{path}").as_str()));
    }
    assert_eq!(stage.simulator.violations().len(), 4);
}

#[tokio::test]
async fn one_can_wait_for_requests_and_see_how_many_were_under_way() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    for _ in 0..3 {
        stage.simulator.fail_once(Endpoint::CurrentUsage, Fault::HangBeforeHeaders);
    }
    let waiting = stage.simulator.wait_for_requests(Endpoint::CurrentUsage, 3);
    let asking = async {
        let mut streams = Vec::new();
        for _ in 0..3 {
            streams.push(client.send("GET", "/usage/current", "").await.unwrap());
        }
        streams
    };
    let ((), mut streams) = tokio::join!(waiting, asking);
    assert_eq!((stage.simulator.in_flight(), stage.simulator.max_in_flight()), (3, 3));
    stage.simulator.stop().await;
    for stream in &mut streams {
        assert!(!matches!(stream.read(&mut [0]).await, Ok(1..)));
    }
    assert_eq!((stage.simulator.in_flight(), stage.simulator.max_in_flight()), (0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_no_longer_under_way_once_its_answer_was_read() {
    let stage = Stage::new().await;
    let head = |bytes: &[u8]| bytes.windows(4).any(|four| four == b"\r\n\r\n");
    let mut stream = TcpStream::connect(stage.simulator.address()).await.unwrap();
    for _ in 0..200 {
        // The connection is kept, so that nothing but the length tells the end.
        let request = b"GET /v2/usage/current HTTP/1.1\r\nhost: vendor\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        while !head(&bytes) || !bytes.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        assert_eq!(stage.simulator.in_flight(), 0);
    }
    assert_eq!(stage.simulator.max_in_flight(), 1);
}
