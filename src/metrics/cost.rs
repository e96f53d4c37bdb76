//! What the months cost, estimated.

use jiff::Timestamp;

use super::{Family, MetricType, Sink};
use crate::model::{MonthTotal, StatePart};
use crate::store::AccountState;

pub(super) const FAMILIES: &[Family] = &[Family {
    name: "lyvecloud_account_estimated_cost",
    help: "Estimated cost of a month (UTC), at the configured price; not the invoice.",
    kind: MetricType::Gauge,
    labels: &["account", "month", "currency"],
    part: StatePart::Cost,
    walk: account,
}];

fn account(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    let Some(price) = &state.spec.price else { return };
    let closed = state.closed_months(now);
    // The month of the figure; it is closed by now where no newer one has come since its end.
    let open = state.usage_now(now).and_then(|usage| {
        let month = usage.month;
        let is_open = closed.iter().all(|total| total.month < month);
        is_open.then_some(MonthTotal { month, average_bytes: usage.bytes })
    });
    for total in closed.iter().chain(&open) {
        let month = total.month.to_string();
        sink(&[&state.spec.name, &month, &price.currency], price.estimate(total.average_bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, object_storage, samples, spec, state};
    use crate::model::Month;
    use crate::model::{BilledDay, Billing, CurrentUsage, MonthlyUsage, Price};
    use crate::store::AccountSpec;

    const COST: &str = "lyvecloud_account_estimated_cost";

    fn priced() -> AccountSpec {
        AccountSpec {
            price: Some(Price {
                per_terabyte_month: 8.0,
                minimum_terabytes: 11.0,
                currency: "EUR".to_owned(),
                budget: None,
            }),
            ..spec("acme")
        }
    }

    fn current(terabytes: u64) -> CurrentUsage {
        let usage_bytes = Some(terabytes * 1_000_000_000_000);
        CurrentUsage { usage_bytes, ..CurrentUsage::default() }
    }

    fn october(terabytes: u64) -> MonthlyUsage {
        let month = Month::new(2026, 10).unwrap();
        let months = vec![MonthTotal { month, average_bytes: terabytes * 1_000_000_000_000 }];
        MonthlyUsage { months, ..MonthlyUsage::default() }
    }

    #[test]
    fn closed_months_cost_by_their_average_and_the_open_one_by_its_usage_but_no_less_than_the_minimum() {
        let now = at("2026-11-24T12:00:00Z");
        let state = state(priced(), |state| {
            state.succeed(answer(october(10)), now, TOOK);
            state.succeed(answer(current(12)), now, TOOK);
        });
        assert_eq!(samples(COST, &state, now), ["acme|2026-10|EUR 88", "acme|2026-11|EUR 96"]);
    }

    #[test]
    fn a_figure_from_before_the_turn_gives_way_to_the_closed_months_average() {
        let now = at("2026-11-01T00:01:00Z");
        let state = state(priced(), |state| {
            state.succeed(answer(current(12)), at("2026-10-31T23:59:00Z"), TOOK);
            state.succeed(answer(october(10)), now, TOOK);
        });
        assert_eq!(samples(COST, &state, now), ["acme|2026-10|EUR 88"]);
    }

    #[test]
    fn days_cost_by_their_months_and_the_open_one_by_its_newest_day() {
        let now = at("2026-11-02T12:00:00Z");
        let day = |day: &str, terabytes: u64| BilledDay {
            day: day.parse().unwrap(),
            used_bytes: Some(terabytes * 1_000_000_000_000),
            ghost_bytes: Some(9_000_000_000_000),
            objects: None,
        };
        let billing = |days: Vec<BilledDay>| Billing {
            first: "2026-05-01".parse().unwrap(),
            last: "2026-11-01".parse().unwrap(),
            days,
            regions: Vec::new(),
        };
        let days = vec![day("2026-10-30", 10), day("2026-10-31", 12), day("2026-11-01", 20)];
        let priced = || AccountSpec { price: priced().price, ..object_storage("acme") };
        let open = state(priced(), |state| {
            state.succeed(answer(billing(days.clone())), now, TOOK);
        });
        assert_eq!(samples(COST, &open, now), ["acme|2026-10|EUR 88", "acme|2026-11|EUR 160"]);
        let late = state(priced(), |state| {
            state.succeed(answer(billing(days[..2].to_vec())), now, TOOK);
        });
        assert_eq!(samples(COST, &late, now), ["acme|2026-10|EUR 88"], "the new month has no figure yet");
    }

    #[test]
    fn without_a_price_nothing_is_estimated() {
        let now = at("2026-11-24T12:00:00Z");
        let state = state(spec("acme"), |state| state.succeed(answer(current(12)), now, TOOK));
        assert_eq!(samples(COST, &state, now), [""; 0]);
    }
}
