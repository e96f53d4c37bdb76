use std::sync::Mutex;

use super::*;
use crate::clock::Manual;
use crate::daemon::{Daemon, Deps};
use crate::poll::Jitter;

#[tokio::test]
async fn a_credential_that_expires_is_mailed_before_and_after() {
    let manual = Manual::new("2026-11-24T12:00:00Z".parse().unwrap());
    let clock: Arc<dyn Clock> = Arc::new(manual.clone());
    let demo = Demo::start(&clock).await.unwrap().fast();
    let config = demo.config().unwrap();
    let daemon = Daemon::new(Deps {
        config,
        loader: None,
        clock: Arc::clone(&clock),
        jitter: Jitter(0.0),
        web: crate::http::Web::default(),
    })
    .unwrap();
    let store = daemon.store();
    let cell = store.account(FAST_ACCOUNT).unwrap();
    cell.update(|state| state.count_login(crate::model::LoginResult::Accepted, clock.now()));
    let mails = Arc::new(Mutex::new(Vec::new()));
    let printing = tokio::spawn({
        let (clock, mails) = (Arc::clone(&clock), Arc::clone(&mails));
        async move {
            print_mails(&store, clock.as_ref(), "http://localhost:10059/", |mail| {
                mails.lock().unwrap().push(mail);
            })
            .await;
        }
    });
    let count = || mails.lock().unwrap().len();
    while count() < 1 {
        tokio::task::yield_now().await;
    }
    while !printing.is_finished() {
        manual.advance(Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    let mails = mails.lock().unwrap();
    let [before, after] = &mails[..] else { panic!("{mails:#?}") };
    assert!(
        before
            .contains("| Subject: [critical] Lyve Cloud contoso-backup: API credentials expire 2026-11-24\n"),
        "{before}"
    );
    for words in [
        "| Subject: [critical] Lyve Cloud contoso-backup: API credentials expired 2026-11-24\n",
        "\n  |\n  | First: ",
        "| Runbook: https://github.com/lyve-cloud-exporter/lyve-cloud-exporter/blob/main/docs/runbooks.md#lyvecloudcredentialexpired\n",
        "| Source: http://localhost:10059/\n",
    ] {
        assert!(after.contains(words), "{words:?} in {after}");
    }
}

#[tokio::test]
async fn the_demo_has_a_past_that_fits_what_it_shows_now() {
    let clock: Arc<dyn Clock> = Arc::new(Manual::new("2026-11-24T12:00:00Z".parse().unwrap()));
    let demo = Demo::start(&clock).await.unwrap();
    let deps = Deps {
        config: demo.config().unwrap(),
        loader: None,
        clock: Arc::clone(&clock),
        jitter: Jitter(0.0),
        web: crate::http::Web::default(),
    };
    let store = Daemon::new(deps).unwrap().store();
    demo.remember(&store);
    for (account, terabytes) in
        [("northwind-master", 320..350), ("contoso-backup", 80..100), ("archive-global", 240..260)]
    {
        let state = store.account(account).unwrap().state();
        let figures: Vec<_> = state.recent_usage().figures(clock.now()).collect();
        assert_eq!(figures.len(), RecentUsage::steps() - 1, "{account}");
        let (_, last) = figures.last().unwrap();
        assert!(terabytes.contains(&(last / 1_000_000_000_000)), "{account}: {last}");
    }
}

#[tokio::test]
async fn the_demo_answers_as_slowly_as_the_vendor() {
    let clock: Arc<dyn Clock> = Arc::new(Manual::new("2026-11-24T12:00:00Z".parse().unwrap()));
    let demo = Demo::start(&clock).await.unwrap().slow();
    let latencies: Vec<Duration> = (0..100).map(|_| demo.simulator.next_latency()).collect();
    assert!(latencies.iter().all(|latency| LATENCY.contains(latency)), "{latencies:?}");
    let span = latencies.iter().max().unwrap().saturating_sub(*latencies.iter().min().unwrap());
    assert!(span > Duration::from_millis(400), "they differ: {latencies:?}");
}
