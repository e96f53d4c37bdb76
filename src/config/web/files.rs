use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::value;

/// The largest file that is read here, in bytes: far above any chain of certificates.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Reads files, and notes how each of them was.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<(PathBuf, Option<Stamp>)>);

impl Files {
    /// The bytes of a file, or why they cannot be had.
    pub(super) fn read(&mut self, path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
        // Before the content: what changes in between is then seen as a change, never missed.
        let found = fs::metadata(path);
        self.0.push((path.to_owned(), found.as_ref().ok().map(Stamp::of)));
        let metadata = found.map_err(|error| value::words(&error))?;
        if !metadata.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        let mut bytes = Zeroizing::new(Vec::new());
        let file = File::open(path).map_err(|error| value::words(&error))?;
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| value::words(&error))?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err("it is too large".to_owned());
        }
        Ok(bytes)
    }

    pub(super) fn into_stamps(self) -> Stamps {
        Stamps(self.0)
    }
}

/// How a set of files was when it was read.
#[derive(Debug)]
pub struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

impl Stamps {
    /// Whether each of the files is as it was: the same file, of the same size, not written since. Blocks on the file
    /// system, but reads no file.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.0.iter().all(|(path, stamp)| fs::metadata(path).ok().as_ref().map(Stamp::of) == *stamp)
    }
}

/// What tells two states of a file apart. The time of the last change of its metadata, which a program cannot set, shows
/// a copy that kept an old file's time and size.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(path: &Path) -> Stamps {
        let mut files = Files::default();
        let _ = files.read(path);
        files.into_stamps()
    }

    #[test]
    fn a_file_that_is_written_replaced_made_or_removed_no_longer_holds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");

        let missing = stamped(&path);
        assert!(missing.hold());
        fs::write(&path, "one").unwrap();
        assert!(!missing.hold());

        let first = stamped(&path);
        assert!(first.hold());
        fs::write(&path, "three").unwrap();
        assert!(!first.hold());

        let second = stamped(&path);
        let other = directory.path().join("other");
        fs::write(&other, "seven").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(!second.hold(), "another file of the same size");

        let third = stamped(&path);
        fs::remove_file(&path).unwrap();
        assert!(!third.hold());
    }

    #[test]
    fn only_regular_files_of_a_sane_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        assert_eq!(files.read(directory.path()).unwrap_err(), "it is not a regular file");
        let large = directory.path().join("large");
        File::create(&large).unwrap().set_len(LARGEST_FILE + 1).unwrap();
        assert_eq!(files.read(&large).unwrap_err(), "it is too large");
        assert_eq!(files.read(&directory.path().join("none")).unwrap_err(), "No such file or directory");
    }
}
