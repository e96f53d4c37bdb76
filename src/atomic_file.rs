//! Files that are replaced as a whole or not at all: the state file, and what `--output` names.
//!
//! A new file is written beside the old one, under a name of our own that nothing else has, flushed to the disk, and then
//! renamed. What is in the place of a file but is none, such as a device or a pipe, is never replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Who may read a new file, before the umask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Everybody whom the umask lets.
    Umask,
}

/// What is to be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file that can be replaced, or the name for a new one. Symbolic links are followed.
    File(PathBuf),
    /// A character device or a pipe. It can only be written into.
    Stream(PathBuf),
}

/// How many symbolic links may follow each other, as Linux has it.
const LINKS: usize = 40;

/// Between what our temporary names have random characters.
const PREFIX: &str = ".lyve-cloud-exporter-";
const SUFFIX: &str = ".tmp";

/// Why a mount point can't be replaced, and what to do instead.
const MOUNT_POINT: &str = "it is a mount of its own, which cannot be replaced (a single file mounted into a container?); \
                           mount the directory that it lies in instead";

impl Target {
    /// What `path` is.
    ///
    /// # Errors
    /// Where it can neither be replaced nor written into: a directory, a block device, a mount point, links in a circle.
    pub fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                let path = behind_links(path)?;
                if is_mount_point(&path) { Err(mount_point()) } else { Ok(Self::File(path)) }
            }
            Ok(metadata) if metadata.file_type().is_char_device() || metadata.file_type().is_fifo() => {
                Ok(Self::Stream(path.to_owned()))
            }
            Ok(metadata) if metadata.is_dir() => Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a directory; give the name of a file in it",
            )),
            Ok(_) => Err(io::Error::other("it is not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => behind_links(path).map(Self::File),
            Err(error) => Err(error),
        }
    }
}

/// Where the file at `path` really is, or would be: symbolic links are followed, so that a file may lie on another disk than
/// its name.
///
/// # Errors
/// Where a link cannot be read, or too many follow each other.
pub fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::read_link(&path)?;
                path = path.parent().unwrap_or(Path::new("")).join(target);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links follow each other"))
}

/// Whether [`replace`] could put a file of `room` bytes in the place of `path`, found out by doing all of it but the last
/// step. Nothing stays behind.
///
/// # Errors
/// Why it could not.
pub fn check(path: &Path, room: u64) -> io::Result<()> {
    let mut file = temporary(&file(path)?, Readers::Owner)?;
    io::copy(&mut io::Read::take(io::repeat(0), room), &mut file)?;
    file.as_file().sync_all()
}

/// Puts what `content` writes in the place of the file at `path`, whole or not at all, also if the power fails. A symbolic
/// link at `path` stays, and what it points to is replaced. The new file is returned; it is locked as long as it is open.
///
/// # Errors
/// Where any of that fails, or something that is no file is at `path`. The file at `path` is then as it was, or already the
/// new one.
pub fn replace(
    path: &Path,
    readers: Readers,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<File> {
    let path = file(path)?;
    let mut new = temporary(&path, readers)?;
    let mut out = BufWriter::with_capacity(64 * 1024, new.as_file_mut());
    content(&mut out)?;
    out.flush()?;
    drop(out);
    new.as_file().sync_all()?;
    let new = new.persist(&path).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::ResourceBusy => mount_point(),
        _ => failed.error,
    })?;
    // Without this the rename may be forgotten when the power fails.
    File::open(directory_of(&path))?.sync_all()?;
    Ok(new)
}

/// Writes what `content` writes to `path`: a file is [replaced](replace), a device or a pipe is written into.
///
/// # Errors
/// Where that fails.
pub fn write(
    path: &Path,
    readers: Readers,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match Target::of(path)? {
        Target::File(path) => replace(&path, readers, content).map(drop),
        Target::Stream(path) => {
            let mut out = BufWriter::with_capacity(64 * 1024, OpenOptions::new().write(true).open(path)?);
            content(&mut out)?;
            out.flush()
        }
    }
}

fn file(path: &Path) -> io::Result<PathBuf> {
    match Target::of(path)? {
        Target::File(path) => Ok(path),
        Target::Stream(_) => Err(io::Error::other("it is a device or a pipe, and not a regular file")),
    }
}

fn mount_point() -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, MOUNT_POINT)
}

#[cfg(target_os = "linux")]
fn is_mount_point(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    // Where the kernel does not know, the rename will tell.
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount_point(_: &Path) -> bool {
    false
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file beside `path`, which nobody else had under that name; it is removed when it is dropped.
///
/// It is locked while it is written. So one without a lock was left behind by a process that was killed.
fn temporary(path: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let directory = directory_of(path);
    remove_leftovers(directory);
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Umask => 0o666,
    };
    loop {
        let create = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .rand_bytes(16)
            .make_in(directory, create)?;
        match file.as_file().try_lock() {
            // Another process took it for a leftover before it was locked.
            Err(fs::TryLockError::WouldBlock) => {}
            Ok(()) if file.as_file().metadata()?.nlink() == 0 => {}
            // Not every file system has locks. There nobody takes it for a leftover either.
            Ok(()) | Err(fs::TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// Removes what killed processes left behind. What can't be removed is in nobody's way.
fn remove_leftovers(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.as_encoded_bytes();
        if !name.starts_with(PREFIX.as_bytes()) || !name.ends_with(SUFFIX.as_bytes()) {
            continue;
        }
        // Opening a pipe would wait for a writer, and a link may lead to a file of somebody else.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&path);
        if let Ok(file) = opened
            && file.metadata().is_ok_and(|metadata| metadata.is_file())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests;
