//! From the command line and the spec to a release that can be planned or requested.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use lockgate_model::{Commit, Digest, EnvironmentName, Scope, ServiceName, Snapshot, System, Version};
use lockgate_node::{FileStore, Place};
use lockgate_render::{Problem, WorkloadRequest, Workloads};
use lockgate_spec::Facts;

use crate::args::{Global, ImageArg};
use crate::commands::render::lock;
use crate::context::Context;
use crate::freeze::{self, Frozen};
use crate::images::{self, Effort, Wanted};
use crate::naming;
use crate::out::Out;
use crate::secrets::{self, Secrets};
use crate::state::{self, State};
use crate::support;
use crate::ui::words;

/// A frozen release, and where it is to be recorded.
pub struct Prepared {
    pub state: State,
    pub scope: Scope,
    pub snapshot: Snapshot,
    /// The freeze that it would be in.
    pub frozen: Option<Frozen>,
}

/// What the command line says of a release.
pub struct Asked<'a> {
    pub environment: Option<&'a EnvironmentName>,
    pub version: Option<&'a Version>,
    /// What it is made of; without it, what git says of the folder.
    pub commit: Option<&'a Commit>,
    pub images: &'a [ImageArg],
    pub effort: Effort,
    pub freezes: Freezes<'a>,
}

/// What a freeze of the environment means to a command.
#[derive(Clone, Copy)]
pub enum Freezes<'a> {
    /// Nothing is released by it.
    Tell,
    Refuse,
    /// It is gone past, for this reason.
    Despite(&'a str),
}

/// What a release would run could not be made from the spec.
#[derive(Debug, thiserror::Error)]
#[error("{}", told(.0))]
pub struct NotMade(Vec<Problem>);

impl NotMade {
    pub fn new(problems: Vec<Problem>) -> NotMade {
        NotMade(problems)
    }
}

fn told(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|it| format!("{}; {}", it.message, it.help)).collect();
    lines.join("\n")
}

pub async fn prepare(global: &Global, asked: &Asked<'_>, out: Out) -> anyhow::Result<Prepared> {
    let context = Context::load(global, out)?;
    let environment = context.environment(asked.environment)?;
    let (version, commit) = naming::name(&context, &environment, asked.version)?;
    let commit = asked.commit.cloned().or(commit);
    let facts = Facts { version: Some(version.clone()), commit: commit.clone() };
    let system = context.system(&environment, &facts)?;
    let notes = support::check(&system)?;
    let frozen = freeze::frozen(&system.rollout.freeze, words::now())?;
    if let (Freezes::Refuse, Some(frozen)) = (asked.freezes, &frozen) {
        return Err(freeze::Refused { environment, frozen: frozen.clone() }.into());
    }
    let scope = Scope { system: system.name.clone(), environment };
    let state = State::open_dir(&state::dir(global)?, out).await?;
    for note in notes {
        out.note(&note);
    }
    let snapshot = keep(&state, system, version, context.folder(), asked, commit.as_ref()).await?;
    let despite_freeze = match (asked.freezes, &frozen) {
        (Freezes::Despite(reason), Some(_)) => Some(reason.to_owned()),
        (Freezes::Despite(_) | Freezes::Refuse | Freezes::Tell, _) => None,
    };
    Ok(Prepared { state, scope, snapshot: Snapshot { despite_freeze, ..snapshot }, frozen })
}

/// Keeps all that the release is made of, and names it by what it is.
async fn keep(
    state: &State,
    system: System,
    version: Version,
    folder: &Path,
    asked: &Asked<'_>,
    commit: Option<&Commit>,
) -> anyhow::Result<Snapshot> {
    let place = Place::of(&state.dir)?;
    let secrets = secrets::collect(&system, folder, &place)?;
    let wanted = Wanted {
        system: &system,
        version: &version,
        asked: asked.version,
        commit,
        folder,
        named: asked.images,
        effort: asked.effort,
    };
    let images = images::resolve_images(state, &wanted).await?;
    let workloads = lockgate_render::workloads(&WorkloadRequest {
        system: &system,
        version: &version,
        images: &images,
        lock: &lock(folder)?,
        secrets: &secrets.services,
        dependency_secrets: &secrets.passwords,
    });
    let Workloads { forms, job_forms, fixtures } = workloads.map_err(NotMade::new)?;
    let (files, migrations) = keep_files(&system, folder, &place)?;
    let system = without(system, &secrets);
    let Secrets { services: secrets, own: own_secrets, .. } = secrets;
    let made = Snapshot { files, migrations, forms, job_forms, fixtures, ..Snapshot::new(version, system) };
    Ok(Snapshot { commit: commit.cloned(), secrets, own_secrets, ..made })
}

/// The files of every service and of the migrations; images hold theirs.
fn keep_files(
    system: &System,
    folder: &Path,
    place: &Place,
) -> anyhow::Result<(BTreeMap<ServiceName, Digest>, Option<Digest>)> {
    if system.target.runs_images() {
        return Ok((BTreeMap::new(), None));
    }
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
