//! `manage`: permissions, service accounts and access keys, changed by a person and never by the daemon.
//!
//! The clients that change something are types of their own, and this module alone makes them.

mod access_keys;
mod desk;
mod explain;
mod patience;
mod permissions;
mod renew;
mod secret_file;
mod service_accounts;
mod show;

use std::path::Path;
use std::sync::Arc;

use self::desk::Desk;
use crate::api::{account_v2, object_storage};
use crate::cli::{Manage, ManageOptions, Managed};
use crate::clock::Clock;
use crate::config::{Account, Api, Config};

/// Why `manage` did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line is wrong.
    #[error("{0}")]
    Misused(String),
    /// What came of it could not be printed.
    #[error("{0}")]
    Unwritten(String),
    /// Something failed.
    #[error("{0}")]
    Failed(String),
}

/// Carries out one verb. `config_file` is for the commands that it names.
///
/// # Errors
/// Where it was not carried out; the error says what to do.
pub async fn manage(
    config: &Config,
    config_file: Option<&Path>,
    wanted: Manage,
    clock: Arc<dyn Clock>,
) -> Result<(), Failure> {
    let is_object_storage = matches!(wanted.of, Managed::AccessKeys(_));
    let account = account(config, &wanted.options, is_object_storage)?;
    let (options, timeout) = (&wanted.options, config.poll.timeout);
    let command = command(config, config_file, account);
    let desk = Desk { account, options, clock: Arc::clone(&clock), command };
    let cannot = |error| Failure::failed("cannot ask the vendor", error);
    match (&account.api, wanted.of) {
        (Api::AccountV2 { base_url }, of) => {
            let writer =
                account_v2::writer::Writer::new(account, base_url, timeout, clock).map_err(cannot)?;
            match of {
                Managed::Permissions(verb) => permissions::carry_out(&desk, &writer, verb).await,
                Managed::ServiceAccounts(verb) => service_accounts::carry_out(&desk, &writer, verb).await,
                Managed::AccessKeys(_) => Err(wrong_api(account, is_object_storage)),
            }
        }
        (Api::ObjectStorage(api), Managed::AccessKeys(verb)) => {
            let writer = object_storage::writer::Writer::new(account, api, timeout, Arc::clone(&clock));
            let keys =
                access_keys::Keys::new(&desk, writer.map_err(cannot)?, api, timeout).map_err(cannot)?;
            keys.carry_out(verb).await
        }
        _ => Err(wrong_api(account, is_object_storage)),
    }
}

/// The account that is meant: the one of this name, or the only one that has what is to be managed.
fn account<'a>(
    config: &'a Config,
    options: &ManageOptions,
    is_object_storage: bool,
) -> Result<&'a Account, Failure> {
    let fits = |account: &&Account| matches!(account.api, Api::ObjectStorage(_)) == is_object_storage;
    if let Some(name) = &options.account {
        let found = config.accounts.iter().find(|account| account.name == *name);
        let unknown = || format!("--account: the configuration has no account {name:?}");
        let found = found.ok_or_else(|| Failure::Misused(unknown()))?;
        return if fits(&found) { Ok(found) } else { Err(wrong_api(found, is_object_storage)) };
    }
    let fitting: Vec<&Account> = config.accounts.iter().filter(fits).collect();
    match fitting[..] {
        [only] => Ok(only),
        [] => Err(match config.accounts.first() {
            Some(account) => wrong_api(account, is_object_storage),
            None => Failure::Misused("the configuration has no account".to_owned()),
        }),
        _ => {
            let names: Vec<&str> = fitting.iter().map(|account| account.name.as_str()).collect();
            Err(Failure::Misused(format!("give --account, one of: {}", names.join(", "))))
        }
    }
}

fn wrong_api(account: &Account, is_object_storage: bool) -> Failure {
    let name = &account.name;
    Failure::Misused(if is_object_storage {
        format!(
            "account {name} has `api: account_v2`, which has no access-keys: see permissions and service-accounts"
        )
    } else {
        format!("account {name} has `api: object_storage`, which has access-keys alone")
    })
}

/// How a further command for the same account begins.
fn command(config: &Config, config_file: Option<&Path>, account: &Account) -> String {
    let mut command = "lyve-cloud-exporter manage".to_owned();
    if let Some(path) = config_file {
        command.push_str(&format!(" --config.file={}", quoted(&path.display().to_string())));
    }
    if config.accounts.len() > 1 {
        command.push_str(&format!(" --account={}", quoted(&account.name)));
    }
    command
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, shown) in [
            ("a-b/c.yaml", "a-b/c.yaml"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$x", "'$x'"),
        ] {
            assert_eq!(quoted(word), shown);
        }
    }
}
