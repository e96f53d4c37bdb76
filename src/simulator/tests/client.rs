//! A client for one request a connection, which hides nothing of the answer.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) struct Client {
    address: SocketAddr,
    token: Option<String>,
}

#[derive(Debug)]
pub(super) struct HttpResponse {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl HttpResponse {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (this, value) = line.split_once(':')?;
            this.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code of an error.
    pub(super) fn error(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap().to_owned())
    }
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, token: None }
    }

    pub(super) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sends a request and leaves the answer to be read.
    pub(super) async fn send(&self, method: &str, path: &str, body: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await?;
        self.send_over(&mut stream, method, path, body).await?;
        Ok(stream)
    }

    pub(super) async fn send_over(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<()> {
        let authorization = match &self.token {
            Some(token) => format!("authorization: Bearer {token}\r\n"),
            None => String::new(),
        };
        let request = format!(
            "{method} /v2{path} HTTP/1.1\r\nhost: vendor\r\nconnection: close\r\n{authorization}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await
    }

    pub(super) async fn ask(&self, method: &str, path: &str, body: &str) -> io::Result<Vec<u8>> {
        let mut stream = self.send(method, path, body).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    pub(super) async fn get(&self, path: &str) -> HttpResponse {
        HttpResponse::parse(&self.ask("GET", path, "").await.unwrap())
    }

    pub(super) async fn log_in(&self, account: &str, access_key: &str, secret: &str) -> HttpResponse {
        let body = json!({"accountId": account, "accessKey": access_key, "secret": secret}).to_string();
        HttpResponse::parse(&self.ask("POST", "/auth/token", &body).await.unwrap())
    }
}
