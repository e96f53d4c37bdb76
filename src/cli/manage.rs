//! The command line of `manage`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to manage, and how.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Manage {
    /// The flags of every verb.
    #[command(flatten)]
    pub options: ManageOptions,
    /// Of what, and what to do.
    #[command(subcommand)]
    pub of: Managed,
}

/// The flags of every verb.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ManageOptions {
    /// The account, by its name in the configuration; not needed where there is one
    #[arg(long, global = true, value_name = "NAME")]
    pub account: Option<String>,
    /// How to print what comes of it
    #[arg(long, global = true, value_name = "FORM", default_value = "table")]
    pub output: Output,
    /// Change without asking, for scripts
    #[arg(long, global = true)]
    pub yes: bool,
    /// Say what would be changed, and change nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
}

/// How to print what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For a person.
    Table,
    /// For a program: docs/manage.schema.json says of what form.
    Json,
}

/// What can be managed.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Managed {
    /// What service accounts may do (accounts with `api: account_v2`)
    #[command(subcommand)]
    Permissions(PermissionVerb),
    /// The S3 credentials of programs (accounts with `api: account_v2`)
    #[command(subcommand)]
    ServiceAccounts(ServiceAccountVerb),
    /// The keys of users (accounts with `api: object_storage`)
    #[command(subcommand)]
    AccessKeys(AccessKeyVerb),
}

/// What to do with permissions.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PermissionVerb {
    /// Lists all
    List,
    /// Shows one, and the service accounts that use it
    Get {
        /// The permission's id
        #[arg(value_parser = id)]
        id: String,
    },
    /// Creates one
    Create {
        /// Its name
        #[arg(long, value_parser = name)]
        name: String,
        /// What of it is given
        #[command(flatten)]
        parts: PermissionParts,
    },
    /// Changes what is given, and leaves the rest as it is
    Update {
        /// The permission's id
        #[arg(value_parser = id)]
        id: String,
        /// Its new name
        #[arg(long, value_parser = name)]
        name: Option<String>,
        /// What of it is given
        #[command(flatten)]
        parts: PermissionParts,
    },
    /// Deletes one that no service account uses; cannot be undone
    Delete {
        /// The permission's id
        #[arg(value_parser = id)]
        id: String,
    },
}

/// What of a permission is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct PermissionParts {
    /// What is said of it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// What it covers
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<PermissionKind>,
    /// What it allows; with every type but policy
    #[arg(long)]
    pub actions: Option<Actions>,
    /// How the names of its buckets begin; with bucket-prefix
    #[arg(long, value_parser = name)]
    pub prefix: Option<String>,
    /// A bucket that exists; with bucket-names; can be given more than once
    #[arg(long = "bucket", value_name = "NAME", value_parser = name)]
    pub buckets: Vec<String>,
    /// A file with an AWS IAM policy document; with policy
    #[arg(long, value_name = "FILE")]
    pub policy_file: Option<PathBuf>,
}

/// What a permission covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PermissionKind {
    /// Every bucket.
    AllBuckets,
    /// The buckets whose names begin so.
    BucketPrefix,
    /// These buckets.
    BucketNames,
    /// What a policy document says.
    Policy,
}

/// What a permission allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Actions {
    /// Everything.
    AllOperations,
    /// Reading.
    ReadOnly,
    /// Writing.
    WriteOnly,
}

/// What to do with service accounts.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ServiceAccountVerb {
    /// Lists all
    List,
    /// Shows one with its permissions
    Get {
        /// The service account's id
        #[arg(value_parser = id)]
        id: String,
    },
    /// Creates one; the vendor shows its secret this once
    Create {
        /// Its name
        #[arg(long, value_parser = name)]
        name: String,
        /// What is said of it
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// The id of a permission; can be given more than once
        #[arg(long = "permission", value_name = "ID", required = true, value_parser = id)]
        permissions: Vec<String>,
        /// Where the secret goes
        #[command(flatten)]
        secret: SecretPlace,
    },
    /// Changes what is given, and leaves the rest as it is; it cannot move the end
    Update {
        /// The service account's id
        #[arg(value_parser = id)]
        id: String,
        /// Its new name
        #[arg(long, value_parser = name)]
        name: Option<String>,
        /// What is said of it
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The id of a permission, in place of those it has; can be given more than once
        #[arg(long = "permission", value_name = "ID", value_parser = id)]
        permissions: Vec<String>,
    },
    /// Lets its key work again
    Enable {
        /// The service account's id
        #[arg(value_parser = id)]
        id: String,
    },
    /// Lets its key work no longer; can be undone with enable
    Disable {
        /// The service account's id
        #[arg(value_parser = id)]
        id: String,
    },
    /// Deletes one with its key; cannot be undone
    Delete {
        /// The service account's id
        #[arg(value_parser = id)]
        id: String,
    },
    /// Creates one with the same permissions in place of one that ends, which stays on for now
    Renew {
        /// The id of the service account that ends
        #[arg(value_parser = id)]
        id: String,
        /// Where the secret goes
        #[command(flatten)]
        secret: SecretPlace,
    },
}

/// What to do with access keys.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum AccessKeyVerb {
    /// Lists those of every user
    List,
    /// Creates one; the vendor shows its secret this once
    Create {
        /// The user's name
        #[arg(value_parser = name)]
        user: String,
        /// Where the secret goes
        #[command(flatten)]
        secret: SecretPlace,
    },
    /// Lets one work again
    Enable {
        /// The access key
        #[arg(value_parser = id)]
        id: String,
    },
    /// Lets one work no longer; can be undone with enable
    Disable {
        /// The access key
        #[arg(value_parser = id)]
        id: String,
    },
    /// Deletes one; cannot be undone
    Delete {
        /// The access key
        #[arg(value_parser = id)]
        id: String,
    },
    /// Creates one for the same user in place of an old one, which stays on for now
    Renew {
        /// The access key that is due for rotation
        #[arg(value_parser = id)]
        id: String,
        /// Where the secret goes
        #[command(flatten)]
        secret: SecretPlace,
    },
}

/// Where a new secret goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct SecretPlace {
    /// Write the new pair into this file, which must not exist yet; without it the pair goes only to a terminal
    #[arg(long = "secret-file", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// An id that leads to no other place than its own.
fn id(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+=@".contains(&byte);
    if text.is_empty() || matches!(text, "." | "..") || text.len() > 256 || !text.bytes().all(plain) {
        return Err(
            "is not an id: ids contain only letters, digits and - _ . : + = @; see the list".to_owned()
        );
    }
    Ok(text.to_owned())
}

fn name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("must not be empty".to_owned()),
        text if text.chars().any(char::is_control) => Err("must not contain control characters".to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_no_other_place() {
        for good in ["sa-1", "0d6f1a2b-33c4-4d5e-8f90-123456789abc", "AKEXAMPLE", "a.b"] {
            assert_eq!(id(good).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "ä", "a\n", &"a".repeat(257)] {
            assert!(id(bad).is_err(), "{bad:?}");
        }
    }
}
