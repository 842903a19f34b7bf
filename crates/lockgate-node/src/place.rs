//! Where things are in a state folder. The node and its clients find each other by these rules alone.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use lockgate_model::{Digest, EffectKey, SlotRef};

use crate::NodeError;

/// A Unix socket's path holds 108 bytes; a margin is kept for what resolves longer.
const SOCKET_PATH_MAX: usize = 100;

/// A state folder by its one true path, so that every spelling of it leads to the same node.
#[derive(Clone, Debug)]
pub struct Place {
    state_dir: PathBuf,
}

impl Place {
    /// Creates the folder if it is missing.
    pub fn of(state_dir: &Path) -> Result<Place, NodeError> {
        private_dir(state_dir)?;
        let state_dir =
            state_dir.canonicalize().map_err(NodeError::file("resolve the state folder", state_dir))?;
        private_dir(&state_dir.join("node"))?;
        Ok(Place { state_dir })
    }

    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Names the node in its instances' environment.
    pub fn node_id(&self) -> String {
        Digest::of(self.state_dir.as_os_str().as_encoded_bytes()).short()
    }

    /// Where the node listens: in the state folder, or in a private temporary folder when that path is too long.
    pub fn socket(&self) -> Result<PathBuf, NodeError> {
        let near = self.node("node.sock");
        if near.as_os_str().len() <= SOCKET_PATH_MAX {
            return Ok(near);
        }
        Ok(private_temp()?.join(format!("{}.sock", self.node_id())))
    }

    pub fn files(&self) -> PathBuf {
        self.state_dir.join("files")
    }

    pub fn lock(&self) -> PathBuf {
        self.node("lock")
    }

    pub(crate) fn cookie_key(&self) -> PathBuf {
        self.node("cookie.key")
    }

    pub fn table(&self) -> PathBuf {
        self.node("table.json")
    }

    /// What the node itself prints when it runs in the background.
    pub fn log(&self) -> PathBuf {
        self.node("node.log")
    }

    /// Working directory of a slot's instances when the slot has files.
    pub fn checkout(&self, slot: &SlotRef) -> PathBuf {
        self.node("slots").join(slot.to_string())
    }

    /// Working directory of what has no files.
    pub fn home(&self) -> &Path {
        self.state_dir.parent().unwrap_or(&self.state_dir)
    }

    pub fn instance_log(&self, slot: &SlotRef, instance: u32) -> PathBuf {
        self.node("logs").join(slot.to_string()).join(format!("{instance}.log"))
    }

    pub(crate) fn all_logs(&self) -> PathBuf {
        self.node("logs")
    }

    pub fn logs(&self, slot: &SlotRef) -> PathBuf {
        self.node("logs").join(slot.to_string())
    }

    pub fn job(&self, key: &EffectKey) -> PathBuf {
        self.node("jobs").join(key.as_str())
    }

    fn node(&self, name: &str) -> PathBuf {
        self.state_dir.join("node").join(name)
    }
}

/// A folder for sockets whose path is short, and which is this user's alone.
pub fn private_temp() -> Result<PathBuf, NodeError> {
    let uid = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("lockgate-{uid}"));
    private_dir(&folder)?;
    let meta =
        std::fs::symlink_metadata(&folder).map_err(NodeError::file("look at the socket folder", &folder))?;
    if !meta.is_dir() || meta.uid() != uid || meta.mode() & 0o077 != 0 {
        return Err(NodeError::UnsafeSocketFolder { path: folder });
    }
    Ok(folder)
}

/// Creates a folder that only its owner can enter; one that exists is left as it is.
pub(crate) fn private_dir(path: &Path) -> Result<(), NodeError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(NodeError::file("create folder", path))
}
