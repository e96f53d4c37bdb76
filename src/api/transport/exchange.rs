//! One request of a person who waits for its answer: for [`manage`](crate::command). It is sent once and never again.

use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::time::{Instant, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::{Transport, failure};
use crate::api::Reason;

/// The longest answer that is read, bytes: a list of 100,000 service accounts has less than half of it.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A request.
pub(in crate::api) struct Request {
    pub(in crate::api) method: Method,
    pub(in crate::api) url: Url,
    pub(in crate::api) headers: HeaderMap,
    pub(in crate::api) body: Option<Zeroizing<String>>,
}

/// An answer.
pub(in crate::api) struct RawResponse {
    pub(in crate::api) status: u16,
    pub(in crate::api) headers: HeaderMap,
    /// Its whole body, or why that could not be read. It can hold a secret.
    pub(in crate::api) body: Result<Zeroizing<Vec<u8>>, Broken>,
}

/// Why there is no answer, or no whole one.
pub(in crate::api) struct Broken {
    pub(in crate::api) reason: Reason,
    pub(in crate::api) detail: Box<str>,
    /// Whether the vendor may have got the request, and done what it asks for.
    pub(in crate::api) sent: bool,
}

impl Transport {
    /// Sends a request and reads its answer, within the time of any other call. No redirect is followed.
    pub(in crate::api) async fn exchange(&self, request: Request) -> Result<RawResponse, Broken> {
        let deadline = Instant::now() + self.timeout;
        let Request { method, url, headers, body } = request;
        let mut builder = self.client().request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            builder = builder.body(body.as_bytes().to_vec());
        }
        let mut response = match timeout_at(deadline, builder.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let (reason, detail) = failure::before_answer(&error, &url, self.proxy(&url));
                return Err(Broken { reason, detail, sent: !(error.is_connect() || error.is_builder()) });
            }
            Err(_) => return Err(self.too_late()),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Zeroizing::new(Vec::new());
        let body = loop {
            match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(piece))) if body.len() + piece.len() <= MAX_BODY => body.extend_from_slice(&piece),
                Ok(Ok(Some(_))) => {
                    let detail = format!("the answer is longer than {MAX_BODY} bytes").into();
                    break Err(Broken { reason: Reason::Decode, detail, sent: true });
                }
                Ok(Ok(None)) => break Ok(body),
                Ok(Err(error)) => {
                    let (reason, detail) = failure::in_body(&error);
                    break Err(Broken { reason, detail, sent: true });
                }
                Err(_) => break Err(self.too_late()),
            }
        };
        Ok(RawResponse { status, headers, body })
    }

    fn too_late(&self) -> Broken {
        let detail = format!("no whole answer within {:?}", self.timeout).into();
        Broken { reason: Reason::Timeout, detail, sent: true }
    }
}
