//! A small reader of both formats that shares nothing with the code under test, and accounts of any size.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use prometheus::proto::MetricFamily;

use super::{Body, Encoding, Format};
use crate::metrics::{Build, ExporterMetrics};
use crate::model::{BucketUsage, CurrentUsage};

/// A family as it was read.
#[derive(Debug, PartialEq)]
pub(super) struct FamilyRead {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) help: String,
    pub(super) unit: Option<String>,
    pub(super) samples: Vec<Sample>,
}

/// A sample as it was read: name, labels, value.
pub(super) type Sample = (String, Vec<(String, String)>, f64);

/// Reads a page, and insists on: headers once and before the samples, names in order, no sample twice, the end.
pub(super) fn read(page: &str, format: Format) -> Vec<FamilyRead> {
    let page = match format {
        Format::Text => page,
        Format::OpenMetrics => page.strip_suffix("# EOF\n").expect("it ends"),
    };
    assert!(page.is_empty() || page.ends_with('\n'));
    let mut families: Vec<FamilyRead> = Vec::new();
    for line in page.split_terminator('\n') {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            families.push(FamilyRead {
                name: name.to_owned(),
                kind: String::new(),
                help: unescape(help),
                unit: None,
                samples: Vec::new(),
            });
            continue;
        }
        let family = families.last_mut().expect("HELP comes first");
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family.name);
            assert_eq!(family.kind, "", "TYPE once");
            kind.clone_into(&mut family.kind);
        } else if let Some(rest) = line.strip_prefix("# UNIT ") {
            let (name, unit) = rest.split_once(' ').unwrap();
            assert_eq!((format, name), (Format::OpenMetrics, &*family.name));
            assert!(name.ends_with(&format!("_{unit}")));
            family.unit = Some(unit.to_owned());
        } else {
            assert!(!line.starts_with('#'), "{line}");
            let sample = sample(line);
            assert!(sample.0.starts_with(&family.name), "{line}");
            family.samples.push(sample);
        }
    }
    assert!(families.is_sorted_by(|a, b| a.name < b.name), "names once, in order");
    for family in &families {
        let mut seen = BTreeSet::new();
        for (name, labels, _) in &family.samples {
            assert!(seen.insert((name, labels)), "{name} {labels:?} twice");
        }
        assert!(!family.samples.is_empty(), "{} without samples", family.name);
    }
    families
}

fn sample(line: &str) -> Sample {
    let Some((name, mut rest)) = line.split_once('{') else {
        let (name, value) = line.split_once(' ').unwrap();
        return (name.to_owned(), Vec::new(), value.parse().unwrap());
    };
    let mut labels = Vec::new();
    loop {
        let (label, quoted) = rest.split_once("=\"").unwrap();
        let mut escaped = false;
        let end = quoted
            .char_indices()
            .find(|(_, character)| {
                let ends = *character == '"' && !escaped;
                escaped = *character == '\\' && !escaped;
                ends
            })
            .unwrap()
            .0;
        labels.push((label.to_owned(), unescape(&quoted[..end])));
        rest = &quoted[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    let value = rest.strip_prefix("} ").unwrap();
    (name.to_owned(), labels, value.parse().unwrap())
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    let mut out = String::new();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => match characters.next().unwrap() {
                'n' => '\n',
                other => other,
            },
            other => other,
        });
    }
    out
}

/// The text of a body.
pub(super) fn text(body: &Body) -> String {
    let bytes = body.parts.concat();
    assert_eq!(bytes.len() as u64, body.length());
    match body.encoding {
        Encoding::Identity => String::from_utf8(bytes).unwrap(),
        Encoding::Gzip => {
            let mut text = String::new();
            MultiGzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
            text
        }
    }
}

pub(super) fn own() -> ExporterMetrics {
    ExporterMetrics::new(
        Build { version: "1.2.3", revision: "abc", rustc: "1.90.0" },
        crate::api::collectors().map(|declared| declared.collector.name()),
    )
    .unwrap()
}

/// The exporter's own families without the process's, which differ at each look.
pub(super) fn own_families() -> Vec<MetricFamily> {
    let mut families = own().gather();
    families.retain(|family| !family.name().starts_with("process_"));
    families
}

/// `count` buckets with figures that look like real ones.
pub(super) fn buckets(count: u64) -> CurrentUsage {
    let bucket = |number: u64| BucketUsage {
        name: format!("backup-{number:06}-{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44).into(),
        usage_bytes: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (20 + number % 30),
    };
    CurrentUsage {
        bucket_count: Some(count),
        buckets: (0..count).map(bucket).collect(),
        ..CurrentUsage::default()
    }
}
