//! The status page in a real browser.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lyve_cloud_exporter::clock::Clock;
use lyve_cloud_exporter::command::Demo;
use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::simulator::{self, Endpoint, Fault, SubAccount};
use url::form_urlencoded;

use crate::chromium::{Chromium, Scheme, Visit};
use crate::programs::repository;
use crate::stage::{Exporter, Stage, at, hours, minutes, month};

const DESKTOP: u32 = 1280;
const PHONE: u32 = 375;

/// A desk at 200 % zoom.
const ZOOMED: u32 = DESKTOP / 2;

/// A line for each fault that a reader of the page could meet; none is good.
const ACCESSIBILITY: &str = r"(() => {
    const faults = [];
    const all = selector => [...document.querySelectorAll(selector)];
    if (all('h1').length !== 1) faults.push('not one h1');
    let level = 0;
    for (const heading of all('h1,h2,h3,h4')) {
        const next = Number(heading.tagName[1]);
        if (next > level + 1) faults.push('a level of headings is left out before ' + heading.textContent);
        level = next;
    }
    for (const element of all('[aria-labelledby]'))
        if (!document.getElementById(element.getAttribute('aria-labelledby'))) faults.push('no label: ' + element.outerHTML);
    for (const table of all('table'))
        if (!table.caption && !table.hasAttribute('aria-labelledby')) faults.push('no caption: ' + table.outerHTML);
    for (const field of all('input:not([type=hidden])'))
        if (!field.labels.length) faults.push('no label: ' + field.outerHTML);
    for (const svg of all('svg'))
        if (svg.getAttribute('aria-hidden') !== 'true' && !svg.getAttribute('aria-label')) faults.push('no label: ' + svg.outerHTML);
    const ids = all('[id]').map(element => element.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push('twice: ' + id);
    for (const element of all('[tabindex], [accesskey]')) faults.push('not in the order of the page: ' + element.outerHTML);
    if (!document.documentElement.lang || !document.title) faults.push('no language or title');
    return faults;
})()";

/// What is wider than the box it stands in.
const SPILLS: &str = r"[...document.querySelectorAll('body *')]
    .filter(element => element instanceof HTMLElement && getComputedStyle(element).display !== 'inline')
    .filter(element => element.clientWidth > 1 && element.scrollWidth > element.clientWidth)
    .map(element => element.outerHTML.slice(0, 200))";

/// The text whose contrast with what is behind it is less than 4.5 to 1.
const CONTRAST: &str = r"(() => {
    const parse = colour => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return {r, g, b, a}; };
    const light = ({r, g, b}) => {
        const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.a === 1) return colour;
        }
        return {r: 255, g: 255, b: 255};
    };
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode, element = text.parentElement;
        if (!text.textContent.trim() || !element.checkVisibility() || element.closest('title')) continue;
        const style = getComputedStyle(element);
        const colour = parse(element.closest('svg') ? style.fill : style.color);
        const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < 4.5) faint.push(contrast.toFixed(2) + ': ' + text.textContent.trim());
    }
    return faint;
})()";

fn account(name: &str) -> String {
    form_urlencoded::Serializer::for_suffix("/?".to_owned(), 2).append_pair("account", name).finish()
}

