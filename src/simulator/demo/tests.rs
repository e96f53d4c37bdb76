use std::sync::Arc;

use serde_json::Value;

use crate::clock::Manual;

use super::super::answer;
use super::super::world::AccountState;
use super::*;

const NOW: &str = "2026-11-24T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

async fn simulator() -> (Manual, Simulator) {
    let clock = Manual::new(now());
    let simulator = Simulator::start(Arc::new(clock.clone())).await.unwrap();
    world(&simulator);
    (clock, simulator)
}

fn read(simulator: &Simulator, id: &str, read: impl FnOnce(&AccountState) -> bytes::Bytes) -> Value {
    let world = simulator.shared.world();
    serde_json::from_slice(&read(world.account(id).unwrap())).unwrap()
}

fn current(simulator: &Simulator, id: &str) -> Value {
    let settings = simulator.shared.world().settings.clone();
    read(simulator, id, |account| answer::current_usage(account, &settings, simulator.now()))
}

/// The totals of the buckets in the fourteen closed months, oldest first.
fn history(simulator: &Simulator, id: &str) -> Vec<f64> {
    let settings = simulator.shared.world().settings.clone();
    let this = Month::of(simulator.now());
    (1..=MONTHS)
        .rev()
        .map(|back| {
            let window = (this.plus(-back), this.plus(-back));
            let answer = read(simulator, id, |account| {
                answer::monthly_usage(account, &settings, window, simulator.now())
            });
            answer["usageByBucket"][0]["totalUsageGB"].as_f64().unwrap()
        })
        .collect()
}

#[tokio::test]
async fn the_pairs_log_in_as_configured() {
    let (_clock, simulator) = simulator().await;
    let [northwind, contoso, fabrikam, litware] = accounts(now());
    assert_eq!(
        [northwind.credential, contoso.credential, fabrikam.credential, litware.credential],
        [
            Expiry::At("2026-12-19T00:00:00Z".parse().unwrap()),
            Expiry::Never,
            Expiry::At("2026-11-21T00:00:00Z".parse().unwrap()),
            Expiry::At("2027-04-16T00:00:00Z".parse().unwrap()),
        ]
    );
    let mut world = simulator.shared.world();
    for (account, is_accepted) in [(northwind, true), (contoso, true), (fabrikam, false), (litware, false)] {
        let token =
            world.log_in(account.account_id, account.access_key.expose(), account.secret.expose(), now());
        assert_eq!(token.is_some(), is_accepted, "{}", account.name);
    }
}

#[tokio::test]
async fn usage_grows_over_months_of_equal_number_in_every_account() {
    let (_clock, simulator) = simulator().await;
    let northwind = history(&simulator, "northwind");
    let contoso = history(&simulator, "contoso");
    // The migration began in the last of them.
    let (before, since) = northwind.split_at(13);
    assert!(before.is_sorted() && before[0] > 0.0 && since[0] < before[12], "{northwind:?}");
    assert!(contoso.is_sorted() && contoso[0] > 0.0, "{contoso:?}");
    let total = |id| current(&simulator, id)["usageByBucket"]["totalUsageGB"].as_f64().unwrap();
    assert!((300_000.0..400_000.0).contains(&total("northwind")));
    assert!((80_000.0..100_000.0).contains(&total("contoso")));
    assert!((200_000.0..220_000.0).contains(&total("fabrikam")));
    let archive = simulator.object_storage_account(object_storage_account().name);
    let first = Month::of(now()).plus(-MONTHS).start();
    let day = Offset::UTC.to_datetime(first).date();
    assert!(archive.figures_of(day).0 > 0, "so that the sum over all accounts does not jump");
}

#[test]
fn the_last_sixty_days_have_a_deletion_and_a_migration() {
    let ago = |days: i64| now() - SignedDuration::from_hours(24 * days);
    let terabytes = |bytes: u64| bytes / 1_000_000_000_000;
    let contoso = usage_over_time("contoso-backup", now()).unwrap();
    assert!((8..10).contains(&terabytes(contoso(ago(24)) - contoso(ago(22)))));
    let (old, new) =
        (usage_over_time("northwind-master", now()).unwrap(), object_storage_usage_over_time(now()));
    let (before, after) = (ago(51), ago(8));
    assert!(old(after) + 40_000_000_000_000 < old(before), "{} {}", old(before), old(after));
    assert!(new(before) + 60_000_000_000_000 < new(after), "{} {}", new(before), new(after));
    assert!(old(after) + new(after) > old(before) + new(before), "nothing is lost on the way");
}

