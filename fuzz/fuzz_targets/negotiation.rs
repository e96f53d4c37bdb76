//! `Accept` and `Accept-Encoding`, as any client may send them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lyve_cloud_exporter::exposition::{Encoding, Format};

fuzz_target!(|header: &str| {
    let lower = header.to_ascii_lowercase();
    if Format::negotiate(Some(header)) == Format::OpenMetrics {
        assert!(lower.contains("openmetrics-text") || lower.contains("/*"));
    }
    if Encoding::negotiate(Some(header)) == Encoding::Gzip {
        assert!(lower.contains("gzip") || lower.contains('*'));
    }
    // What is added with the lowest quality changes nothing that was preferred.
    let longer = format!("{header},x/y;q=0");
    if !header.contains('"') {
        assert_eq!(Format::negotiate(Some(&longer)), Format::negotiate(Some(header)));
        assert_eq!(Encoding::negotiate(Some(&longer)), Encoding::negotiate(Some(header)));
    }
});
