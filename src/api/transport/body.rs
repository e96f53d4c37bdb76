//! Bodies, read with a limit and a deadline.

use std::io::{self, BufReader, Read};
use std::sync::{Arc, OnceLock};

use bytes::{Buf, Bytes};
use reqwest::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use super::failure;
use crate::api::Reason;

/// Of an answer that is no success, no more than this is read.
const MAX_FAILURE: usize = 64 * 1024;

/// How many pieces may wait for the decoder. A piece is a network read or some kilobytes of decompressed text.
const WAITING_PIECES: usize = 8;

const BUFFER: usize = 64 * 1024;

/// How much of answers is read, and how many at once.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// The longest answer, bytes.
    pub(super) longest: usize,
    /// An answer that is longer than this is a large one, bytes.
    pub(super) large: usize,
    /// How many large ones may be read at once; the others wait. What is made of an answer can take several times its
    /// length.
    pub(super) large_at_once: Arc<Semaphore>,
}

impl Default for Bounds {
    /// The largest real answer, 100,000 buckets over six months, has about 50 MB.
    fn default() -> Self {
        Self { longest: 64 * 1024 * 1024, large: 4 * 1024 * 1024, large_at_once: Arc::new(Semaphore::new(2)) }
    }
}

/// Why a body gave no value.
pub(super) enum Fault {
    OutOfTime,
    Other(Reason, Box<str>),
}

/// Hands a body to `decode`, piece by piece, on a thread of its own.
pub(super) async fn decode<T, D>(
    response: Response,
    deadline: Instant,
    bounds: &Bounds,
    decode: D,
) -> Result<T, Fault>
where
    T: Send + 'static,
    D: FnOnce(Incoming) -> Result<T, Box<str>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    let incoming = BufReader::with_capacity(BUFFER, Pieces { receiver, current: Bytes::new(), ended: false });
    // Where this future is dropped the sender goes with it, the next read of the decoder fails, and its thread ends.
    // The decoder holds the permit too: what it has made of the answer is freed only when it ends.
    let permit = Arc::new(OnceLock::new());
    let decoder = tokio::task::spawn_blocking({
        let permit = Arc::clone(&permit);
        move || {
            let decoded = decode(incoming);
            drop(permit);
            decoded
        }
    });
    match timeout_at(deadline, forward(response, sender, bounds, &permit)).await {
        Ok(forwarded) => forwarded?,
        Err(_) => return Err(Fault::OutOfTime),
    }
    match timeout_at(deadline, decoder).await {
        Ok(Ok(decoded)) => decoded.map_err(|detail| Fault::Other(Reason::Decode, detail)),
        Ok(Err(_)) => {
            Err(Fault::Other(Reason::Decode, "the decoder failed; this is a fault of the exporter".into()))
        }
        Err(_) => Err(Fault::OutOfTime),
    }
}

async fn forward(
    mut response: Response,
    pieces: mpsc::Sender<Piece>,
    bounds: &Bounds,
    permit: &OnceLock<OwnedSemaphorePermit>,
) -> Result<(), Fault> {
    let max = bounds.longest;
    let mut length: usize = 0;
    loop {
        let piece = response.chunk().await.map_err(|error| {
            let (reason, detail) = failure::in_body(&error);
            Fault::Other(reason, detail)
        })?;
        let Some(piece) = piece else {
            let _ = pieces.send(Piece::End).await;
            return Ok(());
        };
        length = length.saturating_add(piece.len());
        if length > max {
            let detail = format!("the answer is longer than {max} bytes, which is the most that is read");
            return Err(Fault::Other(Reason::Decode, detail.into()));
        }
        if length > bounds.large && permit.get().is_none() {
            // The semaphore is never closed.
            if let Ok(free) = Arc::clone(&bounds.large_at_once).acquire_owned().await {
                let _ = permit.set(free);
            }
        }
        // A decoder that has heard enough has hung up: the rest is of no use.
        if pieces.send(Piece::Data(piece)).await.is_err() {
            return Ok(());
        }
    }
}

/// The beginning of a body; what there is of it where it breaks or the time runs out, as the status says enough.
pub(super) async fn beginning(mut response: Response, deadline: Instant) -> Vec<u8> {
    let mut body = Vec::new();
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
    receiver: mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
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
