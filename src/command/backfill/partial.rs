//! Answers on the disk, until all are there.
//!
//! A file of lines: for each answer one that tells what was asked, one for each row, and one with the checksum of those. The
//! last is written when the others are on the disk, so an answer counts whole or not at all; what follows the last whole one is
//! cut off. Answers are found again by what was asked of whom, whatever else has changed in the command line or in the
//! configuration.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use flate2::Crc;
use serde::{Deserialize, Serialize};

use super::row::{Row, rows};
use crate::model::{Identity, Month, PastUsage};
use crate::text::Text;

/// The first line of the file.
const MAGIC: &[u8] = b"lyve-cloud-exporter backfill, version 2\n";

/// How much of the file is held in memory at once, bytes.
const BUFFER: usize = 64 * 1024;

/// What was asked of whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) identity: Identity,
    /// The oldest month asked for.
    pub(super) first: Month,
    /// The newest month asked for.
    pub(super) last: Month,
    /// Whether months of zeros are in it.
    pub(super) keep_zeros: bool,
}

/// What was answered.
pub(super) struct Answered {
    /// Whether none of its months can change any more.
    pub(super) is_final: bool,
    pub(super) usage: PastUsage,
}

/// The first line of an answer.
#[derive(Serialize, Deserialize)]
struct Asked {
    account_id: String,
    address: String,
    first: Text<Month>,
    last: Text<Month>,
    keep_zeros: bool,
    is_final: bool,
}

/// The last line of an answer.
#[derive(Serialize, Deserialize)]
struct End {
    checksum: u32,
}

/// The file.
#[derive(Debug)]
pub(super) struct Partial {
    file: File,
    path: Option<PathBuf>,
    end: u64,
    /// Where the rows of each answer are: the first byte, and how many.
    answers: BTreeMap<Key, (u64, u64)>,
}

impl Partial {
    /// One in the directory for temporary files, without a name: it is gone with the process, however that ends.
    pub(super) fn unnamed() -> io::Result<Self> {
        Self { file: tempfile::tempfile()?, path: None, end: 0, answers: BTreeMap::new() }.read()
    }

    /// The one at `path`, with what is whole in it; only its owner may read it. No other process may use it meanwhile.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for a writer, and a link may lead to a file of somebody else.
        if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another backfill is writing it"),
            fs::TryLockError::Error(error) => error,
        })?;
        Self { file, path: Some(path.to_owned()), end: 0, answers: BTreeMap::new() }.read()
    }

    /// Where it is, if it has a name.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the answer to `key` is there.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.answers.contains_key(key)
    }

    /// Takes an answer: it is on the disk when this returns.
    pub(super) fn add(&mut self, key: Key, answered: &Answered) -> io::Result<()> {
        let asked = Asked {
            account_id: key.identity.id.clone(),
            address: key.identity.address.clone(),
            first: Text(key.first),
            last: Text(key.last),
            keep_zeros: key.keep_zeros,
            is_final: answered.is_final,
        };
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut out = BufWriter::with_capacity(BUFFER, &self.file);
        let mut crc = Crc::new();
        let mut put = |line: &[u8]| {
            crc.update(line);
            out.write_all(line)
        };
        put(&line(&asked)?)?;
        let mut length = 0;
        for row in rows(&answered.usage) {
            let row = line(&row)?;
            length += row.len() as u64;
            put(&row)?;
        }
        out.flush()?;
        drop(out);
        self.sync()?;
        let rows = self.file.stream_position()? - length;
        self.file.write_all(&line(&End { checksum: crc.sum() })?)?;
        self.sync()?;
        self.end = self.file.stream_position()?;
        self.answers.insert(key, (rows, length));
        Ok(())
    }

    /// The rows of the answer to `key`, kind by kind; none where it is not there. One answer can be read at a time.
    pub(super) fn rows(&self, key: &Key) -> io::Result<impl Iterator<Item = io::Result<Row>>> {
        let (start, length) = self.answers.get(key).copied().unwrap_or_default();
        (&self.file).seek(SeekFrom::Start(start))?;
        let lines = BufReader::with_capacity(BUFFER, (&self.file).take(length)).split(b'\n');
        Ok(lines.map(|line| Ok(serde_json::from_slice(&line?)?)))
    }

    /// Removes the file, which is of no use any more.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.path.as_ref().map_or(Ok(()), fs::remove_file)
    }

    fn sync(&self) -> io::Result<()> {
        if self.path.is_some() { self.file.sync_data() } else { Ok(()) }
    }

    /// Finds the answers, and cuts off what is behind the last whole one.
    fn read(mut self) -> io::Result<Self> {
        let mut start = Vec::new();
        (&self.file).take(MAGIC.len() as u64).read_to_end(&mut start)?;
        if !MAGIC.starts_with(&start) {
            return Err(io::Error::other(
                "it is not of an interrupted backfill of this version: remove it, or choose another --output",
            ));
        }
        if start.len() < MAGIC.len() {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(MAGIC)?;
        }
        self.end = MAGIC.len() as u64;
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut lines = BufReader::with_capacity(BUFFER, self.file.try_clone()?);
        while let Some((Asked { account_id, address, first, last, keep_zeros, is_final }, head, rows, tail)) =
            whole(&mut lines)?
        {
            // What could still change is asked for again.
            if is_final {
                let identity = Identity { id: account_id, address };
                let key = Key { identity, first: first.0, last: last.0, keep_zeros };
                self.answers.insert(key, (self.end + head, rows));
            }
            self.end += head + rows + tail;
        }
        self.file.set_len(self.end)?;
        Ok(self)
    }
}

/// Reads the next answer: what was asked, and how long its first line, its rows and its last line are. `None` where none is
/// whole.
fn whole(lines: &mut impl BufRead) -> io::Result<Option<(Asked, u64, u64, u64)>> {
    let (mut crc, mut line) = (Crc::new(), Vec::new());
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        lines.read_until(b'\n', line).map(|length| length as u64)
    };
    let head = next(&mut line)?;
    let Ok(asked) = serde_json::from_slice::<Asked>(&line) else { return Ok(None) };
    crc.update(&line);
    let mut rows = 0;
    loop {
        let length = next(&mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        if line.starts_with(b"{") {
            let end = serde_json::from_slice::<End>(&line);
            let is_whole = end.is_ok_and(|end| end.checksum == crc.sum());
            return Ok(is_whole.then_some((asked, head, rows, length)));
        }
        crc.update(&line);
        rows += length;
    }
}

/// A value as a line of JSON.
fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests;
