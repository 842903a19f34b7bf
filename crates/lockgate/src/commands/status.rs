//! `status`: what is true now, and what is being waited for.

use lockgate_driver::record;
use lockgate_driver::store::{ReleaseKind, ReleaseRow, ReleaseState};
use lockgate_engine::Status;
use lockgate_model::{EnvironmentName, Scope};
use serde::Serialize;

use super::{drive, history};
use crate::args::{Format, Global};
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::running::{Running, SlotLine};
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
    slots: Vec<SlotLine>,
    /// Whether whoever supervises them is there.
    node: bool,
    /// Why it cannot be said what runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<String>,
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
    let running = Running::of(&state, &scope).await?;
    // Releases are told of whether or not the platform answers.
    let (slots, unseen) = match running.slots().await {
        Ok(slots) => (slots, None),
        Err(error) => (vec![], Some(format!("{error:#}"))),
    };
    let report = Report {
        status: release.as_ref().map(|it| it.status(words::now())),
        driven: drive::is_driven(&state.store, &scope).await?,
        queued: rows.iter().filter(|it| it.state == ReleaseState::Queued).cloned().collect(),
        last: rows.iter().find(|it| it.state == ReleaseState::Ended).cloned(),
        release: next,
        node: !matches!(running, Running::NoNode),
        unseen,
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
        (Some(row), _, _) if row.kind == ReleaseKind::Adopt => out.data(&style::paint(
            style::WARN,
            format!(
                "{} {} is being taken over; if nobody does, `lockgate adopt {} --yes` finishes it",
                row.id, row.version, row.scope.environment
            ),
        )),
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
    let planned = report.release.as_ref().filter(|it| it.kind != ReleaseKind::Adopt);
    if let (Some(row), false) = (planned, report.driven) {
        let environment = &row.scope.environment;
        let text = format!("nobody drives {}: `lockgate watch {environment}` makes it go on", row.id);
        out.data(&style::paint(style::WARN, text));
    }
    for row in &report.queued {
        if report.release.as_ref().is_none_or(|it| it.id != row.id) {
            out.data(&format!("queued: {} {} by {}", row.id, row.version, row.requested_by));
        }
    }
    match &report.unseen {
        Some(why) => out.data(&format!("\n{} {why}", style::paint(style::WARN, "what runs cannot be seen:"))),
        None if !report.node => out.data(
            "\nno node runs here, so nothing of this environment can be reached: `lockgate node run` serves what is in place",
        ),
        None => out.data(&format!("\n{}", slots(&report.slots))),
    }
}

/// A row for each slot; instances are listed where not all are ready.
fn slots(slots: &[SlotLine]) -> String {
    let mut rows = table::new(["service", "version", "release", "weight", "ready", "crashes", "reached by"]);
    for slot in slots {
        let none = || "–".to_owned();
        rows.add_row([
            slot.slot.service.to_string(),
            slot.version.to_string(),
            slot.slot.release.to_string(),
            if slot.listens.is_empty() { none() } else { slot.weight.to_string() },
            format!("{}/{}", slot.ready, slot.wanted),
            slot.crashes.map_or_else(none, |it| it.to_string()),
            slot.listens.join(" "),
        ]);
    }
    let lacking = slots.iter().filter(|it| it.ready < it.wanted);
    let lines = lacking.flat_map(|slot| slot.instances.iter().map(|it| format!("\n{}: {it}", slot.slot)));
    format!("{rows}{}", lines.collect::<String>())
}
