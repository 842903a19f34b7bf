//! Puts a stored tree in place.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use lockgate_model::Digest;

use super::import::stays_inside;
use super::{FileStore, FilesError, Kind, Manifest, copy_hashed};

impl FileStore {
    /// Makes `dest` a copy of the tree. A `dest` that exists is replaced; it is whole or not there at any time.
    pub fn checkout(&self, digest: &Digest, dest: &Path) -> Result<(), FilesError> {
        let manifest = self.manifest(digest)?;
        let parent = dest.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(FilesError::io("create folder", parent))?;
        // Beside the destination, for a rename does not cross file systems.
        let fresh = tempfile::Builder::new()
            .prefix(".checkout-")
            .tempdir_in(parent)
            .map_err(FilesError::io("create a temporary folder in", parent))?;
        for entry in &manifest.entries {
            self.place(digest, fresh.path(), &entry.path, &entry.kind)?;
        }
        fs::set_permissions(fresh.path(), fs::Permissions::from_mode(0o755))
            .map_err(FilesError::io("set the mode of", fresh.path()))?;
        if let Err(source) = fs::remove_dir_all(dest)
            && source.kind() != io::ErrorKind::NotFound
        {
            return Err(FilesError::io("replace", dest)(source));
        }
        fs::rename(fresh.path(), dest).map_err(FilesError::io("put in place", dest))?;
        Ok(())
    }

    fn manifest(&self, digest: &Digest) -> Result<Manifest, FilesError> {
        let tree = self.tree(digest);
        let bytes = fs::read(&tree).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => FilesError::Unknown { digest: *digest, store: self.dir.clone() },
            _ => FilesError::io("read", &tree)(source),
        })?;
        let damaged = |reason: String| FilesError::Damaged { digest: *digest, reason };
        if Digest::of(&bytes) != *digest {
            return Err(damaged("the list of files has another digest than its name".to_owned()));
        }
        serde_json::from_slice(&bytes).map_err(|it| damaged(it.to_string()))
    }

    fn place(&self, digest: &Digest, root: &Path, inner: &str, kind: &Kind) -> Result<(), FilesError> {
        let damaged = |reason: String| FilesError::Damaged { digest: *digest, reason };
        let inner_path = Path::new(inner);
        if inner.is_empty() || !inner_path.components().all(|it| matches!(it, Component::Normal(_))) {
            return Err(damaged(format!("the path `{inner}` leaves the folder")));
        }
        let path = root.join(inner_path);
        let parent = path.parent().unwrap_or(root);
        fs::create_dir_all(parent).map_err(FilesError::io("create folder", parent))?;
        match kind {
            Kind::Link { to } if !stays_inside(Path::new(to), inner.matches('/').count()) => {
                Err(damaged(format!("the link `{inner}` leaves the folder")))
            }
            Kind::Link { to } => std::os::unix::fs::symlink(to, &path).map_err(FilesError::io("link", &path)),
            Kind::File { content, executable } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                let copied = self.copy(content, &path, mode)?;
                if copied != *content {
                    return Err(damaged(format!("the content of `{inner}` is not what was stored")));
                }
                Ok(())
            }
        }
    }

    fn copy(&self, content: &Digest, path: &Path, mode: u32) -> Result<Digest, FilesError> {
        let blob = self.blob(content);
        let mut from = File::open(&blob).map_err(FilesError::io("read", &blob))?;
        let mut to = File::create_new(path).map_err(FilesError::io("write", path))?;
        let (copied, _) = copy_hashed(&mut from, &mut to).map_err(FilesError::io("copy to", path))?;
        to.set_permissions(fs::Permissions::from_mode(mode))
            .map_err(FilesError::io("set the mode of", path))?;
        Ok(copied)
    }
}
