use std::fmt;
use std::str::FromStr as _;

use bcrypt::HashParts;

/// The highest cost that is taken: some seconds for one password. Each step above it doubles that.
const HIGHEST_COST: u32 = 17;

/// How many bytes of a password bcrypt looks at.
pub const PASSWORD_BYTES: usize = 72;

/// The bcrypt hash of a password. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash as `htpasswd -B` and others print it: `$2y$`, `$2b$` or `$2a$`, the cost, salt and hash.
    ///
    /// # Errors
    /// With what is wrong with it; never with a part of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = ["$2y$", "$2b$", "$2a$"].iter().any(|version| text.starts_with(version));
        let Some(parts) = HashParts::from_str(text).ok().filter(|_| known) else {
            return Err(
                "is not a bcrypt hash: make one with `htpasswd -nBC 10 NAME`, and take what follows the \
                        name; a plain password is not allowed here"
                    .to_owned(),
            );
        };
        match parts.get_cost() {
            0..4 => Err("has a cost below 4, which bcrypt does not know".to_owned()),
            4..=HIGHEST_COST => Ok(Self(text.to_owned())),
            _ => Err(format!(
                "has a cost above {HIGHEST_COST}: each check would take many seconds; a cost of 10 to 12 is usual"
            )),
        }
    }

    /// Whether this is the hash of `password`. bcrypt looks at the first 72 bytes only, and what follows them does not count;
    /// other exporters do the same. It starts again after a NUL, so what has one is no password. Takes as long as the cost
    /// says, whatever the answer.
    #[must_use]
    pub fn matches(&self, password: &[u8]) -> bool {
        let fits = bcrypt::verify(password, &self.0).unwrap_or(false);
        fits && !password.contains(&0)
    }

    /// The hash as text; what is derived from it changes when the password does.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hash]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `secret`, as libxcrypt hashes it.
    const HASH: &str = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

    #[test]
    fn a_hash_of_another_program_is_checked() {
        let hash = PasswordHash::parse(HASH).unwrap();
        assert!(hash.matches(b"secret"));
        for wrong in [&b""[..], b"Secret", b"secret ", b"secre", b"\xff"] {
            assert!(!hash.matches(wrong));
        }
        assert_eq!(format!("{hash:?}"), "[hash]");
    }

    #[test]
    fn bytes_beyond_the_72nd_do_not_count() {
        let long = "0123456789".repeat(9);
        let cut = |length: usize| &long.as_bytes()[..length];
        let hash = PasswordHash::parse(&bcrypt::hash(&long, 4).unwrap()).unwrap();
        for same in [cut(90), cut(73), cut(PASSWORD_BYTES)] {
            assert!(hash.matches(same), "{} bytes", same.len());
        }
        assert!(!hash.matches(cut(71)));
        assert!(!hash.matches(&[cut(72), b"\0"].concat()));
    }

    #[test]
    fn what_is_no_hash_is_rejected_without_showing_it() {
        let with_cost = |cost: &str| HASH.replacen("$04$", &format!("${cost}$"), 1);
        for (text, problem) in [
            ("canary".to_owned(), "is not a bcrypt hash"),
            (HASH.replacen("$2y$", "$2x$", 1), "is not a bcrypt hash"),
            (HASH.replacen("$2y$", "$1$", 1), "is not a bcrypt hash"),
            (HASH[..59].to_owned(), "is not a bcrypt hash"),
            (format!("{HASH}0"), "is not a bcrypt hash"),
            (HASH.replacen("$04$", "$x4$", 1), "is not a bcrypt hash"),
            (with_cost("03"), "has a cost below 4"),
            (with_cost("18"), "has a cost above 17"),
            (with_cost("31"), "has a cost above 17"),
        ] {
            let error = PasswordHash::parse(&text).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
            assert!(!error.contains("canary") && !error.contains("$2"), "{error}");
        }
        assert!(PasswordHash::parse(&with_cost("17")).is_ok());
    }
}
