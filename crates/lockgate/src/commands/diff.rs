//! `diff`: where the cluster is not as the spec says.

use lockgate_engine::{Kind, Request};
use lockgate_model::{EnvironmentName, ReleaseId};
use lockgate_targets::{Change, FieldDiff, ObjectDiff, Platform, Target as _};
use serde_json::Value;

use super::drive::target_of;
use crate::args::{Format, Global};
use crate::exit::Exit;
use crate::images::Effort;
use crate::out::{Out, style};
use crate::prepare::{Asked, Prepared, prepare};

/// A value of a field is shown up to this many characters; whole objects are found in the cluster.
const SHOWN_LEN: usize = 160;

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
    let mut text = vec![];
    for it in found {
        let name = style::paint(style::STRONG, format!("{} {}", it.kind, it.name));
        text.push(match &it.change {
            Change::Missing => format!("{name}  {}", style::paint(style::BAD, "is missing")),
            Change::Unwanted => format!("{name}  {}", style::paint(style::WARN, "is wanted by nobody")),
            Change::Fields(fields) => format!("{name}\n{}", lines(fields)),
        });
    }
    text.push(format!("\n{} differ; `lockgate deploy` makes them as the spec says", found.len()));
    text.join("\n")
}

fn lines(fields: &[FieldDiff]) -> String {
    let mut lines = vec![];
    for field in fields {
        let by = field.by.as_ref().map(|it| style::paint(style::DIM, format!("  (written by {it})")));
        if let Some(live) = &field.live {
            let line = style::paint(style::BAD, format!("  - {}: {}", field.path, shown(live)));
            lines.push(format!("{line}{}", by.unwrap_or_default()));
        }
        if let Some(wanted) = &field.wanted {
            lines.push(style::paint(style::GOOD, format!("  + {}: {}", field.path, shown(wanted))));
        }
    }
    lines.join("\n")
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= SHOWN_LEN {
        return text;
    }
    text.chars().take(SHOWN_LEN).chain("...".chars()).collect()
}
