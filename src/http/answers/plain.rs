use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::{HttpResponse, Parts};

/// An answer of plain text.
pub(in crate::http) fn text(code: StatusCode, text: &str) -> HttpResponse {
    let mut answer = HttpResponse::new(Parts::from(text.to_owned()));
    *answer.status_mut() = code;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
