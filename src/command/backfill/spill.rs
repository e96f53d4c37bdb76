//! Answers on the disk, until all are there.
//!
//! A file of parts, one for each answer: a head with the length and the checksum of what follows, one line that tells what
//! was asked, and a line for each row. The head is written last, when the rest is on the disk, so that a part counts
//! whole or not at all; what follows the last whole part is cut off. Parts are facts of the vendor: they are found again
//! by what was asked of whom, whatever else has changed in the command line or in the configuration.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use serde::{Deserialize, Serialize};

use super::row::{Answer, Kind, Row};
use crate::model::{Identity, Month};
use crate::text::Text;

/// The first line of the file.
const MAGIC: &[u8] = b"lyve-cloud-exporter backfill, version 1\n";

/// The length of a part's head: `part`, the length and the checksum of what follows, in hexadecimal digits.
const HEAD: usize = "part 0123456789abcdef 01234567\n".len();

/// How much of a run is held in memory at once, bytes; as many runs are read side by side as there are queries in the
/// range.
const BUFFER: usize = 16 * 1024;

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
    pub(super) answer: Answer,
}

/// The first line of a part.
#[derive(Serialize, Deserialize)]
struct Asked {
    account_id: String,
    address: String,
    first: Text<Month>,
    last: Text<Month>,
    keep_zeros: bool,
    is_final: bool,
}

/// Where the rows of each kind are: from one byte of the file to another.
type Runs = BTreeMap<Kind, (u64, u64)>;

/// The file.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    path: Option<PathBuf>,
    end: u64,
    parts: BTreeMap<Key, Runs>,
}

impl Spill {
    /// One in the directory for temporary files, without a name: it is gone with the process, however that ends.
    pub(super) fn unnamed() -> io::Result<Self> {
        Self { file: tempfile::tempfile()?, path: None, end: 0, parts: BTreeMap::new() }.read()
    }

    /// The one at `path`, with what is whole in it; only its owner may read it. No other process may use it meanwhile.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for a writer, and a link may lead to a file of somebody else.
        if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(io::Error::other("it is no file"));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another backfill is writing it"),
            fs::TryLockError::Error(error) => error,
        })?;
        Self { file, path: Some(path.to_owned()), end: 0, parts: BTreeMap::new() }.read()
    }

    /// Where it is, if it has a name.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the answer to `key` is there.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.parts.contains_key(key)
    }

    /// Takes an answer: it is on the disk when this returns.
    pub(super) fn add(&mut self, key: Key, answered: &Answered) -> io::Result<()> {
        let start = self.end + HEAD as u64;
        self.file.seek(SeekFrom::Start(start))?;
        let mut out =
            Summed { out: BufWriter::with_capacity(64 * 1024, &self.file), crc: Crc::new(), length: 0 };
        let asked = Asked {
            account_id: key.identity.id.clone(),
            address: key.identity.address.clone(),
            first: Text(key.first),
            last: Text(key.last),
            keep_zeros: key.keep_zeros,
            is_final: answered.is_final,
        };
        line(&mut out, &asked)?;
        let mut runs = Runs::new();
        for row in answered.answer.rows() {
            let at = start + out.length;
            line(&mut out, &row)?;
            runs.entry(row.0).or_insert((at, at)).1 = start + out.length;
        }
        out.flush()?;
        let (length, sum) = (out.length, out.crc.sum());
        drop(out);
        self.sync()?;
        (&self.file).seek(SeekFrom::Start(self.end))?;
        (&self.file).write_all(head(length, sum).as_bytes())?;
        self.sync()?;
        self.end = start + length;
        self.parts.insert(key, runs);
        Ok(())
    }

    /// The rows of one kind in the answer to `key`.
    pub(super) fn run(&self, key: &Key, kind: Kind) -> Run<'_> {
        let (at, end) = self.parts.get(key).and_then(|runs| runs.get(&kind)).copied().unwrap_or((0, 0));
        Run {
            lines: BufReader::with_capacity(BUFFER, Section { file: &self.file, at, end }),
            line: Vec::new(),
        }
    }

    /// Removes the file, which is of no use any more.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.path.as_ref().map_or(Ok(()), fs::remove_file)
    }

    fn sync(&self) -> io::Result<()> {
        if self.path.is_some() { self.file.sync_data() } else { Ok(()) }
    }

    /// Finds the parts, and cuts off what is behind the last whole one.
    fn read(mut self) -> io::Result<Self> {
        let length = self.file.metadata()?.len();
        let mut start = Vec::new();
        (&self.file).take(MAGIC.len() as u64).read_to_end(&mut start)?;
        if !MAGIC.starts_with(&start) {
            return Err(io::Error::other(
                "it is not of an interrupted backfill of this version: remove it, or choose another --output",
            ));
        }
        if start.len() < MAGIC.len() {
            (&self.file).seek(SeekFrom::Start(0))?;
            (&self.file).write_all(MAGIC)?;
        }
        self.end = MAGIC.len() as u64;
        while let Some((end, asked, runs)) = part(&self.file, self.end, length)? {
            self.end = end;
            let Asked { account_id, address, first, last, keep_zeros, is_final } = asked;
            // What could still change is asked for again.
            if is_final {
                let identity = Identity { id: account_id, address };
                let key = Key { identity, first: first.0, last: last.0, keep_zeros };
                self.parts.insert(key, runs);
            }
        }
        self.file.set_len(self.end)?;
        Ok(self)
    }
}

fn head(length: u64, sum: u32) -> String {
    format!("part {length:016x} {sum:08x}\n")
}

/// The part at `at`: where it ends, and what is in it; `None` where none is whole.
fn part(mut file: &File, at: u64, file_length: u64) -> io::Result<Option<(u64, Asked, Runs)>> {
    let mut bytes = [0; HEAD];
    let start = at + HEAD as u64;
    if start > file_length {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    let number = |from, to| {
        std::str::from_utf8(bytes.get(from..to)?).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok())
    };
    let (Some(length), Some(sum)) = (number(5, 21), number(22, 30)) else { return Ok(None) };
    let Some(end) = start.checked_add(length).filter(|end| *end <= file_length) else { return Ok(None) };
    let mut lines = BufReader::with_capacity(64 * 1024, Section { file, at: start, end });
    let (mut crc, mut line, mut position) = (Crc::new(), Vec::new(), start);
    let mut asked = None;
    let mut runs = Runs::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        crc.update(&line);
        let next = position + line.len() as u64;
        if asked.is_none() {
            let Ok(found) = serde_json::from_slice::<Asked>(&line) else { return Ok(None) };
            asked = Some(found);
        } else {
            let Ok(row) = serde_json::from_slice::<Row>(&line) else { return Ok(None) };
            runs.entry(row.0).or_insert((position, next)).1 = next;
        }
        position = next;
        line.clear();
    }
    let whole = u64::from(crc.sum()) == sum && position == end;
    Ok(asked.filter(|_| whole).map(|asked| (end, asked, runs)))
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Counts what is written, and makes its checksum.
struct Summed<W> {
    out: W,
    crc: Crc,
    length: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A part of a file, which others read as well.
struct Section<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        self.file.seek(SeekFrom::Start(self.at))?;
        let read = self.file.read(&mut buffer[..most])?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The rows of one kind in one answer.
pub(super) struct Run<'a> {
    lines: BufReader<Section<'a>>,
    line: Vec<u8>,
}

impl Run<'_> {
    /// The next row, in the order of identities.
    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        self.line.clear();
        if self.lines.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&self.line)?))
    }
}

#[cfg(test)]
mod tests;
