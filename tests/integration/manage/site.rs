use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan as _;
use lyve_cloud_exporter::clock::{Clock as _, System};
use lyve_cloud_exporter::simulator::{
    self, Actions, ObjectStorageAccount, Permission, ServiceAccount, Simulator, User, UserKind,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::binary::program;
use crate::programs::repository;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A vendor with an account of either API, and a directory with the configuration of both. The service account `sa-1` ends
/// in less than five days, and what is created is ready within a second.
pub struct Site {
    pub simulator: Simulator,
    pub acme: simulator::SimulatedAccount,
    pub archive: ObjectStorageAccount,
    pub directory: TempDir,
}

impl Site {
    pub async fn new() -> Self {
        let simulator = Simulator::start(Arc::new(System)).await.unwrap();
        simulator.configure(|settings| settings.ready_after = Duration::from_millis(700));
        let now = System.now();
        let day = |days: i64| now.checked_add((24 * days).hours()).unwrap();
        let acme = simulator
            .account("acme")
            .secret("canary-of-the-account")
            .service_account_days(365)
            .bucket("backups", 1.0)
            .bucket("media", 1.0)
            .permission(Permission::all_buckets("p-1", "everything", Actions::AllOperations))
            .permission(Permission::all_buckets("p-2", "audit", Actions::ReadOnly))
            .service_account(
                ServiceAccount::new("sa-1", "veeam").described("nightly").expires(day(5)).permission("p-1"),
            );
        let archive = simulator
            .object_storage_account("archive")
            .secret("canary-of-the-archive")
            .user(User::new("owner", day(-400)).kind(UserKind::Root).key("AKARCHIVE", day(-100)))
            .user(User::new("veeam", day(-400)).key("AKOLD", day(-100)).inactive_key("AKOFF", day(-200)))
            .user(User::new("restic", day(-400)).key("AKLONE", day(-100)));
        let site = Self { simulator, acme, archive, directory: tempfile::tempdir().unwrap() };
        site.configure(&[site.acme_config("acme"), site.archive_config()], "20s");
        site
    }

    fn acme_config(&self, name: &str) -> Value {
        let (access_key, secret) = self.acme.pair();
        json!({"name": name, "base_url": self.simulator.base_url(), "account_id": "acme", "access_key": access_key, "secret": secret})
    }

    fn archive_config(&self) -> Value {
        let (access_key, secret) = self.archive.pair();
        let url = self.simulator.object_storage_url();
        json!({"name": "archive", "api": "object_storage", "iam_url": url, "s3_url": url, "access_key": access_key, "secret": secret})
    }

    fn configure(&self, accounts: &[Value], timeout: &str) {
        let config = json!({"accounts": accounts, "poll": {"timeout": timeout}});
        std::fs::write(self.path("config.yaml"), config.to_string()).unwrap();
        let owner_alone = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.path("config.yaml"), owner_alone).unwrap();
    }

    /// A second account of the same API.
    pub fn configure_second(&self) {
        self.configure(&[self.acme_config("acme"), self.acme_config("globex")], "20s");
    }

    /// The vendor's answers are waited for a second alone.
    pub fn configure_haste(&self) {
        self.configure(&[self.acme_config("acme"), self.archive_config()], "1s");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn manage(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.arg("manage").arg("--config.file").arg(self.path("config.yaml")).args(arguments);
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        tokio::time::timeout(PATIENCE, self.manage(arguments).output()).await.unwrap().unwrap()
    }

    /// What went well.
    pub async fn done(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        output
    }

    /// What was said by a run that ended with this status.
    pub async fn rejected(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", said(&output));
        assert_eq!(shown(&output), "", "{arguments:?}");
        said(&output).to_owned()
    }

    pub fn service_account(&self, id: &str) -> Option<ServiceAccount> {
        self.acme.service_accounts().into_iter().find(|account| account.id() == id)
    }

    /// The pair that the vendor gave a service account, with its id.
    pub fn issued(&self, id: &str) -> [String; 3] {
        let account = self.service_account(id).expect("a service account");
        let (access_key, secret) = account.pair().expect("a pair");
        [id, access_key, secret].map(str::to_owned)
    }

    /// Id, access key and secret in a file for secrets, which only its owner may read.
    pub fn pair_in(&self, name: &str) -> [String; 3] {
        let text = std::fs::read(self.path(name)).expect("a file with a pair");
        let mode = std::fs::metadata(self.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let pair: Value = serde_json::from_slice(&text).expect("JSON");
        assert_valid("secret_file", &text);
        ["id", "access_key", "secret"].map(|key| pair[key].as_str().expect("a text").to_owned())
    }
}

pub fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

pub fn shown(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// What was printed as JSON, which is as the schema has it.
pub fn json(kind: &str, output: &Output) -> Value {
    assert_valid(kind, &output.stdout);
    serde_json::from_slice(&output.stdout).unwrap()
}

const VALIDATE: &str = r##"
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
schema = {"$defs": schema["$defs"], "$ref": "#/$defs/" + sys.argv[2]}
Draft202012Validator(schema).validate(json.load(sys.stdin))
"##;

/// Whether a document is as the schema in docs/ has it, by a validator of others.
pub fn is_valid(kind: &str, document: &[u8]) -> Result<(), String> {
    let mut python = std::process::Command::new("python3");
    python.args(["-c", VALIDATE]).arg(repository("docs/manage.schema.json")).arg(kind);
    python.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = python.spawn().expect("python3: ./tests/run installs jsonschema for it");
    child.stdin.take().unwrap().write_all(document).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(said(&output).to_owned()) }
}

fn assert_valid(kind: &str, document: &[u8]) {
    if let Err(problem) = is_valid(kind, document) {
        panic!("{kind}: {}: {problem}", String::from_utf8_lossy(document));
    }
}
