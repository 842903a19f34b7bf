//! The account at the end of the demo.

use lockgate_driver::record;
use lockgate_engine::{Action, Event, GateKind, Plan, Release, Task};
use lockgate_model::{Millis, ReleaseId, grouped};
use lockgate_sample::load::LoadReport;

use crate::args::Format;
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::state::State;
use crate::ui::{table, words};

/// One release of the demo.
pub struct Row {
    pub version: String,
    pub exit: Exit,
    pub took: Millis,
    /// From the first traffic on the new version to the word that decided.
    pub verdict: Option<Millis>,
    /// Traffic when it was asked for, and when it had ended.
    pub before: LoadReport,
    pub after: LoadReport,
}

pub fn show(rows: &[Row], total: &LoadReport, out: Out) {
    if out.format == Format::Json {
        return out.json(&json(rows, total));
    }
    let mut shown =
        table::new(["version", "outcome", "took", "verdict after", "requests", "failed by it", "lost"]);
    for row in rows {
        shown.add_row([
            row.version.clone(),
            outcome(row).to_owned(),
            words::span(row.took),
            row.verdict.map_or_else(|| "–".to_owned(), words::span),
            grouped(row.requests()),
            grouped(row.failed()),
            grouped(row.lost()),
        ]);
    }
    out.data(&format!("\n{shown}\n"));
    out.data("failed by it: the version itself answered with an error; lost: no version answered");
    let lost = format!("{} lost on the way", total.lost());
    let lost = style::paint(if total.lost() == 0 { style::GOOD } else { style::BAD }, lost);
    let p95 = total.latency.quantile(0.95).map(|it| format!(", 95 % answered within {} ms", it.as_millis()));
    out.data(&format!("{} requests sent, {lost}{}", grouped(total.requests), p95.unwrap_or_default()));
}

fn json(rows: &[Row], total: &LoadReport) -> serde_json::Value {
    let rows: Vec<_> = rows
        .iter()
        .map(|it| {
            serde_json::json!({
                "version": it.version, "outcome": outcome(it), "took_ms": it.took, "verdict_ms": it.verdict,
                "requests": it.requests(), "failed": it.failed(), "lost": it.lost(),
            })
        })
        .collect();
    serde_json::json!({"releases": rows, "requests": total.requests, "lost": total.lost()})
}

fn outcome(row: &Row) -> &'static str {
    match row.exit {
        Exit::Done => "in place",
        Exit::RolledBack => "rolled back",
        _ => "failed",
    }
}

impl Row {
    fn requests(&self) -> u64 {
        self.after.requests - self.before.requests
    }

    fn failed(&self) -> u64 {
        let failed = |it: &LoadReport| it.injected + it.http_5xx;
        failed(&self.after) - failed(&self.before)
    }

    fn lost(&self) -> u64 {
        self.after.lost() - self.before.lost()
    }
}

/// From the first look at both versions to the word that decided on the comparison; `None` for a release that
/// compared nothing.
pub async fn time_to_verdict(state: &State, id: ReleaseId) -> anyhow::Result<Option<Millis>> {
    let Some(plan) = state.store.plan::<Plan>(id).await? else { return Ok(None) };
    if plan.from.is_none() {
        return Ok(None);
    }
    let compared = |it: &&Task| matches!(&it.action, Action::Gate { gate } if gate.kind == GateKind::Step);
    let comparisons = plan.stages.iter().flat_map(|it| &it.tasks).filter(compared).count();
    let mut release = Release::new(plan);
    let entries = record::follow(&state.store, id, &mut release).await?;
    let first = entries.iter().find(|it| matches!(it.event, Event::Sampled { .. }));
    let words =
        entries.iter().filter(|it| matches!(it.event, Event::GatePassed { .. } | Event::TurnedBack { .. }));
    let verdict = words.take(comparisons).last();
    Ok(first.zip(verdict).map(|(first, verdict)| verdict.at.since(first.at)))
}
