use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::simulator::Endpoint;

/// Something that goes wrong with an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers with this instead.
    Answer {
        /// The status; 500 where it is none.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// Announces the whole of the right answer, sends half of it (less where the reader is slow) and closes the
    /// connection.
    Truncated,
    /// Starts an answer of valid JSON that never ends.
    Endless,
    /// Takes the request and never answers.
    HangBeforeHeaders,
    /// Sends half of the right answer, and then nothing more.
    HangMidBody,
    /// Gives the right answer, so much later.
    Delay(Duration),
    /// Resets the connection without an answer.
    Reset,
}

impl Fault {
    fn answer(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::Answer {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// An error in the vendor's form. `code` is a text or, as seen on the wire, a number.
    #[must_use]
    pub fn error(status: u16, code: impl Into<Value>, message: &str) -> Self {
        let body = json!({"code": code.into(), "message": message});
        Self::answer(status, "application/json", body.to_string())
    }

    /// An error in the form of the S3 host and of AWS, as by a lone 403 after a change of users or keys.
    #[must_use]
    pub fn xml_error(status: u16, code: &str, message: &str) -> Self {
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{error}");
        Self::answer(status, "text/xml", body)
    }

    /// A status without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A page of HTML, as a proxy in front of the vendor sends it.
    #[must_use]
    pub fn html(status: u16) -> Self {
        let page =
            format!("<!DOCTYPE html>\n<html><body><h1>{status}</h1>\n<p>A proxy's page</p></body></html>\n");
        Self::answer(status, "text/html; charset=utf-8", page)
    }

    /// 200 with any body of any type.
    #[must_use]
    pub fn raw(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::answer(200, content_type, body)
    }

    /// 200 with a body of JSON that claims to be gzip; it is sent as it is.
    #[must_use]
    pub fn gzip(body: impl Into<Bytes>) -> Self {
        Self::raw("application/json", body).header("content-encoding", "gzip")
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).header("location", location)
    }

    /// With a `Retry-After` of this text. Changes only faults that answer.
    #[must_use]
    pub fn retry_after(self, text: &str) -> Self {
        self.header("retry-after", text)
    }

    /// With a header. Changes only faults that answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// The faults to come, in the order in which they were set up.
#[derive(Debug, Default)]
pub(super) struct Faults(VecDeque<Rule>);

#[derive(Debug)]
struct Rule {
    account: Option<String>,
    endpoint: Option<Endpoint>,
    fault: Fault,
    once: bool,
}

impl Faults {
    pub(super) fn add(
        &mut self,
        account: Option<String>,
        endpoint: Option<Endpoint>,
        fault: Fault,
        once: bool,
    ) {
        self.0.push_back(Rule { account, endpoint, fault, once });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault of a request: the first that fits.
    pub(super) fn take(&mut self, account: Option<&str>, endpoint: Endpoint) -> Option<Fault> {
        let position = self.0.iter().position(|rule| {
            rule.endpoint.is_none_or(|wanted| wanted == endpoint)
                && rule.account.as_deref().is_none_or(|wanted| Some(wanted) == account)
        })?;
        let rule = self.0.get(position)?;
        if rule.once { self.0.remove(position).map(|rule| rule.fault) } else { Some(rule.fault.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_and_only_where_they_fit() {
        let mut faults = Faults::default();
        faults.add(Some("acme".to_owned()), Some(Endpoint::CurrentUsage), Fault::empty(501), true);
        faults.add(None, Some(Endpoint::CurrentUsage), Fault::empty(502), true);
        faults.add(None, None, Fault::empty(503), false);
        let mut take = |account, endpoint| match faults.take(Some(account), endpoint) {
            Some(Fault::Answer { status, .. }) => status,
            other => panic!("{other:?}"),
        };
        assert_eq!(take("other", Endpoint::Login), 503);
        assert_eq!(take("other", Endpoint::CurrentUsage), 502);
        assert_eq!(take("acme", Endpoint::CurrentUsage), 501);
        assert_eq!(take("acme", Endpoint::CurrentUsage), 503);
        assert_eq!(take("acme", Endpoint::CurrentUsage), 503);
        faults.clear();
        assert!(faults.take(None, Endpoint::Login).is_none());
    }
}
