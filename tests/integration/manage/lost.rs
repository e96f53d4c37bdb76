//! Answers that are lost: a change is not repeated, and what became of it is looked up.

use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::site::{Site, said, shown};

/// Carried out, and the answer never comes whole.
fn carried_out() -> [Fault; 2] {
    [Fault::HangMidBody, Fault::Truncated]
}

/// Not carried out, which nobody can see from here.
fn not_carried_out() -> [Fault; 4] {
    [Fault::HangBeforeHeaders, Fault::Reset, Fault::html(502), Fault::html(404)]
}

#[tokio::test]
async fn a_permission_that_was_made_all_the_same_is_found() {
    let site = Site::new().await;
    site.configure_haste();
    for (index, fault) in carried_out().into_iter().enumerate() {
        site.simulator.fail_once(Endpoint::CreatePermission, fault);
        let name = format!("--name=logs-{index}");
        let create = ["permissions", "create", &name, "--type=all-buckets", "--actions=read-only", "--yes"];
        let output = site.done(&create).await;
        let made = site.acme.permissions();
        let id = made.last().unwrap().id();
        assert!(
            shown(&output).starts_with(&format!("created the permission \"logs-{index}\" ({id})")),
            "{}",
            shown(&output)
        );
        assert!(
            said(&output).ends_with("looking whether it was done all the same\nit was done\n"),
            "{}",
            said(&output)
        );
        assert_eq!(made.len(), 3 + index);
    }
}

#[tokio::test]
async fn what_was_not_done_is_told_and_not_repeated() {
    let site = Site::new().await;
    site.configure_haste();
    for (count, fault) in (1..).zip(not_carried_out()) {
        site.simulator.fail_once(Endpoint::CreatePermission, fault.clone());
        let create =
            ["permissions", "create", "--name=a", "--type=all-buckets", "--actions=read-only", "--yes"];
        let told = site.rejected(1, &create).await;
        assert!(told.ends_with("It was not done: nothing was changed. Run the command again\n"), "{told}");
        assert_eq!(site.simulator.request_count(Endpoint::CreatePermission), count, "{fault:?}");
        site.simulator.fail_once(Endpoint::DeleteServiceAccount, fault.clone());
        let told = site.rejected(1, &["service-accounts", "delete", "sa-1", "--yes"]).await;
        assert!(
            told.ends_with("It was not done: nothing was changed. Run the command again\n"),
            "{fault:?}: {told}"
        );
        assert_eq!(site.simulator.request_count(Endpoint::DeleteServiceAccount), count, "{fault:?}");
    }
    assert_eq!((site.acme.permissions().len(), site.acme.service_accounts().len()), (2, 1));
}

#[tokio::test]
async fn changes_whose_answer_was_lost_are_found_done() {
    let site = Site::new().await;
    site.configure_haste();
    for (endpoint, arguments) in [
        (Endpoint::UpdatePermission, &["permissions", "update", "p-2", "--name=b"][..]),
        (Endpoint::DeletePermission, &["permissions", "delete", "p-2"]),
        (Endpoint::UpdateServiceAccount, &["service-accounts", "update", "sa-1", "--name=c"]),
        (Endpoint::DisableServiceAccount, &["service-accounts", "disable", "sa-1"]),
        (Endpoint::EnableServiceAccount, &["service-accounts", "enable", "sa-1"]),
        (Endpoint::DeleteServiceAccount, &["service-accounts", "delete", "sa-1"]),
    ] {
        // The status says that it was done, so that what comes of the body is of no interest.
        site.simulator.fail_once(endpoint, Fault::HangMidBody);
        site.done(&[arguments, &["--yes"]].concat()).await;
        assert_eq!(site.simulator.request_count(endpoint), 1, "{endpoint:?}");
    }
    assert_eq!((site.acme.permissions().len(), site.acme.service_accounts().len()), (1, 0));
}

#[tokio::test]
async fn a_service_account_whose_secret_was_lost_is_named_and_cured_by_deleting_it() {
    let site = Site::new().await;
    site.configure_haste();
    for fault in carried_out() {
        site.simulator.fail_once(Endpoint::CreateServiceAccount, fault);
        let renew = ["service-accounts", "renew", "sa-1", "--secret-file=pair.json", "--yes"];
        let told = site.rejected(1, &renew).await;
        let accounts = site.acme.service_accounts();
        let [_, lost] = &accounts[..] else { panic!("{accounts:?}") };
        let (name, id) = (lost.name(), lost.id());
        assert!(
            told.contains(&format!(
                "the vendor made the service account \"{name}\" ({id}), but its answer with the secret was lost"
            )),
            "{told}"
        );
        assert!(told.ends_with(&format!(" service-accounts delete {id}\n")), "{told}");
        assert!(!told.contains(lost.pair().unwrap().1));
        assert!(!site.path("pair.json").exists());

        let again = site.rejected(1, &renew).await;
        assert!(again.contains(&format!("was already renewed by \"{name}\" ({id})")), "{again}");
        assert!(again.ends_with(&format!(" service-accounts delete {id}\n")), "{again}");
        site.done(&["service-accounts", "delete", id, "--yes"]).await;
        site.done(&renew).await;
        let [_, new] = &site.acme.service_accounts()[..] else { panic!() };
        assert_eq!(site.pair_in("pair.json"), site.issued(new.id()));
        site.done(&["service-accounts", "delete", new.id(), "--yes"]).await;
        std::fs::remove_file(site.path("pair.json")).unwrap();
    }
}

#[tokio::test]
async fn where_looking_fails_too_nobody_claims_to_know() {
    let site = Site::new().await;
    site.configure_haste();
    site.simulator.fail_once(Endpoint::DisableServiceAccount, Fault::HangBeforeHeaders);
    // The first read shows what is to be changed.
    site.simulator.fail_once(Endpoint::ServiceAccount, Fault::Delay(std::time::Duration::ZERO));
    site.simulator.fail_always(Endpoint::ServiceAccount, Fault::empty(503));
    let told = site.rejected(1, &["service-accounts", "disable", "sa-1", "--yes"]).await;
    assert!(
        told.contains(
            "Whether it was done is not known, as looking failed too: GET /service-accounts/{id}: 503"
        ),
        "{told}"
    );
}
