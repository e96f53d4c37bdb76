use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use lyve_cloud_exporter::simulator::{Endpoint, SubAccount};
use tempfile::TempDir;
use tokio::process::Command;

use super::{AWKWARD, FROM, Figures, PATIENCE, TO, months, said};
use crate::binary::program;
use crate::stage::Stage;

/// A vendor with two accounts of some past, and a directory with the configuration of both.
pub struct Site {
    pub stage: Stage,
    pub directory: TempDir,
    pub buckets: Figures,
    pub accounts: Figures,
}

impl Site {
    pub async fn new() -> Self {
        let stage = Stage::new().await;
        let (mut buckets, mut accounts) = (Figures::new(), Figures::new());
        for name in ["acme", "globex"] {
            let mut account = stage.simulator.account(name).master();
            for (index, month) in months().enumerate() {
                // In June 2024 there is no data, which the API tells as zeros.
                if index == 7 {
                    account = account.month(month, &[("backups", 0.0), ("media", 0.0)]);
                    continue;
                }
                let figure = index as f64 + if name == "acme" { 0.25 } else { 100.5 };
                let mut figures = vec![("backups", figure * 10.0), ("media", figure + 0.125)];
                if index % 3 == 0 {
                    figures.push((AWKWARD, 1.5));
                }
                account = account.month(month, &figures);
                let sub_account = if index < 9 { "was" } else { "is" };
                account = account.sub_account_month(month, "8d1c", sub_account, 3.5);
                for (bucket, gigabytes) in &figures {
                    buckets.insert(format!("{name}|{bucket}|{month}"), gigabytes * 1e9);
                }
                let total: f64 = figures.iter().map(|(_, gigabytes)| gigabytes).sum();
                accounts.insert(format!("{name}|{month}"), total * 1e9);
            }
            let _ = account.sub_account(SubAccount::new("8d1c", "is", 3.5));
        }
        let site = Self { stage, directory: tempfile::tempdir().unwrap(), buckets, accounts };
        site.configure("");
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn configure(&self, more: &str) {
        let account = |name: &str, more: &str| {
            let (access_key, secret) = self.stage.simulator.account(name).pair();
            let base_url = self.stage.simulator.base_url();
            format!(
                "  - {{name: {name}, base_url: '{base_url}', account_id: {name}, access_key: {access_key}, secret: {secret}{more}}}\n"
            )
        };
        let price = ", price: {per_terabyte_month: 8, currency: EUR}";
        let config = format!("accounts:\n{}{}{more}", account("globex", ""), account("acme", price));
        std::fs::write(self.path("config.yaml"), config).unwrap();
        std::fs::set_permissions(self.path("config.yaml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The command, from [`FROM`] to [`TO`] where `arguments` say nothing else.
    pub fn backfill(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.arg("--config.file").arg(self.path("config.yaml")).arg("backfill");
        if !arguments.iter().any(|argument| argument.starts_with("--from")) {
            command.args(["--from", FROM, "--to", TO]);
        }
        command.args(arguments).current_dir(self.directory.path());
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        tokio::time::timeout(PATIENCE, self.backfill(arguments).output()).await.unwrap().unwrap()
    }

    /// What the command writes to standard output.
    pub async fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn queries(&self) -> usize {
        self.stage.simulator.request_count(Endpoint::MonthlyUsage)
    }
}
