//! What of the exporter itself does not work: on the status page and in the status JSON.

use std::sync::{Arc, Mutex};

use lyve_cloud_exporter::config::{Alertmanager, Config};
use lyve_cloud_exporter::reload::Loader;
use serde_json::Value;

use crate::stage::{Exporter, Stage, minutes};

/// A configuration, or none that can be read.
type File = Arc<Mutex<Option<Config>>>;

fn loader(file: &File) -> Loader {
    let file = Arc::clone(file);
    Loader::new(move || match &*file.lock().unwrap() {
        Some(config) => Ok(config.clone()),
        None => lyve_cloud_exporter::config::load(
            Some("/nowhere/lyve.yaml".as_ref()),
            &std::collections::BTreeMap::new(),
        ),
    })
}

/// The subjects of all problems, once there are so many.
async fn problems(exporter: &Exporter, count: usize) -> Vec<Value> {
    let told = async {
        loop {
            let status = exporter.get("/api/v1/status").await.json();
            let problems = status["problems"].as_array().unwrap().clone();
            if problems.len() == count {
                return problems;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), told).await.expect("so many problems")
}

#[tokio::test]
async fn a_broken_reload_an_unwritable_state_file_and_undelivered_alerts_are_shown_until_they_are_over() {
    let stage = Stage::new().await;
    let directory = tempfile::tempdir().unwrap();
    let state_file = directory.path().join("missing").join("state.json");
    // Nobody listens there any more.
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_, mut config) = stage.acme();
    config.state_file = Some(state_file.clone());
    config.alertmanager = Some(Alertmanager {
        urls: vec![format!("http://{away}").parse().unwrap()],
        basic_auth: None,
        ca_file: None,
        external_url: None,
    });
    let file = File::default();
    let exporter = stage.exporter_from(config.clone(), Some(loader(&file))).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    exporter.reloader.reload().await.unwrap_err();

    let told = problems(&exporter, 3).await;
    let subjects: Vec<&str> = told.iter().map(|problem| problem["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["config_reload", "state_file", "notifications"]);
    assert!(told[0]["message"].as_str().unwrap().contains("/nowhere/lyve.yaml"), "{told:?}");
    assert!(told[1]["message"].as_str().unwrap().contains("state.json"), "{told:?}");
    assert_eq!(told[2]["alertmanager"], format!("http://{away}"));
    assert_eq!(told[2]["message"], "no connection");

    let page = exporter.get("/").await.text();
    for words in [
        "The changed configuration was not loaded",
        "The state file cannot be written",
        "Alerts are not delivered",
        "exporter itself",
    ] {
        assert!(page.contains(words), "{words} in {page}");
    }

    std::fs::create_dir(state_file.parent().unwrap()).unwrap();
    *file.lock().unwrap() = Some(Config { alertmanager: None, ..config });
    exporter.reloader.reload().await.unwrap();
    exporter.advance(minutes(2)).await;
    problems(&exporter, 0).await;
    assert!(!exporter.get("/").await.text().contains("exporter itself"));
    exporter.stop().await.unwrap();
}

#[tokio::test]
async fn it_says_when_each_part_is_read_next() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    let next = "the next polls are planned";
    exporter
        .until(next, |store| {
            let state = store.account("acme").unwrap().state();
            let planned = |collector| {
                state.health(collector).next_attempt
                    > Some(lyve_cloud_exporter::clock::Clock::now(&stage.clock))
            };
            state.spec.collectors.iter().all(|collector| planned(*collector))
        })
        .await;
    stage.clock.advance(minutes(12));
    let page = exporter.get("/?account=acme").await.text();
    assert!(page.contains("12 min ago") && page.contains("in 48 min"), "{page}");
    let status = exporter.get("/api/v1/status").await.json();
    let collectors = status["accounts"][0]["collectors"].as_array().unwrap();
    assert!(collectors.iter().all(|collector| collector["next_attempt"].is_string()), "{collectors:?}");
}
