//! A small HTTP client of the tests' own: it shows exactly what came over the wire.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// One answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body of text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as it was before gzip; all members of it.
    pub fn unzipped(&self) -> String {
        assert_eq!(self.header("content-encoding"), Some("gzip"));
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&*self.body)
            .read_to_string(&mut text)
            .expect("a gzip body of text");
        text
    }
}

/// Sends one request without a body, on a connection of its own.
pub async fn request(address: SocketAddr, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let stream = TcpStream::connect(address).await.expect("a connection");
    request_over(stream, method, path, headers).await.expect("an answer")
}

/// Sends one request without a body on `stream`. It is an error that no answer comes.
pub async fn request_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> hyper::Result<Answer> {
    send_over(stream, method, path, headers, Bytes::new()).await
}

/// Posts JSON, on a connection of its own.
pub async fn post_json(address: SocketAddr, path: &str, body: &serde_json::Value) -> Answer {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let headers = [("content-type", "application/json")];
    send_over(stream, Method::POST, path, &headers, body.to_string().into()).await.expect("an answer")
}

async fn send_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> hyper::Result<Answer> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).expect("a request");
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let headers = answer.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())).collect();
    let body = answer.into_body().collect().await.expect("a whole body").to_bytes().to_vec();
    connection.abort();
    Ok(Answer { status, headers, body })
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, Method::GET, path, &[]).await
}

/// Posts a body, on a connection of its own.
pub async fn post(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Answer {
    let stream = TcpStream::connect(address).await.expect("a connection");
    send_over(stream, Method::POST, path, &[], body.into()).await.expect("an answer")
}
