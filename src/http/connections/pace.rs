//! How fast a client has to be: one deadline for each connection, which moves with what the client does.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Limits;
use crate::http::answers::Parts;

/// The deadline of one connection.
#[derive(Debug)]
pub(super) struct Pace {
    limits: Limits,
    state: Mutex<State>,
    deadline: watch::Sender<Instant>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// When the phase must be over.
    until: Instant,
    /// When the client must have taken something of what waits for it.
    stalled: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The handshake of TLS, or a request's head.
    Opening,
    /// A request is being answered.
    Answering,
    /// The whole answer is made, but not yet sent.
    Made,
    /// Nothing of the next request has come.
    Idle,
}

impl Pace {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let until = Instant::now() + limits.handshake;
        Arc::new(Self {
            limits,
            state: Mutex::new(State { phase: Phase::Opening, until, stalled: None }),
            deadline: watch::Sender::new(until),
        })
    }

    /// Ends when the client was too slow.
    pub(super) async fn overdue(&self) {
        let mut deadline = self.deadline.subscribe();
        loop {
            let until = *deadline.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                // The sender is our own, so this is never an error.
                _ = deadline.changed() => {}
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut State, Instant, &Limits)) {
        let deadline = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut state, Instant::now(), &self.limits);
            state.stalled.map_or(state.until, |stalled| stalled.min(state.until))
        };
        self.deadline.send_if_modified(|kept| std::mem::replace(kept, deadline) != deadline);
    }

    /// The connection is ready for its first request.
    pub(super) fn opened(&self) {
        self.change(|state, now, limits| state.until = now + limits.head);
    }

    /// The head of a request is complete.
    pub(super) fn asked(&self) {
        self.change(|state, now, limits| {
            state.phase = Phase::Answering;
            state.until = now + limits.answer;
        });
    }

    fn made(&self) {
        self.change(|state, _, _| state.phase = Phase::Made);
    }

    fn read(&self) {
        self.change(|state, now, limits| {
            if state.phase == Phase::Idle {
                state.phase = Phase::Opening;
                state.until = now + limits.head;
            }
        });
    }

    fn flushed(&self) {
        self.change(|state, now, limits| {
            state.stalled = None;
            if state.phase == Phase::Made {
                state.phase = Phase::Idle;
                state.until = now + limits.idle;
            }
        });
    }

    fn written(&self) {
        self.change(|state, _, _| state.stalled = None);
    }

    fn blocked(&self) {
        self.change(|state, now, limits| {
            state.stalled.get_or_insert(now + limits.stall);
        });
    }
}

/// A stream that tells a [`Pace`] what happens on it.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.pace.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> Paced<S> {
    fn note<T>(&self, outcome: Poll<T>) -> Poll<T> {
        match outcome {
            Poll::Ready(_) => self.pace.written(),
            Poll::Pending => self.pace.blocked(),
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.note(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        match outcome {
            Poll::Ready(_) => self.pace.flushed(),
            Poll::Pending => self.pace.blocked(),
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.note(outcome)
    }
}

/// A body that tells a [`Pace`] when all of it was taken.
#[derive(Debug)]
pub(super) struct PacedBody {
    parts: Parts,
    pace: Arc<Pace>,
}

impl PacedBody {
    pub(super) fn new(parts: Parts, pace: Arc<Pace>) -> Self {
        Self { parts, pace }
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        self.pace.made();
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.parts).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.parts.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn pace() -> Arc<Pace> {
        Pace::new(Limits {
            handshake: seconds(5),
            head: seconds(10),
            idle: seconds(90),
            answer: seconds(60),
            stall: seconds(20),
            ..Limits::default()
        })
    }

    /// How long a connection on which nothing more happens is kept.
    async fn kept(pace: &Pace) -> Duration {
        let now = Instant::now();
        pace.overdue().await;
        now.elapsed()
    }

    async fn assert_kept(pace: &Pace, wanted: Duration) {
        let kept = kept(pace).await;
        // The timer counts whole milliseconds.
        assert!(kept >= wanted && kept < wanted + seconds(1), "{kept:?} instead of {wanted:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_limit() {
        let pace = pace();
        assert_kept(&pace, seconds(5)).await;
        pace.opened();
        assert_kept(&pace, seconds(10)).await;
        pace.asked();
        assert_kept(&pace, seconds(60)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_prolong_nothing() {
        let pace = pace();
        pace.opened();
        tokio::time::advance(seconds(6)).await;
        pace.read();
        assert_kept(&pace, seconds(4)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_made_and_sent_makes_the_connection_idle_until_the_next_byte() {
        let pace = pace();
        pace.asked();
        drop(PacedBody::new(Parts::default(), Arc::clone(&pace)));
        assert_kept(&pace, seconds(60)).await;
        pace.flushed();
        assert_kept(&pace, seconds(90)).await;
        pace.read();
        assert_kept(&pace, seconds(10)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_before_the_answer_is_made_ends_nothing() {
        let pace = pace();
        pace.asked();
        pace.flushed();
        assert_kept(&pace, seconds(60)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_nothing_is_kept_shorter_and_counted_from_the_first_time() {
        let pace = pace();
        pace.asked();
        pace.blocked();
        tokio::time::advance(seconds(15)).await;
        pace.blocked();
        assert_kept(&pace, seconds(5)).await;
        pace.written();
        assert_kept(&pace, seconds(40)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moves_is_noticed_while_it_is_waited_for() {
        let pace = pace();
        pace.asked();
        let waiting = tokio::spawn({
            let pace = Arc::clone(&pace);
            async move { kept(&pace).await }
        });
        tokio::task::yield_now().await;
        pace.blocked();
        let kept = waiting.await.unwrap();
        assert!(kept >= seconds(20) && kept < seconds(21), "{kept:?}");
    }
}
