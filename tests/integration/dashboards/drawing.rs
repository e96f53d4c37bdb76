//! Pictures of the dashboards: the queries of the shipped JSON, answered by a real Prometheus, drawn by a page of our own.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::history::History;
use super::model::{Dashboard, load};
use crate::chromium::{Chromium, Scheme};

const WIDTH: u32 = 1440;

/// Lengths of time ranges, and the steps at which a graph of that length is drawn.
const RANGES: [(&str, i64, i64); 4] = [
    ("now-24h", 86_400, 900),
    ("now-7d", 7 * 86_400, 3600),
    ("now-30d", 30 * 86_400, 6 * 3600),
    ("2y", 730 * 86_400, 86_400),
];

fn range(name: &str) -> (i64, i64) {
    let found = RANGES.iter().find(|(known, ..)| *known == name);
    found.map(|(_, length, step)| (*length, *step)).unwrap_or_else(|| panic!("no range {name}"))
}

/// What is chosen in the variables of a dashboard.
fn chosen(account: &str) -> Map<String, Value> {
    let values = [
        ("job", ".+"),
        ("instance", ".+"),
        ("account", account),
        ("top", "20"),
        ("currency", "USD"),
        ("bucket", ".+"),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// What the page is given of a dashboard: its JSON, and the answers to its queries.
async fn answered(history: &History, dashboard: &Dashboard, account: &str, opened: bool) -> Value {
    let variables = chosen(account);
    let (length, step) = range(dashboard.json()["time"]["from"].as_str().unwrap());
    let substitute = |expression: &str| {
        let built_in =
            expression.replace("$__range", &format!("{length}s")).replace("$__rate_interval", "30m");
        variables
            .iter()
            .fold(built_in, |text, (name, value)| text.replace(&format!("${name}"), value.as_str().unwrap()))
    };
    let mut answers = Map::new();
    for panel in dashboard.panels() {
        let mut found = Map::new();
        let (length, step) = panel.json()["timeFrom"].as_str().map_or((length, step), range);
        for target in panel.targets() {
            let query = substitute(target["expr"].as_str().unwrap());
            let answer = if target["instant"] == true {
                history.prometheus.query_at(&query, history.now).await
            } else {
                history.prometheus.range(&query, history.now - length, history.now, step).await
            };
            found.insert(target["refId"].as_str().unwrap().to_owned(), answer);
        }
        answers.insert(panel.json()["id"].to_string(), found.into());
    }
    let mut marks = Vec::new();
    for annotation in dashboard.annotations() {
        let query = substitute(annotation["expr"].as_str().unwrap());
        for series in history.prometheus.query_at(&query, history.now).await.as_array().unwrap() {
            let at: f64 = series["value"][1].as_str().unwrap().parse().unwrap();
            marks.push(json!({"at": at, "color": annotation["iconColor"], "words": annotation["name"]}));
        }
    }
    json!({
        "dashboard": dashboard.json(), "answers": answers, "marks": marks, "variables": variables, "opened": opened,
        "from": (history.now - length) * 1000, "to": history.now * 1000,
    })
}

/// The page that draws it.
fn page(data: &Value) -> String {
    let data = data.to_string().replace('<', "\\u003c");
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Dashboard</title><link rel=icon href=data:,>\
         <style>{}</style><header><h1></h1><div class=variables></div></header><main></main>\
         <script type=application/json id=data>{data}</script><script>{}\n{}\n{}</script>",
        include_str!("page/page.css"),
        include_str!("page/values.js").replace("'use strict';", ""),
        include_str!("page/frames.js").replace("'use strict';", ""),
        include_str!("page/draw.js").replace("'use strict';", ""),
    )
}

/// Serves one page, once.
async fn serve(html: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 8192]).await.unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            html.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(html.as_bytes()).await.unwrap();
    });
    url
}

