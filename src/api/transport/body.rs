//! Bodies, read with a limit and a deadline.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use reqwest::Response;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::decoders::Decoders;
use super::unpacked::Unpacked;
use crate::api::Reason;
use crate::api::contract::{Contract, Months};
use crate::api::shape::Shape;

/// Of an answer that is no success, no more than this is read.
const MAX_FAILURE: usize = 64 * 1024;

/// How many pieces may wait for the decoder. A piece is a network read or some kilobytes of decompressed text.
const WAITING_PIECES: usize = 8;

const BUFFER: usize = 64 * 1024;

/// How much of answers is read, and where they are decoded.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// The longest answer, bytes.
    pub(super) longest: usize,
    /// An answer that is longer than this is a large one, bytes. Others are decoded when they are there, so that none of
    /// them keeps a thread waiting.
    pub(super) large: usize,
    pub(super) small_ones: Arc<Decoders>,
    /// Large ones are decoded while they arrive. What is made of them can take several times their length, so few are
    /// taken in at once.
    pub(super) large_ones: Arc<Decoders>,
}

impl Default for Bounds {
    /// The largest real answer, 100,000 buckets over six months, has about 50 MB.
    fn default() -> Self {
        Self {
            longest: 64 * 1024 * 1024,
            large: 1024 * 1024,
            small_ones: Arc::new(Decoders::new(1)),
            large_ones: Arc::new(Decoders::new(2)),
        }
    }
}

/// Why a body gave no value.
pub(super) enum Fault {
    OutOfTime,
    Other(Reason, Box<str>),
}

/// What was seen of a body beside what it says.
#[derive(Default)]
pub(super) struct Outline {
    /// How long it is.
    pub(super) bytes: usize,
    /// Its shape; that of its beginning where it is a large one, so that no more is kept and walked through twice.
    pub(super) shape: Option<Shape>,
}

/// Hands a body to `decode`, on a thread of its own: a large one piece by piece. Its shape is taken before, by `contract`.
pub(super) async fn decode<T, D>(
    response: Response,
    deadline: Instant,
    bounds: &Bounds,
    (contract, months): (&'static Contract, Months),
    outline: &mut Outline,
    decode: D,
) -> Result<T, Fault>
where
    T: Send + 'static,
    D: FnOnce(Incoming) -> Result<T, Box<str>> + Send + 'static,
{
    let mut response =
        Unpacked::of(response).map_err(|detail| Fault::Other(Reason::Decode, detail.into()))?;
    let mut first = VecDeque::new();
    let whole = timeout_at(deadline, gather(&mut response, bounds, &mut first));
    let whole = whole.await.map_err(|_| Fault::OutOfTime)??;
    let decoders = if whole { &bounds.small_ones } else { &bounds.large_ones };
    let length = first.iter().map(Bytes::len).sum();
    outline.bytes = length;

    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    let beginning = Pieces::only(first.clone());
    let pieces = Pieces { first, receiver, current: Bytes::new(), ended: whole };
    let (result, decoded) = oneshot::channel();
    decoders.run(move || {
        let shape = Shape::of(contract, months, beginning);
        let _ = result.send((shape, decode(BufReader::with_capacity(BUFFER, pieces))));
    });
    if !whole {
        // Where this future is dropped the sender goes with it, and the next read of the decoder fails.
        match timeout_at(deadline, forward(response, sender, bounds.longest, length)).await {
            Ok(forwarded) => outline.bytes = forwarded?,
            Err(_) => return Err(Fault::OutOfTime),
        }
    }
    match timeout_at(deadline, decoded).await {
        Ok(Ok((shape, decoded))) => {
            outline.shape = Some(shape);
            decoded.map_err(|detail| Fault::Other(Reason::Decode, detail))
        }
        Ok(Err(_)) => {
            Err(Fault::Other(Reason::Decode, "the decoder failed; this is a bug of the exporter".into()))
        }
        Err(_) => Err(Fault::OutOfTime),
    }
}

/// Reads a body until it is whole, or is seen to be a large one: whether it is whole.
async fn gather(
    response: &mut Unpacked,
    bounds: &Bounds,
    pieces: &mut VecDeque<Bytes>,
) -> Result<bool, Fault> {
    let mut length: usize = 0;
    while length <= bounds.large {
        let Some(piece) = next(response, &mut length, bounds.longest).await? else { return Ok(true) };
        pieces.push_back(piece);
    }
    Ok(false)
}

/// Hands on what comes: how long the body is.
async fn forward(
    mut response: Unpacked,
    pieces: mpsc::Sender<Piece>,
    longest: usize,
    mut length: usize,
) -> Result<usize, Fault> {
    while let Some(piece) = next(&mut response, &mut length, longest).await? {
        // A decoder that has heard enough has hung up: the rest is of no use.
        if pieces.send(Piece::Data(piece)).await.is_err() {
            return Ok(length);
        }
    }
    let _ = pieces.send(Piece::End).await;
    Ok(length)
}

/// The next piece; `length` is how long the body is with it.
async fn next(response: &mut Unpacked, length: &mut usize, longest: usize) -> Result<Option<Bytes>, Fault> {
    let piece = response.chunk().await.map_err(|(reason, detail)| Fault::Other(reason, detail))?;
    *length = length.saturating_add(piece.as_ref().map_or(0, Bytes::len));
    if *length > longest {
        let detail = format!("the answer is longer than {longest} bytes, which is the most that is read");
        return Err(Fault::Other(Reason::Decode, detail.into()));
    }
    Ok(piece)
}

/// The beginning of a body; what there is of it where it breaks or the time runs out, as the status says enough.
pub(super) async fn beginning(response: Response, deadline: Instant) -> Vec<u8> {
    let mut body = Vec::new();
    let Ok(mut response) = Unpacked::of(response) else { return body };
    while body.len() < MAX_FAILURE
        && let Ok(Ok(Some(piece))) = timeout_at(deadline, response.chunk()).await
    {
        let room = MAX_FAILURE - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    body
}

/// A body as a decoder reads it.
pub(crate) type Incoming = BufReader<Pieces>;

enum Piece {
    Data(Bytes),
    /// Tells a whole body from one that was abandoned.
    End,
}

/// The pieces of a body, as a blocking reader.
pub(crate) struct Pieces {
    /// Those that were there before decoding began.
    first: VecDeque<Bytes>,
    receiver: mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl Pieces {
    /// These pieces, and nothing behind them.
    fn only(first: VecDeque<Bytes>) -> Self {
        let (_, receiver) = mpsc::channel(1);
        Self { first, receiver, current: Bytes::new(), ended: true }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            if let Some(piece) = self.first.pop_front() {
                self.current = piece;
                continue;
            }
            if self.ended {
                break;
            }
            match self.receiver.blocking_recv() {
                Some(Piece::Data(piece)) => self.current = piece,
                Some(Piece::End) => self.ended = true,
                None => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the call was abandoned"));
                }
            }
        }
        let length = into.len().min(self.current.len());
        self.current.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}
