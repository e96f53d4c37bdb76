//! The configuration file and the environment.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::config::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::configuration(bytes));
