use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use super::{Month, MonthTotal};
use crate::saved::as_list;

/// What Lyve Cloud Object Storage bills by, day by day (UTC). The day of the poll is not among the days: it is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Billing {
    /// The first day that was asked for.
    pub first: Date,
    /// The last day that was asked for and was over by then.
    pub last: Date,
    /// Each of these days that has figures, oldest first. The vendor fills days without any with zeros, so a day of nothing
    /// but zeros is left out.
    pub days: Vec<BilledDay>,
    /// What was transferred in each region, in the order of their names, each name once.
    pub regions: Vec<RegionTransfer>,
}

/// The figures of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct BilledDay {
    /// Which day.
    pub day: Date,
    /// What the account stores, bytes.
    pub used_bytes: Option<u64>,
    /// What was deleted and is still billed, bytes.
    pub ghost_bytes: Option<u64>,
    /// How many objects it stores.
    pub objects: Option<u64>,
}

as_list!(BilledDay { day, used_bytes, ghost_bytes, objects });

/// The transfer in one region.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegionTransfer {
    /// The region's name.
    pub region: Box<str>,
    /// Oldest day first, each day once; a day without transfer may have zeros or be left out.
    pub days: Box<[TransferDay]>,
}

as_list!(RegionTransfer { region, days });

/// The transfer of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct TransferDay {
    /// Which day.
    pub day: Date,
    /// Bytes.
    pub upload_bytes: Option<u64>,
    /// Bytes.
    pub download_bytes: Option<u64>,
    /// Bytes.
    pub delete_bytes: Option<u64>,
}

as_list!(TransferDay { day, upload_bytes, download_bytes, delete_bytes });

impl Billing {
    /// The newest day whose used space is known.
    #[must_use]
    pub fn newest(&self) -> Option<&BilledDay> {
        self.days.iter().rev().find(|day| day.used_bytes.is_some())
    }

    /// Adds the days of `later`, which come after all that are there.
    pub fn append(&mut self, later: Self) {
        self.days.extend(later.days);
        for region in later.regions {
            match self.regions.binary_search_by(|known| known.region.cmp(&region.region)) {
                Ok(index) => {
                    let known = &mut self.regions[index];
                    known.days = known.days.iter().chain(&region.days).copied().collect();
                }
                Err(index) => self.regions.insert(index, region),
            }
        }
    }

    /// The transfer of one day by region, in the order of their names.
    pub fn transfer(&self, day: Date) -> impl Iterator<Item = (&str, &TransferDay)> {
        self.regions.iter().filter_map(move |region| {
            let index = region.days.binary_search_by_key(&day, |transfer| transfer.day).ok()?;
            Some((&*region.region, &region.days[index]))
        })
    }

    /// The mean used space of each month that lies whole within the days asked for, oldest first: over those of its days that
    /// have a figure. A month without any is left out.
    #[must_use]
    pub fn months(&self) -> Vec<MonthTotal> {
        let mut months: Vec<(Month, u128, u128)> = Vec::new();
        for (day, used) in self.days.iter().filter_map(|day| Some((day.day, day.used_bytes?))) {
            let Some(month) = self.whole_month(day) else { continue };
            match months.last_mut() {
                Some((last, sum, count)) if *last == month => {
                    *sum += u128::from(used);
                    *count += 1;
                }
                _ => months.push((month, used.into(), 1)),
            }
        }
        let mean = |(month, sum, count): (Month, u128, u128)| {
            let average = (sum + count / 2) / count;
            MonthTotal { month, average_bytes: u64::try_from(average).unwrap_or(u64::MAX) }
        };
        months.into_iter().map(mean).collect()
    }

    /// The month of a day, where all its days were asked for.
    fn whole_month(&self, day: Date) -> Option<Month> {
        let whole = self.first <= day.first_of_month() && day.last_of_month() <= self.last;
        whole.then(|| Month::of_date(day))
    }
}

impl Default for Billing {
    fn default() -> Self {
        let never = date(1, 1, 1);
        Self { first: never, last: never, days: Vec::new(), regions: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str, used_bytes: Option<u64>) -> BilledDay {
        BilledDay { day: text.parse().unwrap(), used_bytes, ghost_bytes: None, objects: None }
    }

    #[test]
    fn a_month_is_the_mean_of_its_days_with_figures_once_it_is_whole() {
        let billing = Billing {
            first: date(2026, 8, 15),
            last: date(2026, 11, 23),
            days: vec![
                day("2026-08-20", Some(1)),
                day("2026-09-29", Some(10)),
                day("2026-09-30", Some(21)),
                day("2026-10-01", None),
                day("2026-10-31", Some(u64::MAX)),
                day("2026-11-01", Some(5)),
            ],
            regions: Vec::new(),
        };
        let months: Vec<_> =
            billing.months().iter().map(|total| (total.month.to_string(), total.average_bytes)).collect();
        assert_eq!(months, [("2026-09".to_owned(), 16), ("2026-10".to_owned(), u64::MAX)]);
        let ended = Billing { last: date(2026, 9, 29), ..billing };
        assert_eq!(ended.months(), []);
    }

    #[test]
    fn transfer_is_of_one_day() {
        let transfer = |text: &str, bytes| TransferDay {
            day: text.parse().unwrap(),
            upload_bytes: Some(bytes),
            download_bytes: None,
            delete_bytes: Some(0),
        };
        let east = RegionTransfer {
            region: "US-EAST-1".into(),
            days: [transfer("2026-11-22", 7), transfer("2026-11-23", 8)].into(),
        };
        let west = RegionTransfer { region: "US-WEST-1".into(), days: [transfer("2026-11-22", 9)].into() };
        let billing = Billing { regions: vec![east, west], ..Billing::default() };
        let of = |text: &str| -> Vec<_> {
            billing.transfer(text.parse().unwrap()).map(|(name, day)| (name, day.upload_bytes)).collect()
        };
        assert_eq!(of("2026-11-23"), [("US-EAST-1", Some(8))]);
        assert_eq!(of("2026-11-22"), [("US-EAST-1", Some(7)), ("US-WEST-1", Some(9))]);
        assert_eq!(of("2026-11-21"), []);
    }
}
