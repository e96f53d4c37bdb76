//! A request to the current platform, signed as it should be or wrongly on purpose.

use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::client::HttpResponse;

#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) body: String,
    pub(super) access_key: String,
    pub(super) secret: String,
    pub(super) service: &'static str,
    pub(super) region: &'static str,
    pub(super) time: Timestamp,
    pub(super) is_body_signed: bool,
    pub(super) has_checksum: bool,
}

impl Request {
    pub(super) fn sent(method: &'static str, target: &str) -> Self {
        Self {
            method,
            target: target.to_owned(),
            body: String::new(),
            access_key: "AKARCHIVE".to_owned(),
            secret: "first".to_owned(),
            service: "s3",
            region: "us-east-1",
            time: "2026-11-24T12:00:00Z".parse().unwrap(),
            is_body_signed: true,
            has_checksum: true,
        }
    }

    /// To the S3 host.
    pub(super) fn s3(target: &str) -> Self {
        Self::sent("GET", target)
    }

    /// To the IAM host, with this body.
    pub(super) fn form(body: &str) -> Self {
        let body = body.to_owned();
        Self { body, service: "iam", has_checksum: false, ..Self::sent("POST", "/") }
    }

    /// To the IAM host, with a version.
    pub(super) fn iam(parameters: &str) -> Self {
        Self::form(&format!("Action={parameters}&Version=2010-05-08"))
    }

    fn signed_headers(&self) -> Vec<(String, String)> {
        let identity = Credentials::new(&self.access_key, &self.secret, None, None, "test").into();
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if self.has_checksum {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let seconds = Duration::from_secs(self.time.as_second().try_into().unwrap());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(UNIX_EPOCH + seconds)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let body = if self.is_body_signed {
            SignableBody::Bytes(self.body.as_bytes())
        } else {
            SignableBody::UnsignedPayload
        };
        let uri = format!("http://vendor{}", self.target);
        let request = SignableRequest::new(self.method, uri, [("host", "vendor")].into_iter(), body).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(super) async fn to(&self, address: SocketAddr) -> HttpResponse {
        let mut stream = self.open(address).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        HttpResponse::parse(&bytes)
    }

    /// Sends the request and leaves the answer to be read.
    pub(super) async fn open(&self, address: SocketAddr) -> TcpStream {
        self.open_with(address, &self.signed_headers()).await
    }

    /// The same with these headers instead of a signature.
    pub(super) async fn with_headers(&self, address: SocketAddr, headers: &[(&str, &str)]) -> HttpResponse {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut stream = self.open_with(address, &headers).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        HttpResponse::parse(&bytes)
    }

    async fn open_with(&self, address: SocketAddr, headers: &[(String, String)]) -> TcpStream {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{} {} HTTP/1.1\r\nhost: vendor\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{}",
            self.method,
            self.target,
            self.body.len(),
            self.body
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}
