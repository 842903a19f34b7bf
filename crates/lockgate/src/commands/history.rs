//! `history`: what was released, and the journal of one release.

use lockgate_driver::store::{ReleaseKind, ReleaseRow, ReleaseState};
use lockgate_driver::{Ending, ending, record};
use lockgate_engine::{End, Why};

use crate::args::{Format, Global, HistoryArgs};
use crate::exit::Exit;
use crate::out::Out;
use crate::state::State;
use crate::ui::{facts, table, words};

pub async fn history(global: &Global, args: &HistoryArgs, out: Out) -> anyhow::Result<Exit> {
    let state = State::open(global, out).await?;
    if let Some(id) = args.release {
        return journal(&state, id).await;
    }
    let scope = state.scope(args.environment.as_ref()).await?;
    let rows = state.store.releases(&scope, args.limit).await?;
    if out.format == Format::Json {
        out.json(&rows);
        return Ok(Exit::Done);
    }
    let mut shown = table::new(["release", "version", "kind", "requested", "by", "took", "outcome"]);
    for row in &rows {
        shown.add_row([
            row.id.to_string(),
            row.version.to_string(),
            kind(row).to_owned(),
            words::date(row.requested_at),
            row.requested_by.clone(),
            row.ended_at.map_or_else(String::new, |it| words::span(it.since(row.requested_at))),
            outcome(row),
        ]);
    }
    out.data(&shown.to_string());
    Ok(Exit::Done)
}

async fn journal(state: &State, id: lockgate_model::ReleaseId) -> anyhow::Result<Exit> {
    let plan = state.store.plan::<lockgate_engine::Plan>(id).await?;
    let Some(plan) = plan else {
        if state.store.release(id).await?.kind == ReleaseKind::Adopt {
            state
                .out
                .note(&format!("{id} has no journal: it is what others had installed, taken over as it was"));
            return Ok(Exit::Done);
        }
        state.out.note(&format!("{id} has no journal: it was never begun"));
        return Ok(Exit::Done);
    };
    let reason = state.store.snapshot(id).await?.despite_freeze;
    if let (Format::Human, Some(reason)) = (state.out.format, reason) {
        state.out.data(&format!("released in a freeze: {reason}"));
    }
    let mut release = lockgate_engine::Release::new(plan);
    let entries = record::follow(&state.store, id, &mut release).await?;
    for entry in &entries {
        match state.out.format {
            Format::Json => state.out.json_line(&entry),
            Format::Human => {
                if let Some(text) = facts::tell(&release, entry) {
                    state.out.data(&format!("{}  {text}", words::clock(entry.at)));
                }
            }
        }
    }
    Ok(Exit::Done)
}

fn kind(row: &ReleaseRow) -> &'static str {
    match row.kind {
        ReleaseKind::Deploy => "deploy",
        ReleaseKind::Rollback => "rollback",
        ReleaseKind::Adopt => "adopt",
    }
}

/// How a release ended or where it stands, in one line.
pub fn outcome(row: &ReleaseRow) -> String {
    match (row.state, ending(row)) {
        (ReleaseState::Queued, _) => "queued".to_owned(),
        (ReleaseState::Running, _) => "running".to_owned(),
        (ReleaseState::Superseded, _) => "superseded by a newer request".to_owned(),
        (ReleaseState::Ended, Some(ending)) => first_line(&of_ending(&ending)),
        (ReleaseState::Ended, None) => "ended, and its record does not read".to_owned(),
    }
}

pub fn of_ending(ending: &Ending) -> String {
    match ending {
        Ending::Engine(End::Done { leftovers }) if leftovers.is_empty() => "done".to_owned(),
        Ending::Engine(End::Done { leftovers }) => format!("done, but left over: {}", leftovers.join("; ")),
        Ending::Engine(End::RolledBack { why }) => format!("rolled back: {}", of_why(why)),
        Ending::Engine(End::Cancelled { why }) => format!("cancelled: {}", of_why(why)),
        Ending::Engine(End::Stuck { what, why }) => {
            format!("stuck between versions: could not {what}: {why}")
        }
        Ending::NotPlanned { why } => format!("not begun: {why}"),
        Ending::Quarantined { why } => format!("left alone: {why}"),
    }
}

pub fn of_why(why: &Why) -> String {
    match why {
        Why::Aborted { by, reason } => format!("{by} aborted it: {reason}"),
        Why::TaskFailed { what, why } => format!("`{what}` failed: {why}"),
        Why::Judged { reasons } => reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Why::Undecided { why } => why.clone(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
