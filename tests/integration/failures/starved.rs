//! Accounts that do not answer at all: they cost the others no time, and waits count as what they are.

use std::time::{Duration, Instant};

use lyve_cloud_exporter::config::{Api, Config};
use lyve_cloud_exporter::model::{Collector, Reason};
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use lyve_cloud_exporter::store::Store;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::stage::{Stage, minutes};

const TIMEOUT: Duration = Duration::from_secs(1);

/// An address at which connections are neither accepted nor rejected: its queue is full.
struct Unreachable {
    url: String,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Unreachable {
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) =
            tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await
        {
            queue.push(stream.unwrap());
        }
        Self { url: format!("http://{address}/v2"), _listener: listener, _queue: queue }
    }
}

fn all_polled(store: &Store, accounts: &[String], more_than: u64) -> bool {
    accounts.iter().all(|name| {
        let state = store.account(name).unwrap().state();
        state.spec.collectors.iter().all(|collector| state.health(*collector).polls > more_than)
    })
}

#[tokio::test]
async fn sixty_hanging_accounts_of_64_do_not_delay_the_others() {
    let stage = Stage::new().await;
    let names = |from, to| (from..to).map(|number| format!("account-{number:02}")).collect::<Vec<_>>();
    let (dead, good) = (names(0, 60), names(60, 64));
    let hang = |hangs: &[String]| {
        for name in hangs {
            stage.simulator.account(name).fail_always(None, Fault::HangBeforeHeaders);
        }
    };
    hang(&dead);
    let mut config = Config::of(dead.iter().chain(&good).map(|name| stage.account(name)).collect());
    config.poll.timeout = TIMEOUT;
    let exporter = stage.exporter(config).await;
    // Nobody knows yet which ones hang: eight at a time are found out.
    exporter.until("the good ones were polled", |store| all_polled(store, &good, 0)).await;
    exporter.until("the dead ones were polled", |store| all_polled(store, &dead, 0)).await;

    let polls = exporter.polls(&good[0], Collector::CREDENTIALS);
    let began = Instant::now();
    exporter.advance(minutes(5)).await;
    let is_polled = |store: &Store| {
        good.iter()
            .all(|name| store.account(name).unwrap().state().health(Collector::CREDENTIALS).polls > polls)
    };
    exporter.until("the good ones were polled again", is_polled).await;
    // One after the other, eight at a time, the dead ones would take more than seven timeouts.
    assert!(began.elapsed() < 4 * TIMEOUT, "{:?}", began.elapsed());
    let samples = exporter.scrape().await;
    for (names, up) in [(&dead, 0.0), (&good, 1.0)] {
        for name in names {
            assert_eq!(samples.value("lyvecloud_up", &[("account", name)]), Some(up), "{name}");
        }
    }
    assert!(stage.simulator.max_in_flight() <= 8);
}

#[tokio::test]
async fn a_host_that_drops_connections_does_not_delay_another() {
    let stage = Stage::new().await;
    let unreachable = Unreachable::new().await;
    let mut accounts: Vec<_> = (0..24).map(|number| stage.account(&format!("dead-{number:02}"))).collect();
    for account in &mut accounts {
        account.api = Api::AccountV2 { base_url: unreachable.url.parse().unwrap() };
    }
    let good: Vec<_> = (0..4).map(|number| format!("good-{number}")).collect();
    accounts.extend(good.iter().map(|name| stage.account(name)));
    let mut config = Config::of(accounts);
    config.poll.timeout = 2 * TIMEOUT;
    let began = Instant::now();
    let exporter = stage.exporter(config).await;
    exporter.until("the good ones were polled", |store| all_polled(store, &good, 0)).await;
    // Three times eight, each up to its timeout, would be six seconds.
    assert!(began.elapsed() < 4 * TIMEOUT, "{:?}", began.elapsed());
    let samples = exporter.scrape().await;
    for name in &good {
        assert_eq!(samples.value("lyvecloud_up", &[("account", name)]), Some(1.0), "{name}");
    }
}

#[tokio::test]
async fn the_wait_before_a_second_try_is_no_timeout() {
    let stage = Stage::new().await;
    let (archive, mut config) = stage.archive();
    archive.fail_always(Endpoint::ListBuckets, Fault::xml_error(403, "AccessDenied", "no"));
    config.poll.timeout = TIMEOUT;
    let exporter = stage.exporter(config).await;
    let asked = || stage.simulator.request_count(Endpoint::ListBuckets);
    stage.simulator.wait_for_requests(Endpoint::ListBuckets, 1).await;
    // Longer than the requests of the poll may take together.
    tokio::time::sleep(6 * TIMEOUT).await;
    while exporter.polls("archive", Collector::BUCKETS) == 0 {
        stage.clock.advance(Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let state = exporter.state("archive");
    let failure = state.health(Collector::BUCKETS).failing.clone().unwrap();
    assert_eq!(failure.reason, Reason::Forbidden, "{failure:?}");
    assert_eq!(asked(), 2);
}
