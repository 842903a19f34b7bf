//! Files that containers are given: secrets and texts, as files of this machine that are mounted read-only.
//!
//! They work with a root that cannot be written to and for any user in the container. The files themselves can be
//! read by anybody, and the folder above them by nobody but the node. They are in memory where the machine has a
//! file system for that, so they are gone after a reboot; whoever is launched then gets them anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use lockgate_model::{Container, Digest, MountFrom};

use crate::Place;
use crate::protocol::Failure;
use crate::secrets::Revealed;

/// By their paths in the container.
pub(crate) type FilesOf = BTreeMap<String, PathBuf>;

/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;
/// What `statfs` says of a file system in memory.
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// Puts the files of a container in place.
pub(crate) fn write(
    place: &Place,
    name: &str,
    form: &Container,
    secrets: &Revealed,
    whose: &str,
) -> Result<FilesOf, Failure> {
    let mut files = FilesOf::new();
    for mount in &form.mounts {
        let text = match &mount.from {
            MountFrom::Scratch | MountFrom::Volume(_) => continue,
            MountFrom::Text(text) => text.as_str(),
            MountFrom::Secret(secret) => secrets.get(secret).ok_or_else(|| {
                Failure::fatal(format!(
                    "{whose}: the file {} is of a secret {secret} that it does not have",
                    mount.path
                ))
            })?,
        };
        let folder = folder(place).join(name);
        let path = folder.join(Digest::of(mount.path.as_bytes()).short());
        put(&folder, &path, text).map_err(|it| {
            Failure::transient(format!("{whose}: the file for {} was not written: {it}", mount.path))
        })?;
        files.insert(mount.path.clone(), path);
    }
    Ok(files)
}

pub(crate) fn remove(place: &Place, name: &str) {
    let folder = folder(place).join(name);
    if let Err(error) = fs::remove_dir_all(&folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, folder = %folder.display(), "files of a container stay");
    }
}

fn put(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    // Whoever the container runs as.
    file.set_permissions(fs::Permissions::from_mode(0o444))?;
    fs::rename(new, path)
}

/// In memory if there is a place for it, else beside the vault, which has the values on disk anyway.
fn folder(place: &Place) -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let candidates = runtime.into_iter().chain(["/run", "/dev/shm"].map(PathBuf::from));
    let memory = candidates.map(|it| it.join(format!("lockgate-{}", place.node_id()))).find(|it| is_ours(it));
    memory.unwrap_or_else(|| place.state_dir().join("node").join("mounts"))
}

fn is_ours(folder: &Path) -> bool {
    let in_memory = folder.parent().and_then(|it| rustix::fs::statfs(it).ok());
    if in_memory.is_none_or(|it| it.f_type != TMPFS_MAGIC) {
        return false;
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let own = rustix::process::getuid().as_raw();
    // In a folder that all may write to, somebody else may have been first.
    made.is_ok()
        && fs::symlink_metadata(folder)
            .is_ok_and(|it| it.is_dir() && it.uid() == own && it.mode() & OTHERS == 0)
}
