//! The file store: what releases are made of, by content. A tree that is in the store never changes and can be
//! put in place again by a rollback, whatever became of the folder that it came from.
//!
//! **Invariant:** a manifest is written after all that it names is on disk.

use std::io;
use std::path::{Path, PathBuf};

use lockgate_model::Digest;
use serde::{Deserialize, Serialize};

mod checkout;
mod import;
#[cfg(test)]
mod tests;

/// Folders that never belong to a release: the history of the sources and Lockgate's own state.
const SKIPPED: [&str; 2] = [".git", ".lockgate"];
/// A release is a built program, not a source tree with its dependencies; more than this is a mistake.
const FILES_MAX: usize = 20_000;
/// Every release keeps its copy of what changed; disks of small machines hold tens of these.
const BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Deeper trees are loops of mounts.
const DEPTH_MAX: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("{action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} does not exist", path.display())]
    Missing { path: PathBuf },
    #[error(
        "{} holds more than {FILES_MAX} files; name the folder that holds the built program only",
        path.display()
    )]
    TooMany { path: PathBuf },
    #[error("{} holds more than 2 GiB; name the folder that holds the built program only", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} is nested deeper than {DEPTH_MAX} folders", path.display())]
    TooDeep { path: PathBuf },
    #[error("{} is a symbolic link to `{}`, which is not inside the folder that is released", path.display(), to.display())]
    LinkOutside { path: PathBuf, to: PathBuf },
    #[error("{} is neither a file, a folder nor a symbolic link", path.display())]
    Special { path: PathBuf },
    #[error("the name of {} is not UTF-8", path.display())]
    Name { path: PathBuf },
    #[error("no files {digest} in the store {}", store.display())]
    Unknown { digest: Digest, store: PathBuf },
    #[error("the stored files {digest} are damaged: {reason}")]
    Damaged { digest: Digest, reason: String },
}

impl FilesError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FilesError + use<> {
        let path = path.to_owned();
        move |source| FilesError::Io { action, path, source }
    }
}

/// A content-addressed store of file trees: `blobs/<hex>` and `trees/<hex>.json`.
#[derive(Clone, Debug)]
pub struct FileStore {
    dir: PathBuf,
}

/// What a tree's digest is the digest of. Sorted by path; empty folders are not kept.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Relative, with `/`.
    path: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    File { content: Digest, executable: bool },
    Link { to: String },
}

impl FileStore {
    pub fn open(dir: &Path) -> Result<FileStore, FilesError> {
        for folder in ["blobs", "trees", "tmp"] {
            let folder = dir.join(folder);
            std::fs::create_dir_all(&folder).map_err(FilesError::io("create folder", &folder))?;
        }
        Ok(FileStore { dir: dir.to_owned() })
    }

    pub fn contains(&self, digest: &Digest) -> bool {
        self.tree(digest).is_file()
    }

    fn tree(&self, digest: &Digest) -> PathBuf {
        self.dir.join("trees").join(format!("{}.json", digest.hex()))
    }

    fn blob(&self, content: &Digest) -> PathBuf {
        self.dir.join("blobs").join(content.hex())
    }

    fn scratch(&self) -> PathBuf {
        self.dir.join("tmp")
    }
}

/// Copies and hashes in one pass, so that the digest is that of what was written.
fn copy_hashed(from: &mut impl io::Read, to: &mut impl io::Write) -> io::Result<(Digest, u64)> {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut total = 0;
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok((Digest::from_bytes(hasher.finalize().into()), total));
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        total += count as u64;
    }
}
