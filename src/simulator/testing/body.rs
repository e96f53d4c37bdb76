use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::simulator::Endpoint;

use super::log::InFlight;

/// The body of an answer. Its request counts as under way for as long as it lives.
#[derive(Debug)]
pub(super) struct AnswerBody {
    content: Content,
    _in_flight: InFlight,
}

/// What a body sends.
#[derive(Debug)]
pub(super) enum Content {
    /// These bytes.
    Whole(Bytes),
    /// These bytes, and then something wrong.
    Part(Bytes, Then),
    /// A beginning, and then the same again and again.
    Endless { opening: Bytes, more: Bytes },
}

/// What follows the part of a body that is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// What was sent so far leaves, and the connection is closed.
    FlushAndClose,
    /// The connection is closed.
    Close,
    /// Nothing, and the connection stays open.
    Hang,
}

/// Why a connection is closed before the end of its answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is cut here by a scripted fault")]
pub(super) struct Cut;

/// The size of the pieces of an endless body.
const PIECE: usize = 64 * 1024;

impl AnswerBody {
    pub(super) fn new(content: Content, in_flight: InFlight) -> Self {
        Self { content, _in_flight: in_flight }
    }
}

impl Content {
    /// Type and content of a body that is JSON or XML of the right kind as far as it goes, and never ends.
    pub(super) fn endless(endpoint: Endpoint) -> (&'static str, Self) {
        let (opening, more) = match endpoint {
            Endpoint::CurrentUsage => (
                r#"{"usageByBucket":{"numBuckets":1,"totalUsageGB":1.5,"buckets":[{"name":"a","usageGB":1.5}"#,
                r#",{"name":"endless","usageGB":1.5}"#,
            ),
            Endpoint::MonthlyUsage => (
                r#"{"usageByBucket":[{"year":2023,"month":8,"totalUsageGB":1.5,"buckets":[{"name":"a","usageGB":1.5}"#,
                r#",{"name":"endless","usageGB":1.5}"#,
            ),
            Endpoint::ServiceAccounts | Endpoint::Permissions => {
                (r#"[{"id":"a","name":"a"}"#, r#",{"id":"endless","name":"endless"}"#)
            }
            Endpoint::Login => (r#"{"token":""#, "endless"),
            Endpoint::Billing => (
                r#"{"UsedSpace":[{"Date":"2026-01-01T00:00:00Z","UsedSpace":1,"GhostSpace":0}"#,
                r#",{"Date":"2026-01-01T00:00:00Z","UsedSpace":1,"GhostSpace":0}"#,
            ),
            Endpoint::UserInfo => (r#"[{"Name":"a","Type":"user"}"#, r#",{"Name":"a","Type":"user"}"#),
            Endpoint::AvailableRegions => (r#"{"Regions":["us-east-1""#, r#","us-east-1""#),
            Endpoint::BucketStats => (
                r#"{"a":{"size":1,"objects":1,"replicationPolicy":[]}"#,
                r#","a":{"size":1,"objects":1,"replicationPolicy":[]}"#,
            ),
            Endpoint::ListUsers => (
                "<ListUsersResponse><ListUsersResult><Users>",
                "<member><UserName>a</UserName><UserId>a</UserId></member>",
            ),
            Endpoint::ListAccessKeys => (
                "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>",
                "<member><AccessKeyId>a</AccessKeyId><Status>Active</Status></member>",
            ),
            Endpoint::ListBuckets => (
                "<ListAllMyBucketsResult><Buckets>",
                "<Bucket><Name>a</Name><CreationDate>2026-01-01T00:00:00Z</CreationDate></Bucket>",
            ),
            _ => (r#"{"description":""#, "endless"),
        };
        let content_type = if opening.starts_with('<') { "text/xml" } else { "application/json" };
        let content = Self::Endless {
            opening: Bytes::from_static(opening.as_bytes()),
            more: more.repeat(PIECE.div_ceil(more.len())).into(),
        };
        (content_type, content)
    }

    /// Half of `whole`, and then something wrong.
    pub(super) fn half(whole: &Bytes, then: Then) -> Self {
        Self::Part(whole.slice(..whole.len() / 2), then)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.content {
            Content::Whole(bytes) | Content::Part(bytes, _) if !bytes.is_empty() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Content::Whole(_) => Poll::Ready(None),
            Content::Part(_, Then::Hang) => Poll::Pending,
            Content::Part(_, then @ Then::FlushAndClose) => {
                // The server sends what it holds when a body makes it wait, and drops it when a body fails.
                *then = Then::Close;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Content::Part(_, Then::Close) => Poll::Ready(Some(Err(Cut))),
            Content::Endless { opening, .. } if !opening.is_empty() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(opening)))))
            }
            Content::Endless { more, .. } => Poll::Ready(Some(Ok(Frame::data(more.clone())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Part(..) | Content::Endless { .. } => SizeHint::default(),
        }
    }
}
