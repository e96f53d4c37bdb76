//! Access keys of Lyve Cloud Object Storage.

use lyve_cloud_exporter::simulator::{Endpoint, ErrorForm, Fault};
use serde_json::json;

use super::site::{Site, json, said, shown};

fn keys(site: &Site, user: &str) -> Vec<(String, bool)> {
    let users = site.archive.users();
    let user = users.iter().find(|this| this.name() == user).expect("a user");
    user.keys().iter().map(|(id, is_active, _)| ((*id).to_owned(), *is_active)).collect()
}

#[tokio::test]
async fn keys_are_listed_with_their_users() {
    let site = Site::new().await;
    let list = json("access_keys", &site.done(&["access-keys", "list", "--output=json"]).await);
    let listed: Vec<_> = list.as_array().unwrap().iter().map(|key| (&key["id"], &key["active"])).collect();
    let [on, off] = [json!(true), json!(false)];
    let ids = ["AKARCHIVE", "AKLONE", "AKOFF", "AKOLD"].map(|id| json!(id));
    assert_eq!(listed, [(&ids[0], &on), (&ids[1], &on), (&ids[2], &off), (&ids[3], &on)]);
    let list = site.done(&["access-keys", "list"]).await;
    assert!(shown(&list).starts_with("ACCESS KEY  USER    ACTIVE  CREATED\n"), "{}", shown(&list));
}

#[tokio::test]
async fn a_key_is_created_switched_and_deleted() {
    let site = Site::new().await;
    let made = ["access-keys", "create", "restic", "--secret-file=pair.json", "--yes", "--output=json"];
    let change = json("change", &site.done(&made).await);
    let id = change["id"].as_str().unwrap();
    assert_eq!(keys(&site, "restic"), [("AKLONE".to_owned(), true), (id.to_owned(), true)]);
    let users = site.archive.users();
    let restic = users.iter().find(|user| user.name() == "restic").unwrap();
    let secret = restic.keys()[1].2.unwrap().to_owned();
    assert_eq!(site.pair_in("pair.json"), [id.to_owned(), id.to_owned(), secret]);

    for (verb, on) in [("disable", false), ("enable", true)] {
        let switched = site.done(&["access-keys", verb, id, "--yes"]).await;
        assert_eq!(shown(&switched), format!("{verb}d the access key {id}\n"));
        assert_eq!(keys(&site, "restic")[1].1, on);
        let again = site.done(&["access-keys", verb, id, "--yes"]).await;
        assert_eq!(shown(&again), format!("the access key {id} is {verb}d already\n"));
    }
    site.done(&["access-keys", "delete", id, "--yes"]).await;
    assert_eq!(keys(&site, "restic").len(), 1);
    let gone = site.rejected(1, &["access-keys", "delete", id, "--yes"]).await;
    assert!(gone.contains(&format!("there is no access key {id}. It may have been deleted")), "{gone}");
}

#[tokio::test]
async fn a_renewed_key_is_found_and_no_third_one_is_made() {
    let site = Site::new().await;
    let renew = |file: &str| {
        ["access-keys", "renew", "AKLONE", &format!("--secret-file={file}"), "--yes", "--output=json"]
            .map(str::to_owned)
    };
    let run = async |file: &str| {
        let words = renew(file);
        site.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let change = json("change", &run("pair.json").await);
    let id = change["id"].as_str().unwrap();
    assert_eq!(change["renews"], json!({"id": "AKLONE", "name": "restic"}));
    assert!(change["next"][0].as_str().unwrap().ends_with(" access-keys disable AKLONE"), "{change}");
    assert!(keys(&site, "restic").iter().all(|(_, is_active)| *is_active), "the old one stays on");
    let again = json("change", &run("pair.json").await);
    assert_eq!((&again["id"], &again["changed"]), (&json!(id), &json!(false)));
    let other = run("other.json").await;
    assert_eq!(other.status.code(), Some(1));
    assert!(
        said(&other).contains(&format!("has a newer access key already, {id} (created: ")),
        "{}",
        said(&other)
    );
    assert_eq!(keys(&site, "restic").len(), 2);
    site.done(&["access-keys", "disable", "AKLONE", "--yes"]).await;
    site.done(&["access-keys", "delete", "AKLONE", "--yes"]).await;
    assert_eq!(keys(&site, "restic"), [(id.to_owned(), true)]);
}

#[tokio::test]
async fn a_third_key_is_rejected_in_words() {
    let site = Site::new().await;
    for form in [ErrorForm::Xml, ErrorForm::Json] {
        site.simulator.configure(|settings| settings.object_storage.error_form = form);
        let rejected =
            site.rejected(1, &["access-keys", "create", "veeam", "--secret-file=a", "--yes"]).await;
        assert!(
            rejected.ends_with("A user has two access keys at most: delete one that nobody uses, and run the command again.\n"),
            "{rejected}"
        );
        assert!(!site.path("a").exists());
    }
}

#[tokio::test]
async fn the_key_that_signs_the_requests_is_kept() {
    let site = Site::new().await;
    for verb in ["disable", "delete"] {
        let rejected = site.rejected(1, &["access-keys", verb, "AKARCHIVE", "--yes"]).await;
        assert!(
            rejected.ends_with(
                "AKARCHIVE is the access key that the configuration of account archive uses: put another one there first\n"
            ),
            "{rejected}"
        );
    }
    assert_eq!(site.simulator.violations(), []);
}

#[tokio::test]
async fn a_lone_rejection_after_a_change_of_keys_is_asked_once_more() {
    let site = Site::new().await;
    site.simulator.fail_once(Endpoint::UpdateAccessKey, Fault::xml_error(403, "InvalidClientTokenId", ""));
    site.done(&["access-keys", "disable", "AKOLD", "--yes"]).await;
    assert_eq!(site.simulator.request_count(Endpoint::UpdateAccessKey), 2);
    assert!(!keys(&site, "veeam")[0].1);
}

#[tokio::test]
async fn a_key_whose_secret_was_lost_on_the_way_is_named() {
    let site = Site::new().await;
    site.configure_haste();
    site.simulator.fail_once(Endpoint::CreateAccessKey, Fault::HangMidBody);
    let lost = site.rejected(1, &["access-keys", "create", "restic", "--secret-file=a", "--yes"]).await;
    let id = keys(&site, "restic")[1].0.clone();
    let told = format!(
        "the vendor made the access key {id} for the user \"restic\", but its answer with the secret was lost"
    );
    assert!(lost.contains(&told), "{lost}");
    assert!(lost.ends_with(&format!(" access-keys delete {id}\n")), "{lost}");
    assert_eq!(site.simulator.request_count(Endpoint::CreateAccessKey), 1, "it is not repeated");
    assert!(!site.path("a").exists());

    site.simulator.fail_once(Endpoint::DeleteAccessKey, Fault::HangMidBody);
    site.done(&["access-keys", "delete", &id, "--yes"]).await;
    assert_eq!(
        site.simulator.request_count(Endpoint::DeleteAccessKey),
        1,
        "its status says that it was done"
    );
    site.simulator.fail_once(Endpoint::DeleteAccessKey, Fault::HangBeforeHeaders);
    let failed = site.rejected(1, &["access-keys", "delete", "AKOLD", "--yes"]).await;
    assert!(failed.ends_with("It was not done: nothing was changed. Run the command again\n"), "{failed}");
    for verb in ["disable", "enable"] {
        site.simulator.fail_once(Endpoint::UpdateAccessKey, Fault::Truncated);
        site.done(&["access-keys", verb, "AKOLD", "--yes"]).await;
    }
}
