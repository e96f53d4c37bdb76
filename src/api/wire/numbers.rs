//! Numbers that no type holds: one of them is bounded here, so that it costs the thing that it belongs to and not the
//! whole answer, which the JSON library would reject.

use std::io::{self, BufRead, Read};

/// The most digits before a point that are read. More than these are far beyond everything that is believed.
const MAX_DIGITS: u8 = 100;

/// JSON in which no number is too large for a double.
pub(super) struct Numbers<R> {
    from: R,
    state: State,
    ready: Vec<u8>,
    at: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Between,
    Text,
    Escape,
    /// With how many digits so far.
    Integer(u8),
    Fraction,
    /// Behind the `e`.
    Exponent,
    NegativeExponent,
    /// The first digits of a positive exponent but zeros, and how many there are. They are held back.
    Held([u8; 2], u8),
}

impl<R: BufRead> Numbers<R> {
    pub(super) const fn of(from: R) -> Self {
        Self { from, state: State::Between, ready: Vec::new(), at: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.at == self.ready.len() {
            self.ready.clear();
            self.at = 0;
            let piece = self.from.fill_buf()?;
            let length = piece.len();
            self.ready.reserve(length);
            let mut rest = piece;
            while !rest.is_empty() {
                let plain = plain(self.state, rest);
                self.ready.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                if let Some((byte, others)) = rest.split_first() {
                    self.state = step(self.state, *byte, &mut self.ready);
                    rest = others;
                }
            }
            self.from.consume(length);
            if length == 0 {
                release(self.state, &mut self.ready);
                self.state = State::Between;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// How many bytes at the beginning change nothing in this state: they are copied together.
fn plain(state: State, bytes: &[u8]) -> usize {
    let next = match state {
        State::Text => bytes.iter().position(|byte| matches!(byte, b'\\' | b'"')),
        State::Between => bytes.iter().position(|byte| matches!(byte, b'0'..=b'9' | b'"')),
        _ => return 0,
    };
    next.unwrap_or(bytes.len())
}

fn step(state: State, byte: u8, into: &mut Vec<u8>) -> State {
    let next = match (state, byte) {
        (State::Text, b'\\') => State::Escape,
        (State::Text, b'"') => State::Between,
        (State::Text | State::Escape, _) => State::Text,
        (State::Integer(digits), b'0'..=b'9') if digits >= MAX_DIGITS => return state,
        (State::Integer(digits), b'0'..=b'9') => State::Integer(digits + 1),
        (State::Integer(_), b'.') => State::Fraction,
        (State::Integer(_) | State::Fraction, b'e' | b'E') => State::Exponent,
        (State::Fraction, b'0'..=b'9') => state,
        (State::Exponent, b'-') => State::NegativeExponent,
        (State::Exponent, b'+' | b'0') | (State::NegativeExponent, b'0'..=b'9') => state,
        (State::Exponent, digit @ b'1'..=b'9') => return State::Held([digit, 0], 1),
        (State::Held([first, _], 1), digit @ b'0'..=b'9') => return State::Held([first, digit], 2),
        (State::Held(..), b'0'..=b'9') => return State::Held([b'9', b'9'], 2),
        (_, b'"') => State::Text,
        (_, b'0'..=b'9') => State::Integer(1),
        _ => State::Between,
    };
    release(state, into);
    into.push(byte);
    next
}

/// Writes what was held back.
fn release(state: State, into: &mut Vec<u8>) {
    if let State::Held(digits, count) = state {
        into.extend_from_slice(&digits[..usize::from(count).min(digits.len())]);
    }
}

impl<R: BufRead> Read for Numbers<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(into.len());
        into[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Numbers<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(&self.ready[self.at..])
    }

    fn consume(&mut self, length: usize) {
        self.at = self.ready.len().min(self.at + length);
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, piece: usize) -> String {
        let mut read = String::new();
        Numbers::of(BufReader::with_capacity(piece, text.as_bytes())).read_to_string(&mut read).unwrap();
        read
    }

    #[test]
    fn what_no_double_holds_becomes_what_nobody_believes() {
        let long = format!("[{}]", "7".repeat(400));
        let cases = [
            (r#"{"a":1e400,"b":2}"#, r#"{"a":1e99,"b":2}"#),
            ("1e400", "1e99"),
            ("1E+0400", "1E+099"),
            ("-1.5e12345678901234567890", "-1.5e99"),
            ("1e100", "1e99"),
            ("1e99 1e7 1e-400 1e0", "1e99 1e7 1e-400 1e0"),
            (r#""1e400 \" 1e400" 1e400"#, r#""1e400 \" 1e400" 1e99"#),
            (&long, &format!("[{}]", "7".repeat(100))),
            ("[1,22,3.25e1,true,null]", "[1,22,3.25e1,true,null]"),
        ];
        for (text, expected) in cases {
            for piece in 1..=text.len() {
                assert_eq!(read(text, piece), expected, "pieces of {piece}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_a_double_holds_stays(number in any::<f64>(), other in any::<i64>(), piece in 1_usize..9) {
            let text = serde_json::json!([number, other, "1e400"]).to_string();
            let read: serde_json::Value = serde_json::from_str(&read(&text, piece)).unwrap();
            prop_assert_eq!(&read[1], &serde_json::json!(other));
            prop_assert_eq!(&read[2], "1e400");
            if number.is_finite() && number.abs() < 1e99 {
                let untouched: serde_json::Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&read[0], &untouched[0]);
            }
        }

        #[test]
        fn any_number_can_be_read(digits in "-?[1-9][0-9]{0,500}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,9})?") {
            prop_assert!(serde_json::from_str::<f64>(&read(&digits, 7)).is_ok());
        }
    }
}