fn assert_quiet(visit: &Visit, address: SocketAddr) {
    assert!(visit.complaints.is_empty(), "the browser complains: {:#?}", visit.complaints);
    let own = format!("http://{address}/");
    let strange: Vec<_> =
        visit.requests.iter().filter(|url| !url.starts_with(&own) && !url.starts_with("data:")).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// What axe-core finds, a line for each rule that is violated.
const AXE: &str = r"axe.run(document, {resultTypes: ['violations']}).then(results => results.violations.map(
    violation => violation.id + ': ' + violation.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | ')))";

/// The rules of axe-core. `tests/run` installs them, or says that this is not checked.
fn axe() -> Option<String> {
    std::fs::read_to_string(repository("target/tools/node_modules/axe-core/axe.min.js")).ok()
}

/// Looks at a page on a desk in the light and on a phone in the dark; it has to be good on both.
async fn look(browser: &mut Chromium, address: SocketAddr, path: &str) -> String {
    let url = format!("http://{address}{path}");
    let axe = axe();
    for (width, scheme) in
        [(DESKTOP, Scheme::Light), (DESKTOP, Scheme::Dark), (ZOOMED, Scheme::Light), (PHONE, Scheme::Dark)]
    {
        browser.look(width, 800, scheme).await;
        let visit = browser.visit(&url).await;
        assert_quiet(&visit, address);
        let seen = browser.evaluate("document.documentElement.scrollWidth").await;
        assert!(
            seen.as_u64() <= Some(width.into()),
            "{path} at {width} pixels is {seen} wide: {}",
            widest(browser).await
        );
        let spills = browser.evaluate(SPILLS).await;
        assert_eq!(spills, serde_json::json!([]), "{path} at {width} pixels");
        let faults = browser.evaluate(ACCESSIBILITY).await;
        assert_eq!(faults, serde_json::json!([]), "{path}");
        let faint = browser.evaluate(CONTRAST).await;
        assert_eq!(faint, serde_json::json!([]), "{path} {scheme:?}");
        if let Some(axe) = &axe {
            browser.evaluate(&format!("{axe}; undefined")).await;
            let violations = browser.evaluate(AXE).await;
            assert_eq!(violations, serde_json::json!([]), "{path} at {width} pixels, {scheme:?}");
        }
        // The policy let the page's own style through.
        let styled = browser.evaluate("getComputedStyle(document.body).marginTop").await;
        assert_eq!(styled, "0px", "{path} has no style");
    }
    let text = browser.evaluate("document.body.innerText").await;
    text.as_str().expect("text").to_owned()
}

/// What sticks out, for the message of a test that fails.
async fn widest(browser: &mut Chromium) -> serde_json::Value {
    let script = "[...document.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth)\
                  .map(e => e.outerHTML.slice(0, 120)).slice(0, 5)";
    browser.evaluate(script).await
}

/// The demo on the tests' clock, polled once.
async fn demo() -> (Stage, Demo, Exporter) {
    let stage = Stage::new().await;
    let clock: Arc<dyn Clock> = Arc::new(stage.clock.clone());
    let demo = Demo::start(&clock).await.expect("a demo");
    let exporter = stage.polled_exporter(demo.config().expect("a configuration")).await;
    demo.remember(&exporter.store);
    (stage, demo, exporter)
}

#[tokio::test]
async fn the_demo_is_good_to_look_at() {
    let (stage, _demo, exporter) = demo().await;
    // Ages of several kinds.
    stage.clock.advance(minutes(3));
    exporter
        .until("the expired account was polled again", |_| {
            exporter.polls("fabrikam-archive", Collector::CREDENTIALS) > 1
        })
        .await;
    let mut browser = Chromium::start().await;
    let text = look(&mut browser, exporter.address, "/").await;
    for words in [
        "in a week",
        "left of the budget",
        "The last 60 days",
        "Expired",
        "Expires in 5 days",
        "Unknown",
        "fabrikam-archive",
        "What to do",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    for (name, words) in [
        ("northwind-master", "12 days left"),
        ("contoso-backup", "Never expires"),
        ("fabrikam-archive", "The API credentials have expired"),
        ("archive-global", "Due for rotation since 2026-10-14"),
        ("archive-global", "ghost space: deleted, still billed"),
        ("archive-global", "Transfer by region on 2026-11-23"),
        ("archive-global", "Must be changed"),
    ] {
        let text = look(&mut browser, exporter.address, &account(name)).await;
        assert!(text.contains(name) && text.contains(words), "{words} in {text}");
    }
    for (path, words) in [
        ("/?state=failing", "litware-research"),
        ("/?state=rejected&refresh=60", "reloads every minute"),
        ("/?within=7d", "backup-writer"),
        ("/?q=backup", "backup-vsphere"),
        ("/?q=nothing-of-that-name", "in its name"),
    ] {
        let text = look(&mut browser, exporter.address, path).await;
        assert!(text.contains(words), "{words} in {text}");
    }

    // With LYVE_SCREENSHOTS=docs the pictures of the documentation are made anew; pngquant makes them small.
    if let Some(directory) = std::env::var_os("LYVE_SCREENSHOTS") {
        let directory = std::path::PathBuf::from(directory);
        let url = format!("http://{}", exporter.address);
        for (name, path, (width, height), scheme, scale) in [
            ("status-page.png", "/".to_owned(), (1440, 900), Scheme::Light, 2.0),
            ("status-page-dark.png", "/".to_owned(), (1440, 900), Scheme::Dark, 2.0),
            ("status-page-phone.png", "/".to_owned(), (PHONE, 812), Scheme::Dark, 1.0),
        ] {
            browser.look(width, height, scheme).await;
            browser.visit(&format!("{url}{path}")).await;
            let picture = browser.screenshot(width, height, scale).await;
            std::fs::write(directory.join(name), BASE64_STANDARD.decode(picture).expect("base64"))
                .expect("a picture");
        }
    }
}

/// The text that a desk's first screen shows whole.
const FIRST_SCREEN: &str = r"(() => {
    const seen = [];
    const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const range = document.createRange();
        range.selectNodeContents(walker.currentNode);
        const box = range.getBoundingClientRect();
        if (box.height > 0 && box.bottom <= innerHeight) seen.push(walker.currentNode.textContent);
    }
    return seen.join(' ');
})()";

