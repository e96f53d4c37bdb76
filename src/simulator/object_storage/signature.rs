//! AWS Signature V4, verified: the request that arrived is signed again with the secret that the vendor knows.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use super::route::{Host, Rejection};
use super::state::Accounts;

/// How far a request's time may be from the vendor's, in seconds; so it is at AWS.
const MAX_SKEW_SECONDS: i64 = 15 * 60;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct Received<'a> {
    pub(in crate::simulator) method: &'a str,
    pub(in crate::simulator) path: &'a str,
    pub(in crate::simulator) query: Option<&'a str>,
    pub(in crate::simulator) headers: &'a HeaderMap,
    pub(in crate::simulator) body: &'a [u8],
}

impl<'a> Received<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the `Authorization` header says, where it is of this algorithm and has its three parts.
    pub(super) fn authorization(&self) -> Option<Authorization<'a>> {
        let parts = self.header(AUTHORIZATION.as_str())?.strip_prefix(ALGORITHM)?;
        let part = |name: &str| {
            let mut parts = parts.split(',').filter_map(|part| part.trim().split_once('='));
            parts.find_map(|(this, value)| (this == name).then_some(value))
        };
        let mut scope = part("Credential")?.split('/');
        let authorization = Authorization {
            access_key: scope.next()?,
            date: scope.next()?,
            region: scope.next()?,
            service: scope.next()?,
            signed_headers: part("SignedHeaders")?,
            signature: part("Signature")?,
        };
        (scope.next() == Some("aws4_request") && scope.next().is_none()).then_some(authorization)
    }
}

/// The parts of an `Authorization` header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authorization<'a> {
    pub(super) access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// The name of the account whose pair signed the request.
pub(super) fn verify(
    accounts: &Accounts,
    received: &Received<'_>,
    host: Host,
    now: Timestamp,
) -> Result<String, Rejection> {
    if received.headers.get(AUTHORIZATION).is_none() {
        return Err(host.not_signed());
    }
    let authorization = received.authorization().ok_or_else(|| host.malformed())?;
    if authorization.service != host.service() {
        return Err(Rejection::new(401, "Unauthorized", "Unauthorized"));
    }
    let (name, state) = accounts
        .of_access_key(authorization.access_key)
        .filter(|(_, state)| !state.is_deleted)
        .ok_or_else(|| host.unknown_key())?;
    let time = time_of(received, &authorization).ok_or_else(|| host.malformed())?;
    if time.as_second().abs_diff(now.as_second()) > MAX_SKEW_SECONDS.unsigned_abs() {
        return Err(host.skewed());
    }
    let must_be_signed: &[&str] = match host {
        Host::Iam => &["host", "x-amz-date"],
        Host::S3 => &["host", "x-amz-content-sha256", "x-amz-date"],
    };
    let signed: Vec<&str> = authorization.signed_headers.split(';').collect();
    if must_be_signed.iter().any(|name| !signed.contains(name)) {
        return Err(host.mismatch());
    }
    check_body(received, host)?;
    let expected =
        sign_again(received, &authorization, &signed, &state.secret, time).ok_or_else(|| host.malformed())?;
    if bool::from(expected.as_bytes().ct_eq(authorization.signature.as_bytes())) {
        Ok(name.to_owned())
    } else {
        Err(host.mismatch())
    }
}

/// `x-amz-date`, `20261124T120000Z`, where its day is the one that the key was derived for.
fn time_of(received: &Received<'_>, authorization: &Authorization<'_>) -> Option<Timestamp> {
    let text = received.header("x-amz-date")?;
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let time = Offset::UTC.to_timestamp(time).ok()?;
    text.starts_with(authorization.date).then_some(time)
}

/// A body whose hash is announced must have it; the S3 host insists on a hash, as the guide knows of no unsigned body.
fn check_body(received: &Received<'_>, host: Host) -> Result<(), Rejection> {
    match received.header("x-amz-content-sha256") {
        None if host == Host::S3 => Err(Rejection::new(
            400,
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        )),
        None => Ok(()),
        Some(announced) if announced == hex(digest(&SHA256, received.body).as_ref()) => Ok(()),
        Some(_) => Err(Rejection::new(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed",
        )),
    }
}

/// The signature that the request should have. `None` where it cannot be signed at all.
fn sign_again(
    received: &Received<'_>,
    authorization: &Authorization<'_>,
    signed: &[&str],
    secret: &str,
    time: Timestamp,
) -> Option<String> {
    let identity = Credentials::new(authorization.access_key, secret, None, None, "simulator").into();
    let mut settings = SigningSettings::default();
    // What was signed decides; nothing is left out of it.
    settings.excluded_headers = None;
    if signed.contains(&"x-amz-content-sha256") {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if authorization.service == Host::S3.service() {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(authorization.region)
        .name(authorization.service)
        .time(UNIX_EPOCH + Duration::from_secs(u64::try_from(time.as_second()).ok()?))
        .settings(settings)
        .build()
        .ok()?
        .into();
    let host = received.header("host")?;
    let uri = match received.query {
        Some(query) => format!("http://{host}{}?{query}", received.path),
        None => format!("http://{host}{}", received.path),
    };
    let headers = received
        .headers
        .iter()
        .filter(|(name, _)| signed.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let request =
        SignableRequest::new(received.method, uri, headers, SignableBody::Bytes(received.body)).ok()?;
    sign(request, &params).ok().map(|output| output.signature().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
