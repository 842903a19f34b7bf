//! What a plan does otherwise than one might expect, in words.

use lockgate_model::{Observed, Sharing, Step, Strategy, Weight};

use super::Request;
use super::changes::{Change, Changes};
use super::stages::share;
use crate::plan::Kind;

pub(super) fn notes(request: &Request, changes: &Changes, observed: &Observed) -> Vec<String> {
    let system = &request.snapshot.system;
    let is_canary = system.rollout.strategy == Strategy::Canary && request.kind == Kind::Deploy;
    let mut notes = vec![];
    for change in changes.workers() {
        let service = &change.slot.service;
        notes.push(format!("{service} has no ports: it is replaced after the others, without a canary"));
    }
    if is_canary && !changes.new.is_empty() {
        let new: Vec<String> = changes.new.iter().map(|it| it.slot.service.to_string()).collect();
        notes.push(format!("nothing to compare with, so no canary: {}", new.join(", ")));
    }
    if is_canary {
        let routed = changes.changed.iter().filter(|it| !it.is_worker);
        notes.extend(routed.filter_map(|it| sharing(it, observed, &system.rollout.steps)));
    }
    if let Some(reason) = &request.snapshot.despite_freeze {
        notes.push(format!("released in a freeze: {reason}"));
    }
    let migrations = system.migrations.as_ref().filter(|_| request.kind == Kind::Deploy);
    if migrations.is_some_and(|it| !it.compatible) {
        notes.push("the migrations are not compatible with the old version: a rollback leaves it on a schema it may not know".to_owned());
    }
    notes
}

/// What becomes of the steps where the platform cannot split traffic as finely as they ask.
fn sharing(change: &Change, observed: &Observed, steps: &[Step]) -> Option<String> {
    let service = &change.slot.service;
    let routing = &observed.services.get(service)?.routing;
    let parts = steps.iter().map(|it| it.weight).filter(|it| *it < Weight::ALL);
    let became: Vec<String> = parts
        .filter_map(|asked| {
            let real = match routing.sharing {
                Sharing::Exact => asked,
                Sharing::Percent => whole_percent(asked),
                Sharing::Replicas => by_replicas(change, asked),
            };
            (real != asked).then(|| format!("{asked} becomes {real}"))
        })
        .collect();
    (!became.is_empty())
        .then(|| format!("{service}: {}: {}", became.join(", "), by(routing.sharing, &routing.by)))
}

fn by(sharing: Sharing, by: &str) -> String {
    match sharing {
        Sharing::Exact => by.to_owned(),
        Sharing::Percent => format!("{by} takes whole percents"),
        Sharing::Replicas => "nothing splits its traffic, so the share is that of the instances".to_owned(),
    }
}

/// Never none and never all of what is a part.
fn whole_percent(weight: Weight) -> Weight {
    const PERCENT: u16 = 100;
    let points = weight.basis_points();
    let rounded = (points + PERCENT / 2) / PERCENT * PERCENT;
    let most = Weight::ALL.basis_points() - PERCENT;
    Weight::from_basis_points(rounded.clamp(PERCENT, most)).expect("at most all")
}

fn by_replicas(change: &Change, weight: Weight) -> Weight {
    let new = u32::from(share(change.replicas, weight));
    let old = u32::from(change.old.as_ref().map_or(0, |it| it.replicas));
    let points = u32::from(Weight::ALL.basis_points()) * new / (new + old);
    Weight::from_basis_points(u16::try_from(points).expect("at most all")).expect("at most all")
}
