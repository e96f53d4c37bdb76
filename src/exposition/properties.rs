use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::testing::{FamilyRead, buckets, read, text};
use super::{Encoding, Format, Page, Remade};
use crate::api::ApiError;
use crate::metrics::families;
use crate::metrics::testing::{TOOK, answer, at, spec, state};
use crate::model::{
    AnyData, BucketHistory, BucketUsage, Collector, CurrentUsage, DropReason, Endpoint, Expiry, LoginResult,
    Month, MonthTotal, MonthlyUsage, Permission, Permissions, Reason, ServiceAccount, SubAccount,
};
use crate::store::{AccountState, Store};

const NOW: &str = "2026-11-24T12:00:00Z";

fn page(states: &[Arc<AccountState>], now: Timestamp) -> Page {
    let mut page = Page::new();
    page.refresh(states, now);
    page
}

/// What the walks give, as [`read`] would give it back.
fn expected(states: &[Arc<AccountState>], now: Timestamp, format: Format) -> Vec<FamilyRead> {
    let all = families().iter().map(|family| {
        let mut samples = Vec::new();
        for state in states {
            (family.walk)(state, now, &mut |values, value| {
                let names = family.labels.iter().map(|name| (*name).to_owned());
                let labels = names.zip(values.iter().map(|value| (*value).to_owned())).collect();
                samples.push((family.name.to_owned(), labels, value));
            });
        }
        let name = match format {
            Format::Text => family.name,
            Format::OpenMetrics => family.name.trim_end_matches("_total"),
        };
        let unit = ["bytes", "seconds"].into_iter().find(|unit| name.ends_with(&format!("_{unit}")));
        FamilyRead {
            name: name.to_owned(),
            kind: family.kind.name().to_owned(),
            help: family.help.to_owned(),
            unit: unit.filter(|_| format == Format::OpenMetrics).map(str::to_owned),
            samples,
        }
    });
    all.filter(|family| !family.samples.is_empty()).collect()
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\"\\\\\n\r\0{},= #a]{0,12}", ".{280,300}"]
}

fn total(average_bytes: u64) -> MonthTotal {
    MonthTotal { month: Month::of(at(NOW)).plus(-1), average_bytes }
}

