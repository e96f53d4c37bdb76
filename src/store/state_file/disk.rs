use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How many links may follow each other, as the system has it.
const LINKS: usize = 40;

/// Where the file at `path` really is, or would be: a symbolic link there is followed, so that a file may lie on another disk
/// than its name.
///
/// # Errors
/// Where a link cannot be read, or they go round in a circle.
pub(super) fn behind_links(path: &Path) -> io::Result<PathBuf> {
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

/// Whether [`replace`] could put something in the place of `path`. Nothing is changed.
///
/// # Errors
/// Why it could not: its directory is not there or may not be written to, or something else than a file is in its place.
pub fn check(path: &Path) -> io::Result<()> {
    let path = behind_links(path)?;
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("something that is no file is in its place"));
    }
    let directory = directory_of(&path);
    if !fs::metadata(directory)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    may_write(directory)
}

#[cfg(unix)]
fn may_write(directory: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(directory, Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn may_write(_: &Path) -> io::Result<()> {
    Ok(())
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts what `content` writes in the place of the file at `path`, whole or not at all, even over a loss of power: it is
/// written beside it, handed to the disk, and then renamed. Only the owner may read it. A symbolic link at `path` stays,
/// and what it points to is replaced.
///
/// # Errors
/// Where any of that fails. The file at `path` is then as it was, or already the new one.
pub fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let path = &behind_links(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    // Left behind by a process that was killed while it wrote.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // It may be what fills the disk. Where it cannot be removed, the first error says more.
        let _ = fs::remove_file(&beside);
    }
    written?;
    sync_directory(path)
}

fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // A new file: never one that somebody else put there, nor what a link points to.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::with_capacity(64 * 1024, options.open(path)?);
    content(&mut out)?;
    let file: File = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// Without this a rename may be forgotten in a loss of power.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
