//! `rollback`: put an earlier release back, whole.

use anyhow::bail;
use lockgate_driver::store::{NewRelease, ReleaseKind, ReleaseRow};
use lockgate_model::{Scope, Snapshot};

use super::{deploy, steer};
use crate::args::{Global, RollbackArgs};
use crate::exit::Exit;
use crate::out::Out;
use crate::state::State;
use crate::ui::live::{self, Extra};

pub async fn rollback(global: &Global, args: &RollbackArgs, out: Out) -> anyhow::Result<Exit> {
    let state = State::open(global, out).await?;
    let scope = state.scope(args.environment.as_ref()).await?;
    let to = target(&state, &scope, args.to.as_deref()).await?;
    out.note(&format!("back to {} of {}", to.version, to.id));
    let snapshot = Snapshot { despite_freeze: None, ..state.store.snapshot(to.id).await? };
    let new = NewRelease { scope: scope.clone(), kind: ReleaseKind::Rollback, snapshot, by: steer::who() };
    let id = deploy::request(&state, new).await?;
    if args.detach {
        return Ok(deploy::detached(&state, id, &scope));
    }
    live::follow(&state, id, &Extra::none()).await
}

/// The release that is meant; without a name, the newest good one that differs from what is in place.
async fn target(state: &State, scope: &Scope, named: Option<&str>) -> anyhow::Result<ReleaseRow> {
    let done = lockgate_driver::done_releases(&state.store, scope).await?;
    let Some(current) = done.first() else {
        bail!("no release of {scope} has succeeded yet, so there is nothing to go back to");
    };
    let in_place = state.store.snapshot(current.id).await?;
    let mut candidates = vec![];
    for row in &done[1..] {
        if !state.store.snapshot(row.id).await?.puts_the_same(&in_place) {
            candidates.push(row);
        }
    }
    let found = match named {
        Some(named) => {
            candidates.iter().find(|it| it.version.as_str() == named || it.id.to_string() == named)
        }
        None => candidates.first(),
    };
    match (found, named) {
        (Some(found), _) => Ok((*found).clone()),
        (None, None) => {
            bail!("{} ({}) is the only version that was ever in place", current.id, current.version)
        }
        (None, Some(named)) => {
            let known: Vec<String> =
                candidates.iter().map(|it| format!("{} ({})", it.version, it.id)).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            bail!("`{named}` cannot be gone back to; these can: {known}")
        }
    }
}
