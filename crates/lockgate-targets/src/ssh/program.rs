//! This program, as it is copied to hosts: its file, and the digest that it is kept under.

use std::path::{Path, PathBuf};

use lockgate_model::Digest;
use tokio::sync::OnceCell;

use crate::{Class, TargetError};

/// Shared by all hosts, for it is read as a whole.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    digest: OnceCell<String>,
}

impl Program {
    pub(crate) fn at(path: PathBuf) -> Program {
        Program { path, digest: OnceCell::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256, in hexadecimal.
    pub(super) async fn digest(&self) -> Result<String, TargetError> {
        let digest = self.digest.get_or_try_init(async || {
            let read = tokio::fs::read(&self.path).await.map_err(|it| {
                let text = format!("this program cannot be read in {}: {it}", self.path.display());
                TargetError::new(Class::Fatal, text)
            })?;
            let digest = tokio::task::spawn_blocking(move || Digest::of(&read).hex()).await;
            digest.map_err(|it| TargetError::new(Class::Fatal, format!("this program has no digest: {it}")))
        });
        digest.await.cloned()
    }
}
