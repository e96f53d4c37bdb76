//! The program itself: its commands, exit statuses, signals and logs.

mod files;
mod limits;
mod object_storage;
mod stalled;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lyve_cloud_exporter::clock::{Clock as _, System};
use lyve_cloud_exporter::simulator::{Actions, Endpoint, Fault, Permission, ServiceAccount, Simulator};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::client::get;
use crate::samples::Samples;

const PATIENCE: Duration = Duration::from_secs(20);

/// The program, without anything that the environment says of an exporter.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lyve-cloud-exporter"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LYVE_") {
            command.env_remove(name);
        }
    }
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

async fn output(command: &mut Command) -> Output {
    tokio::time::timeout(PATIENCE, command.output()).await.expect("an end in time").expect("a program to run")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// A running program, whose log is read.
pub struct Running {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    pub address: SocketAddr,
}

impl Running {
    /// Starts the program on a port of the system's choice, which its log tells.
    pub async fn start(command: &mut Command) -> Self {
        command.arg("--web.listen-address=127.0.0.1:0").stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("a program to run");
        let mut log = BufReader::new(child.stderr.take().expect("a log")).lines();
        let listening = async {
            while let Some(line) = log.next_line().await.expect("a log of text") {
                let Some((_, rest)) = line.split_once("msg=listening address=") else { continue };
                return rest.split(' ').next().and_then(|address| address.parse().ok());
            }
            None
        };
        let address =
            tokio::time::timeout(PATIENCE, listening).await.expect("a start in time").expect("an address");
        Self { child, log, address }
    }

    pub async fn until_ready(&self) {
        let ready = async {
            while get(self.address, "/-/ready").await.status != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("ready in time");
    }

    /// Sends a signal and waits for the end; gives the exit status and the rest of the log.
    pub async fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().expect("a running program").to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        let status = tokio::time::timeout(Duration::from_secs(5), self.child.wait())
            .await
            .expect("an end within five seconds");
        let mut log = String::new();
        while let Some(line) = self.log.next_line().await.expect("a log of text") {
            log.push_str(&line);
            log.push('\n');
        }
        (status.unwrap().code(), log)
    }
}

/// A vendor with one account, and a directory with its configuration.
struct Site {
    simulator: Simulator,
    directory: TempDir,
}

const SECRET: &str = "canary-secret-5f1d";
const ACCESS_KEY: &str = "canary-key-77aa";

const GOOD: &str = "The configuration is good. No request was sent: `check --live` logs in.\n";

/// A file with the secret that its owner alone can read.
fn write_secret(path: &Path) {
    std::fs::write(path, format!("{SECRET}\n")).expect("a secret file");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, private).expect("a secret file of its owner alone");
}

