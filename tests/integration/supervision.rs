//! No task dies in silence: what panics is counted, told, and started again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lyve_cloud_exporter::clock::{Clock, Manual};
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Endpoint;
use lyve_cloud_exporter::poll::{Fleet, Jitter, Meter};
use lyve_cloud_exporter::store::Store;

use crate::stage::{Stage, minutes};

/// A clock that panics in every task that waits for it while it is armed.
#[derive(Clone, Debug)]
struct Faulty {
    clock: Manual,
    armed: Arc<AtomicBool>,
    panics: Arc<AtomicUsize>,
}

impl Clock for Faulty {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'_, ()> {
        if self.armed.load(Ordering::SeqCst) {
            self.panics.fetch_add(1, Ordering::SeqCst);
            panic!("injected");
        }
        self.clock.sleep_until(deadline)
    }
}

#[tokio::test]
async fn a_task_that_panics_outside_a_poll_is_started_again() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let faulty = Faulty {
        clock: stage.clock.clone(),
        armed: Arc::new(AtomicBool::new(true)),
        panics: Arc::new(AtomicUsize::new(0)),
    };
    let mut deps = stage.deps(config);
    deps.clock = Arc::new(faulty.clone());
    let exporter = stage.start(deps).await;
    // Every poller, the look-out for new secrets, and the notifier.
    exporter
        .until("every collector has panicked", |store| {
            Collector::ACCOUNT_V2.iter().all(|c| store.snapshot()[0].health(*c).failing.is_some())
        })
        .await;
    let samples = exporter.scrape().await;
    let panics = samples.all("lyvecloud_exporter_task_panics_total", &[]);
    assert!(panics.iter().sum::<f64>() >= 7.0, "{panics:?}");
    assert_eq!(samples.value("lyvecloud_up", &[("account", "acme")]), Some(0.0));
    assert_eq!(exporter.get("/-/healthy").await.status, 200, "the rest works");
    assert!(faulty.panics.load(Ordering::SeqCst) >= 7);

    faulty.armed.store(false, Ordering::SeqCst);
    exporter.until("all of them poll again", |store| store.snapshot()[0].up()).await;
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    exporter.stop().await.unwrap();
}

/// Panics at the first request that it is told of.
#[derive(Default)]
struct FaultyMeter {
    requests: AtomicUsize,
    panics: AtomicUsize,
}

impl Meter for FaultyMeter {
    fn request(&self, _: Endpoint, _: Duration) {
        assert!(self.requests.fetch_add(1, Ordering::SeqCst) > 0, "injected");
    }

    fn panicked(&self, _: &'static str) {
        self.panics.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_panic_in_a_poll_is_a_failed_poll_and_the_next_one_comes() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let (store, meter) = (Arc::new(Store::default()), Arc::new(FaultyMeter::default()));
    let clock: Arc<dyn Clock> = Arc::new(stage.clock.clone());
    let mut fleet =
        Fleet::new(Arc::new(config), Arc::clone(&store), clock, Arc::clone(&meter) as _, Jitter(0.0))
            .unwrap();
    fleet.start();
    let until = async |what: &str, wanted: &dyn Fn(&Store) -> bool| {
        let mut changes = store.changes();
        let reached = changes.wait_for(|_| wanted(&store));
        assert!(tokio::time::timeout(Duration::from_secs(20), reached).await.is_ok(), "{what}");
    };
    until("everything was tried", &|store| store.ready()).await;
    assert_eq!(meter.panics.load(Ordering::SeqCst), 1);
    let state = store.snapshot().remove(0);
    let messages: Vec<String> = Collector::ACCOUNT_V2
        .iter()
        .filter_map(|collector| Some(state.health(*collector).failing.as_ref()?.message.to_string()))
        .collect();
    assert_eq!(messages.len(), 1, "only the one that panicked: {messages:?}");
    assert!(messages[0].contains("panicked"));
    stage.clock.advance(minutes(1));
    until("it was tried again", &|store| store.snapshot()[0].up()).await;
    fleet.stop().await;
}
