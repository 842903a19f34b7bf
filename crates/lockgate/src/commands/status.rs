//! `status`: what is true now, and what is being waited for.

use lockgate_driver::record;
use lockgate_driver::store::{ReleaseRow, ReleaseState};
use lockgate_engine::Status;
use lockgate_model::{EnvironmentName, Scope};
use lockgate_node::{NodeClient, SlotStatus};
use serde::Serialize;

use super::{drive, history};
use crate::args::{Format, Global};
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::state::State;
use crate::ui::block::Line;
use crate::ui::picture::picture;
use crate::ui::rates::Rates;
use crate::ui::{table, words};

/// A page has room for every stage.
const PAGE: (u16, u16) = (120, u16::MAX);
/// Releases that are looked at for the last one and for those that wait.
const ROWS_MAX: u32 = 50;

#[derive(Serialize)]
struct Report {
    scope: Scope,
    /// The release that runs or is next.
    release: Option<ReleaseRow>,
    status: Option<Status>,
    /// Whether a driver is at work on it.
    driven: bool,
    queued: Vec<ReleaseRow>,
    last: Option<ReleaseRow>,
    slots: Vec<SlotStatus>,
    node: bool,
}

pub async fn status(
    global: &Global,
    environment: Option<&EnvironmentName>,
    out: Out,
) -> anyhow::Result<Exit> {
    let state = State::open(global, out).await?;
    let scope = state.scope(environment).await?;
    let next = state.store.next(&scope).await?;
    let release = match &next {
        Some(row) => record::load(&state.store, row.id).await?,
        None => None,
    };
    let rows = state.store.releases(&scope, ROWS_MAX).await?;
    let node = NodeClient::connect(&state.dir).await.ok();
    let slots = match &node {
        Some(node) => node.status().await?.slots.into_iter().filter(|it| it.scope == scope).collect(),
        None => vec![],
    };
    let report = Report {
        status: release.as_ref().map(|it| it.status(words::now())),
        driven: drive::is_driven(&state.store, &scope).await?,
        queued: rows.iter().filter(|it| it.state == ReleaseState::Queued).cloned().collect(),
        last: rows.iter().find(|it| it.state == ReleaseState::Ended).cloned(),
        release: next,
        node: node.is_some(),
        scope,
        slots,
    };
    match out.format {
        Format::Json => out.json(&report),
        Format::Human => human(&report, release.as_ref().map(lockgate_engine::Release::plan), out),
    }
    Ok(Exit::Done)
}

fn human(report: &Report, plan: Option<&lockgate_engine::Plan>, out: Out) {
    out.data(&style::paint(style::STRONG, &report.scope));
    match (&report.release, &report.status, plan) {
        (Some(_), Some(status), Some(plan)) => {
            let lines = picture(plan, status, &Rates::default(), words::now()).lines(PAGE);
            out.data(&lines.iter().map(Line::text).collect::<Vec<_>>().join("\n"));
        }
        (Some(row), _, _) => out.data(&format!("{} {} waits for its turn", row.id, row.version)),
        (None, _, _) => match &report.last {
            Some(last) => {
                let when = last.ended_at.map(words::date).unwrap_or_default();
                out.data(&format!(
                    "last release: {} {} ({when}): {}",
                    last.id,
                    last.version,
                    history::outcome(last)
                ));
            }
            None => out.data("no release has ended yet"),
        },
    }
    if let (Some(row), false) = (&report.release, report.driven) {
        let environment = &row.scope.environment;
        let text = format!("nobody drives {}: `lockgate watch {environment}` makes it go on", row.id);
        out.data(&style::paint(style::WARN, text));
    }
    for row in &report.queued {
        if report.release.as_ref().is_none_or(|it| it.id != row.id) {
            out.data(&format!("queued: {} {} by {}", row.id, row.version, row.requested_by));
        }
    }
    if !report.node {
        out.data(
            "\nno node runs here, so nothing of this environment can be reached: `lockgate node run` serves what is in place",
        );
        return;
    }
    let mut rows = table::new(["service", "version", "release", "weight", "ready", "crashes", "listens on"]);
    for slot in &report.slots {
        let weight = if slot.listens.is_empty() { "–".to_owned() } else { slot.weight.to_string() };
        let version = slot.version.to_string();
        rows.add_row([
            slot.slot.service.to_string(),
            version,
            slot.slot.release.to_string(),
            weight,
            format!("{}/{}", slot.ready, slot.wanted),
            slot.crashes.to_string(),
            slot.listens.join(" "),
        ]);
    }
    out.data(&format!("\n{rows}"));
}
