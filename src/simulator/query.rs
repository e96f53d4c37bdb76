use crate::model::Month;

/// At most so many months in one query (vendor guide).
const MAX_MONTHS: i32 = 6;

/// The parameters as the vendor's table and the public clients write them.
const NAMES: [&str; 4] = ["fromMonth", "fromYear", "toMonth", "toYear"];

/// Why a query for months is rejected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum QueryFault {
    /// A parameter is missing, unknown, given twice, or no number of its kind.
    Argument(String),
    /// The window is reversed or too long.
    TimeRange(&'static str),
}

/// The months that a query asks for, first and last. In a query January is 0 (vendor guide).
pub(super) fn window(query: &str) -> Result<(Month, Month), QueryFault> {
    let mut values: [Option<i32>; 4] = [None; 4];
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        let slot = NAMES
            .iter()
            .position(|known| *known == name)
            .and_then(|at| values.get_mut(at))
            .ok_or_else(|| QueryFault::Argument(format!("Unknown parameter {name}")))?;
        if slot.is_some() {
            return Err(QueryFault::Argument(format!("{name} is given twice")));
        }
        let value = text.parse().map_err(|_| QueryFault::Argument(format!("{name} is no number")))?;
        *slot = Some(value);
    }
    let [Some(from_month), Some(from_year), Some(to_month), Some(to_year)] = values else {
        return Err(QueryFault::Argument(format!("{} are required", NAMES.join(", "))));
    };
    let month = |year, number: i32| {
        Month::new(year, number.saturating_add(1))
            .ok_or_else(|| QueryFault::Argument("A month is 0 to 11".to_owned()))
    };
    let (from, to) = (month(from_year, from_month)?, month(to_year, to_month)?);
    match to.since(from) {
        ..0 => Err(QueryFault::TimeRange("The range ends before it begins")),
        MAX_MONTHS.. => Err(QueryFault::TimeRange("The range is longer than six months")),
        _ => Ok((from, to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_count_from_zero_and_six_is_the_most() {
        let month = |year, number| Month::new(year, number).unwrap();
        assert_eq!(
            window("fromMonth=7&fromYear=2026&toMonth=0&toYear=2027"),
            Ok((month(2026, 8), month(2027, 1)))
        );
        assert_eq!(
            window("toYear=2026&toMonth=11&fromYear=2026&fromMonth=11"),
            Ok((month(2026, 12), month(2026, 12)))
        );
        for too_long_or_reversed in [
            "fromMonth=6&fromYear=2026&toMonth=0&toYear=2027",
            "fromMonth=1&fromYear=2026&toMonth=0&toYear=2026",
        ] {
            assert!(
                matches!(window(too_long_or_reversed), Err(QueryFault::TimeRange(_))),
                "{too_long_or_reversed}"
            );
        }
    }

    #[test]
    fn a_wrong_parameter_is_rejected() {
        for wrong in [
            "",
            "fromMonth=1&fromYear=2026&toMonth=2",
            "from-month=1&from-year=2026&to-month=2&to-year=2026",
            "fromMonth=1&fromYear=2026&toMonth=12&toYear=2026",
            "fromMonth=-1&fromYear=2026&toMonth=2&toYear=2026",
            "fromMonth=x&fromYear=2026&toMonth=2&toYear=2026",
            "fromMonth=1&fromMonth=1&fromYear=2026&toMonth=2&toYear=2026",
            "fromMonth=1&fromYear=2026&toMonth=2&toYear=2026&bucket=b",
        ] {
            assert!(matches!(window(wrong), Err(QueryFault::Argument(_))), "{wrong:?}");
        }
    }
}
