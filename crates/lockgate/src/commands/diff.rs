//! `diff`: where the cluster is not as the spec says.

use lockgate_engine::{Kind, Request};
use lockgate_model::{Commit, EnvironmentName, ReleaseId, Scope, Version};
use lockgate_targets::{ObjectDiff, Platform, Target as _};

use super::drive::target_of;
use crate::args::{Format, Global, ImageArg};
use crate::context::Context;
use crate::exit::Exit;
use crate::images::{Effort, images_of};
use crate::out::{Out, style};
use crate::prepare::{Asked, Freezes, Prepared, prepare};
use crate::state::State;
use crate::ui::objects;

pub async fn diff(global: &Global, environment: Option<&EnvironmentName>, out: Out) -> anyhow::Result<Exit> {
    let InPlace { environment, version, commit, images } = in_place(global, environment, out).await?;
    let asked = Asked {
        environment: Some(&environment),
        version: Some(&version),
        commit: commit.as_ref(),
        images: &images,
        effort: Effort::Look,
        freezes: Freezes::Tell,
    };
    let Prepared { state, scope, snapshot, .. } = prepare(global, &asked, out).await?;
    let target = target_of(&snapshot.system, &state.dir, &scope)?;
    let Platform::Kubernetes(cluster) = target else {
        anyhow::bail!("`diff` looks into clusters; what {scope} runs is shown by `lockgate status`");
    };
    let observed = cluster.observe().await?;
    let newest = state.store.releases(&scope, 1).await?.first().map_or(0, |it| it.id.0);
    let request = Request::new(ReleaseId(newest + 1), Kind::Deploy, snapshot);
    let plan = lockgate_driver::plan_with(&state.store, &request, &observed).await??;
    let found = cluster.drift(&plan.keep).await?;
    match out.format {
        Format::Json => out.json(&found),
        Format::Human => out.data(&human(&found)),
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::Drift })
}

/// The newest release that succeeded: its version and its images are what should run.
struct InPlace {
    environment: EnvironmentName,
    version: Version,
    commit: Option<Commit>,
    images: Vec<ImageArg>,
}

async fn in_place(
    global: &Global,
    environment: Option<&EnvironmentName>,
    out: Out,
) -> anyhow::Result<InPlace> {
    let context = Context::load(global, out)?;
    let environment = context.environment(environment)?;
    let system = context.system_without_warnings(&environment, &lockgate_spec::Facts::default())?;
    let state = State::open(global, out).await?;
    let scope = Scope { system: system.name.clone(), environment };
    let done = lockgate_driver::done_releases(&state.store, &scope).await?;
    let Some(row) = done.into_iter().next() else {
        anyhow::bail!("no release of {scope} has succeeded yet; `lockgate plan` shows what one would change");
    };
    let snapshot = state.store.snapshot(row.id).await?;
    let of_spec = images_of(&snapshot).into_iter().filter(|it| system.services.contains_key(&it.0));
    let images =
        of_spec.filter_map(|(service, image)| Some(ImageArg { service, image: image.parse().ok()? }));
    Ok(InPlace {
        environment: scope.environment,
        version: row.version,
        images: images.collect(),
        commit: snapshot.commit,
    })
}

fn human(found: &[ObjectDiff]) -> String {
    if found.is_empty() {
        return style::paint(style::GOOD, "the cluster is as the spec says");
    }
    let mut text = objects::lines(found);
    text.push(format!("\n{} differ; `lockgate deploy` makes them as the spec says", found.len()));
    text.join("\n")
}
