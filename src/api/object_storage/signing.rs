//! AWS Signature Version 4, by the `aws-sigv4` crate: each request proves by itself who makes it.

use std::time::SystemTime;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::api::rejection::Pair;
use crate::clock;

/// The vendor accepts any (seen on the wire).
const REGION: &str = "us-east-1";

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Users, keys and billing.
    Iam,
    /// Buckets.
    S3,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::S3 => "s3",
        }
    }
}

/// A request that is to be signed.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'static str,
    pub(super) url: &'a Url,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: &'a str,
}

/// The headers that a request is sent with, at `now`. `None` where it cannot be signed: an access key with characters that
/// no header can carry.
pub(super) fn headers(
    request: &Unsigned<'_>,
    pair: &Pair,
    service: Service,
    now: Timestamp,
) -> Option<HeaderMap> {
    signed_headers(request, pair, service.name(), service == Service::S3, now)
}

/// `hash_header`: whether the body's hash is a header too, which the S3 protocol wants.
fn signed_headers(
    request: &Unsigned<'_>,
    pair: &Pair,
    service: &str,
    hash_header: bool,
    now: Timestamp,
) -> Option<HeaderMap> {
    let identity = aws_credential_types::Credentials::new(
        pair.access_key.expose(),
        pair.secret.expose(),
        None,
        None,
        "configuration",
    )
    .into();
    let mut settings = SigningSettings::default();
    // Paths are sent as they are signed: an S3 server decodes them once, and has no use for dots in them.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    if hash_header {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let params = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(system_time(now))
        .settings(settings)
        .build()
        .ok()?
        .into();
    let signable = SignableRequest::new(
        request.method,
        request.url.as_str(),
        request.headers.iter().copied(),
        SignableBody::Bytes(request.body.as_bytes()),
    )
    .ok()?;
    let (instructions, _signature) = sign(signable, &params).ok()?.into_parts();
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers.iter().copied().chain(instructions.headers()) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(name == AUTHORIZATION);
        headers.insert(name, value);
    }
    Some(headers)
}

/// The same instant; one before 1970 is as good as 1970, as the vendor rejects both.
fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + clock::until(Timestamp::UNIX_EPOCH, at)
}

#[cfg(test)]
mod tests {
    use ring::{digest, hmac};

    use super::*;
    use crate::config::Secret;

    /// One case of the published test suite of Signature Version 4.
    struct Case {
        name: &'static str,
        request: Unsigned<'static>,
        hash_header: bool,
        canonical: &'static str,
        hash_of_canonical: &'static str,
        signature: &'static str,
    }

    fn url(query: &str) -> &'static Url {
        let url = format!("https://example.amazonaws.com/{query}").parse().unwrap();
        Box::leak(Box::new(url))
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn hash(text: &str) -> String {
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }

    fn mac(key: &[u8], text: &str) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    }

    #[test]
    fn signatures_are_those_of_the_published_test_suite() {
        const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let pair =
            Pair { access_key: Secret::new("AKIDEXAMPLE".to_owned()), secret: Secret::new(KEY.to_owned()) };
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let get = |query| Unsigned { method: "GET", url: url(query), headers: &[], body: "" };
        let cases = [
            Case {
                name: "get-vanilla",
                request: get(""),
                hash_header: false,
                canonical: "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n\
                            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                hash_of_canonical: "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
                signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            },
            Case {
                name: "get-vanilla-query-order-key-case",
                request: get("?Param2=value2&Param1=value1"),
                hash_header: false,
                canonical: "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\n\
                            x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n\
                            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                hash_of_canonical: "816cd5b414d056048ba4f7c5386d6e0533120fb1fcfa93762cf0fc39e2cf19e0",
                signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            },
            Case {
                name: "post-x-www-form-urlencoded",
                request: Unsigned {
                    method: "POST",
                    url: url(""),
                    headers: &[
                        ("content-type", "application/x-www-form-urlencoded"),
                        ("content-length", "13"),
                    ],
                    body: "Param1=value1",
                },
                hash_header: true,
                canonical: "POST\n/\n\ncontent-length:13\ncontent-type:application/x-www-form-urlencoded\n\
                            host:example.amazonaws.com\n\
                            x-amz-content-sha256:9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e\n\
                            x-amz-date:20150830T123600Z\n\n\
                            content-length;content-type;host;x-amz-content-sha256;x-amz-date\n\
                            9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
                hash_of_canonical: "b1edd1d03544c25390e32085d55b57acc9a3961bb59415ff86c45c3d89d16cfb",
                signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            },
        ];
        for Case { name, request, hash_header, canonical, hash_of_canonical, signature } in cases {
            // The published figures agree with each other, by another implementation than the one under test.
            assert_eq!(hash(canonical), hash_of_canonical, "{name}");
            let string_to_sign = format!(
                "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n{hash_of_canonical}"
            );
            let key = ["20150830", "us-east-1", "service", "aws4_request"]
                .into_iter()
                .fold(format!("AWS4{KEY}").into_bytes(), |key, part| mac(&key, part));
            assert_eq!(hex(&mac(&key, &string_to_sign)), signature, "{name}");

            let headers = signed_headers(&request, &pair, "service", hash_header, now).unwrap();
            let names = canonical.lines().rev().nth(1).unwrap();
            assert_eq!(
                headers["authorization"],
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders={names}, Signature={signature}"
                ),
                "{name}"
            );
            assert_eq!(headers["x-amz-date"], "20150830T123600Z");
            assert!(headers["authorization"].is_sensitive());
        }
    }

    #[test]
    fn an_access_key_that_no_header_carries_is_not_sent() {
        let pair =
            Pair { access_key: Secret::new("AK\nX: y".to_owned()), secret: Secret::new("canary".to_owned()) };
        let request = Unsigned { method: "GET", url: url(""), headers: &[], body: "" };
        assert!(headers(&request, &pair, Service::S3, "2026-11-24T12:00:00Z".parse().unwrap()).is_none());
    }
}
