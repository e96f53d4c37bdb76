//! A receiver of Alertmanager's webhooks that keeps what it got.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Every message that came, oldest first.
pub struct Webhook {
    pub address: SocketAddr,
    messages: Arc<Mutex<Vec<Vec<Value>>>>,
    task: JoinHandle<()>,
}

impl Webhook {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let messages = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&messages);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                let service = service_fn(move |request: Request<Incoming>| {
                    let kept = Arc::clone(&kept);
                    async move {
                        let body = request.into_body().collect().await?.to_bytes();
                        let notification: Value = serde_json::from_slice(&body).expect("a notification");
                        let alerts = notification["alerts"].as_array().expect("alerts").clone();
                        kept.lock().expect("no panic").push(alerts);
                        Ok::<_, hyper::Error>(Response::new(Empty::<bytes::Bytes>::new()))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, messages, task }
    }

    /// The alerts that were notified so far, by status (`firing`, `resolved`), name and severity.
    pub fn notified(&self, status: &str, name: &str, severity: &str) -> Vec<Value> {
        let messages = self.messages.lock().expect("no panic");
        let fits = |alert: &&Value| {
            alert["status"] == status
                && alert["labels"]["alertname"] == name
                && alert["labels"]["severity"] == severity
        };
        messages.iter().flatten().filter(fits).cloned().collect()
    }

    /// The messages that came so far, each with its alerts; without those of what always fires.
    pub fn messages(&self) -> Vec<Vec<Value>> {
        let messages = self.messages.lock().expect("no panic");
        let concerns_somebody =
            |message: &&Vec<Value>| message.iter().any(|alert| alert["labels"]["severity"] != "none");
        messages.iter().filter(concerns_somebody).cloned().collect()
    }

    pub fn forget(&self) {
        self.messages.lock().expect("no panic").clear();
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}
