//! Shares of traffic, approvals and what they can be.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, SourceId, Span};

use super::Context;
use crate::fact::{Attribute, Value};
use crate::kind::Kind;
use crate::listing::has_extension;
use crate::markdown::{Document, Prose};
use crate::quantity;
use crate::tree::Tree;

/// A share of traffic that this number of instances cannot have without a router that splits by weight.
pub(crate) fn out_of_reach(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (_, tree) in context.facts.trees(Kind::Kubernetes) {
        if tree.str("kind") == Some("Rollout") {
            rollout(context, tree, report);
        }
    }
    for document in &context.facts.documents {
        in_phases(context, document, report);
    }
}

fn rollout(context: &Context<'_>, tree: Tree<'_>, report: &mut Vec<Diagnostic>) {
    let Some(canary) = tree.at(&["spec", "strategy", "canary"]) else { return };
    if canary.has("trafficRouting") {
        return;
    }
    let own = tree.at(&["spec", "replicas"]).and_then(Tree::word);
    let own = own.and_then(|it| Some((it.text.parse().ok()?, it.span)));
    let Some((count, replicas)) = own.or_else(|| production_replicas(context, tree.span().source)) else {
        return;
    };
    let weights = canary.get("steps").into_iter().flat_map(Tree::items).filter_map(|it| it.get("setWeight"));
    for weight in weights {
        let Some(percent) = weight.text().and_then(|it| it.parse::<u64>().ok()) else { continue };
        if percent == 0 || 100 <= percent || count == 0 {
            continue;
        }
        let real = nearest_share(percent, count);
        if real.abs_diff(percent) <= TOLERANCE {
            continue;
        }
        report.push(unreachable(percent, real, count, weight.span(), replicas));
        return;
    }
}

/// Points of a percentage that nobody minds.
const TOLERANCE: u64 = 5;

/// With one instance at least, in percent.
fn nearest_share(percent: u64, count: u64) -> u64 {
    let instances = ((percent * count + 50) / 100).max(1);
    instances * 100 / count
}

fn unreachable(percent: u64, real: u64, count: u64, weight: Span, replicas: Span) -> Diagnostic {
    let needed = 100_u64.div_ceil(percent);
    Diagnostic::error(
        codes::WEIGHT_OUT_OF_REACH,
        format!("{percent} % of the traffic cannot be had with {count} instances"),
    )
    .label(weight, format!("gets {real} %: the share of instances is the share of traffic"))
    .label(replicas, format!("{count} instances"))
    .help(format!("split traffic by weight in a router, or run at least {needed} instances"))
}

/// The number of instances in production, as a document states it.
fn production_replicas(context: &Context<'_>, source: SourceId) -> Option<(u64, Span)> {
    let mut stated = context.facts.of(Attribute::Replicas).filter(|it| it.span.source == source);
    let fact = stated.find(|it| it.subject.starts_with("prod"))?;
    match fact.value {
        Value::Number(count) => Some((count, fact.span)),
        Value::Limit(_) | Value::Text(_) => None,
    }
}

/// A table of phases: `Canary (5%)` with `Deploy 1 replica`.
fn in_phases(context: &Context<'_>, document: &Document, report: &mut Vec<Diagnostic>) {
    const ROUTERS: [&str; 7] =
        ["istio", "linkerd", "mesh", "flagger", "argo rollouts", "weighted", "traefik"];
    let says = |words: &[&str]| {
        document.prose.iter().any(|it| {
            let text = it.text().to_lowercase();
            words.iter().any(|word| text.contains(word))
        })
    };
    if says(&ROUTERS) {
        return;
    }
    let Some((stable_count, stable)) = production_replicas(context, document.source) else { return };
    for row in document.tables.iter().flat_map(|it| &it.rows) {
        let share = row.iter().find_map(|it| share_of_canary(it.text()).map(|share| (share, it.span())));
        let canary = row.iter().find_map(|it| deployed(it.text()).map(|count| (count, it.span())));
        let (Some((percent, place)), Some((count, _))) = (share, canary) else { continue };
        let all = stable_count + count;
        let real = count * 100 / all;
        if real.abs_diff(percent) <= TOLERANCE {
            continue;
        }
        let needed = (count * 100).div_ceil(percent).saturating_sub(count);
        report.push(
            Diagnostic::error(
                codes::WEIGHT_OUT_OF_REACH,
                format!("{percent} % of the traffic cannot be had with {count} of {all} instances"),
            )
            .label(place, format!("gets {real} %: the share of instances is the share of traffic"))
            .label(stable, format!("{stable_count} instances of the old version"))
            .help(format!(
                "split traffic by weight in a router, or run {needed} instances of the old version"
            )),
        );
    }
}

