use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Bounded, Format, LARGEST, State, encode};
use crate::atomic_file::{self, Readers};

/// Writes a state file that no other process writes.
///
/// The file is locked as long as this lives. The lock is on the file itself, so each new one takes it over.
#[derive(Debug, Default)]
pub struct Writer {
    held: Option<File>,
}

impl Writer {
    /// Takes the file at `path`, if there is one, for this process. Blocks.
    ///
    /// # Errors
    /// Where another process has it.
    pub fn claim(&mut self, path: &Path) -> io::Result<()> {
        let Ok(found) = fs::metadata(path).and_then(|found| {
            // Opening a pipe would wait for a writer.
            if found.is_file() { Ok(found) } else { Err(io::ErrorKind::Unsupported.into()) }
        }) else {
            self.held = None;
            return Ok(());
        };
        let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
        let held = self.held.as_ref().and_then(|held| held.metadata().ok());
        if held.is_some_and(|held| identity(&held) == identity(&found)) {
            return Ok(());
        }
        self.held = None;
        // What cannot be opened is found unusable when it is read, and not every file system has locks.
        let Ok(file) = File::open(path) else { return Ok(()) };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another exporter is using it; give each one a state_file of its own",
            )),
            Err(TryLockError::Error(_)) => Ok(()),
            Ok(()) => {
                self.held = Some(file);
                Ok(())
            }
        }
    }

    /// Writes `state` in the place of the file at `path`. Blocks.
    ///
    /// # Errors
    /// Where another process has the file, or the new one cannot be written whole; the old one is still there then.
    pub fn write(&mut self, path: &Path, state: &State, formats: &[Format]) -> io::Result<()> {
        self.claim(path)?;
        let new = atomic_file::replace(path, Readers::Owner, |out| {
            encode(state, formats, Bounded { out, left: LARGEST })
        })?;
        self.held = Some(new);
        Ok(())
    }

    /// Leaves the file to others.
    pub fn release(&mut self) {
        self.held = None;
    }
}
