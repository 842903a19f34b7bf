//! `diff`: where the cluster is not as the spec says.

use lockgate_engine::{Kind, Request};
use lockgate_model::{EnvironmentName, ReleaseId};
use lockgate_targets::{ObjectDiff, Platform, Target as _};

use super::drive::target_of;
use crate::args::{Format, Global};
use crate::exit::Exit;
use crate::images::Effort;
use crate::out::{Out, style};
use crate::prepare::{Asked, Prepared, prepare};
use crate::ui::objects;

pub async fn diff(global: &Global, environment: Option<&EnvironmentName>, out: Out) -> anyhow::Result<Exit> {
    let asked = Asked { environment, version: None, images: &[], effort: Effort::Look };
    let Prepared { state, scope, snapshot } = prepare(global, &asked, out).await?;
    let target = target_of(&snapshot.system.target, &state.dir, &scope)?;
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

fn human(found: &[ObjectDiff]) -> String {
    if found.is_empty() {
        return style::paint(style::GOOD, "the cluster is as the spec says");
    }
    let mut text = objects::lines(found);
    text.push(format!("\n{} differ; `lockgate deploy` makes them as the spec says", found.len()));
    text.join("\n")
}
