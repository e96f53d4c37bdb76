use super::*;

#[tokio::test]
async fn current_usage_of_a_plain_account() {
    let stage = Stage::new().await;
    let _acme = stage.acme.clone().bucket("backups", 534.51).bucket("a \"quoted\" name", 3957.45);
    let client = stage.log_in().await;
    assert_eq!(
        client.get("/usage/current").await.json(),
        json!({"usageByBucket": {"numBuckets": 2, "totalUsageGB": 4491.96, "buckets": [
            {"name": "backups", "usageGB": 534.51}, {"name": "a \"quoted\" name", "usageGB": 3957.45}]}})
    );
    stage.acme.set_bucket_usage("backups", 1.5);
    stage.acme.set_bucket_usage("new", 2.0);
    stage.acme.remove_bucket("a \"quoted\" name");
    assert_eq!(
        client.get("/usage/current").await.json(),
        json!({"usageByBucket": {"numBuckets": 2, "totalUsageGB": 3.5, "buckets": [
            {"name": "backups", "usageGB": 1.5}, {"name": "new", "usageGB": 2.0}]}})
    );
}

#[tokio::test]
async fn a_master_account_has_a_total_with_its_sub_accounts() {
    let stage = Stage::new().await;
    let _acme = stage
        .acme
        .clone()
        .bucket("backups", 10.0)
        .sub_account(
            SubAccount::new("8d1c", "emea", 120.5).counts(3, 2, 7).created("2022-10-16T14:06:51.494Z"),
        )
        .sub_account(SubAccount::new("9e2d", "apac", 1.0).trial_days(12));
    let part = stage.log_in().await.get("/usage/current").await.json()["usageBySubAccount"].clone();
    assert_eq!(part["totalUsageGB"], json!(131.5));
    assert_eq!(
        part["subAccounts"][0],
        json!({"subAccountName": "emea", "subAccountId": "8d1c", "usageGB": 120.5, "users": 3,
            "serviceAccounts": 2, "buckets": 7, "trial": -1, "createTime": "2022-10-16T14:06:51.494Z"})
    );
    assert_eq!(part["subAccounts"][1]["trial"], json!(12));
    assert_eq!(part["subAccounts"][1]["users"], json!(0));
}

#[tokio::test]
async fn what_is_empty_can_be_a_zero_or_missing() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    let empty = json!({"numBuckets": 0, "totalUsageGB": 0.0, "buckets": []});
    let usage = client.get("/usage/current").await.json();
    assert_eq!(usage, json!({"usageByBucket": empty}));

    let _acme = stage.acme.clone().zero_sub_account_total();
    let usage = client.get("/usage/current").await.json();
    assert_eq!(usage, json!({"usageByBucket": empty, "usageBySubAccount": {"totalUsageGB": 0.0}}));

    let _acme = stage.acme.clone().master();
    stage.simulator.configure(|settings| settings.leave_out_empty = true);
    let usage = client.get("/usage/current").await.json();
    assert_eq!(usage, json!({"usageByBucket": {}, "usageBySubAccount": {}}));
}

/// The months of an answer in the order of the calendar, with their totals.
fn totals(answer: &Value, part: &str) -> Vec<(i64, i64, f64)> {
    let mut totals: Vec<_> = answer[part]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["year"].as_i64().unwrap(),
                item["month"].as_i64().unwrap(),
                item["totalUsageGB"].as_f64().unwrap(),
            )
        })
        .collect();
    totals.sort_by_key(|(year, month, _)| (*year, *month));
    totals
}

const YEAR_END: &str = "/usage/monthly?fromMonth=10&fromYear=2025&toMonth=1&toYear=2026";

