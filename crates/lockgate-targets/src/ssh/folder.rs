//! A folder for the sockets of one connection. It goes with the connection; what a killed program left goes later.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use lockgate_node::{NodeError, private_temp};

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Result<Folder, NodeError> {
        let parent = private_temp()?;
        remove_old(&parent);
        let name = format!("ssh-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = parent.join(name);
        let made = match fs::create_dir(&path) {
            // Of a process that had the same number before.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_dir_all(&path).and_then(|()| fs::create_dir(&path))
            }
            other => other,
        };
        match made {
            Ok(()) => Ok(Folder(path)),
            Err(source) => Err(NodeError::File { action: "create folder", path, source }),
        }
    }

    pub(super) fn control(&self) -> PathBuf {
        self.0.join("control")
    }

    pub(super) fn node(&self) -> PathBuf {
        self.0.join("node")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, folder = %self.0.display(), "a folder of sockets stays");
        }
    }
}

fn remove_old(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|it| it.strip_prefix("ssh-")).and_then(|it| it.split('-').next());
        if pid.is_some_and(|it| !Path::new("/proc").join(it).exists()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
