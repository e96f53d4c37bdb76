//! Asking every endpoint of every account once, and keeping what the answers looked like.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::api::contract::Contract;
use crate::api::shape::Shape;
use crate::api::{ApiError, Observation};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{Collector, Endpoint};
use crate::poll::{Fleet, Jitter, Meter};
use crate::store::Store;

/// What came of asking everything once.
#[derive(Debug)]
pub struct Asked {
    /// What is known now.
    pub store: Arc<Store>,
    /// How each poll ended, in the order of the configuration.
    pub polls: Vec<(Arc<str>, Collector, Result<(), ApiError>)>,
    /// What the answers looked like, by account.
    pub answers: BTreeMap<String, BTreeMap<Endpoint, Answers>>,
}

/// What the answers of one endpoint looked like.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// How many there were.
    pub count: u64,
    /// The status of the last one.
    pub status: u16,
    /// Whether any was a success.
    pub worked: bool,
    /// How long the slowest took.
    pub slowest: Duration,
    /// How long the largest was.
    pub bytes: usize,
    /// The names of the headers of all of them.
    pub headers: Vec<String>,
    /// The shape of all successes together.
    pub shape: Option<Shape>,
}

impl Answers {
    /// In what way they are not as documented.
    #[must_use]
    pub fn deviations(&self, endpoint: Endpoint) -> Vec<String> {
        let compared = self.shape.as_ref().map(|shape| Contract::of(endpoint).deviations(shape));
        compared.into_iter().flatten().map(|deviation| deviation.words).collect()
    }

    fn add(&mut self, answer: &Observation) {
        self.count += 1;
        self.status = answer.status;
        self.worked |= (200..300).contains(&answer.status);
        self.slowest = self.slowest.max(answer.took);
        self.bytes = self.bytes.max(answer.bytes);
        for name in &answer.headers {
            if let Err(place) = self.headers.binary_search_by(|known| known.as_str().cmp(name.as_str())) {
                self.headers.insert(place, name.as_str().to_owned());
            }
        }
        if let Some(shape) = answer.shape.clone() {
            self.shape.get_or_insert_default().merge(shape);
        }
    }
}

/// Takes in what the answers look like.
#[derive(Default)]
struct Watch(Mutex<BTreeMap<String, BTreeMap<Endpoint, Answers>>>);

impl Meter for Watch {
    fn request(&self, _: Endpoint, _: Duration) {}

    fn panicked(&self, _: &'static str) {}

    fn answered(&self, account: &str, answer: &Observation) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(account.to_owned()).or_default().entry(answer.endpoint).or_default().add(answer);
    }
}

/// Polls everything in such a way that each endpoint is asked: where a login worked, its session is looked at too, which
/// a daemon does at its next poll.
///
/// # Errors
/// Where a client cannot be made.
pub(super) async fn ask(config: &Arc<Config>, clock: Arc<dyn Clock>) -> io::Result<Asked> {
    let (store, watch) = (Arc::new(Store::default()), Arc::new(Watch::default()));
    let meter = Arc::clone(&watch) as _;
    let fleet = Fleet::new(Arc::clone(config), Arc::clone(&store), clock, meter, Jitter(0.0))
        .map_err(io::Error::other)?;
    let polls = join_all(fleet.pollers().into_iter().map(|poller| async move {
        let mut outcome = Ok(());
        for _ in 0..poller.descriptor().rounds {
            if outcome.is_ok() {
                outcome = poller.poll().await.map(drop);
            }
        }
        (poller.account(), poller.collector(), outcome)
    }))
    .await;
    let answers = std::mem::take(&mut *watch.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Asked { store, polls, answers })
}
