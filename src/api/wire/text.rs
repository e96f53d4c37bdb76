//! Text as vendors send it: what is no character is replaced, so that one bad name costs that name alone and not the list.

use std::io::{self, BufRead, Read};
use std::sync::Once;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const REPLACEMENT: &str = "\u{fffd}";

/// The bytes of a `\uXXXX` in JSON.
const ESCAPE: usize = 6;

/// An answer without a byte order mark in which what is no UTF-8, and in JSON each escape of half a character, has become
/// U+FFFD.
pub(in crate::api) struct Text<R> {
    from: R,
    is_json: bool,
    begun: bool,
    ended: bool,
    /// Read, and not yet looked at: at most what one character or two escapes take.
    rest: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Text<R> {
    pub(in crate::api) fn json(from: R) -> Self {
        Self { from, is_json: true, begun: false, ended: false, rest: Vec::new(), ready: Vec::new(), at: 0 }
    }

    pub(in crate::api) fn xml(from: R) -> Self {
        Self { is_json: false, ..Self::json(from) }
    }

    /// Reads on until something is ready, or the end.
    fn fill(&mut self) -> io::Result<()> {
        while self.at == self.ready.len() && !self.ended {
            let piece = self.from.fill_buf()?;
            let length = piece.len();
            self.ended = length == 0;
            let mut bytes = std::mem::take(&mut self.rest);
            bytes.extend_from_slice(piece);
            self.from.consume(length);
            if !self.begun && !self.ended && bytes.len() < BYTE_ORDER_MARK.len() {
                self.rest = bytes;
                continue;
            }
            if !self.begun && bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            self.begun = true;
            let mut replaced = false;
            let whole =
                if self.is_json { escapes(&mut bytes, self.ended, &mut replaced) } else { bytes.len() };
            self.rest = bytes.split_off(whole);
            self.ready = self.characters(bytes, &mut replaced);
            self.at = 0;
            if replaced {
                note();
            }
        }
        Ok(())
    }

    /// The same as UTF-8. The beginning of a character at its end waits for what comes.
    fn characters(&mut self, mut bytes: Vec<u8>, replaced: &mut bool) -> Vec<u8> {
        let (mut good, mut from) = (Vec::new(), 0);
        loop {
            let error = match std::str::from_utf8(&bytes[from..]) {
                Ok(_) if from == 0 => return bytes,
                Ok(_) => {
                    good.extend_from_slice(&bytes[from..]);
                    return good;
                }
                Err(error) => error,
            };
            let end = from + error.valid_up_to();
            if error.error_len().is_none() && !self.ended {
                let mut rest = bytes.split_off(end);
                rest.append(&mut self.rest);
                self.rest = rest;
                good.extend_from_slice(&bytes[from..]);
                return good;
            }
            good.extend_from_slice(&bytes[from..end]);
            good.extend_from_slice(REPLACEMENT.as_bytes());
            *replaced = true;
            from = error.error_len().map_or(bytes.len(), |length| end + length);
        }
    }
}

/// Replaces escapes of half a character. The length of what is whole: an escape at the end may go on.
fn escapes(bytes: &mut [u8], ended: bool, replaced: &mut bool) -> usize {
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        let unit = match (bytes.get(at + 1), unit(&bytes[at..])) {
            (None, _) if !ended => return at,
            (Some(b'u'), None) if !ended && bytes.len() < at + ESCAPE => return at,
            (Some(b'u'), Some(unit)) => unit,
            // Of two bytes, the second of which begins no other; or none at all.
            _ => {
                at = bytes.len().min(at + 2);
                continue;
            }
        };
        let second = at + ESCAPE;
        let is_pair = match unit {
            0xd800..=0xdbff => match self::unit(&bytes[second..]) {
                None if !ended && may_begin_escape(&bytes[second..]) => return at,
                second => second.is_some_and(|second| (0xdc00..=0xdfff).contains(&second)),
            },
            _ => false,
        };
        if is_pair {
            at = second + ESCAPE;
        } else {
            if (0xd800..=0xdfff).contains(&unit) {
                bytes[at..second].copy_from_slice(b"\\ufffd");
                *replaced = true;
            }
            at = second;
        }
    }
    bytes.len()
}

/// The number that an escape at the beginning stands for.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.get(..ESCAPE)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0_u16, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// Whether these could be the first bytes of an escape that is not whole.
fn may_begin_escape(bytes: &[u8]) -> bool {
    bytes.len() < ESCAPE && b"\\u".starts_with(&bytes[..bytes.len().min(2)])
}

/// Says so, once for the whole process: the next poll has the same names.
fn note() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::warn!(
            "a name in the vendor's answer has what is no character in it: it is shown as U+FFFD; said once"
        );
    });
}

impl<R: BufRead> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(into.len());
        into[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Text<R> {
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

    fn read(bytes: &[u8], piece: usize, json: bool) -> Vec<u8> {
        let from = BufReader::with_capacity(piece, bytes);
        let mut text = if json { Text::json(from) } else { Text::xml(from) };
        let mut read = Vec::new();
        text.read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn what_is_no_character_is_replaced_wherever_pieces_end() {
        let cases: [(&[u8], &str); 16] = [
            (b"\xef\xbb\xbf{}", "{}"),
            (b"\xef\xbb\xbf", ""),
            (b"\xef\xbb", "\u{fffd}"),
            (b"a\xffb", "a\u{fffd}b"),
            (b"a\xe2\x82", "a\u{fffd}"),
            (b"\xe2\x82\xac\xf0\x9f\x98\x80", "\u{20ac}\u{1f600}"),
            (br"\ud800", r"\ufffd"),
            (br"\uDFFF\n", r"\ufffd\n"),
            (br"\ud83d\ude00", r"\ud83d\ude00"),
            (br"\ud83d\ud83d\ude00", r"\ufffd\ud83d\ude00"),
            (br"\ud83d\u0041", r"\ufffd\u0041"),
            (br"\ud83dx", r"\ufffdx"),
            (br"\\ud800 \\\ud800", r"\\ud800 \\\ufffd"),
            (br"\ud80", r"\ud80"),
            (br"\u00e9\", r"\u00e9\"),
            (b"\\\xe2\x82\xac", "\\\u{20ac}"),
        ];
        for (bytes, text) in cases {
            for piece in 1..=bytes.len() {
                assert_eq!(read(bytes, piece, true), text.as_bytes(), "{text}, pieces of {piece}");
            }
        }
        assert_eq!(read(br"\ud800", 3, false), br"\ud800", "XML has no such escapes");
    }

    proptest! {
        #[test]
        fn good_text_stays_as_it_is(text in "[^\u{feff}]{0,40}", piece in 1_usize..9) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(read(json.as_bytes(), piece, true), json.as_bytes());
            prop_assert_eq!(read(text.as_bytes(), piece, false), text.as_bytes());
        }

        #[test]
        fn any_bytes_become_text(bytes in prop::collection::vec(any::<u8>(), 0..60), piece in 1_usize..9) {
            let expected = String::from_utf8_lossy(&bytes);
            let read = read(&bytes, piece, false);
            prop_assert_eq!(String::from_utf8(read).unwrap(), expected.trim_start_matches('\u{feff}'));
        }
    }
}
