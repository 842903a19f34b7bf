//! Files that only their owner may read: written whole or not at all, and keys that are made once.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::NodeError;

/// Tells apart what threads of this process write at the same time.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Replaces a file. Whoever reads it meanwhile finds the old bytes or the new ones, also after a power cut.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = written_beside(path, bytes)?;
    fs::rename(fresh, path)?;
    sync_folder(path)
}

/// A new file beside `path`, whose bytes are on disk.
pub(crate) fn written_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let nth = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let fresh = path.with_extension(format!("{}-{nth}.new", std::process::id()));
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(fresh)
}

/// Makes names of the folder that `path` is in durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// The key in this file. Whoever comes first makes it, of random bytes.
pub(crate) fn key(path: &Path) -> Result<[u8; 32], NodeError> {
    let mut key = [0; 32];
    match File::open(path).and_then(|mut it| it.read_exact(&mut key)) {
        Ok(()) => return Ok(key),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (),
        Err(error) => return Err(NodeError::file("read", path)(error)),
    }
    let random = Path::new("/dev/urandom");
    let read = File::open(random).and_then(|mut it| it.read_exact(&mut key));
    read.map_err(NodeError::file("read", random))?;
    let made = written_beside(path, &key).and_then(|fresh| {
        // A link never replaces what another process has made meanwhile.
        let linked = fs::hard_link(&fresh, path);
        fs::remove_file(fresh)?;
        linked?;
        sync_folder(path)
    });
    match made {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self::key(path),
        Err(error) => Err(NodeError::file("write", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_however_many_ask_at_the_same_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let asked: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| key(&path).unwrap())).collect();
            all.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(asked.iter().all(|it| *it == asked[0]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_that_is_cut_short_is_told_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, "short").unwrap();
        assert!(key(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.json");
        for text in ["first, and longer", "second"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
