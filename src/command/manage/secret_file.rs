//! The file for a new pair. The vendor shows a secret once, so room for it is made before the vendor is asked.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::show::expires;
use crate::api::NewPair;

/// As much room is made beforehand. A pair takes some hundred bytes.
const RESERVED: usize = 4096;

/// No file of ours is larger.
const MAX_LEFT: u64 = 1024 * 1024;

/// What the file holds until the pair is there.
const PENDING: &str =
    "{\"pending\": \"no secret yet: written by lyve-cloud-exporter manage, which was interrupted\"}";

/// A file of our own that waits for a pair.
pub(super) struct SecretFile {
    path: PathBuf,
    file: File,
}

/// What is in the file.
#[derive(Serialize)]
struct Content<'a> {
    id: &'a str,
    name: &'a str,
    access_key: &'a str,
    secret: &'a str,
    expires: Option<String>,
}

/// What an earlier run left behind.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The pair of what has this id.
    Pair(String),
    /// A file that was to take a pair and did not.
    Nothing,
    /// Something else.
    Other,
}

impl SecretFile {
    /// Creates the file, for its owner alone, and makes room in it.
    ///
    /// # Errors
    /// Where there is such a file, or it cannot be written.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut created = Self { path: path.to_owned(), file };
        match created.fill(PENDING.as_bytes()).and_then(|()| created.sync_directory()) {
            Ok(()) => Ok(created),
            Err(error) => {
                created.discard();
                Err(error)
            }
        }
    }

    /// Writes the pair to the disk.
    ///
    /// # Errors
    /// Where that fails.
    pub(super) fn store(&mut self, name: &str, pair: &NewPair) -> io::Result<()> {
        let content = Content {
            id: &pair.id,
            name,
            access_key: &pair.access_key,
            secret: pair.secret.expose(),
            expires: expires(pair.expiry),
        };
        // As long as it can get, so that no part of it is left behind in memory.
        let mut text = Zeroizing::new(Vec::with_capacity(RESERVED + 2 * pair.secret.expose().len()));
        serde_json::to_writer_pretty(&mut *text, &content)?;
        text.push(b'\n');
        self.fill(&text)?;
        // Cut to its length once it is safe.
        self.file.set_len(text.len() as u64)?;
        self.file.sync_all()
    }

    /// Removes the file, which holds no whole pair.
    pub(super) fn discard(self) {
        // Where it stays, the next run says what it is.
        let _ = std::fs::remove_file(&self.path);
    }

    /// Writes over what was reserved, with blanks behind the text.
    fn fill(&mut self, text: &[u8]) -> io::Result<()> {
        let mut padded = Zeroizing::new(Vec::with_capacity(text.len().max(RESERVED)));
        padded.extend_from_slice(text);
        padded.resize(text.len().max(RESERVED), b' ');
        self.file.rewind()?;
        self.file.write_all(&padded)?;
        self.file.sync_all()
    }

    /// So that the name of the file is on the disk too.
    fn sync_directory(&self) -> io::Result<()> {
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(directory)?.sync_all()
    }
}

/// What an earlier run left at `path`; `None` where there is no such file.
pub(super) fn left(path: &Path) -> Option<Left> {
    #[derive(Deserialize)]
    struct Pair {
        id: String,
        #[serde(rename = "access_key")]
        _access_key: String,
    }
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => return Some(Left::Other),
    };
    // A device or a pipe may never end.
    if !found.is_file() || found.len() > MAX_LEFT {
        return Some(Left::Other);
    }
    let Ok(text) = std::fs::read(path).map(Zeroizing::new) else { return Some(Left::Other) };
    if text.is_empty() || text.trim_ascii() == PENDING.as_bytes() {
        return Some(Left::Nothing);
    }
    Some(serde_json::from_slice::<Pair>(&text).map_or(Left::Other, |pair| Left::Pair(pair.id)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Secret;
    use crate::model::Expiry;

    fn pair(secret: &str) -> NewPair {
        NewPair {
            id: "sa-1".to_owned(),
            access_key: "AK".to_owned(),
            secret: Secret::new(secret.to_owned()),
            expiry: Expiry::Never,
        }
    }

    #[test]
    fn a_pair_is_written_whole_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pair.json");
        assert_eq!(left(&path), None);
        let mut file = SecretFile::create(&path).unwrap();
        assert_eq!(left(&path), Some(Left::Nothing));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), RESERVED as u64, "there is room");
        for secret in ["short", &"x".repeat(10_000)] {
            file.store("veeam", &pair(secret)).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            let expected = serde_json::json!({
                "id": "sa-1", "name": "veeam", "access_key": "AK", "secret": secret, "expires": "never"});
            assert_eq!(json, expected);
            assert!(text.ends_with("}\n"), "and nothing behind it");
            file.fill(b"").unwrap();
        }
        file.store("veeam", &pair("short")).unwrap();
        assert_eq!(left(&path), Some(Left::Pair("sa-1".to_owned())));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SecretFile::create(&path).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
        std::fs::write(&path, "something else").unwrap();
        assert_eq!(left(&path), Some(Left::Other));
        file.discard();
        assert!(!path.exists());
    }
}
