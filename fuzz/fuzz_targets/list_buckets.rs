//! The answer of `GET /` of the S3 host.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::api::object_storage::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::list_buckets(bytes));
