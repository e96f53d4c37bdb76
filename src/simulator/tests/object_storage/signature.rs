use super::*;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn header(region: &str, service: &str, signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKARCHIVE/20261124/{region}/{service}/aws4_request, \
         SignedHeaders={signed}, Signature={signature}"
    )
}

/// These were calculated by a few lines of Python from the public description of the algorithm.
#[tokio::test]
async fn signatures_calculated_by_another_program_are_accepted() {
    let place = Place::new().await;
    let address = place.simulator.address();
    let authorization = header(
        "eu-west-1",
        "iam",
        "content-type;host;x-amz-date",
        "8d5d85e259867c32113ea74b2049e6344dce11e9556939bb2adbb26c67eb94d0",
    );
    let mut headers = [
        ("x-amz-date", "20261124T120000Z"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", authorization.as_str()),
    ];
    let users = Request::iam("ListUsers");
    assert_eq!(users.with_headers(address, &headers).await.status, 200);
    headers[1].1 = "text/plain";
    assert_eq!(users.with_headers(address, &headers).await.status, 403);

    for (target, status, signature) in [
        ("/?rs-bucket-stats=", 200, "350eaa47ca3a61cf854eed29bd7910518f7f893dac3468e1510ea285b3299c6f"),
        // Accepted, and then there is no such bucket.
        ("/a%20b?rs-info=", 404, "4b09a73775b608647afb541d4b3baf96040a036ddc0a1c307284f7decb683bb7"),
        ("/?rs-bucket-stats=1", 403, "350eaa47ca3a61cf854eed29bd7910518f7f893dac3468e1510ea285b3299c6f"),
        ("/", 403, "350eaa47ca3a61cf854eed29bd7910518f7f893dac3468e1510ea285b3299c6f"),
    ] {
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let authorization = header("us-east-1", "s3", signed, signature);
        let headers = [
            ("x-amz-date", "20261124T120000Z"),
            ("x-amz-content-sha256", EMPTY),
            ("authorization", authorization.as_str()),
        ];
        assert_eq!(Request::s3(target).with_headers(address, &headers).await.status, status, "{target}");
    }
}

#[tokio::test]
async fn any_region_is_accepted_and_nothing_else_that_differs() {
    let place = Place::new().await;
    let users = Request::iam("ListUsers");
    let buckets = Request::s3("/");
    for request in [
        Request { region: "eu-central-9", ..users.clone() },
        Request { region: "eu-central-9", ..buckets.clone() },
        Request { has_checksum: true, ..users.clone() },
        Request { time: at("2026-11-24T11:45:00Z"), ..users.clone() },
        Request { time: at("2026-11-24T12:15:00Z"), ..buckets.clone() },
    ] {
        assert_eq!(place.ask(&request).await.status, 200);
    }
    let key = || "AKNOBODY".to_owned();
    let secret = || "second".to_owned();
    let early = at("2026-11-24T11:44:59Z");
    let late = at("2026-11-24T12:15:01Z");
    for (status, code, request) in [
        (401, "Unauthorized", Request { service: "s3", ..users.clone() }),
        (401, "Unauthorized", Request { service: "iam", ..buckets.clone() }),
        (401, "Unauthorized", Request { service: "sts", ..users.clone() }),
        (403, "SignatureDoesNotMatch", Request { secret: secret(), ..users.clone() }),
        (403, "SignatureDoesNotMatch", Request { secret: secret(), ..buckets.clone() }),
        (403, "InvalidClientTokenId", Request { access_key: key(), ..users.clone() }),
        (403, "InvalidAccessKeyId", Request { access_key: key(), ..buckets.clone() }),
        (403, "SignatureDoesNotMatch", Request { time: early, ..users.clone() }),
        (403, "RequestTimeTooSkewed", Request { time: early, ..buckets.clone() }),
        (403, "RequestTimeTooSkewed", Request { time: late, ..buckets.clone() }),
        (403, "SignatureDoesNotMatch", Request { is_body_signed: false, ..users.clone() }),
        (400, "XAmzContentSHA256Mismatch", Request { is_body_signed: false, ..buckets.clone() }),
        (403, "SignatureDoesNotMatch", Request { has_checksum: false, ..buckets.clone() }),
    ] {
        let (found_status, found_code, _) = place.error(&request).await;
        assert_eq!(
            (found_status, found_code.as_str()),
            (status, code),
            "{} {}",
            request.target,
            request.time
        );
    }
    place.clock.advance(std::time::Duration::from_secs(3600));
    assert_eq!(place.ask(&users).await.status, 403);
    assert_eq!(place.ask(&Request { time: place.clock.now(), ..users }).await.status, 200);
}

#[tokio::test]
async fn a_signature_that_is_missing_or_mangled_is_rejected() {
    let place = Place::new().await;
    let address = place.simulator.address();
    let signed = header("us-east-1", "iam", "host;x-amz-date", EMPTY);
    let date = ("x-amz-date", "20261124T120000Z");
    for (status, headers) in [
        (403, vec![]),
        (403, vec![date]),
        (400, vec![date, ("authorization", "Bearer token")]),
        (400, vec![date, ("authorization", "AWS4-HMAC-SHA256 Credential=AKARCHIVE")]),
        (400, vec![("authorization", signed.as_str())]),
        (400, vec![("x-amz-date", "20261125T000000Z"), ("authorization", signed.as_str())]),
        (400, vec![("x-amz-date", "today"), ("authorization", signed.as_str())]),
        (403, vec![date, ("authorization", signed.as_str())]),
    ] {
        let answer = Request::iam("ListUsers").with_headers(address, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        let answer = Request::s3("/").with_headers(address, &headers).await;
        assert!([400, 401, 403].contains(&answer.status), "{headers:?}");
    }
}

#[tokio::test]
async fn a_pair_can_be_rotated_and_deleted() {
    let place = Place::new().await;
    let old = Request::iam("ListUsers");
    place.archive.rotate("AKSECOND", "second");
    assert_eq!(place.error(&old).await.1, "InvalidClientTokenId");
    let new = Request { access_key: "AKSECOND".to_owned(), secret: "second".to_owned(), ..old };
    assert_eq!(place.ask(&new).await.status, 200);
    place.archive.delete_credentials();
    assert_eq!(place.error(&new).await.1, "InvalidClientTokenId");
    place.archive.rotate("AKSECOND", "second");
    assert_eq!(place.ask(&new).await.status, 200);
    assert!(!format!("{:?} {:?}", place.archive, place.simulator).contains("second"));
}
