//! Each error of the vendor in words, with what to do.

use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::site::{Site, said, shown};

#[tokio::test]
async fn each_code_is_told_with_what_to_do() {
    let site = Site::new().await;
    let reject = |status, code: &str| Fault::error(status, code, "canary of a message");
    for (endpoint, fault, words) in [
        (
            Endpoint::Login,
            reject(403, "AuthenticationFailed "),
            "Generate new API credentials in the console and put them where the configuration says.",
        ),
        (
            Endpoint::Login,
            reject(403, "NoServiceAvailable"),
            "403 (NoServiceAvailable): the account has no service enabled. Ask the person who ordered the account: this is no problem of the \
             credentials.",
        ),
        (
            Endpoint::DeletePermission,
            reject(404, "PermissionNotFound"),
            "DELETE /permissions/{id}: 404 (PermissionNotFound): there is no such permission. It may have been deleted: `manage \
             permissions list` shows what there is.",
        ),
        (Endpoint::ServiceAccount, reject(404, "ServiceAccountNotFound"), ""),
        (
            Endpoint::DeletePermission,
            reject(400, "InvalidArgument"),
            "400 (InvalidArgument): the vendor does not accept a parameter. Correct the parameters: a name, a type, or an id may be of a \
             wrong form.",
        ),
        (
            Endpoint::DeletePermission,
            reject(409, "PermissionInUse"),
            "409 (PermissionInUse): the vendor says that it conflicts with something: it may still be in use. Look at the parameters, \
             and at the URLs in the configuration.",
        ),
        (
            Endpoint::DeletePermission,
            reject(403, "AccessDenied"),
            "403 (AccessDenied): the credentials may not do this; check the role behind them. Use credentials that may manage: those \
             of an account administrator, or the root user's key.",
        ),
        (
            Endpoint::DeletePermission,
            Fault::empty(429),
            "429: too many requests. Wait some minutes, and run the command again.",
        ),
        (
            Endpoint::Permission,
            reject(503, "ServiceNotReady"),
            "503 (ServiceNotReady): the vendor's service is not ready. Run the command again in some minutes.",
        ),
        (
            Endpoint::Permission,
            reject(500, "InternalError"),
            "500 (InternalError): an error on the vendor's side. Run the command again in some minutes; if it continues, report it \
             to the vendor's support.",
        ),
        (
            Endpoint::Permission,
            Fault::raw("application/json", "[]"),
            "GET /permissions/{id}: the answer is no object that has an id. Look at the URLs in the configuration; a proxy may have \
             answered.",
        ),
    ] {
        site.simulator.fail_once(endpoint, fault);
        let output = site.run(&["permissions", "delete", "p-2", "--yes"]).await;
        if words.is_empty() {
            // Somebody deleted the service account since it was listed: it uses no permission any more.
            assert_eq!(shown(&output), "deleted the permission \"audit\" (p-2)\n");
            let permission = lyve_cloud_exporter::simulator::Actions::ReadOnly;
            site.acme.add_permission(lyve_cloud_exporter::simulator::Permission::all_buckets(
                "p-2", "audit", permission,
            ));
            continue;
        }
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).ends_with(&format!("{words}\n")), "{}\n{words}", said(&output));
        assert!(!said(&output).contains("canary"), "{}", said(&output));
    }
    for (endpoint, code, words) in [
        (Endpoint::UpdateServiceAccount, "ServiceAccountNotFound", "there is no such service account"),
        (Endpoint::UpdateServiceAccount, "PermissionNotFound", "there is no such permission"),
        (
            Endpoint::UpdateServiceAccount,
            "BucketNotFound",
            "there is no such bucket. Create the bucket first",
        ),
    ] {
        site.simulator.fail_once(endpoint, reject(404, code));
        let told = site.rejected(1, &["service-accounts", "update", "sa-1", "--name=b", "--yes"]).await;
        assert!(told.contains(&format!("404 ({code}): {words}")), "{told}");
    }
    for action in [Endpoint::UpdateAccessKey, Endpoint::DeleteAccessKey] {
        site.simulator.fail_once(action, Fault::xml_error(404, "NoSuchEntity", ""));
        let verb = if action == Endpoint::UpdateAccessKey { "disable" } else { "delete" };
        let told = site.rejected(1, &["access-keys", verb, "AKOLD", "--yes"]).await;
        assert!(told.ends_with("`manage access-keys list` shows what there is.\n"), "{told}");
    }
}

#[tokio::test]
async fn what_is_not_ready_is_waited_for_with_progress() {
    let site = Site::new().await;
    for (endpoint, code, arguments) in [
        (
            Endpoint::CreateServiceAccount,
            "PermissionNotReady",
            &["service-accounts", "renew", "sa-1", "--secret-file=a"][..],
        ),
        (Endpoint::DisableServiceAccount, "ServiceAccountNotReady", &["service-accounts", "disable", "sa-1"]),
        (Endpoint::DeleteServiceAccount, "ServiceAccountNotReady ", &["service-accounts", "delete", "sa-1"]),
    ] {
        site.simulator.fail_once(endpoint, Fault::error(409, code, ""));
        let output = site.done(&[arguments, &["--yes"]].concat()).await;
        let waits = format!("waiting for the vendor: not ready yet, {} (0 s so far)", code.trim());
        assert!(said(&output).contains(&waits), "{}", said(&output));
        assert_eq!(site.simulator.request_count(endpoint), 2);
    }
    assert_eq!(site.acme.service_accounts().len(), 1, "the new one");
}

#[tokio::test]
async fn while_a_renewed_one_spreads_errors_that_pass_are_waited_out() {
    let site = Site::new().await;
    // The first read is of the old one; what follows is of the new one.
    site.simulator.configure(|settings| settings.ready_after = std::time::Duration::ZERO);
    site.simulator.fail_once(Endpoint::ServiceAccount, Fault::Delay(std::time::Duration::ZERO));
    for fault in [Fault::error(409, "ServiceAccountNotReady", ""), Fault::empty(503), Fault::empty(429)] {
        site.simulator.fail_once(Endpoint::ServiceAccount, fault);
    }
    let output = site.done(&["service-accounts", "renew", "sa-1", "--secret-file=a", "--yes"]).await;
    assert_eq!(
        said(&output).matches("waiting for the service account to be ready").count(),
        3,
        "{}",
        said(&output)
    );
}

#[tokio::test]
async fn a_dead_session_costs_one_login_and_repeats_nothing_that_was_done() {
    let site = Site::new().await;
    site.simulator.fail_once(Endpoint::DeleteServiceAccount, Fault::error(400, "ExpiredToken", "dead"));
    site.done(&["service-accounts", "delete", "sa-1", "--yes"]).await;
    assert_eq!(site.simulator.request_count(Endpoint::Login), 2);
    assert_eq!(site.simulator.request_count(Endpoint::DeleteServiceAccount), 2);
}
