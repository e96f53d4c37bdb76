//! An answer that is no success.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::api::account_v2::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::error_answer(bytes));
