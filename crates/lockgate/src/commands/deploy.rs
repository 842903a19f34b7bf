//! `deploy` and `watch`: ask for a release, see that somebody drives it, and follow it.

use lockgate_driver::store::{NewRelease, ReleaseKind, ReleaseRow};
use lockgate_model::{EnvironmentName, ReleaseId, Scope};

use super::{drive, steer};
use crate::args::{DeployArgs, Format, Global};
use crate::exit::Exit;
use crate::images::Effort;
use crate::out::Out;
use crate::prepare::{Asked, Freezes, Prepared, prepare};
use crate::state::State;
use crate::ui::live::{self, Extra};
use crate::ui::words;

pub async fn deploy(global: &Global, args: &DeployArgs, out: Out) -> anyhow::Result<Exit> {
    let asked = Asked {
        environment: args.environment.as_ref(),
        version: args.version.as_ref(),
        commit: None,
        images: &args.images,
        effort: Effort::Copy,
        freezes: args.despite_freeze.as_deref().map_or(Freezes::Refuse, Freezes::Despite),
    };
    let prepared = prepare(global, &asked, out).await?;
    let Prepared { state, scope, snapshot, frozen } = prepared;
    match (&args.despite_freeze, frozen) {
        (Some(_), None) => out.note(&format!("note: `{}` is not frozen now", scope.environment)),
        (Some(_), Some(frozen)) => out.note(&format!("note: `{}` is frozen {frozen}", scope.environment)),
        (None, _) => (),
    }
    let new = NewRelease { scope: scope.clone(), kind: ReleaseKind::Deploy, snapshot, by: steer::who() };
    let id = request(&state, new).await?;
    if args.detach {
        return Ok(detached(&state, id, &scope));
    }
    live::follow(&state, id, &Extra::none()).await
}

/// Queues a release and sees that a driver is at work.
pub async fn request(state: &State, new: NewRelease) -> anyhow::Result<ReleaseId> {
    let scope = new.scope.clone();
    state.refuse_half_adopted(&scope).await?;
    let running = state.store.next(&scope).await?;
    let id = state.store.request(&new, words::now()).await?;
    if let Some(ReleaseRow { id: first, version, .. }) = running {
        state.out.note(&format!("{id} is queued behind {first} ({version})"));
    }
    drive::ensure(state, &scope).await?;
    Ok(id)
}

pub fn detached(state: &State, id: ReleaseId, scope: &Scope) -> Exit {
    match state.out.format {
        Format::Human => state
            .out
            .note(&format!("{id} goes on by itself; follow it with `lockgate watch {}`", scope.environment)),
        Format::Json => state.out.json(&serde_json::json!({"release": id, "detached": true})),
    }
    Exit::Done
}

pub async fn watch(global: &Global, environment: Option<&EnvironmentName>, out: Out) -> anyhow::Result<Exit> {
    let state = State::open(global, out).await?;
    let scope = state.scope(environment).await?;
    state.refuse_half_adopted(&scope).await?;
    let Some(next) = state.store.next(&scope).await? else {
        out.note(&format!(
            "no release of {scope} runs; `lockgate history {}` lists those that did",
            scope.environment
        ));
        return Ok(Exit::Done);
    };
    drive::ensure(&state, &scope).await?;
    live::follow(&state, next.id, &Extra::none()).await
}
