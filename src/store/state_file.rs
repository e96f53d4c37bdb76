//! The state file: what is known of each account, for the next process.
//!
//! It holds the last good answers with their times, so that a restart neither loses them nor makes them look fresh. It
//! holds the alerts that were posted as well, and no secret, no session and no count. A new one takes the place of the old one whole or not at all. One that
//! cannot be used is set aside under another name, never overwritten, and never a reason not to start.

mod format;
#[cfg(test)]
mod tests;
mod writer;

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use format::{decode, encode};
pub use writer::Writer;

use super::{KnownAlert, Memory};
use crate::atomic_file::{self, Target};
use crate::model::{AnyData, Collector, Identity};
use crate::saved::{Entries, Loaded, Object};

/// The version that this program writes, and the only one that it reads.
pub const VERSION: u64 = 1;

/// The largest file that is written or read, bytes. 100,000 buckets with their months take about 25 MB.
pub const LARGEST: u64 = 256 * 1024 * 1024;

/// How what is known by one collector is written and read.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The collector.
    pub collector: Collector,
    /// Writes its last good answer, which came at this time, if that is still known.
    pub save: fn(Option<&AnyData>, Timestamp, &mut Object<'_>) -> io::Result<()>,
    /// Reads what was written: what is wrong with it, in words that hold nothing of it.
    pub load: fn(&Entries<'_>) -> Loaded<AnyData>,
}

/// What is known of one account, and which account that is.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Its name in the configuration.
    pub name: String,
    /// What tells it from an account that has the same name in another configuration.
    pub identity: Identity,
    /// What is known.
    pub memory: Memory,
    /// The alerts about it.
    pub alerts: Vec<KnownAlert>,
}

/// Everything in the file.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// By which choice of series the answers were cut down; equal texts mean equal choices.
    pub series: String,
    /// The accounts.
    pub accounts: Vec<Saved>,
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is larger than any that this program writes.
    #[error("it is too large to be one")]
    TooLarge,
    /// Something else wrote it.
    #[error("it is not a state file of this program")]
    Foreign,
    /// Another version of this program wrote it.
    #[error("it has version {0}, and this program reads version {VERSION}")]
    Version(u64),
    /// It is not whole, or was changed.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// Reads the file at `path`; `None` where there is none. Blocks.
///
/// # Errors
/// Where it is of no use.
pub fn read(path: &Path, formats: &[Format]) -> Result<Option<State>, Unusable> {
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    // Opening a pipe would wait for a writer.
    if !metadata.is_file() {
        return Err(Unusable::Foreign);
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Unusable::TooLarge);
    }
    decode(&bytes, formats).map(Some)
}

/// The least room on the disk that [`check`] asks for, bytes.
const ROOM: u64 = 64 * 1024;

/// Whether a state file could be written at `path`: everything is tried but the replacing. Blocks.
///
/// # Errors
/// Why it could not.
pub fn check(path: &Path) -> io::Result<()> {
    // The next one is about as large as the last one.
    let room = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    atomic_file::check(path, room.clamp(ROOM, LARGEST))
}

/// Gives an unusable file another name, so that it is not overwritten: its new path.
///
/// # Errors
/// Where the directory does not allow it, or it is no regular file.
pub fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let Target::File(path) = Target::of(path)? else {
        return Err(io::Error::other("it is a device or a pipe, and stays where it is"));
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".unusable-{}", now.as_second()));
    let aside = path.with_file_name(name);
    std::fs::rename(&path, &aside)?;
    Ok(aside)
}

/// Fails before more is written than would be read.
struct Bounded<'a> {
    out: &'a mut dyn Write,
    left: u64,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| io::Error::other("there is more to keep than a state file may hold"))?;
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