#[tokio::test]
async fn months_without_data_are_zero_and_the_base_of_the_answer_is_a_choice() {
    let stage = Stage::new().await;
    let _acme = stage
        .acme
        .clone()
        .month(month(2025, 12), &[("backups", 1.5), ("media", 2.0)])
        .month(month(2026, 1), &[("backups", 4.0)])
        .sub_account_month(month(2026, 1), "8d1c", "emea", 12.0);
    let client = stage.log_in().await;
    let answer = client.get(YEAR_END).await.json();
    assert_eq!(
        totals(&answer, "usageByBucket"),
        [(2025, 10, 0.0), (2025, 11, 3.5), (2026, 0, 4.0), (2026, 1, 0.0)]
    );
    assert_eq!(totals(&answer, "usageBySubAccount")[2], (2026, 0, 16.0));
    stage.simulator.configure(|settings| settings.answer_month_base = MonthBase::One);
    let answer = client.get(YEAR_END).await.json();
    assert_eq!(
        totals(&answer, "usageByBucket"),
        [(2025, 11, 0.0), (2025, 12, 3.5), (2026, 1, 4.0), (2026, 2, 0.0)]
    );
}

#[tokio::test]
async fn months_come_in_no_order_yet_always_the_same() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    let window = "/usage/monthly?fromMonth=0&fromYear=2026&toMonth=5&toYear=2026";
    let months = |answer: Value| -> Vec<i64> {
        let items = answer["usageByBucket"].as_array().unwrap().clone();
        items.iter().map(|item| item["month"].as_i64().unwrap()).collect()
    };
    let first = months(client.get(window).await.json());
    stage.acme.set_bucket_usage("new", 1.0);
    assert_eq!(first, months(client.get(window).await.json()));
    assert!(!first.is_sorted());
}

#[tokio::test]
async fn a_window_that_is_too_long_or_reversed_is_rejected() {
    let stage = Stage::new().await;
    let client = stage.log_in().await;
    for (query, code) in [
        ("fromMonth=0&fromYear=2026&toMonth=6&toYear=2026", "InvalidTimeRange"),
        ("fromMonth=0&fromYear=2026&toMonth=11&toYear=2025", "InvalidTimeRange"),
        ("from-month=0&fromYear=2026", "InvalidArgument"),
    ] {
        let answer = client.get(&format!("/usage/monthly?{query}")).await;
        assert_eq!(answer.error(), (400, code.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_curve_moves_with_the_clock_and_has_a_past() {
    let stage = Stage::new().await;
    let born = at("2026-10-01T00:00:00Z");
    let days = move |time: Timestamp| f64::from(i32::try_from((time - born).as_secs()).unwrap()) / 86_400.0;
    let _acme =
        stage.acme.clone().bucket("growing", Usage::curve(move |time| (time >= born).then(|| days(time))));
    let client = stage.log_in().await;
    let total = |answer: Value| answer["usageByBucket"]["totalUsageGB"].clone();
    assert_eq!(total(client.get("/usage/current").await.json()), json!(54.5));
    stage.clock.set(at("2026-11-25T00:00:00Z"));
    assert_eq!(total(client.get("/usage/current").await.json()), json!(55.0));
    let months = client.get("/usage/monthly?fromMonth=8&fromYear=2026&toMonth=9&toYear=2026").await.json();
    assert_eq!(totals(&months, "usageByBucket"), [(2026, 8, 0.0), (2026, 9, 15.5)]);
}

#[tokio::test]
async fn an_account_of_a_hundred_thousand_buckets_is_rendered_once() {
    let stage = Stage::new().await;
    let buckets = (0..100_000_u32).map(|number| (format!("bucket-{number:06}"), 1.25));
    let _acme = stage.acme.clone().buckets(buckets);
    let client = stage.log_in().await;
    let answer = client.get("/usage/current").await;
    let usage = answer.json();
    assert_eq!(usage["usageByBucket"]["numBuckets"], json!(100_000));
    assert_eq!(usage["usageByBucket"]["totalUsageGB"], json!(125_000.0));
    let kept = stage.simulator.shared.world().account("acme").unwrap().rendered.len();
    assert_eq!(kept, 1);
    assert_eq!(client.get("/usage/current").await.body, answer.body);
}