#[tokio::test]
async fn a_month_that_closes_while_one_watches_joins_the_history() {
    let (clock, simulator) = simulator().await;
    clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let history = history(&simulator, "contoso");
    // The bucket that was deleted counts until its day.
    assert!(history[0] > 0.0 && history[..MONTHS as usize - 1].is_sorted(), "{history:?}");
}

#[tokio::test]
async fn the_same_clock_gives_the_same_world_and_a_later_one_another() {
    let (clock, first) = simulator().await;
    let (_clock, second) = simulator().await;
    for id in ["northwind", "contoso", "fabrikam"] {
        assert_eq!(current(&first, id), current(&second, id));
        assert_eq!(history(&first, id), history(&second, id));
    }
    let before = current(&first, "northwind");
    clock.advance(std::time::Duration::from_secs(15));
    let after = current(&first, "northwind");
    let usage = |answer: &Value, bucket: usize| {
        answer["usageByBucket"]["buckets"][bucket]["usageGB"].as_f64().unwrap()
    };
    let moves: Vec<f64> = (0..26).map(|bucket| usage(&after, bucket) - usage(&before, bucket)).collect();
    assert!(moves.iter().any(|change| *change > 0.0), "{moves:?}");
    assert!(moves.iter().any(|change| *change < 0.0), "{moves:?}");
}

#[tokio::test]
async fn every_kind_of_service_account_permission_and_sub_account_is_there() {
    let (clock, simulator) = simulator().await;
    let list = read(&simulator, "northwind", |account| answer::service_accounts(account, simulator.now()));
    let service = |name: &str| {
        let list = list.as_array().unwrap();
        list.iter().find(|service| service["name"] == name).unwrap().clone()
    };
    assert_eq!(service("backup-writer")["expirationDate"], "2026-11-30");
    assert_eq!(service("migration-2025")["expirationDate"], "2026-11-17");
    assert_eq!(service("log-shipper")["expirationDate"], "");
    assert_eq!(service("media-ingest").get("expirationDate"), None);
    assert_eq!(service("monthly-reports")["enabled"], false);
    assert_eq!(service("warehouse-export")["readyState"], false);

    let permissions = read(&simulator, "northwind", |account| answer::permissions(account, simulator.now()));
    let permissions = permissions.as_array().unwrap();
    for kind in ["all-buckets", "bucket-prefix", "bucket-names", "policy"] {
        assert!(permissions.iter().any(|permission| permission["type"] == kind));
    }
    let mut ids: Vec<_> = permissions.iter().map(|permission| permission["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), permissions.len());

    let trials = || -> Vec<i64> {
        let usage = current(&simulator, "northwind");
        let list = usage["usageBySubAccount"]["subAccounts"].as_array().unwrap();
        list.iter().map(|sub| sub["trial"].as_i64().unwrap()).collect()
    };
    assert_eq!(trials(), [-1, -1, 12, -1]);
    clock.advance(std::time::Duration::from_secs(86_400));
    assert_eq!(trials(), [-1, -1, 11, -1]);
}

#[tokio::test]
async fn the_account_of_the_current_platform_has_what_is_worth_a_warning() {
    let (clock, simulator) = simulator().await;
    let configured = object_storage_account();
    let account = simulator.object_storage_account(configured.name);
    assert_eq!(
        account.pair(),
        (configured.access_key.expose().to_owned(), configured.secret.expose().to_owned())
    );
    let day = |text: &str| account.figures_of(text.parse().unwrap());
    assert_eq!(day("2025-08-31"), (0, 0, 0), "before there was anything");
    let months: Vec<u64> =
        ["2025-10-31", "2026-01-31", "2026-04-30", "2026-07-31", "2026-10-31", "2026-11-23"]
            .map(|text| day(text).0)
            .into();
    assert!(months.is_sorted() && months[0] > 0, "{months:?}");
    let (used, ghosts, objects) = day("2026-11-24");
    let (alive, deleted): (Vec<_>, Vec<_>) =
        account.bucket_sizes().into_iter().partition(|(_, _, is_deleted)| !is_deleted);
    assert_eq!((alive.len(), deleted.len()), (9, 4));
    let held: u64 = alive.iter().map(|(_, bytes, _)| bytes).sum();
    assert!(used > held && (245..255).contains(&(used / 1_000_000_000_000)), "{used} of {held}");
    assert!(ghosts > 9_000_000_000_000 && objects > 3_000_000, "{ghosts} {objects}");

    clock.advance(std::time::Duration::from_secs(15));
    assert_ne!(account.bucket_sizes(), [alive, deleted].concat(), "they move while one watches");
}
