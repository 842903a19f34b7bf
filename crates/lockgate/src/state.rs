//! The state folder of a command that needs no spec: whatever becomes of the spec, a release can be steered.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lockgate_driver::store::{ReleaseKind, Store};
use lockgate_model::{EnvironmentName, Scope};
use lockgate_node::Place;

use crate::args::Global;
use crate::context::find_spec;
use crate::out::Out;

const STATE_NAME: &str = ".lockgate";

pub struct State {
    pub out: Out,
    pub dir: PathBuf,
    pub store: Store,
}

impl State {
    /// Opens the state folder that the command line names or that stands beside the spec.
    pub async fn open(global: &Global, out: Out) -> anyhow::Result<State> {
        State::open_dir(&dir(global)?, out).await
    }

    /// Opens a state folder, and makes it when it is not there.
    pub async fn open_dir(dir: &Path, out: Out) -> anyhow::Result<State> {
        // The place makes the folder private to its user, whoever comes first.
        let dir = Place::of(dir)?.state_dir().to_owned();
        let ignore = dir.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n").with_context(|| format!("cannot write {}", ignore.display()))?;
        }
        let store = Store::open(&dir.join("state.db")).await?;
        Ok(State { out, dir, store })
    }

    /// Refuses what cannot be done while something is half taken over.
    pub async fn refuse_half_adopted(&self, scope: &Scope) -> anyhow::Result<()> {
        match self.store.next(scope).await? {
            Some(row) if row.kind == ReleaseKind::Adopt => bail!(
                "{} takes over what is installed, and is not done; `lockgate adopt {} --yes` finishes it",
                row.id,
                scope.environment
            ),
            Some(_) | None => Ok(()),
        }
    }

    /// The system and environment that are meant: the one named, or the only one with releases.
    pub async fn scope(&self, named: Option<&EnvironmentName>) -> anyhow::Result<Scope> {
        let mut scopes = self.store.scopes().await?;
        let all: Vec<String> = scopes.iter().map(|it| format!("`{}`", it.environment)).collect();
        if let Some(named) = named {
            scopes.retain(|it| it.environment == *named);
        }
        match (scopes.len(), named) {
            (1, _) => Ok(scopes.remove(0)),
            (0, Some(named)) if !all.is_empty() => {
                bail!("nothing was ever released to `{named}`; there are releases in {}", all.join(", "))
            }
            (0, _) => bail!("nothing was ever released from here; `lockgate deploy` does it"),
            _ => bail!("say which environment: {}", all.join(", ")),
        }
    }
}

/// Where the state is, whether or not anything is there yet.
pub fn dir(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(dir) = &global.state {
        return Ok(dir.clone());
    }
    let spec = find_spec(global.file.as_deref())?;
    Ok(spec.parent().unwrap_or(Path::new(".")).join(STATE_NAME))
}
