//! Asking the daemon to read its configuration again: the web side and the signal ask, one task answers.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config::{Config, ConfigErrors};

/// Reads the configuration from wherever it came from. It may block.
#[derive(Clone)]
pub struct Loader(Arc<Load>);

type Load = dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync;

impl Loader {
    /// Reads with `load`.
    #[must_use]
    pub fn new(load: impl Fn() -> Result<Config, ConfigErrors> + Send + Sync + 'static) -> Self {
        Self(Arc::new(load))
    }

    /// Reads it now.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn load(&self) -> Result<Config, ConfigErrors> {
        (self.0)()
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loader")
    }
}

/// Why a reload changed nothing. Its text is for people and holds no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration is wrong.
    #[error("{0}")]
    Faults(ConfigErrors),
    /// What it needs could not be made.
    #[error("{0}")]
    Setup(Arc<str>),
    /// The exporter stops, or has a fault of its own that is in the log.
    #[error("the reload was not finished: the exporter is stopping, or its log says why")]
    Unfinished,
}

type Waiter = oneshot::Sender<Result<(), ReloadError>>;

/// Asks for reloads. A clone asks the same daemon.
#[derive(Clone, Debug)]
pub struct Reloader(mpsc::Sender<Waiter>);

/// Where the requests arrive.
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Waiter>);

/// The most requests that one reload answers; more wait for the next.
const TOGETHER: usize = 64;

/// A way to ask for reloads, and the end where the requests arrive.
#[must_use]
pub fn channel() -> (Reloader, Requests) {
    let (sender, receiver) = mpsc::channel(TOGETHER);
    (Reloader(sender), Requests(receiver))
}

impl Reloader {
    /// Has the configuration read again, and waits for what came of it.
    ///
    /// # Errors
    /// Why the running configuration stays.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let (answer, outcome) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| ReloadError::Unfinished)?;
        outcome.await.unwrap_or(Err(ReloadError::Unfinished))
    }
}

/// Requests that came before a reload began, and share it.
#[derive(Debug)]
pub struct Waiting(Vec<Waiter>);

impl Requests {
    /// Those who wait for a reload, as soon as there is one; `None` once nobody can ask any more.
    pub async fn next(&mut self) -> Option<Waiting> {
        let mut waiting = Vec::new();
        (self.0.recv_many(&mut waiting, TOGETHER).await > 0).then_some(Waiting(waiting))
    }
}

impl Waiting {
    /// Tells all of them what came of the reload.
    pub fn tell(self, outcome: &Result<(), ReloadError>) {
        for answer in self.0 {
            // Who left needs no answer.
            let _ = answer.send(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_that_ask_during_a_reload_share_the_next() {
        let (reloader, mut requests) = channel();
        let ask = || reloader.reload();
        let answering = async {
            // The first one is told only after the others have asked.
            let first = requests.next().await.unwrap();
            tokio::task::yield_now().await;
            first.tell(&Ok(()));
            let rest = requests.next().await.unwrap();
            assert_eq!(rest.0.len(), 2);
            rest.tell(&Err(ReloadError::Unfinished));
        };
        let late = async {
            tokio::task::yield_now().await;
            tokio::join!(ask(), ask())
        };
        let (first, (), rest) = tokio::join!(ask(), answering, late);
        assert!(first.is_ok());
        assert!(rest.0.is_err() && rest.1.is_err());
    }

    #[tokio::test]
    async fn without_anybody_to_answer_it_ends() {
        let (reloader, requests) = channel();
        drop(requests);
        assert!(matches!(reloader.reload().await, Err(ReloadError::Unfinished)));
    }
}
