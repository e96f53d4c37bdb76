//! `manage`: the program changes permissions, service accounts and access keys of the simulated vendor.

mod chain;
mod daemon;
mod demo;
mod docs;
mod errors;
mod interrupted;
mod keys;
mod lost;
mod secrets;
mod site;
mod terminal;

use lyve_cloud_exporter::simulator::{Actions, ChangeAnswer, Endpoint, Fault, Permission, ServiceAccount};
use serde_json::json;

use self::site::{Site, json, said, shown};

#[tokio::test]
async fn permissions_and_service_accounts_are_listed_and_shown() {
    let site = Site::new().await;
    let list = site.done(&["permissions", "list"]).await;
    assert_eq!(
        shown(&list).lines().next().unwrap(),
        "ID   NAME        COVERS       ACTIONS         READY  DESCRIPTION"
    );
    assert!(shown(&list).contains("p-1  everything  all buckets  all-operations  yes"), "{}", shown(&list));
    let list = json("permissions", &site.done(&["permissions", "list", "--output=json"]).await);
    assert_eq!(list[0]["id"], "p-1");
    let one = json("permission", &site.done(&["permissions", "get", "p-1", "--output=json"]).await);
    assert_eq!(one["used_by"], json!([{"id": "sa-1", "name": "veeam"}]));
    let one = site.done(&["permissions", "get", "p-2"]).await;
    assert!(shown(&one).contains("used by      no service account"), "{}", shown(&one));

    let list = json("service_accounts", &site.done(&["service-accounts", "list", "--output=json"]).await);
    assert_eq!((&list[0]["name"], &list[0].get("permissions")), (&json!("veeam"), &None));
    let list = site.done(&["service-accounts", "list"]).await;
    assert!(shown(&list).contains("sa-1  veeam  yes      yes    expires in 4 days ("), "{}", shown(&list));
    let one =
        json("service_account", &site.done(&["service-accounts", "get", "sa-1", "--output=json"]).await);
    assert_eq!((&one["permissions"], &one["enabled"]), (&json!(["p-1"]), &json!(true)));
    assert_eq!(site.simulator.violations(), [], "reading changes nothing");
}

