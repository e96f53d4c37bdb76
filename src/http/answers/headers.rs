use hyper::Response;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};

use super::{HttpResponse, page};
use crate::config::WebConfig;

/// What every answer has.
const EVERY: [(HeaderName, &str); 2] = [(X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "no-store")];

/// What a page has besides. Its content security policy is its own.
const PAGE: [(HeaderName, &str); 2] = [(X_FRAME_OPTIONS, "DENY"), (REFERRER_POLICY, "no-referrer")];

/// Gives an answer the headers that protect it, and those of the web configuration in place of ours.
pub(in crate::http) fn dress(config: &WebConfig, answer: &mut HttpResponse) {
    set(answer, &EVERY);
    for (name, value) in &config.headers {
        answer.headers_mut().insert(name, value.clone());
    }
}

/// Gives a page its headers.
pub(super) fn dress_page<B>(answer: &mut Response<B>) {
    set(answer, &PAGE);
    let policy = HeaderValue::from_static(page::content_security_policy());
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
}

fn set<B>(answer: &mut Response<B>, headers: &'static [(HeaderName, &'static str)]) {
    for (name, value) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}
