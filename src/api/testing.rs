//! A vendor of raw bytes, for tests of what goes over the wire.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use url::Url;

use super::{Endpoint, LoginResult, Reason, Telemetry};

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) line: String,
    pub(super) headers: String,
    pub(super) body: String,
}

impl Request {
    pub(super) fn is_login(&self) -> bool {
        self.line.starts_with("POST /v2/auth/token ")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What the vendor does with a request.
#[derive(Clone)]
pub(super) enum Reply {
    /// Sends a whole answer.
    Answer { status: u16, headers: String, body: Vec<u8> },
    /// Sends these bytes and closes.
    Raw(Vec<u8>),
    /// Sends these bytes and keeps the connection until the client leaves.
    Stall(Vec<u8>),
    /// Waits for a permit first.
    After(Arc<Semaphore>, Box<Self>),
}

impl Reply {
    pub(super) fn json(body: impl Into<String>) -> Self {
        Self::status(200, body)
    }

    pub(super) fn status(status: u16, body: impl Into<String>) -> Self {
        Self::with(status, "", body.into())
    }

    pub(super) fn with(status: u16, headers: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status, headers: headers.to_owned(), body: body.into() }
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A vendor on a port of its own.
#[derive(Clone)]
pub(super) struct Vendor {
    port: u16,
    requests: watch::Sender<Vec<Request>>,
    /// How many clients left while they were kept waiting.
    left: watch::Sender<usize>,
}

impl Vendor {
    pub(super) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(None, handler).await
    }

    pub(super) async fn serve(
        tls: Option<tokio_rustls::TlsAcceptor>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor = Self {
            port: listener.local_addr().unwrap().port(),
            requests: watch::Sender::default(),
            left: watch::Sender::default(),
        };
        let handler: Arc<Handler> = Arc::new(handler);
        let served = vendor.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (served, handler, tls) = (served.clone(), Arc::clone(&handler), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(connection) = tls.accept(connection).await {
                                served.connection(connection, &*handler).await;
                            }
                        }
                        None => served.connection(connection, &*handler).await,
                    }
                });
            }
        });
        vendor
    }

    async fn connection(&self, mut connection: impl AsyncRead + AsyncWrite + Unpin, handler: &Handler) {
        let Some(request) = read_request(&mut connection).await else {
            return;
        };
        let mut reply = handler(&request);
        self.requests.send_modify(|requests| requests.push(request));
        while let Reply::After(gate, next) = reply {
            tokio::select! {
                permit = gate.acquire() => permit.unwrap().forget(),
                () = gone(&mut connection) => {
                    self.left.send_modify(|left| *left += 1);
                    return;
                }
            }
            reply = *next;
        }
        match reply {
            Reply::Answer { status, headers, body } => {
                let head = format!(
                    "HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
                    body.len()
                );
                let _ = connection.write_all(head.as_bytes()).await;
                let _ = connection.write_all(&body).await;
            }
            Reply::Raw(bytes) => {
                let _ = connection.write_all(&bytes).await;
            }
            Reply::Stall(bytes) => {
                let _ = connection.write_all(&bytes).await;
                let _ = connection.flush().await;
                gone(&mut connection).await;
                self.left.send_modify(|left| *left += 1);
            }
            Reply::After(..) => pending().await,
        }
        let _ = connection.shutdown().await;
    }

    pub(super) fn url(&self, scheme: &str) -> Url {
        format!("{scheme}://127.0.0.1:{}/v2", self.port).parse().unwrap()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    pub(super) fn logins(&self) -> usize {
        self.requests().iter().filter(|request| request.is_login()).count()
    }

    /// Waits until so many requests have come.
    pub(super) async fn requested(&self, count: usize) {
        let mut requests = self.requests.subscribe();
        requests.wait_for(|requests| requests.len() >= count).await.unwrap();
    }

    /// Waits until a client that was kept waiting has left.
    pub(super) async fn left(&self) {
        self.left.subscribe().wait_for(|left| *left > 0).await.unwrap();
    }
}

async fn gone(connection: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 64];
    while connection.read(&mut rest).await.is_ok_and(|length| length > 0) {}
}

async fn read_request(connection: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    let mut request = Request { line: line.to_owned(), headers: headers.to_owned(), body: String::new() };
    let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8(bytes[head_end + 4..].to_vec()).unwrap();
    Some(request)
}

/// Writes down what it is told.
#[derive(Debug, Default)]
pub(super) struct Notes {
    requests: Mutex<Vec<(Endpoint, Result<u16, Reason>)>>,
    logins: Mutex<Vec<LoginResult>>,
}

impl Notes {
    pub(super) fn requests(&self) -> Vec<(Endpoint, Result<u16, Reason>)> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn logins(&self) -> Vec<LoginResult> {
        self.logins.lock().unwrap().clone()
    }
}

impl Telemetry for Notes {
    fn request(&self, endpoint: Endpoint, outcome: Result<u16, Reason>, _: Duration) {
        self.requests.lock().unwrap().push((endpoint, outcome));
    }

    fn login(&self, result: LoginResult) {
        self.logins.lock().unwrap().push(result);
    }
}