prop_compose! {
    fn any_account()(
        buckets in proptest::collection::btree_map(any_name(), any::<u64>(), 0..6),
        ids in proptest::collection::vec((any_name(), any_name(), proptest::option::of(any::<bool>())), 0..6),
        days in proptest::option::of(any::<u64>()),
        second in proptest::option::of(0_i64..4_000_000_000),
    ) -> Vec<AnyData> {
        let expiry = second.map_or(Expiry::Never, |second| Expiry::At(Timestamp::from_second(second).unwrap()));
        let sub_accounts: BTreeMap<_, _> = ids.iter().map(|(id, name, _)| (id, name)).collect();
        vec![
            CurrentUsage {
                usage_bytes: days,
                buckets: buckets.iter().map(|(name, bytes)| BucketUsage {
                    name: name.as_str().into(),
                    usage_bytes: *bytes,
                }).collect(),
                sub_accounts: sub_accounts.into_iter().map(|(id, name)| SubAccount {
                    id: id.as_str().into(),
                    name: name.as_str().into(),
                    usage_bytes: days,
                    users: None,
                    service_accounts: days,
                    buckets: None,
                    trial_days: days,
                    created: second.map(|second| Timestamp::from_second(second).unwrap()),
                }).collect(),
                ..CurrentUsage::default()
            }.into(),
            MonthlyUsage {
                months: days.iter().map(|days| total(*days)).collect(),
                buckets: buckets.iter().map(|(name, bytes)| BucketHistory {
                    name: name.as_str().into(),
                    months: [total(*bytes)].into(),
                }).collect(),
                sub_accounts: Vec::new(),
                settled: None,
            }.into(),
            ids.iter().map(|(id, name, enabled)| ServiceAccount {
                id: id.as_str().into(),
                name: name.as_str().into(),
                enabled: *enabled,
                ready: None,
                expiry,
            }).collect::<Vec<_>>().into(),
            Permissions::of(ids.iter().map(|(id, name, ready)| Permission {
                id: id.as_str().into(),
                name: name.as_str().into(),
                kind: name.as_str().into(),
                actions: id.as_str().into(),
                ready: *ready,
            }).collect()).into(),
        ]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_names_and_values_come_back_as_they_were(
        accounts in proptest::collection::btree_map(any_name(), any_account(), 0..4),
    ) {
        let now = at(NOW);
        let states: Vec<_> = accounts.into_iter().map(|(name, answers)| state(spec(&name), |state| {
            for data in answers {
                state.succeed(answer(data), now, TOOK);
            }
        })).collect();
        let page = page(&states, now);
        for format in [Format::Text, Format::OpenMetrics] {
            let identity = text(&page.body(&[], format, Encoding::Identity).unwrap());
            prop_assert_eq!(read(&identity, format), expected(&states, now, format));
            let packed = text(&page.body(&[], format, Encoding::Gzip).unwrap());
            prop_assert_eq!(packed, identity);
        }
    }
}

proptest! {
    /// The client library writes the text format as well.
    #[test]
    fn the_text_format_is_that_of_the_client_library(
        help in any_name(),
        label in any_name(),
        value in any::<f64>(),
        count in 0..u64::MAX / 2,
        observed in proptest::collection::vec(-10.0..10.0_f64, 0..5),
    ) {
        let registry = prometheus::Registry::new();
        let opts = |name: &str| prometheus::Opts::new(name, format!("x{help}"));
        let gauge = prometheus::GaugeVec::new(opts("a_seconds"), &["one", "two"]).unwrap();
        gauge.with_label_values(&[label.as_str(), "x"]).set(value);
        let counter = prometheus::IntCounterVec::new(opts("b_total"), &["one"]).unwrap();
        counter.with_label_values(&[&label]).inc_by(count);
        let opts = prometheus::HistogramOpts::new("c_bytes", format!("x{help}")).buckets(vec![0.25, 1.0, 2e9]);
        let histogram = prometheus::HistogramVec::new(opts, &["one"]).unwrap();
        observed.iter().for_each(|value| histogram.with_label_values(&[&label]).observe(*value));
        registry.register(Box::new(gauge)).unwrap();
        registry.register(Box::new(counter)).unwrap();
        registry.register(Box::new(histogram)).unwrap();
        let families = registry.gather();
        let mut written = String::new();
        families.iter().for_each(|family| super::lines::family(Format::Text, family, &mut written));
        prop_assert_eq!(written, prometheus::TextEncoder::new().encode_to_string(&families).unwrap());
    }
}

/// What happens to a store between two scrapes.
#[derive(Clone, Debug)]
enum Event {
    /// One of the accounts `0..6` is polled and has so many buckets.
    Poll(usize, u64),
    /// A poll of one of them fails.
    Fail(usize),
    /// An answer of one of them lacks too much to count.
    Withhold(usize),
    /// A request of one of them ends, and its answer differs from the documentation in so many ways.
    Answer(usize, usize),
    /// A login of one of them ends.
    Login(usize),
    /// The configuration is these accounts.
    Apply(BTreeSet<usize>),
    /// Hours pass, or the clock is set back by them.
    Hours(i64),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..6_usize, prop_oneof![0..5_u64, 300..900_u64, 2000..4000_u64]).prop_map(|(account, count)| Event::Poll(account, count)),
        2 => (0..6_usize).prop_map(Event::Fail),
        1 => (0..6_usize).prop_map(Event::Withhold),
        1 => (0..6_usize, 0..3_usize).prop_map(|(account, count)| Event::Answer(account, count)),
        1 => (0..6_usize).prop_map(Event::Login),
        1 => proptest::collection::btree_set(0..6_usize, 0..6).prop_map(Event::Apply),
        1 => (-30..30_i64).prop_map(Event::Hours),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_page_that_was_kept_is_the_page_that_is_made_anew(events in proptest::collection::vec(any_event(), 1..12)) {
        let store = Store::default();
        let name = |account: &usize| format!("account {account}");
        store.apply((0..6).map(|account| spec(&name(&account))));
        let mut now = at(NOW);
        let mut kept = Page::new();
        for event in events {
            let change = |account: &usize, change: &mut dyn FnMut(&mut AccountState)| {
                if let Some(account) = store.account(&name(account)) {
                    account.update(change);
                }
            };
            match event {
                Event::Poll(account, count) => change(&account, &mut |state| {
                    let mut answer = answer(buckets(count));
                    answer.dropped.add(DropReason::Duplicate, count % 2);
                    state.succeed(answer, now, TOOK);
                }),
                Event::Fail(account) => change(&account, &mut |state| {
                    let error = ApiError::new(Reason::Timeout, Endpoint::CurrentUsage, "no answer");
                    state.fail(Collector::CURRENT_USAGE, error.failure(now), TOOK);
                }),
                Event::Withhold(account) => change(&account, &mut |state| {
                    state.withhold(Collector::CURRENT_USAGE, ["a".into()].into(), now, TOOK);
                }),
                Event::Answer(account, deviations) => change(&account, &mut |state| {
                    state.count_request(Endpoint::CurrentUsage, Ok(200));
                    state.set_deviations(Endpoint::CurrentUsage, vec!["".into(); deviations].into());
                }),
                Event::Login(account) => {
                    change(&account, &mut |state| state.count_login(LoginResult::Accepted, now));
                }
                Event::Apply(accounts) => store.apply(accounts.iter().map(|account| spec(&name(account)))),
                Event::Hours(hours) => now += jiff::SignedDuration::from_hours(hours),
            }
            let states = store.snapshot();
            let encoding = if states.len() % 2 == 0 { Encoding::Gzip } else { Encoding::Identity };
            kept.refresh_for(&states, now, encoding);
            prop_assert!(kept.holds_at(now));
            prop_assert_eq!(kept.refresh(&states, now), Remade::default());
            let packed = kept.body(&[], Format::Text, Encoding::Gzip).unwrap();
            let plain = kept.body(&[], Format::Text, Encoding::Identity).unwrap();
            let anew = text(&page(&states, now).body(&[], Format::Text, Encoding::Identity).unwrap());
            prop_assert_eq!(text(&packed), anew.as_str());
            prop_assert_eq!(text(&plain), anew);
        }
    }
}
