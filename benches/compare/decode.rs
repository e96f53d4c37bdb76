//! Decoding one large answer, in a process of its own: time and memory beside those of plain structs.

use std::io::BufReader;
use std::process::Command;
use std::time::Instant;

use lyve_cloud_exporter::api::account_v2::decode_current_usage;
use serde::Deserialize;

use crate::process::{forget_peak, own_memory, this_program};
use crate::scrape::millis;
use crate::vendor::usage_answer;

/// As one would write it for answers that are always right.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is decoded, not read")]
struct Plain {
    usage_by_bucket: PlainUsage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is decoded, not read")]
struct PlainUsage {
    #[serde(rename = "totalUsageGB")]
    total: f64,
    num_buckets: u64,
    buckets: Vec<PlainBucket>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "it is decoded, not read")]
struct PlainBucket {
    name: String,
    #[serde(rename = "usageGB")]
    usage: f64,
}

/// What one decoding took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoded {
    pub(crate) millis: f64,
    /// At the worst moment, MiB.
    pub(crate) peak: f64,
    /// Of what came of it, MiB.
    pub(crate) kept: f64,
}

/// In the child: decodes once with fresh memory, then several times for the time, and prints three figures.
pub(crate) fn child(how: &str, buckets: usize) {
    let text = usage_answer(buckets);
    let decode: fn(&str) -> Box<dyn std::any::Any> = match how {
        "plain" => |text| {
            let plain: Plain = serde_json::from_reader(BufReader::new(text.as_bytes())).unwrap();
            Box::new(plain)
        },
        _ => |text| Box::new(decode_current_usage(BufReader::new(text.as_bytes())).unwrap()),
    };
    let (before, _) = own_memory();
    forget_peak();
    let value = decode(&text);
    let (after, peak) = own_memory();
    drop(value);
    let mut best = f64::MAX;
    for _ in 0..9 {
        let began = Instant::now();
        let value = decode(&text);
        best = best.min(millis(began.elapsed()));
        drop(value);
    }
    println!("{best} {} {}", peak - before, after - before);
}

pub(crate) fn decoded(how: &str, buckets: usize) -> Decoded {
    let output = Command::new(this_program()).args(["decode", how, &buckets.to_string()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = said.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    let [millis, peak, kept] = figures[..] else { panic!("{output:?}") };
    Decoded { millis, peak, kept }
}
