//! The answer of `GET /?rs-bucket-stats=`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::api::object_storage::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::bucket_stats(bytes));
