//! The threads on which answers are decoded: few, and always the same.
//!
//! An allocator gives threads heaps of their own and keeps much of what each of them once needed. On the runtime's many
//! threads, one large answer after the other would leave its peak in each heap; here it finds the former one's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that are started when they are needed, and end when this is dropped and their work is done.
#[derive(Debug)]
pub(super) struct Decoders {
    jobs: Sender<Job>,
    waiting: Arc<Mutex<Receiver<Job>>>,
    started: AtomicUsize,
    most: usize,
}

impl Decoders {
    /// At most so many threads.
    pub(super) fn new(most: usize) -> Self {
        let (jobs, waiting) = channel();
        Self { jobs, waiting: Arc::new(Mutex::new(waiting)), started: AtomicUsize::new(0), most }
    }

    /// Has `job` done as soon as a thread is free. Jobs begin in their order.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let count = |started| (started < self.most).then_some(started + 1);
        if self.started.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok() {
            let waiting = Arc::clone(&self.waiting);
            if thread::Builder::new().name("decoder".to_owned()).spawn(move || work(&waiting)).is_err() {
                // The next job tries again; where there is no thread at all, who waits for this one runs out of time.
                self.started.fetch_sub(1, Ordering::Relaxed);
            }
        }
        // The other end is kept here.
        let _ = self.jobs.send(Box::new(job));
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // Who waits for it learns of a panic by the end of its channel.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_few_the_same_and_outlive_a_panic() {
        let decoders = Decoders::new(2);
        let (sender, ended) = channel();
        for number in 0..20 {
            let sender = sender.clone();
            decoders.run(move || {
                assert!(number % 5 > 0, "as meant");
                sender.send(thread::current().id()).unwrap();
            });
        }
        drop(sender);
        let threads: Vec<_> = ended.iter().collect();
        assert_eq!(threads.len(), 16);
        let different: std::collections::HashSet<_> = threads.into_iter().collect();
        assert!(different.len() <= 2, "{different:?}");
    }

    #[test]
    fn they_end_with_their_owner() {
        let decoders = Decoders::new(1);
        let waiting = Arc::downgrade(&decoders.waiting);
        let (begun, began) = channel();
        decoders.run(move || begun.send(()).unwrap());
        began.recv().unwrap();
        drop(decoders);
        while waiting.upgrade().is_some() {
            thread::yield_now();
        }
    }
}
