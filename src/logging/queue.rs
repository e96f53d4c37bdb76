//! Lines on their way to a reader that may be slow, or that may have stopped reading.
//!
//! Whoever logs never waits: a thread of its own writes. What has no room in the queue is dropped and counted, and as soon
//! as the reader goes on, it is told how many lines it has lost.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Makes the line that tells of lost ones.
type Tell = Box<dyn Fn(u64) -> String + Send>;

/// The end of the queue where lines come in. Copies share the queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    sender: Sender<Message>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The most bytes that wait.
    limit: usize,
    waiting: AtomicUsize,
    dropped: &'static AtomicU64,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Answered once everything before it is written.
    Flush(SyncSender<()>),
}

impl Queue {
    /// A queue of at most `limit` bytes to `out`. What is dropped is added to `dropped`.
    pub(super) fn new(
        out: impl Write + Send + 'static,
        limit: usize,
        dropped: &'static AtomicU64,
        tell: Tell,
    ) -> io::Result<Self> {
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared { limit, waiting: AtomicUsize::new(0), dropped });
        let writing = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&receiver, out, &writing, &tell))?;
        Ok(Self { sender, shared })
    }

    /// Takes a line, or drops it where there is no room. One line has room always, however long it is.
    pub(super) fn push(&self, line: &[u8]) {
        let before = self.shared.waiting.fetch_add(line.len(), Ordering::Relaxed);
        let has_room = before == 0 || before.saturating_add(line.len()) <= self.shared.limit;
        if !has_room || self.sender.send(Message::Line(line.to_owned())).is_err() {
            self.shared.waiting.fetch_sub(line.len(), Ordering::Relaxed);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written, but no longer than this.
    pub(super) fn flush(&self, within: Duration) {
        let (sender, receiver) = sync_channel(1);
        if self.sender.send(Message::Flush(sender)).is_ok() {
            // Where the reader has stopped, the lines are lost.
            let _ = receiver.recv_timeout(within);
        }
    }
}

fn write(receiver: &Receiver<Message>, mut out: impl Write, shared: &Shared, tell: &Tell) {
    let mut told = shared.dropped.load(Ordering::Relaxed);
    for message in receiver {
        let line = match message {
            Message::Line(line) => line,
            Message::Flush(done) => {
                let _ = done.send(());
                continue;
            }
        };
        let written = out.write_all(&line);
        shared.waiting.fetch_sub(line.len(), Ordering::Relaxed);
        if written.is_err() {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let dropped = shared.dropped.load(Ordering::Relaxed);
        if dropped > told && out.write_all(tell(dropped - told).as_bytes()).is_ok() {
            told = dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn queue(limit: usize, dropped: &'static AtomicU64) -> (Queue, io::PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        (Queue::new(writer, limit, dropped, Box::new(|lost| format!("lost {lost}\n"))).unwrap(), reader)
    }

    #[test]
    fn lines_arrive_in_their_order() {
        static DROPPED: AtomicU64 = AtomicU64::new(0);
        let (queue, mut reader) = queue(1 << 20, &DROPPED);
        for number in 0..1000 {
            queue.push(format!("{number}\n").as_bytes());
        }
        queue.flush(Duration::from_secs(20));
        drop(queue);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, (0..1000).map(|number| format!("{number}\n")).collect::<String>());
        assert_eq!(DROPPED.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn nobody_waits_for_a_reader_that_has_stopped_and_it_is_told_what_it_lost() {
        static DROPPED: AtomicU64 = AtomicU64::new(0);
        let (queue, mut reader) = queue(1000, &DROPPED);
        // More than the pipe holds, so that the thread hangs in it; there is room for it as nothing waits.
        let long = "x".repeat(1 << 20);
        queue.push(long.as_bytes());
        let mut some = [0; 1];
        reader.read_exact(&mut some).unwrap();
        for _ in 0..100 {
            queue.push(b"lost\n");
        }
        assert_eq!(DROPPED.load(Ordering::Relaxed), 100);
        queue.flush(Duration::from_millis(1));
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        queue.flush(Duration::from_secs(20));
        queue.push(b"after\n");
        drop(queue);
        assert_eq!(reading.join().unwrap(), format!("{}lost 100\nafter\n", &long[1..]));
    }

    #[test]
    fn a_reader_that_is_gone_costs_the_lines_only() {
        static DROPPED: AtomicU64 = AtomicU64::new(0);
        let (queue, reader) = queue(1000, &DROPPED);
        drop(reader);
        queue.push(b"one\n");
        queue.push(b"two\n");
        queue.flush(Duration::from_secs(20));
        assert_eq!(DROPPED.load(Ordering::Relaxed), 2);
    }
}