/// The share in `Canary Deployment (5%)`.
fn share_of_canary(text: &str) -> Option<u64> {
    let text = text.to_lowercase();
    let (_, rest) = text.split_once('(').filter(|it| it.0.contains("canary"))?;
    let (number, _) = rest.split_once('%')?;
    number.trim().parse().ok().filter(|it| (1..100).contains(it))
}

/// The number in `Deploy 1 replica`.
fn deployed(text: &str) -> Option<u64> {
    let text = text.to_lowercase();
    let rest = text.split_once("deploy ")?.1;
    let (quantity, used) = quantity::leading(rest)?;
    let whole: u64 = rest[..used].trim().parse().ok()?;
    let is_instances = ["replica", "pod", "instance"].iter().any(|it| rest[used..].trim().starts_with(it));
    (is_instances && quantity.unit == quantity::Unit::Count).then_some(whole)
}

/// An environment as a document describes GitHub's protection of it.
struct Protected<'a> {
    /// `staging`, in lower case.
    name: String,
    reviewers: Option<(u64, &'a Prose)>,
    branches: Option<&'a Prose>,
}

fn protected(document: &Document) -> Vec<Protected<'_>> {
    let mut found = vec![];
    for list in &document.lists {
        let item = |label: &str| document.items(list).find(|it| it.text().to_lowercase().starts_with(label));
        let reviewers = item("required reviewers").and_then(|it| {
            let rest = it.text().split_once(':')?.1.trim();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            Some((rest[..digits].parse().ok()?, it))
        });
        let first = list.items.first().and_then(|it| document.prose[*it].section);
        let Some(heading) = first.map(|it| document.prose[it].text().to_lowercase()) else { continue };
        let Some(name) = heading.strip_suffix("environment").map(str::trim) else { continue };
        let branches = item("deployment branches");
        if reviewers.is_some() || branches.is_some() {
            found.push(Protected { name: name.to_owned(), reviewers, branches });
        }
    }
    found
}

fn is_about_github(document: &Document) -> bool {
    document.prose.iter().any(|it| it.text().contains("GitHub"))
}

pub(crate) fn one_approval(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in context.facts.documents.iter().filter(|it| is_about_github(it)) {
        for environment in protected(document) {
            let Some((count, place)) = environment.reviewers.filter(|it| 1 < it.0) else { continue };
            let message = format!("GitHub does not wait for {count} approvals of `{}`", environment.name);
            report.push(
                Diagnostic::warning(codes::ONE_APPROVAL, message)
                    .label(place.span(), "one of the reviewers is enough")
                    .help("count approvals in a deployment protection rule of your own, or ask for one"),
            );
        }
    }
}

pub(crate) fn automatic_and_gated(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in context.facts.documents.iter().filter(|it| is_about_github(it)) {
        for environment in protected(document) {
            let Some((_, gate)) = environment.reviewers.filter(|it| 0 < it.0) else { continue };
            let says = |it: &&Prose| {
                let text = it.text().to_lowercase();
                let auto = text.starts_with("auto-deploy") || text.starts_with("automatically deploy");
                let heading = document.path(it.section);
                let named = |text: &str| text.to_lowercase().contains(&environment.name);
                auto && (named(it.text()) || heading.last().is_some_and(|it| named(it.text())))
            };
            let Some(auto) = document.prose.iter().find(says) else { continue };
            let message =
                format!("`{}` is deployed automatically and waits for an approval", environment.name);
            report.push(
                Diagnostic::warning(codes::AUTOMATIC_AND_GATED, message)
                    .label(auto.span(), "automatic")
                    .label(gate.span(), "waits for a person")
                    .help("say who approves and where, or take the approval away"),
            );
        }
    }
}

/// Tags only, and a workflow that always runs on the default branch.
pub(crate) fn ref_never_matches(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in context.facts.documents.iter().filter(|it| is_about_github(it)) {
        let trigger = document.prose.iter().find(|it| {
            let text = it.text().to_lowercase();
            text.contains("successful completion of")
                && it.codes.iter().any(|it| has_extension(&it.text, "yml"))
        });
        let Some(trigger) = trigger else { continue };
        for environment in protected(document) {
            let Some(branches) = environment.branches else { continue };
            let text = branches.text().to_lowercase();
            if !(text.contains("tags matching") && text.contains("only")) {
                continue;
            }
            let message = format!("no deployment to `{}` can pass its own protection rule", environment.name);
            report.push(
                Diagnostic::error(codes::REF_NEVER_MATCHES, message)
                    .label(branches.span(), "only tags may deploy")
                    .label(trigger.span(), "a `workflow_run` always runs for the default branch")
                    .help("deploy in the workflow that the tag starts, or call the workflow from it"),
            );
        }
    }
}
