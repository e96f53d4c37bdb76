//! One configuration, watched by several replicas: each account by exactly one of them.
//!
//! Every replica has the same configuration, the number of replicas, and an index of its own. Which of them an account
//! belongs to follows from its name alone, so that they need not speak with each other: FNV-1a (64 bits) of the name's
//! bytes, and jump consistent hashing (Lamping and Veach, 2014) of that. Where a replica is added, only those accounts
//! move that go to the new one; where the last is taken away, only its own.

use std::num::NonZeroU32;

/// One of several replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: NonZeroU32,
}

impl Shard {
    /// The only one.
    pub const WHOLE: Self = Self { index: 0, count: NonZeroU32::MIN };

    /// The one with this index, counted from 0, of so many.
    ///
    /// # Errors
    /// Why there is none such.
    pub fn new(index: Option<u32>, count: Option<u32>) -> Result<Self, String> {
        // Neither may be left out alone: a replica that lost one of them would watch others' accounts.
        let (index, count) = match (index, count) {
            (None, None) => return Ok(Self::WHOLE),
            (Some(index), Some(count)) => (index, count),
            (Some(_), None) => return Err("--shard.index needs --shard.count beside it".to_owned()),
            (None, Some(_)) => return Err("--shard.count needs --shard.index beside it".to_owned()),
        };
        let count = NonZeroU32::new(count).ok_or("--shard.count must be at least 1")?;
        if index >= count.get() {
            return Err(format!(
                "--shard.index={index} must be less than --shard.count={count}: indexes begin with 0"
            ));
        }
        Ok(Self { index, count })
    }

    /// Counted from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count.get()
    }

    /// Whether the account of this name is watched by this one.
    #[must_use]
    pub fn owns(self, account: &str) -> bool {
        jump(fnv_1a(account.as_bytes()), self.count) == self.index
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.index, self.count)
    }
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The number of the bucket, of so many, that a key belongs to.
fn jump(mut key: u64, count: NonZeroU32) -> u32 {
    let (mut bucket, mut next) = (0, 0);
    while next < u64::from(count.get()) {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        // The paper has doubles here; whole numbers give the same on every machine.
        next = ((bucket + 1) << 31) / ((key >> 33) + 1);
    }
    // Less than the count.
    u32::try_from(bucket).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shard(name: &str, count: u32) -> u32 {
        let owners: Vec<u32> =
            (0..count).filter(|index| Shard::new(Some(*index), Some(count)).unwrap().owns(name)).collect();
        assert_eq!(owners.len(), 1, "{name} of {count}: {owners:?}");
        owners[0]
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// A change of this would move the accounts of everybody who upgrades one replica after another.
    #[test]
    fn accounts_stay_where_they_are_over_versions() {
        let names = ["production", "staging", "acme", "x", "\u{e9}t\u{e9}"];
        let found = names.map(|name| [2, 3, 10].map(|count| shard(name, count)));
        assert_eq!(found, [[0, 0, 6], [0, 0, 6], [0, 0, 7], [1, 1, 3], [0, 0, 7]]);
    }

    #[test]
    fn each_has_about_the_same_share() {
        for count in [2, 3, 7, 16] {
            let mut shares = vec![0_u32; count as usize];
            for account in 0..10_000 {
                shares[shard(&format!("account-{account}"), count) as usize] += 1;
            }
            let fair = 10_000 / count;
            assert!(shares.iter().all(|share| share.abs_diff(fair) < fair / 5), "{shares:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_rejected() {
        assert_eq!(Shard::new(None, None), Ok(Shard::WHOLE));
        assert_eq!(Shard::new(Some(0), Some(1)), Ok(Shard::WHOLE));
        assert_eq!(Shard::new(Some(2), Some(3)).unwrap().to_string(), "2 of 3");
        for (index, count, problem) in [
            (Some(3), Some(3), "--shard.index=3 must be less than --shard.count=3"),
            (Some(0), Some(0), "--shard.count must be at least 1"),
            (Some(0), None, "--shard.index needs --shard.count"),
            (None, Some(3), "--shard.count needs --shard.index"),
        ] {
            let error = Shard::new(index, count).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
        }
    }

    proptest! {
        #[test]
        fn one_more_takes_accounts_and_moves_no_other(name in "\\PC{0,40}", count in 1_u32..100) {
            let (before, after) = (shard(&name, count), shard(&name, count + 1));
            prop_assert!(after == before || after == count, "{before} of {count}, then {after}");
        }
    }
}
