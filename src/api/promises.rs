//! What every decoder promises, as assertions: for fuzzing, and for the seeds of it.

use std::fmt::Debug;
use std::io::{BufRead, BufReader};

use reqwest::header::{HeaderValue, RETRY_AFTER};

use super::transport::FailureReply;
use super::wire::Undecodable;

/// What a decoder says of bytes, however they arrive.
pub(super) fn decode<T: PartialEq + Debug>(
    bytes: &[u8],
    decoder: impl Fn(&mut dyn BufRead) -> Result<T, Undecodable>,
) -> Option<T> {
    let whole = decoder(&mut &*bytes);
    let pieces = decoder(&mut BufReader::with_capacity(3, bytes));
    assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "the size of the pieces makes a difference");
    whole.inspect_err(|problem| assert_plain(problem)).ok()
}

/// An answer that is no success, of two bytes for its status, a line for its `Retry-After`, and the body; `None` where the
/// bytes are too few.
pub(super) fn failure_reply(bytes: &[u8]) -> Option<FailureReply> {
    let [high, low, rest @ ..] = bytes else { return None };
    let mut lines = rest.splitn(2, |byte| *byte == b'\n');
    let wish = lines.next().unwrap_or_default();
    let headers = HeaderValue::from_bytes(wish).map(|value| (RETRY_AFTER, value)).into_iter().collect();
    Some(FailureReply {
        status: 100 + u16::from_be_bytes([*high, *low]) % 900,
        headers,
        body: lines.next().unwrap_or_default().to_vec(),
    })
}

/// A complaint is one short line.
pub(super) fn assert_plain(text: &str) {
    assert!(!text.is_empty() && text.len() < 400 && !text.contains(char::is_control), "{text:?}");
}

/// Names are there, once each and in order.
pub(super) fn assert_unique<'a>(names: impl IntoIterator<Item = &'a str> + Clone) {
    assert!(names.clone().into_iter().all(|name| !name.is_empty()));
    assert!(names.into_iter().is_sorted_by(|a, b| a < b));
}

/// The name of a target and its entry point.
#[cfg(test)]
pub(super) type Target = (&'static str, fn(&[u8]));

/// Runs each target on each of its seeds.
#[cfg(test)]
pub(super) fn assert_seeds(targets: &[Target]) {
    for (target, run) in targets {
        let seeds = std::fs::read_dir(format!("{}/fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let count = seeds.map(|seed| run(&std::fs::read(seed.unwrap().path()).unwrap())).count();
        assert!(count > 2, "{target} has {count} seeds");
    }
}
