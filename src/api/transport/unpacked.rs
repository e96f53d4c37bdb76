//! Bodies as they are meant, without gzip.

use std::pin::Pin;

use async_compression::tokio::bufread::GzipDecoder;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::StreamReader;

use super::failure;
use crate::api::Reason;

/// How much is unpacked at once.
const PIECE: usize = 16 * 1024;

/// The body of an answer.
pub(super) enum Unpacked {
    Plain(Response),
    Gzip(Pin<Box<dyn AsyncRead + Send>>),
}

impl Unpacked {
    /// The body of `response`, or what is wrong with how it is packed.
    pub(super) fn of(response: Response) -> Result<Self, &'static str> {
        let mut encodings = response.headers().get_all(CONTENT_ENCODING).iter();
        let encoding = encodings.next().map_or(&b"identity"[..], |encoding| encoding.as_bytes().trim_ascii());
        let is = |name: &str| encoding.eq_ignore_ascii_case(name.as_bytes());
        if encodings.next().is_some() {
            return Err("the answer is packed more than once");
        }
        if is("gzip") || is("x-gzip") {
            let pieces = response.bytes_stream().map_err(std::io::Error::other);
            let mut decoder = GzipDecoder::new(StreamReader::new(pieces));
            decoder.multiple_members(true);
            return Ok(Self::Gzip(Box::pin(decoder)));
        }
        if is("identity") || encoding.is_empty() {
            return Ok(Self::Plain(response));
        }
        Err("the answer is packed in another way than gzip")
    }

    /// The next piece; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, (Reason, Box<str>)> {
        match self {
            Self::Plain(response) => response.chunk().await.map_err(|error| failure::in_body(&error)),
            Self::Gzip(decoder) => {
                let mut piece = BytesMut::with_capacity(PIECE);
                let length = decoder.read_buf(&mut piece).await.map_err(|error| failure::in_body(&error))?;
                Ok((length > 0).then(|| piece.freeze()))
            }
        }
    }
}
