use url::Url;

/// The months that a request asks for, whatever their years. By default none is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Months {
    /// A bit for each month, the lowest for January; 0 where none is known.
    asked: u16,
}

impl Months {
    /// What a query asks for: `fromMonth` and `toMonth`, counted from 0.
    #[must_use]
    pub fn asked(url: &Url) -> Self {
        let number = |key: &str| {
            let (_, value) = url.query_pairs().find(|(name, _)| name == key)?;
            value.parse::<u16>().ok().filter(|month| *month < 12)
        };
        let (Some(from), Some(to)) = (number("fromMonth"), number("toMonth")) else { return Self::default() };
        let mut asked = 0;
        let mut month = from;
        loop {
            asked |= 1 << month;
            if month == to {
                return Self { asked };
            }
            month = (month + 1) % 12;
        }
    }

    /// Whether this can be the number of a month that was asked for only if months count from 1.
    pub(crate) fn count_from_one(self, number: f64) -> bool {
        let has = |month: f64| (0..12).any(|bit| f64::from(bit) == month && self.asked & (1 << bit) != 0);
        number == 12.0 || (self.asked != 0 && !has(number) && has(number - 1.0))
    }
}
