use jiff::Timestamp;

/// The usage of one thing of the demo over time.
///
/// Plain arithmetic only, without `sin` or `exp`: their last bit differs from one machine to the next, and a golden
/// scrape must not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curve {
    /// Whose it is; it decides where the wave stands.
    pub(super) name: &'static str,
    /// GB at the anchor.
    pub(super) gigabytes: f64,
    /// The part of it that is added each 30 days; negative where it falls.
    pub(super) monthly_growth: f64,
    /// What it does while one watches.
    pub(super) wave: Wave,
    /// When the demo's world was made.
    pub(super) anchor: Timestamp,
    /// It does not exist before.
    pub(super) born: Timestamp,
    /// It does not exist from then on.
    pub(super) gone: Option<Timestamp>,
    /// Whether it moves from one account to another.
    pub(super) migration: Option<Migration>,
}

/// Data that moves from one account to another between two instants, evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) side: Side,
}

/// Which of both accounts this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that it leaves.
    From,
    /// The one that it comes to.
    To,
}

impl Migration {
    /// The part that this account has.
    fn share(&self, time: Timestamp) -> f64 {
        let passed = exact(time.as_millisecond() - self.start.as_millisecond());
        let moved = (passed / exact(self.end.as_millisecond() - self.start.as_millisecond())).clamp(0.0, 1.0);
        if self.side == Side::To { moved } else { 1.0 - moved }
    }
}

/// What a usage does while one watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wave {
    /// It follows its trend.
    Still,
    /// It goes up and down a little.
    Busy,
    /// It fills up, and then what is too old is dropped at once, as with backups that are kept for a time.
    Rotating,
}

const MONTH_MILLISECONDS: f64 = 30.0 * 86_400_000.0;
const MINUTE_MILLISECONDS: i64 = 60_000;

/// A trend never falls below this part of the size at the anchor.
const FLOOR: f64 = 0.02;

impl Curve {
    /// GB at `time`, to the MB; `None` while it does not exist.
    pub(super) fn at(&self, time: Timestamp) -> Option<f64> {
        if time < self.born || self.gone.is_some_and(|gone| gone <= time) {
            return None;
        }
        let passed = time.as_millisecond() - self.anchor.as_millisecond();
        let months = exact(passed) / MONTH_MILLISECONDS;
        let trend = (1.0 + self.monthly_growth * months).max(FLOOR);
        let share = self.migration.map_or(1.0, |migration| migration.share(time));
        if share <= 0.0 {
            return None;
        }
        let gigabytes = self.gigabytes * trend * (1.0 + self.wave(passed)) * share;
        Some((gigabytes * 1000.0).round() / 1000.0)
    }

    fn wave(&self, passed: i64) -> f64 {
        let (height, minutes) = match self.wave {
            Wave::Still => return 0.0,
            Wave::Busy => (0.004, 12),
            Wave::Rotating => (0.06, 45),
        };
        // Each has its own length and start, so that they do not all turn at once.
        let seed = i64::from(hash(self.name).to_le_bytes()[0]);
        let length = (minutes * MINUTE_MILLISECONDS) + seed * 1000;
        let position = exact((passed + seed * MINUTE_MILLISECONDS).rem_euclid(length)) / exact(length);
        match self.wave {
            Wave::Rotating => height * position,
            _ => height * (1.0 - (2.0 * position - 1.0).abs()),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds of every calendar date fit a double exactly")]
fn exact(milliseconds: i64) -> f64 {
    milliseconds as f64
}

/// A hash that is the same on every machine and in every release (FNV-1a, 64 bits).
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn curve(wave: Wave) -> Curve {
        Curve {
            name: "backups",
            gigabytes: 1000.0,
            monthly_growth: 0.06,
            wave,
            anchor: at("2026-11-24T12:00:00Z"),
            born: at("2025-09-01T00:00:00Z"),
            gone: Some(at("2027-01-01T00:00:00Z")),
            migration: None,
        }
    }

    #[test]
    fn a_trend_is_a_line_with_a_floor_between_birth_and_end() {
        let still = curve(Wave::Still);
        for (time, gigabytes) in [
            ("2025-08-31T23:59:59Z", None),
            ("2025-09-01T00:00:00Z", Some(101.0)),
            ("2026-11-24T12:00:00Z", Some(1000.0)),
            ("2026-12-24T12:00:00Z", Some(1060.0)),
            ("2027-01-01T00:00:00Z", None),
        ] {
            assert_eq!(still.at(at(time)), gigabytes, "{time}");
        }
        let falling = Curve { monthly_growth: -0.5, gone: None, ..still };
        assert_eq!(falling.at(at("2027-11-24T12:00:00Z")), Some(20.0));
    }

    #[test]
    fn what_leaves_one_account_comes_to_the_other() {
        let side = |side| {
            let (start, end) = (at("2026-10-01T00:00:00Z"), at("2026-11-10T00:00:00Z"));
            let migration = Some(Migration { start, end, side });
            Curve { monthly_growth: 0.0, migration, ..curve(Wave::Still) }
        };
        for (time, from, to) in [
            ("2026-10-01T00:00:00Z", Some(1000.0), None),
            ("2026-10-11T00:00:00Z", Some(750.0), Some(250.0)),
            ("2026-11-10T00:00:00Z", None, Some(1000.0)),
        ] {
            assert_eq!((side(Side::From).at(at(time)), side(Side::To).at(at(time))), (from, to), "{time}");
        }
    }

    #[test]
    fn waves_rise_and_fall_within_the_hour() {
        let start = at("2026-11-24T12:00:00Z");
        for wave in [Wave::Busy, Wave::Rotating] {
            let curve = curve(wave);
            let figures: Vec<f64> = (0..120)
                .map(|minute| curve.at(start + jiff::SignedDuration::from_mins(minute)).unwrap())
                .collect();
            let steps = || figures.windows(2).map(|pair| pair[1] - pair[0]);
            assert!(steps().any(|step| step > 0.0), "{wave:?}");
            assert!(steps().any(|step| step < 0.0), "{wave:?}");
            assert!(figures.iter().all(|gigabytes| (1000.0..1070.0).contains(gigabytes)));
        }
    }
}
