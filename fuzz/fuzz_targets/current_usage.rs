//! The answer of `GET /usage/current`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::api::account_v2::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::current_usage(bytes));
