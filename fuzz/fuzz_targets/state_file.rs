//! The state file: what can be read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::poll::formats;
use lyve_cloud_exporter::store::state_file::{decode, encode};

fuzz_target!(|bytes: &[u8]| {
    let Ok(state) = decode(bytes, &formats()) else { return };
    let mut written = Vec::new();
    encode(&state, &formats(), &mut written).expect("memory takes everything");
    let again = decode(&written, &formats()).expect("what was written can be read");
    let mut twice = Vec::new();
    encode(&again, &formats(), &mut twice).expect("memory takes everything");
    assert_eq!(written, twice);
});
