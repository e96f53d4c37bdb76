//! The daemon only reads: it has nothing that could do anything else.

use std::path::Path;

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use crate::failures::play::settle;
use crate::programs::repository;
use crate::stage::{Stage, minutes};

#[tokio::test]
async fn a_day_of_it_with_every_kind_of_trouble_sends_only_reads() {
    let stage = Stage::new().await;
    let (acme, mut config) = stage.acme();
    let (archive, of_archive) = stage.archive();
    config.accounts.extend(of_archive.accounts);
    let exporter = stage.polled_exporter(config).await;
    let troubles: [&dyn Fn(); 8] = [
        &|| acme.revoke_sessions(),
        &|| acme.fail_once(None, Fault::error(409, "ServiceAccountNotReady", "")),
        &|| acme.fail_once(None, Fault::error(403, "AuthenticationFailed ", "")),
        &|| acme.fail_once(Endpoint::ServiceAccounts, Fault::Truncated),
        &|| archive.fail_once(None, Fault::xml_error(403, "InvalidClientTokenId", "")),
        &|| archive.fail_once(Endpoint::ListAccessKeys, Fault::empty(503)),
        &|| acme.fail_once(Endpoint::Permissions, Fault::error(404, "PermissionNotFound", "")),
        &|| acme.fail_once(Endpoint::CurrentUsage, Fault::redirect(307, "/v2/permissions")),
    ];
    // A day of quarters of an hour, and one trouble in each.
    for step in 0..96 {
        troubles[step % troubles.len()]();
        exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
        settle(&stage, &exporter).await;
    }
    let polls = exporter.polls("archive", Collector::BUCKETS);
    assert!(polls > 6, "the others were due each hour: {polls}");
    let requests = stage.simulator.requests();
    assert!(requests.len() > 200, "a day of requests: {}", requests.len());
    for request in &requests {
        let is_read = match request.endpoint {
            Endpoint::Login => request.method == "POST" && request.path == "/v2/auth/token",
            // Each action of the IAM host is a POST; these read.
            Endpoint::Billing | Endpoint::UserInfo | Endpoint::ListUsers | Endpoint::ListAccessKeys => {
                request.method == "POST" && request.path == "/"
            }
            _ => request.method == "GET" && request.body_size == 0,
        };
        assert!(is_read, "{request:?}");
    }
    assert_eq!(stage.simulator.violations(), []);
}

fn sources(directory: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, visit);
        } else {
            visit(&path, &std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[test]
fn what_changes_something_is_made_by_manage_alone() {
    let source = repository("src");
    let mut users = Vec::new();
    sources(&source, &mut |path, text| {
        let place = path.strip_prefix(&source).unwrap().display().to_string();
        if ["account_v2::writer", "object_storage::writer"].iter().any(|module| text.contains(module)) {
            users.push(place.clone());
        }
        // The pollers' clients send through another way, which knows no method but GET, the login and signed forms.
        if text.contains(".exchange(") {
            assert!(place.ends_with("/writer.rs"), "{place} can send anything");
        }
    });
    users.sort();
    let alone = |place: &String| place.starts_with("command/manage");
    assert!(!users.is_empty() && users.iter().all(alone), "{users:?}");
}
