use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// A secret text. It has no `Display`, its `Debug` shows nothing of it, and its memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. For building a request, never for a message.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the configuration itself.
    Inline(Secret),
    /// In a file, read again at each login.
    File(PathBuf),
}

/// A secret that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error("cannot read the secret file {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds more than a secret, or what no secret has.
    #[error("the secret file {path} {problem}")]
    Unfit {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file is empty, or has white space only.
    #[error("the secret file {path} is empty")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

impl SecretSource {
    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// The secret as it is now, without the white space around it: editors and `echo` end files with a newline.
    ///
    /// # Errors
    /// Where the file cannot be read, or has nothing in it. The error names the file, never its content.
    pub async fn read(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path)
                    .await
                    .map(Zeroizing::new)
                    .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?;
                match alone(&text) {
                    Ok("") => Err(SecretError::Empty { path: path.clone() }),
                    Ok(secret) => Ok(Secret::new(secret.to_owned())),
                    Err(problem) => Err(SecretError::Unfit { path: path.clone(), problem }),
                }
            }
        }
    }
}

/// The secret in the text of a file, without what editors put around it; empty where there is none.
///
/// # Errors
/// What is wrong where the file holds more than the secret, in words that hold nothing of it.
pub(super) fn alone(text: &str) -> Result<&str, &'static str> {
    let secret = text.trim_start_matches('\u{feff}').trim();
    if secret.starts_with('{') && secret.ends_with('}') {
        return Err("looks like JSON from the console: put the value alone in the file");
    }
    let mut lines = secret.lines();
    let is_table = lines.next().is_some_and(|head| {
        let head = head.to_ascii_lowercase();
        head.contains(',') && (head.contains("secret") || head.contains("access"))
    });
    if is_table && lines.next().is_some() {
        return Err("looks like CSV from the console: put the value alone in the file");
    }
    if secret.contains(char::is_control) {
        return Err("has a line break or another control character inside: put the value alone in the file");
    }
    Ok(secret)
}

/// The content of a file without the byte order mark that some editors put before it.
#[must_use]
pub(crate) fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_anew_and_trimmed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let source = SecretSource::File(path.clone());
        std::fs::write(&path, "first\n").unwrap();
        assert_eq!(source.read().await.unwrap().expose(), "first");
        std::fs::write(&path, "  second\r\n\n").unwrap();
        assert_eq!(source.read().await.unwrap().expose(), "second");
    }

    #[tokio::test]
    async fn what_is_not_the_secret_alone_is_rejected_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let source = SecretSource::File(path.clone());
        std::fs::write(&path, "\u{feff}secret\r\n").unwrap();
        assert_eq!(source.read().await.unwrap().expose(), "secret");
        for (content, says) in [
            ("{\"accessKey\": \"AK\", \"secretKey\": \"canary\"}\n", "looks like JSON"),
            ("Access key,Secret key\r\nAK,canary\r\n", "looks like CSV"),
            ("canary\ncanary\n", "has a line break"),
            ("can\0ary", "another control character"),
        ] {
            std::fs::write(&path, content).unwrap();
            let error = source.read().await.unwrap_err().to_string();
            assert!(error.contains(says) && error.contains(path.to_str().unwrap()), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_empty_or_missing_file_is_rejected_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let source = SecretSource::File(path.clone());
        assert!(source.read().await.unwrap_err().to_string().contains(path.to_str().unwrap()));
        std::fs::write(&path, " \n").unwrap();
        assert_eq!(
            source.read().await.unwrap_err().to_string(),
            format!("the secret file {} is empty", path.display())
        );
    }

    #[test]
    fn debug_shows_nothing() {
        let source = SecretSource::Inline(Secret::new("canary".to_owned()));
        assert!(!format!("{source:?}").contains("canary"));
    }
}
