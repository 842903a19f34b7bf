//! What `lockgate build` made: `images.json` in the state folder, from repository and version to digest.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lockgate_model::{Digest, Timestamp, Version};
use serde::{Deserialize, Serialize};

const NAME: &str = "images.json";
/// Of each repository; who goes back further than this asks the registry.
const KEPT_MAX: usize = 100;

/// The newest last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Recorded {
    images: Vec<BuiltImage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltImage {
    pub repository: String,
    pub version: Version,
    /// What the registry calls it; `None` for one that was not pushed.
    pub digest: Option<Digest>,
    /// What the engine calls it.
    pub id: String,
    /// Digest of all that went into it.
    pub inputs: Digest,
    pub at: Timestamp,
}

impl Recorded {
    pub fn read(state_dir: &Path) -> anyhow::Result<Recorded> {
        let path = path(state_dir);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Recorded::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let wrong = || format!("{} does not read; remove it, and `lockgate build` asks anew", path.display());
        serde_json::from_slice(&text).with_context(wrong)
    }

    /// The newest of a version.
    pub fn of(&self, repository: &str, version: &Version) -> Option<&BuiltImage> {
        self.of_repository(repository).find(|it| it.version == *version)
    }

    /// The newest first.
    pub fn of_repository(&self, repository: &str) -> impl Iterator<Item = &BuiltImage> {
        self.images.iter().rev().filter(move |it| it.repository == repository)
    }

    /// Adds one to what is on disk now. Builds of the same folder wait for each other.
    pub fn add(state_dir: &Path, image: &BuiltImage) -> anyhow::Result<()> {
        let wrong = || format!("cannot record what was built in {}", state_dir.display());
        let lock = std::fs::File::create(state_dir.join("images.lock")).with_context(wrong)?;
        lock.lock().with_context(wrong)?;
        let mut recorded = Recorded::read(state_dir)?;
        recorded.images.retain(|it| (&it.repository, &it.version) != (&image.repository, &image.version));
        recorded.images.push(image.clone());
        let count = recorded.of_repository(&image.repository).count();
        if KEPT_MAX < count {
            let oldest = recorded.images.iter().position(|it| it.repository == image.repository);
            recorded.images.remove(oldest.expect("there are more than is kept"));
        }
        let text = serde_json::to_string_pretty(&recorded).expect("names and digests serialise") + "\n";
        let mut file = tempfile::NamedTempFile::new_in(state_dir).with_context(wrong)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).with_context(wrong)?;
        file.as_file().sync_all().with_context(wrong)?;
        file.persist(path(state_dir)).with_context(wrong)?;
        Ok(())
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(NAME)
}
