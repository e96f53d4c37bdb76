//! `backfill`: past months as OpenMetrics with timestamps, for a database that knows nothing of them yet.
//!
//! The vendor is asked one account after the other, six months at a time. Each answer goes to a [file](partial) on the disk; in
//! the end that is read once for each family, so that memory holds one answer and never the whole. With an output file that
//! file has a name beside it, and whoever runs the same again goes on where it was interrupted. A session of its own is used, and nothing that a running exporter keeps.
//!
//! An API enters at one place, [`ask`], as rows of a family with their months.

mod ask;
mod partial;
mod plan;
mod progress;
mod row;
mod write;

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::{OFlags, fcntl_getfl, fstat};

use crate::api::TransportError;
use crate::api::Zeros;
use crate::atomic_file::{self, Readers, Target};
use crate::clock::Clock;
use crate::config::Config;
use crate::exposition::Written;
use crate::model::Month;

use self::ask::Asker;
use self::partial::{Key, Partial};
use self::plan::Plan;
use self::progress::Progress;

/// What of the past is wanted, and where it is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The oldest month.
    pub from: Month,
    /// The newest month; the last closed one where it is `None`.
    pub to: Option<Month>,
    /// Names of accounts; all of them where there is none.
    pub accounts: Vec<String>,
    /// The file to write; standard output where it is `None`.
    pub output: Option<PathBuf>,
    /// Whether a month of zeros is a figure rather than no data.
    pub keep_zeros: bool,
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The command line asks for what there cannot be.
    #[error("{0}")]
    Misused(String),
    /// A client cannot be made.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The vendor did not answer everything; one line an account.
    #[error("{0}")]
    Unanswered(String),
    /// A file cannot be used.
    #[error("{what} {}: {error}{then}", path.display())]
    File {
        /// What failed.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
        /// What is to be done about it; empty where that is plain.
        then: &'static str,
    },
    /// Standard output is closed, or full.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

/// Asks for the months and writes them.
///
/// # Errors
/// Where not everything could be had or written. There is no output then, but for standard output that failed half-way.
pub async fn backfill(config: &Config, request: Request, clock: Arc<dyn Clock>) -> Result<(), BackfillError> {
    let began = Instant::now();
    let plan = Plan::of(config, &request, clock.now()).map_err(BackfillError::Misused)?;
    let mut partial = open(request.output.as_deref())?;
    let mut progress = Progress::new(plan.keys().filter(|key| partial.has(key)).count(), plan.keys().count());
    if let Some(month) = plan.unsettled(clock.now()) {
        progress.say(&format!("{month} ended a short time ago: the vendor may still correct its figures"));
    }

    let asker = Asker::new(config, clock, if request.keep_zeros { Zeros::Kept } else { Zeros::NoData })?;
    let mut failures = Vec::new();
    for account in &plan.accounts {
        let client = asker
            .client(account)
            .map_err(|error| BackfillError::Unanswered(format!("{}: {error}", account.name)))?;
        for key in plan.keys_of(account) {
            if partial.has(&key) {
                continue;
            }
            match asker.ask(&client, &account.name, &key, &progress).await {
                Ok(answer) => {
                    partial.add(key.clone(), &answer).map_err(|error| not_kept(&partial, error))?;
                    progress.step(&format!("{}: {} to {}", account.name, key.first, key.last));
                }
                Err(error) => {
                    failures.push(failure(&account.name, &key, &error));
                    break;
                }
            }
        }
    }
    progress.finish();
    if !failures.is_empty() {
        if partial.path().is_some() {
            failures.push(KEPT.trim_start().to_owned());
        }
        return Err(BackfillError::Unanswered(failures.join("\n")));
    }

    let Some(path) = &request.output else {
        let out = io::BufWriter::with_capacity(256 * 1024, io::stdout().lock());
        let written = write::write(&partial, &plan, out).map_err(BackfillError::Output)?;
        progress.sum_up(None, plan.accounts.len(), written, began.elapsed());
        return Ok(());
    };
    let mut written = Written::default();
    let then = if partial.path().is_some() { KEPT } else { "" };
    atomic_file::write(path, Readers::Owner, |out| {
        written = write::write(&partial, &plan, out)?;
        Ok(())
    })
    .map_err(|error| BackfillError::File { what: "cannot write", path: path.clone(), error, then })?;
    progress.sum_up(Some(path), plan.accounts.len(), written, began.elapsed());
    partial.remove().map_err(|error| BackfillError::File {
        what: "all is written, but this cannot be removed:",
        path: partial.path().unwrap_or(path).to_owned(),
        error,
        then: "",
    })
}

/// What a failed run leaves beside its output.
const KEPT: &str = "\nwhat was answered is kept: the same command goes on from there";

/// The file beside the output, with what an interrupted run left in it; one that ends with the process where the output is
/// no file. What could not be written in the end is rejected here, before anything is asked.
fn open(output: Option<&Path>) -> Result<Partial, BackfillError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| BackfillError::File { what: "cannot use", path, error, then: "" }
    };
    let file = match output {
        Some(output) => Target::of(output)
            .and_then(|target| match target {
                Target::File(_) => atomic_file::check(output, 0).map(|()| Some(output)),
                // Beside a device or a pipe there is no place for anything.
                Target::Stream(_) => Ok(None),
            })
            .map_err(failed(output))?,
        None => {
            if is_closed(&io::stdout()) {
                return Err(BackfillError::Output(io::Error::other("it is closed; give --output")));
            }
            None
        }
    };
    let Some(output) = file else {
        return Partial::unnamed().map_err(failed(&std::env::temp_dir()));
    };
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let path = output.with_file_name(name);
    Partial::open(&path).map_err(failed(&path))
}

/// Whether the process was started without this stream. The standard library puts `/dev/null` there, open in both
/// directions; who wants it there opens it for writing alone.
fn is_closed(stream: &impl AsFd) -> bool {
    let null = fs::metadata("/dev/null").map(|metadata| metadata.rdev());
    let is_null = fstat(stream).is_ok_and(|found| null.is_ok_and(|null| found.st_rdev == null));
    is_null && fcntl_getfl(stream).is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::RDWR)
}

/// An answer has no room, or the disk is broken.
fn not_kept(partial: &Partial, error: io::Error) -> BackfillError {
    match partial.path() {
        Some(path) => BackfillError::File { what: "cannot write", path: path.to_owned(), error, then: KEPT },
        None => BackfillError::File {
            what: "cannot write a temporary file in",
            path: std::env::temp_dir(),
            error,
            then: "; name another directory in TMPDIR, or give --output",
        },
    }
}

/// What failed for an account, and what to do about it.
fn failure(account: &str, key: &Key, error: &crate::api::ApiError) -> String {
    use crate::model::Reason;
    let advice = match error.reason {
        Reason::Request => {
            "; if the vendor does not go back that far, give a later --from; otherwise try check --live"
        }
        Reason::Auth | Reason::Forbidden | Reason::Tls => {
            "; try check --live, or leave the account out with --account"
        }
        Reason::RateLimited | Reason::Timeout | Reason::Connect | Reason::Server => {
            "; tried several times: try again later"
        }
        Reason::Decode => "; try again later, or leave the account out with --account",
    };
    format!("{account}: {} to {}: {}: {error}{advice}", key.first, key.last, error.reason.name())
}
