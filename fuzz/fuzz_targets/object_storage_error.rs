//! An answer of the current platform that is no success.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::api::object_storage::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::error_answer(bytes));
