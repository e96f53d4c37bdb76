/// What the vendor asks for storage, as the operator knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// For one terabyte (10^12 bytes), stored over a whole month.
    pub per_terabyte_month: f64,
    /// The commitment, terabytes: a month with less is billed as if it had this much. 0 where there is none.
    pub minimum_terabytes: f64,
    /// Its currency, three letters (ISO 4217).
    pub currency: String,
    /// What a month may cost; `None` where no budget is set.
    pub budget: Option<f64>,
}

/// Bytes in a terabyte, as the vendor bills.
const TERABYTE: f64 = 1e12;

impl Price {
    /// What a month costs over which `average_bytes` are stored on average, rounded to hundredths: the price of that or of
    /// the minimum, whichever is more, as the vendor bills (its page on billing). An estimate: the vendor may average in
    /// another way, bill a part of a month, and adds taxes.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "above 9 petabytes the last bytes are worth nothing")]
    pub fn estimate(&self, average_bytes: u64) -> f64 {
        let terabytes = average_bytes as f64 / TERABYTE;
        let exact = self.per_terabyte_month * terabytes.max(self.minimum_terabytes);
        (exact * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_in_proportion_to_what_is_stored() {
        let price = Price {
            per_terabyte_month: 7.99,
            minimum_terabytes: 0.0,
            currency: "USD".to_owned(),
            budget: None,
        };
        assert_eq!(price.estimate(0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(price.estimate(1_000_000_000_000).to_string(), "7.99");
        assert_eq!(price.estimate(89_114_668_290_323).to_string(), "712.03");
    }

    #[test]
    fn less_than_the_minimum_costs_the_minimum() {
        let price = Price {
            per_terabyte_month: 9.0,
            minimum_terabytes: 250.0,
            currency: "USD".to_owned(),
            budget: None,
        };
        for (terabytes, cost) in [(0, "2250"), (150, "2250"), (250, "2250"), (300, "2700")] {
            assert_eq!(price.estimate(terabytes * 1_000_000_000_000).to_string(), cost);
        }
    }
}