#[tokio::test]
async fn permissions_of_each_type_are_created_updated_and_deleted() {
    let site = Site::new().await;
    std::fs::write(site.path("policy.json"), r#"{"Version":"2012-10-17"}"#).unwrap();
    let create = |arguments: &[&str]| {
        let words = ["permissions", "create", "--yes", "--output=json"];
        words.iter().chain(arguments).map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    for arguments in [
        create(&["--name=all", "--type=all-buckets", "--actions=read-only", "--description=of an audit"]),
        create(&["--name=logs", "--type=bucket-prefix", "--prefix=log-", "--actions=write-only"]),
        create(&[
            "--name=two",
            "--type=bucket-names",
            "--bucket=backups",
            "--bucket=media",
            "--actions=all-operations",
        ]),
        create(&["--name=policy", "--type=policy", "--policy-file=policy.json"]),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let change = json("change", &site.done(&arguments).await);
        assert_eq!((&change["action"], &change["changed"]), (&json!("create"), &json!(true)));
        let (id, name) = (change["id"].as_str().unwrap(), change["name"].as_str().unwrap());
        let made = site.acme.permissions();
        assert_eq!(made.iter().find(|made| made.id() == id).unwrap().name(), name);
    }
    let id = site.acme.permissions().iter().find(|made| made.name() == "two").unwrap().id().to_owned();
    // The vendor is not ready for a while, which is waited for.
    site.simulator.fail_once(Endpoint::UpdatePermission, Fault::error(409, "PermissionNotReady", ""));
    let arguments = ["permissions", "update", &id, "--type=all-buckets", "--actions=read-only", "--yes"];
    let updated = site.done(&arguments).await;
    assert_eq!(shown(&updated), format!("updated the permission \"two\" ({id})\n"));
    assert!(said(&updated).contains("not ready yet, PermissionNotReady"), "{}", said(&updated));
    let one = json("permission", &site.done(&["permissions", "get", &id, "--output=json"]).await);
    assert_eq!(
        (&one["type"], &one["buckets"], &one["actions"], &one["name"]),
        (&json!("all-buckets"), &json!([]), &json!("read-only"), &json!("two")),
        "what is not given stays, and what the type does not take is left out"
    );
    let again = site.done(&arguments).await;
    assert_eq!(shown(&again), format!("the permission \"two\" ({id}) is so already\n"));
    for answer in [ChangeAnswer::Text, ChangeAnswer::Empty] {
        site.simulator.configure(|settings| settings.change_answer = answer);
        let id = site.acme.permissions().last().unwrap().id().to_owned();
        let deleted =
            json("change", &site.done(&["permissions", "delete", &id, "--yes", "--output=json"]).await);
        assert_eq!((&deleted["action"], &deleted["id"]), (&json!("delete"), &json!(id)));
        assert!(!site.acme.permissions().iter().any(|left| left.id() == id));
    }
}

#[tokio::test]
async fn a_permission_in_use_is_not_deleted_and_its_users_are_named() {
    let site = Site::new().await;
    site.acme.add_service_account(ServiceAccount::new("sa-9", "restic").permission("p-1"));
    let rejected = site.rejected(1, &["permissions", "delete", "p-1", "--yes"]).await;
    assert_eq!(
        rejected,
        "lyve-cloud-exporter: the permission \"everything\" (p-1) is in use and cannot be deleted; first update or delete: \"veeam\" \
         (sa-1), \"restic\" (sa-9)\n"
    );
    assert_eq!(site.simulator.violations(), [], "the vendor is not even asked");
}

#[tokio::test]
async fn service_accounts_are_created_updated_switched_and_deleted() {
    let site = Site::new().await;
    let made = site
        .done(&[
            "service-accounts",
            "create",
            "--name=restic",
            "--description=nightly",
            "--permission=p-1",
            "--permission=p-2",
            "--secret-file=pair.json",
            "--yes",
            "--output=json",
        ])
        .await;
    let change = json("change", &made);
    let id = change["id"].as_str().unwrap().to_owned();
    let account = site.service_account(&id).unwrap();
    assert_eq!((account.name(), account.description()), ("restic", "nightly"));
    assert_eq!(account.permissions(), ["p-1", "p-2"]);
    assert_eq!(site.pair_in("pair.json"), site.issued(&id));

    let twin =
        ["service-accounts", "create", "--name=restic", "--permission=p-1", "--secret-file=b.json", "--yes"];
    let rejected = site.rejected(1, &twin).await;
    assert!(rejected.contains("there is a service account \"restic\" ("), "{rejected}");
    assert!(!site.path("b.json").exists());

    // Waits until the vendor is ready for it.
    let updated = ["service-accounts", "update", &id, "--description=weekly", "--permission=p-2", "--yes"];
    site.done(&updated).await;
    let account = site.service_account(&id).unwrap();
    assert_eq!((account.name(), account.description(), account.permissions().len()), ("restic", "weekly", 1));

    for (verb, on) in [("disable", false), ("enable", true)] {
        let switched = site.done(&["service-accounts", verb, &id, "--yes"]).await;
        assert_eq!(shown(&switched), format!("{verb}d the service account \"restic\" ({id})\n"));
        assert_eq!(site.service_account(&id).unwrap().is_enabled(), on);
        let before = site.simulator.violations().len();
        let again = site.done(&["service-accounts", verb, &id, "--yes", "--output=json"]).await;
        assert_eq!(json("change", &again)["changed"], false);
        assert_eq!(site.simulator.violations().len(), before, "nothing is sent");
    }
    let deleted = site.done(&["service-accounts", "delete", &id, "--yes"]).await;
    assert!(
        said(&deleted).contains("IT IS ENABLED: every program that uses its key fails at once"),
        "{}",
        said(&deleted)
    );
    assert!(site.service_account(&id).is_none());
}

#[tokio::test]
async fn renew_makes_another_one_and_leaves_the_old_one_on() {
    let site = Site::new().await;
    let renewed = site
        .done(&["service-accounts", "renew", "sa-1", "--secret-file=pair.json", "--yes", "--output=json"])
        .await;
    let change = json("change", &renewed);
    let id = change["id"].as_str().unwrap();
    let (old, new) = (site.service_account("sa-1").unwrap(), site.service_account(id).unwrap());
    assert!(old.is_enabled() && new.is_enabled());
    assert!(new.name().starts_with("veeam-renewed-20"), "{}", new.name());
    assert_eq!((new.permissions(), new.description()), (old.permissions(), old.description()));
    assert_eq!(
        (&change["ready"], &change["renews"]),
        (&json!(true), &json!({"id": "sa-1", "name": "veeam"}))
    );
    assert_eq!(site.pair_in("pair.json"), site.issued(id));
    assert!(said(&renewed).contains("waiting for the service account to be ready"), "{}", said(&renewed));
    let config = site.path("config.yaml");
    let begin = format!(
        "lyve-cloud-exporter manage --config.file={} --account=acme service-accounts",
        config.display()
    );
    assert_eq!(change["next"], json!([format!("{begin} disable sa-1"), format!("{begin} delete sa-1")]));

    // Twice makes no third one, whatever file is named.
    for file in ["other.json", "pair.json"] {
        let again = ["service-accounts", "renew", "sa-1", &format!("--secret-file={file}"), "--yes"];
        let output = site.run(&again).await;
        assert_eq!(site.acme.service_accounts().len(), 2, "{}", said(&output));
        if file == "pair.json" {
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        } else {
            let told = format!("was already renewed by \"{}\" ({id})", new.name());
            assert!(said(&output).contains(&told), "{}", said(&output));
            assert_eq!(output.status.code(), Some(1));
            assert!(!site.path(file).exists());
        }
    }
    // The new one is renewed in its turn, the same day.
    let next = ["service-accounts", "renew", id, "--secret-file=next.json", "--yes", "--output=json"];
    let change = json("change", &site.done(&next).await);
    assert_eq!(change["name"], format!("{}-2", new.name()));
}

#[tokio::test]
async fn a_dry_run_sends_nothing_but_reads() {
    let site = Site::new().await;
    for arguments in [
        &["permissions", "create", "--name=a", "--type=all-buckets", "--actions=read-only"][..],
        &["permissions", "update", "p-1", "--name=b"],
        &["permissions", "delete", "p-2"],
        &["service-accounts", "create", "--name=a", "--permission=p-1"],
        &["service-accounts", "update", "sa-1", "--name=b"],
        &["service-accounts", "disable", "sa-1"],
        &["service-accounts", "delete", "sa-1"],
        &["service-accounts", "renew", "sa-1"],
        &["service-accounts", "renew", "sa-1", "--secret-file=pair.json"],
        &["access-keys", "create", "veeam"],
        &["access-keys", "disable", "AKOLD"],
        &["access-keys", "enable", "AKOFF"],
        &["access-keys", "delete", "AKOLD"],
        &["access-keys", "renew", "AKLONE"],
    ] {
        let dry = [arguments, &["--dry-run", "--output=json"]].concat();
        let change = json("change", &site.done(&dry).await);
        assert_eq!((&change["dry_run"], &change["changed"]), (&json!(true), &json!(false)), "{arguments:?}");
        let told = site.done(&[arguments, &["--dry-run"]].concat()).await;
        assert!(shown(&told).starts_with("would "), "{arguments:?}: {}", shown(&told));
    }
    assert_eq!(site.simulator.violations(), []);
    assert!(!site.path("pair.json").exists());
}

#[tokio::test]
async fn the_account_is_the_only_one_that_fits_or_the_one_that_is_named() {
    let site = Site::new().await;
    for (arguments, problem) in [
        (
            &["--account=none", "permissions", "list"][..],
            "--account: the configuration has no account \"none\"",
        ),
        (
            &["--account=archive", "permissions", "list"],
            "account archive has `api: object_storage`, which has access-keys alone",
        ),
        (
            &["--account=acme", "access-keys", "list"],
            "account acme has `api: account_v2`, which has no access-keys: see permissions and service-accounts",
        ),
        (&["permissions", "update", "p-1", "--yes"], "nothing to update is given: see --help"),
        (&["service-accounts", "update", "sa-1", "--yes"], "nothing to update is given: see --help"),
        (&["permissions", "create", "--name=a", "--yes"], "give --type"),
        (
            &["permissions", "create", "--name=a", "--type=bucket-names", "--prefix=b", "--yes"],
            "--type bucket-names needs --actions; --type bucket-names takes no --prefix; --type bucket-names needs --bucket",
        ),
    ] {
        let rejected = site.rejected(2, arguments).await;
        assert_eq!(rejected, format!("lyve-cloud-exporter: {problem}\n"), "{arguments:?}");
    }
    for id in ["", "..", "a/b", "sa-1/enabled", "a%2f"] {
        let output = site.run(&["service-accounts", "delete", id, "--yes"]).await;
        assert_eq!(output.status.code(), Some(2), "{id}");
    }
    assert_eq!(site.simulator.request_count(None), 0, "nobody is asked");
    site.configure_second();
    let rejected = site.rejected(2, &["permissions", "list"]).await;
    assert_eq!(rejected, "lyve-cloud-exporter: give --account, one of: acme, globex\n");
}

#[tokio::test]
async fn names_that_would_act_on_a_terminal_are_shown_escaped() {
    let site = Site::new().await;
    let evil = Permission::all_buckets("p-9", "a\u{1b}[2Jb\u{202e}c\n", Actions::ReadOnly);
    let _ = site.acme.clone().permission(evil);
    for arguments in [&["permissions", "list"][..], &["permissions", "delete", "p-9", "--yes"]] {
        let output = site.done(arguments).await;
        let all = format!("{}{}", shown(&output), said(&output));
        assert!(all.contains(r"a\u{1b}[2Jb\u{202e}c\n"), "{all:?}");
        assert!(!all.contains(['\u{1b}', '\u{202e}']), "{all:?}");
    }
    assert_eq!(site.simulator.request_count(Endpoint::DeletePermission), 1);
}
