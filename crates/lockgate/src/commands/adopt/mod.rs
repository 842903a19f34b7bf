//! `adopt`: takes over what others installed from the rendered files, or says why not. It looks first; only `--yes`
//! writes.

mod tell;

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use lockgate_driver::Adopting;
use lockgate_driver::store::{Holder, NewRelease, ReleaseKind};
use lockgate_engine::{Kind, Request};
use lockgate_model::{Observed, ReleaseId, Scope, ServiceName, SlotSpec, Snapshot, System, Version};
use lockgate_spec::Facts;
use lockgate_targets::{Adoption, Kubernetes, Platform, Rendered, TakeOver, Taken, Target as _};

use super::drive::target_of;
use super::render::lock;
use super::steer;
use crate::args::{AdoptArgs, Global};
use crate::context::Context;
use crate::exit::Exit;
use crate::out::Out;
use crate::prepare::NotMade;
use crate::state::{self, State};
use crate::support;

/// Of what runs when its services are of several versions, or none says which.
const NO_ONE_VERSION: &str = "adopted";

pub async fn adopt(global: &Global, args: &AdoptArgs, out: Out) -> anyhow::Result<Exit> {
    let context = Context::load(global, out)?;
    let environment = context.environment(args.environment.as_ref())?;
    let system = context.system_without_warnings(&environment, &Facts::default())?;
    support::check(&system)?;
    let scope = Scope { system: system.name.clone(), environment };
    let state = State::open_dir(&state::dir(global)?, out).await?;
    let Platform::Kubernetes(cluster) = target_of(&system, &state.dir, &scope)? else {
        bail!(
            "`adopt` takes over what is installed in a cluster; {scope} is released to `{}`",
            system.target.as_str()
        );
    };
    let ours = not_released(&state, &cluster, &scope).await?;
    let version = match &args.version {
        Some(version) => version.clone(),
        None => version(&cluster, &system).await?,
    };
    let facts = Facts { version: Some(version.clone()), ..Facts::default() };
    let system = context.system_without_warnings(&scope.environment, &facts)?;
    let rendered =
        lockgate_render::installed(&system, &version, &lock(context.folder())?).map_err(NotMade::new)?;
    let rendered: Vec<Rendered> =
        rendered.into_iter().map(|it| Rendered { service: it.service, object: it.object }).collect();
    let adoption = cluster.adoption(&rendered, ours).await?;
    let snapshot = snapshot(system, version, &adoption.taken);
    let id = match ours {
        Some(id) => id,
        None => ReleaseId(state.store.releases(&scope, 1).await?.first().map_or(0, |it| it.id.0) + 1),
    };
    if adoption.is_possible() {
        cluster.try_taking_over(&TakeOver::new(&adoption, slots(id, &snapshot)?)).await?;
    }
    tell::found(&scope, &snapshot.version, &adoption, args.yes, out);
    match (adoption.is_possible(), args.yes) {
        (false, _) => Ok(Exit::Failed),
        (true, false) => Ok(Exit::Done),
        (true, true) => Box::pin(take_over(&state, &cluster, scope, &adoption, snapshot)).await,
    }
}

/// The number of an attempt that was cut off, if there was one. What Lockgate has released is not taken over.
async fn not_released(
    state: &State,
    cluster: &Kubernetes,
    scope: &Scope,
) -> anyhow::Result<Option<ReleaseId>> {
    let ours = match state.store.next(scope).await? {
        Some(row) if row.kind == ReleaseKind::Adopt => Some(row.id),
        Some(row) => {
            bail!("{} of {scope} is under way; `lockgate watch {}` follows it", row.id, scope.environment)
        }
        None => None,
    };
    if let Some(row) = lockgate_driver::done_releases(&state.store, scope).await?.first() {
        bail!(
            "{scope} is Lockgate's already: {} ({}) is in place; `lockgate diff {}` compares it with the spec",
            row.id,
            row.version,
            scope.environment
        );
    }
    let observed = cluster.observe().await?;
    let slots = observed.services.values().flat_map(|it| it.slots.keys());
    match slots.copied().find(|it| Some(*it) != ours) {
        Some(release) => bail!(
            "{scope} has instances of {release}, which another state folder released; `--state` names that folder"
        ),
        None => Ok(ours),
    }
}

/// The one version of all services that say theirs.
async fn version(cluster: &Kubernetes, system: &System) -> anyhow::Result<Version> {
    let services: Vec<ServiceName> = system.services.keys().cloned().collect();
    let mut versions: Vec<String> = cluster.installed_versions(&services).await?.into_values().collect();
    versions.sort_unstable();
    versions.dedup();
    let one = match versions.as_slice() {
        [one] => one.parse().ok(),
        _ => None,
    };
    Ok(one.unwrap_or_else(|| Version::new(NO_ONE_VERSION).expect("it is a version")))
}

/// What a rollback to it restores: the services that run, as they run.
fn snapshot(mut system: System, version: Version, taken: &Taken) -> Snapshot {
    system.services.retain(|name, _| taken.forms.contains_key(name));
    let (forms, fixtures) = (taken.forms.clone(), taken.fixtures.clone());
    Snapshot { forms, fixtures, ..Snapshot::new(version, system) }
}

/// The slots that this release has, as the engine would plan them.
fn slots(id: ReleaseId, snapshot: &Snapshot) -> anyhow::Result<Vec<SlotSpec>> {
    let request = Request::new(id, Kind::Rollback, snapshot.clone());
    let plan = lockgate_engine::plan(&request, &Observed::default(), &BTreeMap::new())?;
    Ok(plan.keep.slots)
}

async fn take_over(
    state: &State,
    cluster: &Kubernetes,
    scope: Scope,
    adoption: &Adoption,
    snapshot: Snapshot,
) -> anyhow::Result<Exit> {
    let holder = Holder::this_process().context("cannot tell which process this is")?;
    let new = NewRelease { scope, kind: ReleaseKind::Adopt, snapshot, by: steer::who() };
    let adopting = Adopting::begin(&state.store, &holder, &new).await?;
    let taking = TakeOver::new(adoption, slots(adopting.id, &new.snapshot)?);
    let fence = adopting.fence();
    let (id, environment) = (adopting.id, &new.scope.environment);
    match adopting.during(cluster.take_over(&fence, &taking)).await? {
        Ok(()) => {
            adopting.done().await?;
            tell::done(id, &new, state.out);
            Ok(Exit::Done)
        }
        Err(error) => {
            adopting.cut_off().await?;
            let text = format!(
                "{id} is not done: what is written stays; `lockgate adopt {environment} --yes` finishes it"
            );
            state.out.warn(&text);
            Err(error.into())
        }
    }
}
