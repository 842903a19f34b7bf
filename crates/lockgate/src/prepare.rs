//! From the command line and the spec to a release that can be planned or requested.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use lockgate_model::{Digest, EnvironmentName, Scope, ServiceName, Snapshot, System, Version};
use lockgate_node::{FileStore, Place};

use crate::args::Global;
use crate::context::Context;
use crate::out::Out;
use crate::secrets::{self, Secrets};
use crate::state::{self, State};
use crate::support;

/// A frozen release, and where it is to be recorded.
pub struct Prepared {
    pub state: State,
    pub scope: Scope,
    pub snapshot: Snapshot,
}

pub async fn prepare(
    global: &Global,
    environment: Option<&EnvironmentName>,
    version: Option<&Version>,
    out: Out,
) -> anyhow::Result<Prepared> {
    let context = Context::load(global, out)?;
    let environment = context.environment(environment)?;
    let version = version.cloned().unwrap_or_else(version_by_time);
    let system = context.system(&environment, Some(&version))?;
    support::check(&system)?;
    let scope = Scope { system: system.name.clone(), environment };
    let state = State::open_dir(&state::dir(global)?, out).await?;
    let snapshot = freeze(system, version, context.folder(), &state.dir)?;
    Ok(Prepared { state, scope, snapshot })
}

/// Keeps all that the release is made of, and names it by what it is.
fn freeze(system: System, version: Version, folder: &Path, state_dir: &Path) -> anyhow::Result<Snapshot> {
    let place = Place::of(state_dir)?;
    let secrets = secrets::collect(&system, folder, &place)?;
    let (files, migrations) = keep_files(&system, folder, &place)?;
    let system = without(system, &secrets);
    let Secrets { services: secrets, own: own_secrets, .. } = secrets;
    Ok(Snapshot { files, migrations, secrets, own_secrets, ..Snapshot::new(version, system) })
}

/// The files of every service and of the migrations.
fn keep_files(
    system: &System,
    folder: &Path,
    place: &Place,
) -> anyhow::Result<(BTreeMap<ServiceName, Digest>, Option<Digest>)> {
    let store = FileStore::open(&place.files())?;
    let keep = |whose: &str, path: &str| {
        store.import(&folder.join(path)).with_context(|| format!("cannot keep the files of {whose}"))
    };
    let mut files = BTreeMap::new();
    for (name, service) in &system.services {
        if let Some(path) = &service.files {
            files.insert(name.clone(), keep(&format!("service `{name}`"), path)?);
        }
    }
    let migrations = system.migrations.as_ref().and_then(|it| it.files.as_deref());
    let migrations = migrations.map(|it| keep("the migrations", it)).transpose()?;
    Ok((files, migrations))
}

/// The system without the texts that stand for values which are kept apart.
fn without(mut system: System, secrets: &Secrets) -> System {
    for (name, variables) in &secrets.services {
        if let Some(service) = system.services.get_mut(name) {
            service.env.retain(|it, _| !variables.contains_key(it));
        }
    }
    if let Some(migrations) = &mut system.migrations {
        let of_service = migrations.service.as_ref().and_then(|it| secrets.services.get(it));
        let apart = of_service.unwrap_or(&secrets.own);
        migrations.env.retain(|it, _| !apart.contains_key(it));
    }
    system
}

/// A version for a release that was given none: the time, which sorts and says what one asks first.
pub fn version_by_time() -> Version {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    Version::new(now).expect("digits and a dash")
}