#[tokio::test]
async fn the_first_screen_answers_what_is_asked_first() {
    let (_stage, _demo, exporter) = demo().await;
    let mut browser = Chromium::start().await;
    browser.look(1440, 900, Scheme::Light).await;
    browser.visit(&format!("http://{}/", exporter.address)).await;
    let seen = browser.evaluate(FIRST_SCREEN).await;
    for words in [
        "2 accounts cannot be read",
        "In 5 days",
        "backup-writer",
        "683.4 TB",
        "in a week",
        "left of the budget",
        "Oldest figure",
        "What to do",
    ] {
        assert!(seen.as_str().is_some_and(|seen| seen.contains(words)), "{words} in {seen}");
    }

    let stage = Stage::new().await;
    let _acme = stage
        .simulator
        .account("acme")
        .bucket("nightly", 1000.0)
        .month(month(2026, 10), &[("nightly", 900.0)]);
    let mut acme = stage.account("acme");
    acme.credential = Expiry::At(at("2027-01-23T00:00:00Z"));
    let exporter = stage.polled_exporter(Config::of(vec![acme])).await;
    browser.visit(&format!("http://{}/", exporter.address)).await;
    let seen = browser.evaluate(FIRST_SCREEN).await;
    for words in
        ["All is well: 1 credential, none ends within 59 days", "1.00 TB", "Monthly averages", "nightly"]
    {
        assert!(seen.as_str().is_some_and(|seen| seen.contains(words)), "{words} in {seen}");
    }
    look(&mut browser, exporter.address, "/").await;
    look(&mut browser, exporter.address, &account("acme")).await;
}

#[tokio::test]
async fn before_any_answer_it_waits() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    stage.simulator.fail_always(None, Fault::HangBeforeHeaders);
    let exporter = stage.exporter(config).await;
    let mut browser = Chromium::start().await;
    let text = look(&mut browser, exporter.address, "/").await;
    assert!(text.contains("No figures") && text.contains("not polled yet"), "{text}");
    look(&mut browser, exporter.address, &account("acme")).await;
    browser.look(DESKTOP, 800, Scheme::Light).await;
    let missing = browser.visit(&format!("http://{}{}", exporter.address, account("other"))).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn faults_and_what_was_withdrawn_are_told() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    let mut browser = Chromium::start().await;

    stage.simulator.fail_always(Endpoint::CurrentUsage, Fault::empty(500));
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    let text = look(&mut browser, exporter.address, &account("acme")).await;
    for words in
        ["An error on the vendor's side", "15 min ago", "report it to the vendor's support", "4.49 TB"]
    {
        assert!(text.contains(words), "{words} in {text}");
    }
    for _ in 0..25 {
        exporter.next_poll("acme", Collector::CURRENT_USAGE, hours(1)).await;
    }
    for path in ["/".to_owned(), account("acme")] {
        let text = look(&mut browser, exporter.address, &path).await;
        assert!(text.contains("is too old to be shown") && !text.contains("4.49 TB"), "{text}");
    }
}

#[tokio::test]
async fn ten_thousand_buckets_are_searched_and_turned_over() {
    let stage = Stage::new().await;
    let acme = stage.simulator.account("acme");
    let names = (0..10_000u32).map(|number| (format!("bucket-{number:05}"), f64::from(number)));
    let _acme = acme.buckets(names).month(month(2026, 10), &[("bucket-09999", 9000.0)]);
    let exporter = stage.polled_exporter(Config::of(vec![stage.account("acme")])).await;
    let mut browser = Chromium::start().await;
    let text = look(&mut browser, exporter.address, &account("acme")).await;
    assert!(text.contains("10,000 buckets") && text.contains("bucket-09950"), "{text}");
    assert!(!text.contains("bucket-09949"), "more than one page");

    let text_of = "document.body.innerText";
    let visit = browser.act("document.querySelector('a[rel=next]').click()").await;
    assert_quiet(&visit, exporter.address);
    let text = browser.evaluate(text_of).await;
    assert!(text.as_str().is_some_and(|text| text.contains("bucket-09949")), "{text}");
    let search = "document.querySelector('input[type=search]').value = 'T-0042';\
                  document.querySelector('form').requestSubmit()";
    let visit = browser.act(search).await;
    assert_quiet(&visit, exporter.address);
    let text = browser.evaluate(text_of).await;
    let text = text.as_str().expect("text");
    assert!(text.contains("10 buckets found") && text.contains("bucket-00429"), "{text}");
    assert!(!text.contains("bucket-09999"), "{text}");
}

