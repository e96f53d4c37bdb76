//! The pure parts, without processes and networks: decoding, metrics, and the exposition.
//!
//! ```text
//! cargo bench --bench pure
//! ```

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "it prints, and what cannot be measured ends it"
)]

use std::hint::black_box;
use std::io::BufReader;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use lyve_cloud_exporter::api::account_v2::decode_current_usage;
use lyve_cloud_exporter::exposition::{Encoding, Format, Page};
use lyve_cloud_exporter::http::status_page;
use lyve_cloud_exporter::metrics::families;
use lyve_cloud_exporter::model::{
    BucketUsage, Collected, Collector, CurrentUsage, Dropped, Expiry, WarningSteps,
};
use lyve_cloud_exporter::store::{AccountSpec, Store};

const NOW: Timestamp = Timestamp::constant(1_795_521_600, 0);

fn usage(buckets: usize) -> Collected<CurrentUsage> {
    let bucket =
        |number| BucketUsage { name: format!("bucket-{number:06}").into(), usage_bytes: 1_234_567_890 };
    let buckets = (0..buckets).map(bucket).collect();
    let data = CurrentUsage { buckets, ..CurrentUsage::default() };
    Collected { data, dropped: Dropped::default() }
}

/// Accounts that were polled once.
fn store(accounts: usize, buckets: usize) -> Store {
    let store = Store::default();
    let name = |account| format!("account-{account:04}");
    store.apply((0..accounts).map(|account| AccountSpec {
        name: name(account).into(),
        account_id: name(account).into(),
        identity: Arc::default(),
        api: "account_v2",
        credential: Expiry::Unknown,
        max_key_age: None,
        price: None,
        usage_drop: 0.5,
        intervals: Vec::new(),
        warning: WarningSteps::default(),
        collectors: Collector::ACCOUNT_V2.to_vec(),
        data_max_age: Duration::from_secs(86_400),
    }));
    for account in 0..accounts {
        publish(&store, &name(account), buckets);
    }
    store
}

fn publish(store: &Store, account: &str, buckets: usize) {
    let cell = store.account(account).unwrap();
    cell.update(|state| state.succeed(usage(buckets), NOW, Duration::from_secs(1)));
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode /usage/current");
    for buckets in [100, 10_000] {
        let items: Vec<String> = (0..buckets)
            .map(|bucket| format!(r#"{{"name":"bucket-{bucket:06}","usageGB":4491.96}}"#))
            .collect();
        let text = format!(
            r#"{{"usageByBucket":{{"totalUsageGB":1.5,"numBuckets":{buckets},"buckets":[{}]}}}}"#,
            items.join(",")
        );
        group.throughput(Throughput::Elements(buckets));
        group.bench_function(format!("{buckets} buckets"), |bencher| {
            bencher.iter(|| decode_current_usage(BufReader::new(black_box(text.as_bytes()))).unwrap());
        });
    }
    group.finish();
}

fn metrics(criterion: &mut Criterion) {
    let states = store(10, 1000).snapshot();
    criterion.bench_function("metrics: walk all families, 10,000 buckets", |bencher| {
        bencher.iter(|| {
            let mut samples = 0_u64;
            for family in families() {
                for state in &states {
                    (family.walk)(state, NOW, &mut |labels, value| {
                        black_box((labels, value));
                        samples += 1;
                    });
                }
            }
            samples
        });
    });
}

fn exposition(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exposition");
    for (accounts, buckets) in [(1, 100), (10, 1000), (1000, 100)] {
        let store = store(accounts, buckets);
        let states = store.snapshot();
        let name = |what: &str| format!("{what}, {accounts} x {buckets} buckets");
        group.bench_function(name("make all"), |bencher| {
            bencher.iter_batched(Page::new, |mut page| page.refresh(&states, NOW), BatchSize::LargeInput);
        });
        let mut page = Page::new();
        page.refresh(&states, NOW);
        for (what, encoding) in
            [("scrape again, identity", Encoding::Identity), ("scrape again, gzip", Encoding::Gzip)]
        {
            group.bench_function(name(what), |bencher| {
                bencher.iter(|| page.body(&[], Format::Text, encoding).unwrap());
            });
        }
        let account = Arc::clone(&states[accounts / 2].spec.name);
        group.bench_function(name("one account publishes, then a gzip scrape"), |bencher| {
            bencher.iter(|| {
                publish(&store, &account, buckets);
                page.refresh(&store.snapshot(), NOW);
                page.body(&[], Format::Text, Encoding::Gzip).unwrap()
            });
        });
    }
    group.finish();
}

/// The page of a thousand accounts, and how many times as long it takes as that of twelve.
fn status_pages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("status page");
    let fleets = [12, 1000].map(|accounts| store(accounts, 100).snapshot());
    for states in &fleets {
        group.bench_function(format!("{} accounts", states.len()), |bencher| {
            bencher.iter(|| status_page(black_box(states), NOW, ""));
        });
    }
    group.finish();
    // In turn, so that what else the machine does falls on both.
    let mut took = [Duration::ZERO; 2];
    for _ in 0..50 {
        for (took, states) in took.iter_mut().zip(&fleets) {
            let began = Instant::now();
            black_box(status_page(black_box(states), NOW, ""));
            *took += began.elapsed();
        }
    }
    let [few, many] = took.map(|took| took.as_secs_f64());
    println!("status page: 1000 accounts take {:.1} x as long as 12", many / few);
}

criterion_group! {
    name = pure;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = decode, metrics, exposition, status_pages
}
criterion_main!(pure);
