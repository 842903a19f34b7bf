//! Takes a folder or a file into the store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use lockgate_model::Digest;

use super::{
    BYTES_MAX, DEPTH_MAX, Entry, FILES_MAX, FileStore, FilesError, Kind, Manifest, SKIPPED, copy_hashed,
};

impl FileStore {
    /// Takes a folder, or a single file, as it is now. The same content gives the same digest and is kept once.
    pub fn import(&self, path: &Path) -> Result<Digest, FilesError> {
        let root = path.canonicalize().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => FilesError::Missing { path: path.to_owned() },
            _ => FilesError::io("resolve", path)(source),
        })?;
        let scratch = tempfile::tempdir_in(self.scratch())
            .map_err(FilesError::io("create a temporary folder in", &self.scratch()))?;
        let mut import = Import {
            root: root.clone(),
            scratch: scratch.path().to_owned(),
            entries: BTreeMap::new(),
            bytes: 0,
        };
        if root.is_dir() {
            import.folder(&root, "", 0)?;
        } else {
            let name = root.file_name().and_then(|it| it.to_str());
            let name = name.ok_or_else(|| FilesError::Name { path: root.clone() })?.to_owned();
            import.file(&root, name)?;
        }
        self.keep(&import)
    }

    /// Contents first, then the manifest that names them, each step on disk before the next.
    fn keep(&self, import: &Import) -> Result<Digest, FilesError> {
        let blobs = self.dir.join("blobs");
        sync_all_under(&import.scratch)?;
        for file in fs::read_dir(&import.scratch).map_err(FilesError::io("read folder", &import.scratch))? {
            let file = file.map_err(FilesError::io("read folder", &import.scratch))?;
            let kept = blobs.join(file.file_name());
            fs::rename(file.path(), &kept).map_err(FilesError::io("keep", &kept))?;
        }
        sync_all_under(&blobs)?;
        let entries = import.entries.iter();
        let entries = entries.map(|(path, kind)| Entry { path: path.clone(), kind: kind.clone() }).collect();
        let manifest = serde_json::to_vec(&Manifest { entries }).expect("a manifest is plain data");
        let digest = Digest::of(&manifest);
        let tree = self.tree(&digest);
        let failed = |action| FilesError::io(action, &tree);
        let mut file = tempfile::NamedTempFile::new_in(self.scratch()).map_err(failed("write"))?;
        file.write_all(&manifest).map_err(failed("write"))?;
        file.as_file().sync_all().map_err(failed("flush"))?;
        file.persist(&tree).map_err(|it| failed("keep")(it.error))?;
        sync_all_under(&self.dir.join("trees"))?;
        Ok(digest)
    }
}

struct Import {
    root: PathBuf,
    scratch: PathBuf,
    entries: BTreeMap<String, Kind>,
    bytes: u64,
}

impl Import {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), FilesError> {
        if DEPTH_MAX < depth {
            return Err(FilesError::TooDeep { path: folder.to_owned() });
        }
        for item in fs::read_dir(folder).map_err(FilesError::io("read folder", folder))? {
            let item = item.map_err(FilesError::io("read folder", folder))?;
            let path = item.path();
            let name = item.file_name();
            let name = name.to_str().ok_or_else(|| FilesError::Name { path: path.clone() })?;
            if SKIPPED.contains(&name) {
                continue;
            }
            let inner = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let kind = item.file_type().map_err(FilesError::io("look at", &path))?;
            if kind.is_dir() {
                self.folder(&path, &inner, depth + 1)?;
            } else if kind.is_symlink() {
                self.link(&path, inner)?;
            } else if kind.is_file() {
                self.file(&path, inner)?;
            } else {
                return Err(FilesError::Special { path });
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, inner: String) -> Result<(), FilesError> {
        let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("open flags fit a C int");
        let open = fs::OpenOptions::new().read(true).custom_flags(nofollow).open(path);
        let mut file = open.map_err(FilesError::io("read", path))?;
        let mode = file.metadata().map_err(FilesError::io("look at", path))?.permissions().mode();
        let mut copy = tempfile::NamedTempFile::new_in(&self.scratch)
            .map_err(FilesError::io("write to", &self.scratch))?;
        let (content, length) = copy_hashed(&mut file, &mut copy).map_err(FilesError::io("copy", path))?;
        let kept = self.scratch.join(content.hex());
        copy.persist(&kept).map_err(|it| FilesError::io("write", &kept)(it.error))?;
        self.bytes += length;
        if BYTES_MAX < self.bytes {
            return Err(FilesError::TooLarge { path: self.root.clone() });
        }
        self.add(inner, Kind::File { content, executable: mode & 0o111 != 0 })
    }

    /// Both what the link says and where it leads must be inside: the first for wherever the tree is put, the
    /// second against links that pass through other links.
    fn link(&mut self, path: &Path, inner: String) -> Result<(), FilesError> {
        let to = fs::read_link(path).map_err(FilesError::io("read link", path))?;
        let outside = || FilesError::LinkOutside { path: path.to_owned(), to: to.clone() };
        let depth = inner.matches('/').count();
        let leads = path.canonicalize().map_err(|_| outside())?;
        if !stays_inside(&to, depth) || !leads.starts_with(&self.root) {
            return Err(outside());
        }
        let text = to.to_str().ok_or_else(|| FilesError::Name { path: to.clone() })?.to_owned();
        self.add(inner, Kind::Link { to: text })
    }

    fn add(&mut self, inner: String, kind: Kind) -> Result<(), FilesError> {
        self.entries.insert(inner, kind);
        if FILES_MAX < self.entries.len() {
            return Err(FilesError::TooMany { path: self.root.clone() });
        }
        Ok(())
    }
}

/// Whether a relative link in a folder `depth` below the root never climbs above the root.
pub(super) fn stays_inside(to: &Path, depth: usize) -> bool {
    use std::path::Component;
    let mut level = depth;
    for part in to.components() {
        match part {
            Component::Normal(_) => level += 1,
            Component::CurDir => (),
            Component::ParentDir if 0 < level => level -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

/// One flush for thousands of small files, where a flush of each would take minutes on a slow disk.
fn sync_all_under(folder: &Path) -> Result<(), FilesError> {
    let file = File::open(folder).map_err(FilesError::io("open folder", folder))?;
    rustix::fs::syncfs(&file).map_err(|it| FilesError::io("flush", folder)(it.into()))
}