/// The texts of what is drawn in a panel: its tiles, or the rows of its table.
async fn read(browser: &mut Chromium, title: &str) -> Vec<String> {
    let script = format!(
        "[...document.querySelectorAll('[data-title={title:?}] :is(tr, .stat > div, .nothing)')]\
         .map(one => one.innerText.replace(/\\s+/g, ' ').trim())"
    );
    let found = browser.evaluate(&script).await;
    found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Panels that have nothing to draw of the demo's sixty days, all with a word that says why.
const EMPTY: [(&str, &[&str]); 5] = [
    ("lyvecloud-account", &[]),
    ("lyvecloud-credentials", &[]),
    (
        "lyvecloud-exporter",
        &[
            "Web configuration",
            "State file",
            "Notifications not delivered",
            "Posts to Alertmanagers an hour",
            "Series left out",
        ],
    ),
    ("lyvecloud-object-storage", &[]),
    ("lyvecloud-overview", &[]),
];

#[tokio::test]
async fn sixty_days_are_drawn_and_what_is_broken_is_seen() {
    let history = History::new().await;
    let mut browser = Chromium::start().await;
    let mut faults = Vec::new();
    // With LYVE_DASHBOARDS=directory the pictures are written; docs/ has those of the first screens.
    let directory = std::env::var_os("LYVE_DASHBOARDS").map(std::path::PathBuf::from);
    for dashboard in load() {
        let account = match dashboard.uid() {
            "lyvecloud-account" => "northwind-master",
            "lyvecloud-object-storage" => "archive-global",
            _ => ".+",
        };
        for opened in [false, true] {
            show(&mut browser, &history, &dashboard, account, opened).await;
            let drawn = browser.evaluate("document.querySelectorAll('.panel').length").await;
            let panels = if opened { dashboard.panels().count() } else { dashboard.open_panels().count() };
            let rows = dashboard.open_panels().filter(|panel| panel.kind() == "row").count();
            assert_eq!(drawn.as_u64(), Some((panels - rows) as u64), "{}", dashboard.uid());
            let unnamed = "[...document.querySelectorAll('th')].map(head => head.innerText).filter(name => !/^[A-Z0-9]/.test(name))";
            assert_eq!(
                browser.evaluate(unnamed).await,
                json!([]),
                "columns that nobody named: {}",
                dashboard.uid()
            );
            if let Some(directory) = &directory {
                let name = format!("{}{}.png", dashboard.uid(), if opened { "-open" } else { "" });
                photograph(&mut browser, &directory.join(name), u32::MAX).await;
            }
        }
        if let (Some(directory), "lyvecloud-overview" | "lyvecloud-credentials") =
            (&directory, dashboard.uid())
        {
            show(&mut browser, &history, &dashboard, account, false).await;
            let name = format!("dashboard-{}.png", &dashboard.uid()["lyvecloud-".len()..]);
            photograph(&mut browser, &directory.join(name), 728).await;
            show(&mut browser, &history, &dashboard, account, true).await;
        }
        let empty = browser
            .evaluate(
                "[...document.querySelectorAll('.panel:has(.nothing)')].map(panel => panel.dataset.title)",
            )
            .await;
        let (_, expected) = EMPTY.iter().find(|(uid, _)| *uid == dashboard.uid()).unwrap();
        if empty != json!(expected) {
            faults.push(format!("{}: nothing is drawn in {empty}", dashboard.uid()));
        }
    }
    assert_eq!(faults, [""; 0]);

    let dashboards = load();
    let of = |uid: &str| dashboards.iter().find(|dashboard| dashboard.uid() == uid).unwrap();
    show(&mut browser, &history, of("lyvecloud-overview"), ".+", false).await;
    let accounts = read(&mut browser, "Accounts").await;
    // Which of the two that cannot be read is first, nothing says.
    let broken = ["fabrikam-archive", "litware-research"];
    for account in &accounts[1..3] {
        let is_broken = broken.iter().any(|name| account.starts_with(name)) && !account.contains("All read");
        assert!(is_broken, "what is broken comes first: {accounts:#?}");
    }
    assert_eq!(accounts.len(), 1 + 5, "a row for every account: {accounts:#?}");
    let next = read(&mut browser, "Next end of a credential").await;
    assert_eq!(next, ["5 days northwind-master: backup-writer"]);
    let broken = read(&mut browser, "Credentials that do not work").await;
    assert_eq!(broken, ["2 expired", "1 rejected"]);
    let ends = read(&mut browser, "What ends next").await;
    assert!(ends[1].starts_with("-8 days ✖ Over") && ends[1].contains("✖ Expired"), "{ends:#?}");
    let firing = read(&mut browser, "Which alerts fire").await.join("\n");
    assert!(firing.contains("✖ Critical CredentialExpired northwind-master migration-2025"), "{firing}");

    show(&mut browser, &history, of("lyvecloud-credentials"), ".+", true).await;
    let logins = read(&mut browser, "Logins and sessions").await;
    assert!(logins[1].starts_with("litware-research"), "{logins:#?}");
    assert_eq!(logins.len(), 1 + 5, "a row for every account: {logins:#?}");

    show(&mut browser, &history, of("lyvecloud-account"), "fabrikam-archive", true).await;
    for (title, words) in [
        ("Its API credentials", "✖ Expired"),
        ("Stored now", "Not known"),
        ("Permissions not ready", "? Not known"),
        ("Which are not ready", "None, or not known"),
    ] {
        assert_eq!(read(&mut browser, title).await, [words], "{title}");
    }
}

async fn show(browser: &mut Chromium, history: &History, dashboard: &Dashboard, account: &str, opened: bool) {
    let data = answered(history, dashboard, account, opened).await;
    browser.look(WIDTH, 900, Scheme::Dark).await;
    let visit = browser.visit(&serve(page(&data)).await).await;
    assert!(visit.complaints.is_empty(), "{}: {:#?}", dashboard.uid(), visit.complaints);
}

async fn photograph(browser: &mut Chromium, file: &std::path::Path, most: u32) {
    let height = browser.evaluate("document.body.scrollHeight").await.as_u64().unwrap();
    let height = u32::try_from(height).unwrap().min(most);
    browser.look(WIDTH, height, Scheme::Dark).await;
    let picture = browser.screenshot(WIDTH, height, 1.0).await;
    std::fs::write(file, BASE64_STANDARD.decode(picture).unwrap()).unwrap();
}
