//! What the months cost, estimated.

use jiff::Timestamp;

use super::{Family, Kind, Sink, polled};
use crate::model::{Month, MonthTotal};
use crate::store::{AccountState, Part};

pub(super) const FAMILIES: &[Family] = &[Family {
    name: "lyvecloud_account_estimated_cost",
    help: concat!(
        "Estimated cost of the account's own buckets in a month (UTC): the configured price times the month's average, or \
         times the usage to date for the open month, or times the configured minimum where that is more. An estimate, not \
         the invoice.",
        polled!("monthly_usage", "6 hours")
    ),
    kind: Kind::Gauge,
    labels: &["account", "month", "currency"],
    part: Part::Cost,
    walk: account,
}];

fn account(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    let Some(price) = &state.spec.price else { return };
    let closed = state.monthly_usage(now).map(|good| good.data.months.as_slice()).unwrap_or_default();
    // The month in which the figure came; it is closed by now where no newer one has come since its end.
    let open = state.current_usage(now).and_then(|good| {
        let month = Month::of(good.at);
        let average_bytes = good.data.usage_bytes?;
        closed.iter().all(|total| total.month < month).then_some(MonthTotal { month, average_bytes })
    });
    for total in closed.iter().chain(&open) {
        let month = total.month.to_string();
        sink(&[&state.spec.name, &month, &price.currency], price.estimate(total.average_bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, samples, spec, state};
    use crate::model::{CurrentUsage, Data, MonthlyUsage, Price};
    use crate::store::AccountSpec;

    const COST: &str = "lyvecloud_account_estimated_cost";

    fn priced() -> AccountSpec {
        AccountSpec {
            price: Some(Price {
                per_terabyte_month: 8.0,
                minimum_terabytes: 11.0,
                currency: "EUR".to_owned(),
            }),
            ..spec("acme")
        }
    }

    fn current(terabytes: u64) -> Data {
        let usage_bytes = Some(terabytes * 1_000_000_000_000);
        Data::CurrentUsage(CurrentUsage { usage_bytes, ..CurrentUsage::default() })
    }

    fn october(terabytes: u64) -> Data {
        let month = Month::new(2026, 10).unwrap();
        let months = vec![MonthTotal { month, average_bytes: terabytes * 1_000_000_000_000 }];
        Data::MonthlyUsage(MonthlyUsage { months, ..MonthlyUsage::default() })
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
    fn without_a_price_nothing_is_estimated() {
        let now = at("2026-11-24T12:00:00Z");
        let state = state(spec("acme"), |state| state.succeed(answer(current(12)), now, TOOK));
        assert_eq!(samples(COST, &state, now), [""; 0]);
    }
}