impl Site {
    async fn new() -> Self {
        let simulator = Simulator::start(Arc::new(System)).await.expect("a simulator");
        simulator
            .account("acme")
            .access_key(ACCESS_KEY)
            .secret(SECRET)
            .bucket("backups", 534.5)
            .service_account(ServiceAccount::new("sa-1", "veeam"))
            .permission(Permission::all_buckets("p-1", "everything", Actions::AllOperations));
        let site = Self { simulator, directory: tempfile::tempdir().expect("a directory") };
        write_secret(&site.path("secret"));
        site.configure("credential: {expires: never}");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn configure(&self, more: &str) -> PathBuf {
        let base_url = self.simulator.base_url();
        let config = format!(
            "accounts:\n  - name: production\n    base_url: {base_url}\n    account_id: acme\n    access_key: {ACCESS_KEY}\n    secret_file: secret\n    {more}\n"
        );
        std::fs::write(self.config(), config).expect("a configuration");
        self.config()
    }

    fn config(&self) -> PathBuf {
        self.path("config.yaml")
    }
}

fn with_config(config: &Path) -> Command {
    let mut command = program();
    command.arg("--config.file").arg(config);
    command
}

#[tokio::test]
async fn a_wrong_configuration_prints_every_fault_and_leaves_with_2() {
    let site = Site::new().await;
    let config =
        site.configure("credential: {expires: 2026-02-30}\n    acess_key: x\npoll: {current_usage: 15}");
    for arguments in [&[][..], &["run"], &["check"], &["check", "--live"], &["once"]] {
        let output = output(with_config(&config).args(arguments)).await;
        let faults = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {faults}");
        for place in ["accounts[0].credential.expires", "accounts[0].acess_key", "poll.current_usage"] {
            assert!(faults.contains(place), "{place} in {faults}");
        }
        assert!(!faults.contains("canary"), "{faults}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_switch_is_off_where_its_variable_says_so() {
    let site = Site::new().await;
    let switches = ["LYVE_EXPORTER_WEB_SYSTEMD_SOCKET", "LYVE_EXPORTER_WEB_ENABLE_LIFECYCLE"];
    for value in ["", "0", "false", "no", "off", "1", "true", "yes"] {
        let mut command = with_config(&site.config());
        let output = output(command.envs(switches.map(|switch| (switch, value))).arg("check")).await;
        assert_eq!(output.status.code(), Some(0), "{value:?}: {}", text(&output.stderr));
    }
    let mut demo = program();
    let demo = output(demo.env(switches[0], "1").arg("demo")).await;
    assert!(text(&demo.stderr).contains("systemd passed no socket"), "{}", text(&demo.stderr));
}

#[tokio::test]
async fn a_wrong_command_line_leaves_with_2() {
    for arguments in [
        &["--no-such-flag"][..],
        &["dance"],
        &["--web.listen-address=nowhere"],
        &["backfill"],
        &["--shard.index=3", "--shard.count=3"],
        &["--shard.index=0"],
        &["--web.telemetry-path=//"],
    ] {
        let output = output(program().args(arguments)).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    let output = output(&mut program()).await;
    assert_eq!(output.status.code(), Some(2), "without any account there is nothing to do");
    assert!(text(&output.stderr).contains("LYVE_ACCOUNT_ID"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_flag_with_one_hyphen_is_told_to_have_two() {
    for argument in ["-config.file=x.yaml", "-config.file", "-web.listen-address=:1"] {
        let output = output(program().args(["check", argument])).await;
        assert_eq!(output.status.code(), Some(2));
        let name = argument.split('=').next().unwrap();
        assert!(text(&output.stderr).contains(&format!("use -{name}")), "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn a_taken_address_is_a_failure_at_run_time() {
    let site = Site::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let output = output(with_config(&site.config()).arg(address)).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--web.listen-address"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn check_says_that_a_configuration_is_good() {
    let site = Site::new().await;
    let output = output(with_config(&site.config()).arg("check")).await;
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), GOOD));
    assert_eq!(site.simulator.request_count(None), 0);
}

#[tokio::test]
async fn check_and_the_log_warn_of_what_looks_wrong() {
    let site = Site::new().await;
    let config = site.configure("credential: {expires: 2020-01-31}");
    let ended = "account production: its credential ended at 2020-01-31T00:00:00Z by its own date";
    let output = output(with_config(&config).arg("check")).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with(&format!("warning: {ended}")) && said.ends_with(GOOD), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");

    let mut command = with_config(&config);
    let mut child =
        command.args(["--web.listen-address=127.0.0.1:0", "run"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let line =
        tokio::time::timeout(PATIENCE, log.next_line()).await.expect("a line in time").unwrap().unwrap();
    assert!(line.contains("level=warn") && line.contains(ended), "{line}");
}

#[tokio::test]
async fn check_finds_a_state_file_that_could_not_be_written() {
    let site = Site::new().await;
    let config = site.configure("credential: {expires: never}\nstate_file: none/state.json");
    let bad = output(with_config(&config).arg("check")).await;
    let faults = text(&bad.stderr);
    assert_eq!(bad.status.code(), Some(2), "{faults}");
    assert!(
        faults.contains("state_file: ") && faults.contains("none/state.json cannot be written"),
        "{faults}"
    );
    let config = site.configure("credential: {expires: never}\nstate_file: state.json");
    let good = output(with_config(&config).arg("check")).await;
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    assert!(!site.path("state.json").exists() && !site.path("state.json.new").exists());
}

#[tokio::test]
async fn of_two_shards_one_has_the_account_and_the_other_has_none() {
    let site = Site::new().await;
    let mut said = Vec::new();
    for index in ["0", "1"] {
        let mut command = with_config(&site.config());
        command.env("LYVE_EXPORTER_SHARD_INDEX", index).env("LYVE_EXPORTER_SHARD_COUNT", "2");
        let output = output(command.arg("check")).await;
        assert_eq!(output.status.code(), Some(0));
        said.push(text(&output.stdout).replace(&format!("Shard {index} of 2"), "It"));
    }
    said.sort();
    assert_eq!(said, ["0", "1"].map(|own| format!("It watches {own} of the 1 accounts.\n{GOOD}")));
}

#[tokio::test]
async fn a_live_check_shows_each_endpoint_and_each_credential() {
    let site = Site::new().await;
    let good = output(with_config(&site.config()).args(["check", "--live"])).await;
    let report = text(&good.stdout);
    assert_eq!(good.status.code(), Some(0), "{report}\n{}", text(&good.stderr));
    for (endpoint, read) in [
        ("POST /auth/token", "logged in"),
        ("GET /auth/token", "the session ends in"),
        ("GET /usage/current", "month to date"),
        ("GET /usage/monthly", "month"),
        ("GET /service-accounts", "1 service account, 0 with an end date"),
        ("GET /permissions", "permission"),
    ] {
        let works = |line: &str| line.starts_with(&format!("  ✓ {endpoint}  ")) && line.contains(read);
        assert!(report.lines().any(works), "{endpoint}: {report}");
    }
    assert!(good.stderr.is_empty() && !report.contains('\u{1b}'), "{report}");
    let last: Vec<_> = report.lines().rev().take(2).collect();
    assert_eq!(
        last,
        [
            "Next: start the exporter, and have Prometheus scrape it.",
            "1 account: everything that is watched can be read."
        ]
    );
    let cells = |name: &str| -> Vec<String> {
        let line = report.lines().find(|line| line.contains(name)).unwrap_or_default();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(cells("API credentials"), ["API credentials", "Never expires", "-", "configuration"]);
    assert_eq!(cells("veeam"), ["veeam", "Never expires", "-", "vendor"]);

    let asked = [
        Endpoint::Login,
        Endpoint::Session,
        Endpoint::CurrentUsage,
        Endpoint::MonthlyUsage,
        Endpoint::ServiceAccounts,
        Endpoint::Permissions,
    ];
    for endpoint in asked {
        assert!(site.simulator.request_count(endpoint) > 0, "{endpoint:?} was not tried");
    }

    for endpoint in [Endpoint::Permissions, Endpoint::Session] {
        site.simulator.fail_always(endpoint, Fault::error(403, "AccessDenied", "no"));
    }
    let bad = output(with_config(&site.config()).args(["check", "--live"])).await;
    assert_eq!(bad.status.code(), Some(1));
    let report = text(&bad.stdout);
    for endpoint in ["GET /permissions", "GET /auth/token"] {
        let told =
            |line: &str| line.starts_with(&format!("  ✗ {endpoint}")) && line.contains("403 (AccessDenied)");
        assert!(report.lines().any(told), "{endpoint}: {report}");
    }
    assert!(report.contains("→ Ask an account administrator for the right to read this"), "{report}");
    assert!(report.contains("1 account, 1 with errors: 2 of 5 polls failed.\n"), "{report}");
    assert!(!text(&bad.stderr).contains("canary") && !report.contains("canary"));
}

#[tokio::test]
async fn once_prints_the_metrics_and_fails_where_a_poll_failed() {
    let site = Site::new().await;
    let good = output(with_config(&site.config()).arg("once")).await;
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    let samples = Samples::parse(text(&good.stdout));
    assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[("account", "production")]), Some(534.5e9));
    assert!(!text(&good.stdout).contains("process_"), "node_exporter has those of its own");

    site.simulator.fail_always(Endpoint::Permissions, Fault::empty(500));
    let bad = output(with_config(&site.config()).arg("once")).await;
    assert_eq!(bad.status.code(), Some(1));
    let samples = Samples::parse(text(&bad.stdout));
    assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[("account", "production")]), Some(534.5e9));
    assert_eq!(samples.value("lyvecloud_up", &[("account", "production")]), Some(0.0));
    assert!(text(&bad.stderr).contains("production: permissions: server"), "{}", text(&bad.stderr));
}

#[tokio::test]
async fn one_account_needs_no_file() {
    let site = Site::new().await;
    let mut command = program();
    command
        .env("LYVE_ACCOUNT_ID", "acme")
        .env("LYVE_ACCESS_KEY", ACCESS_KEY)
        .env("LYVE_SECRET_FILE", site.path("secret"))
        .env("LYVE_BASE_URL", site.simulator.base_url());
    let output = output(command.arg("once")).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let samples = Samples::parse(text(&output.stdout));
    assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[("account", "acme")]), Some(534.5e9));
}

#[tokio::test]
async fn health_asks_whether_the_daemon_is_ready() {
    let site = Site::new().await;
    let running = Running::start(&mut with_config(&site.config())).await;
    running.until_ready().await;
    let asked = format!("--web.listen-address={}", running.address);
    assert_eq!(output(program().args(["health", &asked])).await.status.code(), Some(0));
    running.stop("-TERM").await;
    let output = output(program().args(["health", &asked])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no answer from"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn signals_end_it_well_and_soon_even_while_the_vendor_hangs() {
    for signal in ["-TERM", "-INT"] {
        let site = Site::new().await;
        site.simulator.fail_always(Endpoint::CurrentUsage, Fault::HangBeforeHeaders);
        let running = Running::start(&mut with_config(&site.config())).await;
        site.simulator.wait_for_requests(Endpoint::CurrentUsage, 1).await;
        let (status, log) = running.stop(signal).await;
        assert_eq!(status, Some(0), "{log}");
        assert!(log.contains("msg=stopped"), "{log}");
    }
}

#[tokio::test]
async fn no_secret_is_in_a_log_or_an_answer() {
    for format in ["logfmt", "json"] {
        let site = Site::new().await;
        site.simulator.fail_once(Endpoint::ServiceAccounts, Fault::error(400, "ExpiredToken", SECRET));
        site.simulator.fail_always(Endpoint::Permissions, Fault::error(403, SECRET, SECRET));
        site.simulator.fail_always(Endpoint::MonthlyUsage, Fault::raw("application/json", SECRET));
        let mut command = with_config(&site.config());
        command.args(["--log.level=trace", "--log.format", format]);
        // The JSON log tells its address in other words, so the port is chosen here.
        let running = match format {
            "logfmt" => Running::start(&mut command).await,
            _ => start_with_json(&mut command).await,
        };
        running.until_ready().await;
        for path in ["/metrics", "/", "/api/v1/status"] {
            let body = get(running.address, path).await.text();
            assert!(!body.contains("canary"), "{path}: {body}");
        }
        let (_, log) = running.stop("-TERM").await;
        assert!(log.contains("poll failed"), "{log}");
        assert!(!log.contains("canary") && !log.contains("Bearer"), "{log}");
    }
}

async fn start_with_json(command: &mut Command) -> Running {
    command.arg("--web.listen-address=127.0.0.1:0").stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("a program to run");
    let mut log = BufReader::new(child.stderr.take().expect("a log")).lines();
    let line = log.next_line().await.unwrap().expect("a line");
    let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
    let address = line["address"].as_str().and_then(|address| address.parse().ok()).expect("an address");
    Running { child, log, address }
}

#[tokio::test]
async fn the_demo_needs_nothing_and_says_where_to_look() {
    let mut command = program();
    command.args(["demo", "--web.listen-address=127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next =
        async || tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(next().await.starts_with("Demo: polling a simulated Lyve Cloud"));
    let line = next().await;
    let port: u16 =
        line.split("localhost:").nth(1).and_then(|rest| rest.split('/').next()).unwrap().parse().unwrap();
    assert!(line.starts_with("Demo: open http://localhost:"), "{line}");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    // Who is sent there sees everything.
    assert_eq!(get(address, "/-/ready").await.status, 200);
    let samples = Samples::parse(&get(address, "/metrics").await.text());
    assert_eq!(samples.all("lyvecloud_account_usage_bytes", &[]).len(), 3);
    assert!(samples.names().len() >= 50, "{:?}", samples.names());
    let expired = [("account", "fabrikam-archive"), ("kind", "account_api"), ("status", "expired")];
    assert_eq!(samples.value("lyvecloud_credential_status", &expired), Some(1.0));
    let rejected = [("account", "litware-research"), ("kind", "account_api"), ("status", "rejected")];
    assert_eq!(samples.value("lyvecloud_credential_status", &rejected), Some(1.0));
    let due = samples.all("lyvecloud_access_key_rotation_due_timestamp_seconds", &[]);
    let now = System.now().as_second() as f64;
    assert_eq!(due.iter().filter(|due| **due < now).count(), 1, "one key is older than it may be: {due:?}");
}

#[tokio::test]
async fn the_log_says_each_deviation_once_however_many_accounts_have_it() {
    let site = Site::new().await;
    let answer = r#"[{"id": "sa-1", "name": "veeam", "enabled": true, "readyState": true, "canary": 1}]"#;
    site.simulator.fail_always(Endpoint::ServiceAccounts, Fault::raw("application/json", answer));
    let url = site.simulator.base_url();
    let account = |name| {
        format!(
            "  - {{name: {name}, base_url: '{url}', account_id: acme, access_key: {ACCESS_KEY}, secret_file: secret}}\n"
        )
    };
    let config = format!("accounts:\n{}{}poll: {{inventory: 1m}}\n", account("first"), account("second"));
    std::fs::write(site.config(), config).unwrap();
    let running = Running::start(&mut with_config(&site.config())).await;
    let shown = async {
        loop {
            let text = get(running.address, "/metrics").await.text();
            let samples = Samples::parse(&text);
            let deviating = samples
                .0
                .iter()
                .filter(|sample| sample.name == "lyvecloud_api_contract_deviations" && sample.value > 0.0);
            if deviating.count() == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.expect("both accounts deviate");
    let (_, log) = running.stop("-TERM").await;
    let lines = |words: &str| {
        log.lines().filter(|line| line.contains("not as documented") && line.contains(words)).count()
    };
    assert_eq!(lines("`canary` is new in"), 1, "{log}");
    assert_eq!(lines("`expirationDate` is missing from"), 1, "{log}");
    assert_eq!(lines(""), 2, "{log}");
}

/// `script` of util-linux gives the program a terminal.
#[tokio::test]
async fn only_a_terminal_gets_colours_and_none_where_no_color_is_set() {
    let site = Site::new().await;
    let exe = env!("CARGO_BIN_EXE_lyve-cloud-exporter");
    for arguments in ["--help".to_owned(), format!("--config.file {} check --live", site.config().display())]
    {
        let on_a_terminal = async |variable: &str, value: &str| {
            let mut command = Command::new("script");
            command.args(["--quiet", "--command", &format!("{exe} {arguments}"), "/dev/null"]);
            command.env("TERM", "xterm").env_remove("NO_COLOR").env(variable, value).stdin(Stdio::null());
            text(&output(&mut command).await.stdout).to_owned()
        };
        assert!(on_a_terminal("LANG", "C").await.contains("\x1b["), "{arguments}");
        let plain = on_a_terminal("NO_COLOR", "1").await;
        assert!(!plain.is_empty() && !plain.contains('\x1b'), "{arguments}: {plain}");
        let piped = output(program().args(arguments.split(' '))).await;
        assert!(!piped.stdout.is_empty() && !piped.stdout.contains(&0x1b), "{arguments}");
    }
}