#[tokio::test]
async fn hundreds_of_accounts_are_searched_and_turned_over() {
    let stage = Stage::new().await;
    let accounts = (0..300u32).map(|number| {
        let name = format!("account-{number:03}");
        drop(stage.simulator.account(&name).bucket("backups", f64::from(number)));
        let mut configured = stage.account(&name);
        configured.credential = Expiry::At(at("2027-11-27T00:00:00Z"));
        configured
    });
    let accounts = accounts.collect();
    stage.simulator.fail_always(Endpoint::Permissions, Fault::empty(403));
    let exporter = stage.polled_exporter(Config::of(accounts)).await;
    let mut browser = Chromium::start().await;
    let text = look(&mut browser, exporter.address, "/").await;
    for words in ["300 accounts cannot be read in full", "1–50 of 300", "account-299", "1–10 of 300"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(!text.contains("account-249"), "more than one page of accounts");
    let text = look(&mut browser, exporter.address, "/?page=6").await;
    assert!(text.contains("251–300 of 300"), "{text}");
    let text = look(&mut browser, exporter.address, "/?q=T-12").await;
    assert!(text.contains("account-129") && text.contains("account-120"), "{text}");
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let stage = Stage::new().await;
    let names = [
        "<script>document.title = 'broken'</script>".to_owned(),
        r#""><img src=x onerror="document.title='broken'">'"#.to_owned(),
        "שלום-עולם".to_owned(),
        // Turns the order of what follows, and leaves any place in which it was set apart.
        "a\u{2069}\u{202e}gnp.exe".to_owned(),
        "W".repeat(300),
    ];
    let mut accounts = Vec::new();
    for name in &names {
        let account = stage.simulator.account(name);
        let account = names.iter().enumerate().fold(account, |account, (index, name)| {
            account
                .bucket(name, 1000.0)
                .month(month(2026, 10), &[(name, 900.0)])
                .sub_account(SubAccount::new(&format!("sub-{index}"), name, 500.0))
                .service_account(simulator::ServiceAccount::new(&format!("service-{index}"), name))
        });
        drop(account);
        let mut configured = stage.account(name);
        configured.credential = Expiry::At(at("2026-11-27T00:00:00Z"));
        accounts.push(configured);
    }
    let exporter = stage.polled_exporter(Config::of(accounts)).await;
    stage.simulator.fail_always(Endpoint::Permissions, Fault::empty(403));
    for name in &names {
        exporter.next_poll(name, Collector::PERMISSIONS, hours(1)).await;
    }
    let mut browser = Chromium::start().await;
    let paths = std::iter::once("/".to_owned()).chain(names.iter().map(|name| account(name)));
    for path in paths {
        let text = look(&mut browser, exporter.address, &path).await;
        assert!(text.contains(&names[0]), "{text}");
        let strange = "document.querySelectorAll('script, img, iframe, [onerror]').length";
        assert_eq!(browser.evaluate(strange).await, 0, "{path}");
        assert_ne!(browser.evaluate("document.title").await, "broken");
    }

    // What follows a name on its line stands after it and in its own order, whatever the name says about directions.
    let order = r"(() => {
        const box = (text, offset) => {
            const range = document.createRange();
            range.setStart(text, offset);
            range.setEnd(text, offset + 1);
            return range.getBoundingClientRect();
        };
        const wrong = [];
        let seen = 0;
        for (const name of document.querySelectorAll('bdi')) {
            const block = name.closest('h1, h3, p, li, th, dd, td, .detail');
            const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
            walker.currentNode = name;
            const after = [];
            while (walker.nextNode())
                if (!walker.currentNode.parentElement.closest('bdi, title'))
                    for (let at = 0; at < walker.currentNode.length; at++) after.push(box(walker.currentNode, at));
            for (let index = 1; index < after.length; index++) {
                const [one, next] = [after[index - 1], after[index]];
                if (!one.width || !next.width || one.top !== next.top) continue;
                seen++;
                if (one.left > next.left) { wrong.push(block.textContent); break; }
            }
        }
        return {wrong, seen};
    })()";
    browser.look(DESKTOP, 800, Scheme::Light).await;
    browser.visit(&format!("http://{}/", exporter.address)).await;
    let order = browser.evaluate(order).await;
    assert_eq!(order["wrong"], serde_json::json!([]));
    assert!(order["seen"].as_u64() > Some(100), "letters to compare: {order}");
}
