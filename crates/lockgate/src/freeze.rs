//! Freezes a system into the snapshot that a release carries: files by digest, in the file store.

use std::path::Path;

use anyhow::Context as _;
use lockgate_model::{Snapshot, System, Version};
use lockgate_node::{FileStore, Place};

/// Keeps the files of every service and of the migrations, and names them by what they are.
pub fn freeze(system: System, version: Version, folder: &Path, state_dir: &Path) -> anyhow::Result<Snapshot> {
    let store = FileStore::open(&Place::of(state_dir)?.files())?;
    let keep = |whose: &str, path: &str| {
        store.import(&folder.join(path)).with_context(|| format!("cannot keep the files of {whose}"))
    };
    let mut files = std::collections::BTreeMap::new();
    for (name, service) in &system.services {
        if let Some(path) = &service.files {
            files.insert(name.clone(), keep(&format!("service `{name}`"), path)?);
        }
    }
    let migrations = system.migrations.as_ref().and_then(|it| it.files.as_deref());
    let migrations = migrations.map(|it| keep("the migrations", it)).transpose()?;
    Ok(Snapshot { version, system, files, migrations })
}

/// A version for a release that was given none: the time, which sorts and says what one asks first.
pub fn version_by_time() -> Version {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    Version::new(now).expect("digits and a dash")
}
