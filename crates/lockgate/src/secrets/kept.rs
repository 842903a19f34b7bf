//! Values that were made here: which one is current, by system and environment.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lockgate_model::{Scope, SecretRef};
use lockgate_node::private_file;

const NAME: &str = "made.json";

/// Values by name, of each scope.
type Table = BTreeMap<String, BTreeMap<String, SecretRef>>;

/// The references to what was made. While one command has it, no other one makes the same again.
pub(super) struct Kept {
    path: PathBuf,
    /// Held until this is dropped.
    _lock: File,
    table: Table,
    scope: String,
}

impl Kept {
    /// `dir` is the folder of the vault.
    pub(super) fn open(dir: &Path, scope: &Scope) -> anyhow::Result<Kept> {
        let lock = dir.join("lock");
        let lock = File::options().create(true).append(true).mode(0o600).open(&lock).and_then(|it| {
            it.lock()?;
            Ok(it)
        });
        let lock = lock.with_context(|| format!("cannot lock {}", dir.display()))?;
        let path = dir.join(NAME);
        let table = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("{} does not read; restore it, its values are used", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Table::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Kept { path, _lock: lock, table, scope: scope.to_string() })
    }

    pub(super) fn get(&self, name: &str) -> Option<&SecretRef> {
        self.table.get(&self.scope)?.get(name)
    }

    pub(super) fn set(&mut self, name: &str, value: SecretRef) -> anyhow::Result<()> {
        self.table.entry(self.scope.clone()).or_default().insert(name.to_owned(), value);
        let bytes = serde_json::to_vec_pretty(&self.table).context("references are plain data")?;
        private_file::replace(&self.path, &bytes)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}
