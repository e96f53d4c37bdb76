//! The lines of one account's samples in one family, without headers.

use jiff::Timestamp;
use prometheus::TextEncoder;
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily};

use crate::metrics::{Family, Kind};
use crate::store::AccountState;

/// So many samples are held as objects at once; an account may have a hundred thousand.
const BATCH: usize = 500;

/// The lines of an account's samples, in pieces that each end with a line and are longer than `piece` bytes by a batch
/// at most; no piece is empty.
pub(super) fn lines(family: &Family, state: &AccountState, now: Timestamp, piece: usize) -> Vec<String> {
    let mut writer = Writer::new(family, piece);
    (family.walk)(state, now, &mut |labels, value| writer.push(labels, value));
    writer.finish()
}

struct Writer<'a> {
    family: &'a Family,
    piece: usize,
    batch: MetricFamily,
    encoded: String,
    text: String,
    pieces: Vec<String>,
}

impl<'a> Writer<'a> {
    fn new(family: &'a Family, piece: usize) -> Self {
        // Without HELP, the encoder's header is one line.
        let mut batch = MetricFamily::default();
        batch.set_name(family.name.to_owned());
        batch.set_field_type(family.kind.metric_type());
        Self { family, piece, batch, encoded: String::new(), text: String::new(), pieces: Vec::new() }
    }

    fn push(&mut self, labels: &[&str], value: f64) {
        debug_assert_eq!(labels.len(), self.family.labels.len(), "{}", self.family.name);
        let pairs = self.family.labels.iter().zip(labels).map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        });
        let mut metric = Metric::from_label(pairs.collect());
        if self.family.kind == Kind::Counter {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.batch.mut_metric().push(metric);
        if self.batch.get_metric().len() == BATCH {
            self.encode();
        }
    }

    fn encode(&mut self) {
        if self.batch.get_metric().is_empty() {
            return;
        }
        self.encoded.clear();
        let encoded = TextEncoder::new().encode_utf8(std::slice::from_ref(&self.batch), &mut self.encoded);
        debug_assert!(encoded.is_ok(), "only a family without samples cannot be written to a string");
        if let Some((_header, lines)) = self.encoded.split_once('\n') {
            self.text.push_str(lines);
        }
        self.batch.mut_metric().clear();
        if self.text.len() >= self.piece {
            self.pieces.push(std::mem::take(&mut self.text));
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.encode();
        if !self.text.is_empty() {
            self.pieces.push(self.text);
        }
        self.pieces
    }
}
