//! The same for the vendor's current platform, where each request is signed and there is no session.

pub mod answers;
mod clock;
pub mod contents;
mod fields;
pub mod keys;
mod lists;
mod places;
mod xml;

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

/// Every endpoint that is asked, with the collector that needs its answer.
const ENDPOINTS: [(Endpoint, Collector); 6] = [
    (Endpoint::Billing, Collector::BILLING),
    (Endpoint::ListBuckets, Collector::BUCKETS),
    (Endpoint::BucketStats, Collector::BUCKETS),
    (Endpoint::UserInfo, Collector::KEYS),
    (Endpoint::ListUsers, Collector::KEYS),
    (Endpoint::ListAccessKeys, Collector::KEYS),
];

/// How many requests to an endpoint a poll of an account with something of everything makes.
const fn requests_of(endpoint: Endpoint) -> usize {
    // One for each user.
    if matches!(endpoint, Endpoint::ListAccessKeys) { 3 } else { 1 }
}

/// What is answered to the questions before this one, so that it is asked in an account that has nothing: there is one
/// bucket, `backups`, and one user, `veeam`.
fn before(endpoint: Endpoint) -> Vec<(Endpoint, Fault)> {
    let xml = |body: &'static str| Fault::raw("text/xml", body);
    match endpoint {
        Endpoint::BucketStats => {
            let listed = "<ListAllMyBucketsResult><Buckets><Bucket><Name>backups</Name></Bucket></Buckets>\
                          </ListAllMyBucketsResult>";
            vec![(Endpoint::ListBuckets, xml(listed))]
        }
        Endpoint::ListAccessKeys => {
            let listed = "<ListUsersResponse><ListUsersResult><Users><member><UserName>veeam</UserName></member>\
                          </Users></ListUsersResult></ListUsersResponse>";
            vec![(Endpoint::ListUsers, xml(listed))]
        }
        _ => Vec::new(),
    }
}
